#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""table.py DIR: what run.sh's guest left in DIR, as a table and as JSON lines."""

import json
import re
import sys

BOTH, PATH, NOTHING = "path+actor", "path", "–"


def lines(folder, name):
    with open(f"{folder}/{name}", errors="replace") as file:
        return file.read().splitlines()


def ecs_fim(folder):
    """Records with the paths they tell and the acting process."""
    for line in lines(folder, "ecs_fim"):
        pid = re.search(r" pid=(\d+)/", line)
        for path in re.findall(r" (?:old_)?fs_path=(\S+)", line):
            yield path, int(pid.group(1)) if pid else None


def inotify(folder):
    for line in lines(folder, "inotify"):
        yield line.rsplit(" ", 1)[0], None


def fanotify(folder):
    for line in lines(folder, "fanotify"):
        found = re.match(r"(\S+) pid=(\d+)", line)
        if found:
            yield found.group(1), int(found.group(2))


def auditd(folder):
    """One event is several records between lines of dashes."""
    for event in "\n".join(lines(folder, "auditd")).split("----"):
        pid = re.search(r"type=SYSCALL.* pid=(\d+)", event)
        cwd = re.search(r"type=CWD.*cwd=(\S+)", event)
        for path in re.findall(r"type=PATH.*? name=(\S+)", event):
            if not path.startswith("/") and cwd:
                path = cwd.group(1).rstrip("/") + "/" + path
            yield path, int(pid.group(1)) if pid else None


PEERS = {
    "ecs_fim": ecs_fim,
    "inotifywait -r": inotify,
    "fanotify, file system": fanotify,
    "auditd -w": auditd,
}


def main():
    folder = sys.argv[1]
    acts = [line.split("\t") for line in lines(folder, "acts") if "\t" in line]
    told = {peer: list(read(folder)) for peer, read in PEERS.items()}
    score = {peer: {BOTH: 0, PATH: 0, NOTHING: 0} for peer in PEERS}
    table = [["technique", *PEERS], ["---"] * (1 + len(PEERS))]
    for name, path, pid in acts:
        row = [name]
        for peer in PEERS:
            actors = {actor for where, actor in told[peer] if where == path}
            result = BOTH if int(pid) in actors else PATH if actors else NOTHING
            score[peer][result] += 1
            row.append(result)
        table.append(row)
    table.append(["**with path and actor**"] + [f"**{score[p][BOTH]} of {len(acts)}**" for p in PEERS])
    for row in table:
        print("| " + " | ".join(row) + " |", file=sys.stderr)
    for peer in PEERS:
        for result, suffix in ((BOTH, "path_and_actor"), (PATH, "path_only")):
            name = re.sub(r"\W+", "_", peer)
            print(json.dumps({"name": f"peers_{name}_{suffix}", "value": score[peer][result],
                              "unit": "techniques", "of": len(acts)}))
    return 0 if acts else 1


sys.exit(main())
