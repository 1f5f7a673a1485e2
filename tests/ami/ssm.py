# SPDX-License-Identifier: Apache-2.0
"""usage: ssm.py check DOCUMENT...
       ssm.py script DOCUMENT [NAME=VALUE]...

check: documents of schema 2.2 whose parameters cannot become a command: each has an
allowedPattern for its whole value, which takes its default and refuses what a shell would
read as more than one word. Prints what is wrong.

script: prints the shell script that the agent would run, with parameters put in as it
does, as text; refuses (status 3) a value that its allowedPattern does not take.
"""
import re
import sys

import yaml

HOSTILE = ["; rm -rf /", "x; rm -rf /", "$(reboot)", "`reboot`", "a b", "a|b", "a&b", "a>b", "a\nreboot", "'", '"',
           "\\", "*", "{{ x }}", "-o/etc/passwd", "--key=x", "../../etc/shadow", ""]


def takes(parameter, value):
    """Of the whole value: the agent's pattern is not anchored by itself."""
    return bool(re.search(parameter["allowedPattern"].replace("$", r"\Z"), value))


def script(document):
    return "\n".join(line for step in document["mainSteps"] for line in step["inputs"]["runCommand"])


def check(path):
    document = yaml.safe_load(open(path))
    parameters = document.get("parameters", {})
    if document.get("schemaVersion") != "2.2":
        yield "the schema is not 2.2"
    for step in document["mainSteps"]:
        if step["action"] != "aws:runShellScript" or not step["inputs"]["runCommand"]:
            yield f"step {step['name']} runs nothing"
    for name in re.findall(r"\{\{\s*([\w:]+)\s*\}\}", script(document)):
        if name not in parameters:
            yield f"{name} is no parameter"
    for name, parameter in parameters.items():
        pattern = parameter.get("allowedPattern", "")
        if not (pattern.startswith("^") and pattern.endswith("$")):
            yield f"{name}: its pattern is not for the whole value"
            continue
        if "default" in parameter and not takes(parameter, parameter["default"]):
            yield f"{name}: its default is refused"
        # By itself, and behind what is good.
        for value in HOSTILE + [parameter.get("default", "") + hostile for hostile in HOSTILE if hostile]:
            if takes(parameter, value):
                yield f"{name} takes {value!r}"


def main():
    if sys.argv[1] == "check":
        wrong = [f"{path}: {what}" for path in sys.argv[2:] for what in check(path)]
        print("\n".join(wrong))
        return bool(wrong)
    document = yaml.safe_load(open(sys.argv[2]))
    given = dict(argument.split("=", 1) for argument in sys.argv[3:])
    text = script(document)
    for name, parameter in document.get("parameters", {}).items():
        value = given.pop(name, parameter.get("default", ""))
        if not takes(parameter, value):
            print(f"{name}: {value!r} is not allowed", file=sys.stderr)
            return 3
        text = re.sub(r"\{\{\s*" + name + r"\s*\}\}", lambda _, value=value: value, text)
    if given:
        print(f"no parameter {', '.join(given)}", file=sys.stderr)
        return 2
    print(text)
    return 0


sys.exit(main())
