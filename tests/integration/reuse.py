# SPDX-License-Identifier: Apache-2.0
"""What findings say of who made each file of `storm reuse`.

usage: ecs-fim journal show --type finding | reuse.py DIGEST

DIGEST is that of the program, in hex.  For each finding a line: "right", "unattributed" or
"wrong" with the finding, the process id, its start, and whether its arguments are known.
"""
import json
import sys

DIR = "/etc/storm/"


def verdict(finding, said):
    actor = finding.get("actor")
    if actor is None:
        return "unattributed"
    serial, pid, program = said[0], said[1], "storm-" + said[2]
    args = actor.get("args")
    right = (str(actor.get("pid")) == pid
             and actor.get("exe", "").endswith("/" + program)
             and actor.get("comm") == program
             and (args is None or args[2] == serial)
             and actor.get("exe_sha256", sys.argv[1]) == sys.argv[1]
             and finding.get("container") is None)
    return "right" if right else "wrong " + json.dumps(finding)


for line in sys.stdin:
    if DIR not in line:
        continue
    record = json.loads(line)
    if record.get("path", "").startswith(DIR):
        who = record.get("actor") or {}
        print(verdict(record, record["path"][len(DIR):].split(".")), who.get("pid"),
              who.get("start_ns"), "args" in who, sep="\t")
