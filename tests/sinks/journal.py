# SPDX-License-Identifier: Apache-2.0
"""A journal of what is rare or hostile: journal.py FILE [COUNT].  With COUNT: that many alerts."""
import hashlib
import json
import sys

ACTOR = {"pid": 7, "tid": 8, "ppid": 1, "uid": 0, "euid": 0, "user": "root", "loginuid": 1001,
         "login_user": "mkeller", "sessionid": 31, "comm": "a\n\x1b[31m", "parent_comm": "sh",
         "exe": "/usr/bin/\u202etxt", "args": ["sh", "-c", "x" * 9000, "\"]\\"]}
CONTAINER = {"id": "c1" * 32, "name": "web\u202e", "image": "nginx:1", "image_id": "sha256:" + "ab" * 32,
             "task_arn": "arn:aws:ecs:eu-central-1:123456789012:task/prod/9f", "cluster": "prod", "family": "web",
             "account": "123456789012", "region": "eu-central-1", "privileged": True, "flagged": True,
             "flags": [{"id": "privileged", "severity": "critical", "evidence": "x", "cis": "5.5"}] * 40}
FILE = {"type": "file", "mode": "0755", "uid": 0, "gid": 0, "size": 10, "sha256": "a8" * 32}
NONE = {"type": "none"}


def finding(**members):
    return {"type": "finding", "kind": "modified", "severity": "high", "path": "/usr/bin/x", "scope": "host",
            "detected_by": "event", "event_time": "2026-11-06T11:17:59.123456789Z", "changed": ["sha256"],
            "before": FILE, "after": FILE, "actor": ACTOR, "container": None} | members


RECORDS = [
    {"type": "control", "component": "daemon", "state": "up", "cause": "started", "version": "0.1.0",
     "detail": {"hostname": "ip-10-0-3-17", "instance_id": "i-0a1b2c3d4e5f60718", "kernel": "6.1.141"}},
    {"type": "container", "trigger": "start", "container": CONTAINER},
    finding(), finding(kind="added", before=NONE), finding(kind="removed", after=NONE),
    finding(kind="moved", old_path="/usr/bin/y"), finding(kind="attributes", changed=["mode", "xattrs"]),
    finding(kind="restored", severity="info"), finding(kind="transient", before=NONE, after=NONE),
    finding(kind="unreadable", error="EIO", before=FILE, after=NONE, actor=None),
    finding(path="/" + "\u00e9\u3042" * 2000), finding(path="/etc/a\nb\x1b]0;x\x07\"]\\"), finding(path="/"),
    finding(path=" ", actor={"pid": 0}), finding(path_hex="2f63e9ff0a"), finding(container=CONTAINER, scope="container"),
    *[finding(after={"type": kind, "mode": "0600"}) for kind in ("dir", "symlink", "char", "block", "fifo", "socket")],
    {"type": "finding", "kind": "rule", "severity": "critical", "rule": "R" * 700, "priority": "Critical", "source": "syscall",
     "output": "o\n" * 900, "tags": ["a"], "output_fields": {"fd.name": "/etc/x", "n": 1}, "path": "/etc/x", "actor": ACTOR},
    {"type": "finding", "kind": "rule", "severity": "high", "rule": "Console login", "priority": "Error", "source": "aws_cloudtrail",
     "scope": "account", "output": "x", "tags": [], "output_fields": {}, "cloudtrail": {"event_name": "ConsoleLogin"}},
    {"type": "place", "action": "shadowed", "severity": "high", "scope": "host", "path": "/etc", "confirmed": True, "actor": ACTOR, "container": None},
    {"type": "access", "action": "docker-exec", "container": CONTAINER, "command": ["sh"], "flags": [{"id": "exec-root", "severity": "medium"}]},
    {"type": "comparison", "trigger": "scheduled", "expected": 5, "compared": 5, "added": 0, "removed": 0, "changed": 0, "unreadable": 1},
    {"type": "control", "component": "ring", "state": "loss", "cause": "full", "lost": 3},
    {"type": "control", "component": "ring", "state": "up", "cause": "again", "since": "2026-11-06T11:00:00Z", "duration_ms": 4},
    {"type": "control", "component": "sink", "state": "degraded", "cause": "c" * 3000},
    {"type": "journal", "action": "sealed"}, {"type": "watch", "action": "added", "path": "/etc"},
]


def main():
    records = RECORDS
    if len(sys.argv) > 2:
        records = RECORDS[:2] + [finding(path=f"/usr/bin/tool-{i}") for i in range(int(sys.argv[2]) - 1)]
    prev = "0" * 64
    with open(sys.argv[1], "wb") as out:
        for seq, body in enumerate(records, 1):
            body = dict(body)
            if "path_hex" in body:
                del body["path"]
            head = {"seq": seq, "time": f"2026-11-06T11:18:{seq % 60:02}.000000000Z",
                    "boot_id": "0b8f6a52-93d5-4f0e-8d4f-2a1d8e1c5a01", "type": body.pop("type"), "prev": prev}
            line = json.dumps(head | body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            prev = hashlib.sha256(line).hexdigest()
            out.write(line)


if __name__ == "__main__":
    main()
