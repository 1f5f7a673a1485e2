# SPDX-License-Identifier: Apache-2.0
"""usage: packer_order.py TEMPLATE

The baseline is the last change of an image: after the provisioner that takes it only the
digest goes out, is signed on the builder, and the signature comes in, outside of what the
baseline covers. Packer keeps the order of provisioners. Prints what breaks it.
"""
import re
import sys

text = re.sub(r"^\s*#.*$", "", open(sys.argv[1]).read(), flags=re.M)
SEAL = re.compile(r"sudo /usr/libexec/ecs-fim/provision\.sh seal [^ ;&|]+"
                  r" \| sudo tee (/var/lib/ecs-fim|/run)/[\w-]+ >/dev/null")
# Copies within what no policy covers.
COPY = re.compile(r"sudo install -m 0644 /var/lib/ecs-fim/[\w-]+ /run/[\w-]+")
ATTACH = re.compile(r"sudo /usr/libexec/ecs-fim/provision\.sh attach /run/[\w/.-]+")


def blocks():
    """Kind and body of each provisioner, in their order."""
    for start in re.finditer(r'provisioner\s+"([\w-]+)"\s*\{', text):
        depth, end = 1, start.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield start.group(1), text[start.end():end - 1]


def value(body, key):
    found = re.search(rf'\b{key}\s*=\s*"((?:[^"\\]|\\.)*)"', body)
    return found.group(1) if found else ""


def commands(body):
    found = re.search(r"\binline\s*=\s*\[(.*)\]", body, re.S)
    return re.findall(r'"((?:[^"\\]|\\.)*)"', found.group(1)) if found else []


def allowed_after(kind, body):
    if kind == "shell-local":  # on the builder
        return True
    if kind == "file":
        return value(body, "direction") == "download" or value(body, "destination").startswith("/run/")
    extra = re.search(r"\b(script|scripts|environment_vars|execute_command)\s*=", body)
    return kind == "shell" and not extra and len(commands(body)) == 1 and ATTACH.fullmatch(commands(body)[0])


wrong, sealed, attached = [], 0, 0
for kind, body in blocks():
    if "provision.sh seal" in body:
        sealed += 1
        first, *rest = commands(body)
        if kind != "shell" or not SEAL.fullmatch(first) or not all(map(COPY.fullmatch, rest)):
            wrong.append("the provisioner of the baseline does something else, too:" + body)
    elif sealed and not allowed_after(kind, body):
        wrong.append(f"after the baseline: {kind}:{body}")
    if "provision.sh attach" in body:
        attached += 1
        if not sealed:
            wrong.append("a signature before the baseline:" + body)
if sealed != 1 or attached != 1:
    wrong.append(f"baselines: {sealed}, signatures: {attached}; wanted one of each")
print("\n".join(wrong))
sys.exit(bool(wrong))
