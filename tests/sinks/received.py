# SPDX-License-Identifier: Apache-2.0
"""What receivers understood: received.py rsyslog|journald FILE.  The alerts are those of send.c."""
import json
import sys

PATHS = [b"/usr/bin/tool", b"/etc/\"quoted\" ]bracket[ back\\slash = [x@1 y=\"z\"]",
         b"/etc/a\nb\x1b]0;title\x07\r\t", "/etc/éあ/".encode() + b"\xff\xfe\xe9"]


def escape(path):
    """As a person reads it: printable UTF-8 as it is, all else \\xHH."""
    out = ""
    for char in path.decode("utf-8", "surrogateescape"):
        if char == "\\" or not char.isprintable():
            out += "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
        else:
            out += char
    return out


def rsyslog(line):
    got = json.loads(line)
    data = got["sd"]["ecsfim@32473"]
    return {"path": data["path"], "exe": data["actor_exe"], "text": got["msg"].strip(), "app": got["app"], "id": got["msgid"],
            "priority": got["pri"], "members": sorted(data)}


def journald(line):
    got = json.loads(line)
    path = got["ECS_FIM_PATH"]
    path = bytes(path) if isinstance(path, list) else path.encode()
    record = got["ECS_FIM_RECORD"]
    assert json.loads(record)["type"] == "finding"
    return {"path": escape(path), "raw": path, "exe": got["ECS_FIM_ACTOR_EXE"], "text": got["MESSAGE"], "app": got["SYSLOG_IDENTIFIER"],
            "id": got["ECS_FIM_TYPE"], "priority": "83" if got["PRIORITY"] == "3" and got["SYSLOG_FACILITY"] == "10" else "?",
            "members": ["actor_exe", "container", "op", "path", "severity"]}


def main():
    read = {"rsyslog": rsyslog, "journald": journald}[sys.argv[1]]
    seen = [read(line) for line in open(sys.argv[2], encoding="utf-8") if "modified" in line]
    good = len(seen) == len(PATHS)
    for path, got in zip(PATHS, seen):
        want = {"path": escape(path), "exe": "/usr/bin/vi", "text": f"modified {escape(path)} severity=high", "app": "ecs-fimd",
                "id": "finding", "priority": "83", "members": ["actor_exe", "container", "op", "path", "severity"]}
        if got.pop("raw", path) != path or got != want:
            print(f"# {got}\n# {want}")
            good = False
    if not good:
        print(f"# {len(seen)} of {len(PATHS)} came")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
