#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes journal.ndjson: two weeks of a host, with one of everything that a report shows.

usage: make_journal.py > journal.ndjson

The times are fixed, so that the journal and every report of it are always the same.
"""
import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone

START = datetime(2026, 11, 2, 6, 0, 0, tzinfo=timezone.utc)
BOOTS = ["0b8f6a52-93d5-4f0e-8d4f-2a1d8e1c5a01", "5d1c7a90-77c2-4b7e-9a5b-6f0f4f3e2b02"]
POLICY = {
    "name": "al2023-ecs",
    "version": "3",
    "roots": ["/boot", "/etc", "/usr/bin", "/usr/lib/systemd", "/usr/libexec", "/usr/sbin"],
    "rules": [
        {"path": "/boot", "class": "strict", "category": "system executables"},
        {"path": "/etc", "class": "strict", "category": "configuration files"},
        {"path": "/etc/machine-id", "class": "metadata", "reason": "made at the first boot",
         "category": "configuration files"},
        {"path": "/usr/bin", "class": "strict", "category": "system executables"},
        {"path": "/etc/resolv.conf", "class": "excluded", "reason": "rewritten by DHCP",
         "approver": "j.ortega (security), 2026-10-01"},
        {"path": "/etc/ecs/ecs.config", "class": "excluded",
         "reason": "written by user data, checked by the deployment pipeline",
         "approver": "j.ortega (security), 2026-10-01"},
    ],
}
WEB = {
    "id": "4f" * 32, "name": "ecs-web-7-nginx-c2a9e1f0b3d4a5968701", "image": "nginx:1.25",
    "image_id": "sha256:" + "ab" * 32,
    "task_arn": "arn:aws:ecs:eu-central-1:123456789012:task/prod/9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "cluster": "prod", "family": "web", "revision": "7", "ecs_container": "nginx",
    "account": "123456789012", "region": "eu-central-1", "running": True, "pid": 4242,
    "privileged": False, "effectively_privileged": False,
}
LOW_FLAGS = [
    {"id": "root-user", "severity": "low", "evidence": "Config.User=\"\"", "cis": "4.1",
     "security_hub": "ECS.20"},
    {"id": "writable-root", "severity": "low", "evidence": "HostConfig.ReadonlyRootfs=false",
     "cis": "5.13", "security_hub": "ECS.5"},
    {"id": "new-privileges", "severity": "info",
     "evidence": "HostConfig.SecurityOpt: no-new-privileges is not set", "cis": "5.26"},
]
CI = {
    "id": "c1" * 32, "name": "ci-runner", "image": "registry.example/ci:2", "running": True,
    "image_id": "sha256:" + "cd" * 32, "pid": 5151, "privileged": True,
    "effectively_privileged": True,
    "flags": [{"id": "privileged", "severity": "critical",
               "evidence": "HostConfig.Privileged=true", "cis": "5.5", "security_hub": "ECS.4"}]
    + LOW_FLAGS,
}
METRICS = {
    "id": "d0" * 32, "name": "metrics", "image": "registry.example/metrics:5", "running": True,
    "image_id": "sha256:" + "ef" * 32, "pid": 6161, "privileged": False,
    "effectively_privileged": True,
    "flags": [{"id": "docker-socket", "severity": "critical",
               "evidence": "HostConfig.Binds=/var/run/docker.sock:/var/run/docker.sock:ro",
               "cis": "5.32"},
              {"id": "host-path-read", "severity": "medium",
               "evidence": "HostConfig.Binds=/proc:/host/proc:ro", "cis": "5.6"}] + LOW_FLAGS,
}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def file(content, mode="0755", uid=0, size=None):
    return {"type": "file", "mode": mode, "uid": uid, "gid": uid,
            "size": len(content) if size is None else size, "sha256": digest(content), "nlink": 1}


def actor(pid, exe, args, comm, **more):
    who = {"pid": pid, "tid": pid, "ppid": pid - 9, "vpid": pid, "uid": 0, "gid": 0, "euid": 0,
           "egid": 0, "user": "root", "loginuid": None, "login_user": None, "sessionid": None,
           "comm": comm, "parent_comm": "bash", "exe": exe, "args": args,
           "cgroup": "/system.slice/sshd.service", "from": "current"}
    who.update(more)
    return who


class Journal:
    def __init__(self):
        self.seq, self.prev, self.boot = 0, "0" * 64, BOOTS[0]

    def add(self, when, kind, body):
        self.seq += 1
        record = {"seq": self.seq, "time": stamp(when), "boot_id": self.boot, "type": kind,
                  "prev": self.prev}
        record.update(body)
        line = json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"
        self.prev = hashlib.sha256(line.encode()).hexdigest()
        sys.stdout.write(line)

    def control(self, when, component, state, cause, **more):
        self.add(when, "control", {"component": component, "state": state, "cause": cause, **more})

    def comparison(self, end, trigger, **more):
        body = {"trigger": trigger, "scope": POLICY["roots"], "start": stamp(end - timedelta(seconds=41)),
                "end": stamp(end), "expected": 18231, "compared": 18231, "added": 0, "removed": 0,
                "changed": 0, "unreadable": 0, "bytes": 1937741824, "result_digest": digest("")}
        body.update(more)
        self.add(end + timedelta(milliseconds=20), "comparison", body)

    def start(self, when):
        self.control(when, "daemon", "up", "started", version="0.1.0",
                     detail={"hostname": "ip-10-0-3-17", "instance_id": "i-0a1b2c3d4e5f60718",
                             "kernel": "6.1.141-155.222.amzn2023.x86_64"})
        self.control(when + timedelta(seconds=1), "module", "up", "the module is loaded")
        self.add(when + timedelta(seconds=2), "baseline", {
            "path": "/var/lib/ecs-fim/baseline.ndjson", "digest": digest("baseline"),
            "key_id": digest("key"), "key_file": "/etc/ecs-fim/trusted-keys.d/golden.pem",
            "signature": "valid", "count": 18231, "created": "2026-10-30T11:20:00.000000000Z",
            "tool": "ecs-fim 0.1.0", "policy": POLICY, "policy_digest": digest("policy"),
            "provenance": {"image_id": "ami-0f1e2d3c4b5a69788", "build": "packer 5512"}})
        for path in POLICY["roots"]:
            self.add(when + timedelta(seconds=3), "watch",
                     {"action": "added", "scope": "host", "path": path})


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%06d000Z" % when.microsecond


def finding(kind, severity, path, **more):
    body = {"kind": kind, "severity": severity, "path": path, "scope": "host", "class": "strict",
            "category": "system executables", "op": "write", "detected_by": "event",
            "event_seq": 991, "event_time": stamp(START)}
    body.update(more)
    return {key: value for key, value in body.items() if value is not False}


def main():
    journal = Journal()
    hours = lambda count: START + timedelta(hours=count)

    journal.start(START)
    journal.comparison(START + timedelta(seconds=50), "start-up")
    journal.add(hours(0.1), "container",
                {"trigger": "start-up", "container": {**WEB, "flags": LOW_FLAGS}})
    journal.add(hours(0.1), "container", {"trigger": "start-up", "container": METRICS})
    journal.add(hours(0.1), "watch", {"action": "added", "scope": "container",
                                      "path": "/usr/bin", "container_id": WEB["id"]})
    for day in range(1, 5):
        journal.comparison(hours(24 * day), "scheduled")

    # An administrator on the host edits sshd_config.
    journal.add(hours(101.3), "finding", finding(
        "modified", "high", "/etc/ssh/sshd_config", category="configuration files",
        changed=["size", "sha256"], before=file("PermitRootLogin no\n", "0600", size=3667),
        after=file("PermitRootLogin yes\n", "0600", size=3668),
        actor=actor(20931, "/usr/bin/vim", ["vim", "/etc/ssh/sshd_config"], "vim", loginuid=1001,
                    login_user="mkeller", sessionid=31), container=None))
    sshd = journal.seq
    for sink in ("syslog", "securityhub"):
        journal.add(hours(101.3), "alert", {"action": "delivered", "alert": sshd, "sink": sink})
    journal.add(hours(101.9), "finding", finding(
        "restored", "info", "/etc/ssh/sshd_config", category="configuration files",
        changed=["size", "sha256"], before=file("PermitRootLogin yes\n", "0600", size=3668),
        after=file("PermitRootLogin no\n", "0600", size=3667),
        actor=actor(20977, "/usr/bin/vim", ["vim", "/etc/ssh/sshd_config"], "vim", loginuid=1001,
                    login_user="mkeller", sessionid=31), container=None))
    journal.add(hours(102), "alert", {"action": "acknowledged", "alert": sshd, "by": "s.ito",
                                      "reason": "asked mkeller: a test, undone",
                                      "ticket": "OPS-4711"})
    journal.add(hours(103), "alert", {"action": "closed", "alert": sshd, "by": "s.ito",
                                      "reason": "undone"})
    journal.comparison(hours(120), "scheduled")

    # A privileged container appears and changes a program of the host.
    journal.add(hours(131), "container", {"trigger": "start", "container": CI})
    in_ci = {key: value for key, value in CI.items() if key != "flags"}
    journal.add(hours(131.02), "finding", finding(
        "modified", "critical", "/usr/bin/ssh", changed=["size", "sha256", "mode"],
        before=file("genuine ssh", size=1035472), after=file("other ssh", "4755", size=1041008),
        view_path="/host/usr/bin/ssh", fs_path="/usr/bin/ssh",
        actor=actor(31337, "/usr/bin/busybox",
                    ["cp", "/tmp/<script>alert(1)</script>", "/host/usr/bin/ssh"], "cp",
                    cgroup="/docker/" + CI["id"]), container=in_ci))
    journal.add(hours(131.03), "finding", finding(
        "added", "high", "/usr/bin/.cache \u202etxt.sh", op="create",
        before={"type": "none"}, after=file("#!/bin/sh\n"),
        actor=actor(31340, "/usr/bin/busybox", ["cp", "a", "b"], "cp",
                    cgroup="/docker/" + CI["id"]), container=in_ci))
    journal.add(hours(131.04), "finding", finding(
        "added", "high", False, path_hex=b"/usr/bin/caf\xe9".hex(), op="create",
        before={"type": "none"}, after=file("x"),
        actor=actor(31341, "/usr/bin/busybox", ["touch"], "touch",
                    cgroup="/docker/" + CI["id"]), container=in_ci))
    journal.add(hours(131.5), "watch", {"action": "gone", "scope": "container",
                                        "path": "/usr/bin", "container_id": CI["id"]})
    # Somebody comes into a container through ECS Exec.
    journal.add(hours(132.9), "access", {
        "action": "ecs-exec-used", "session_id": "ecs-execute-command-0a1b2c3d4e5f",
        "pid": 4290, "user": "root", "command": ["/bin/sh"], "container": WEB})
    # A container's own file.
    journal.add(hours(133), "finding", finding(
        "attributes", "medium", "/etc/nginx", scope="container", container_id=WEB["id"],
        category=False, op="setattr", changed=["mode", "uid", "xattrs"],
        before={"type": "dir", "mode": "0755", "uid": 0, "gid": 0,
                "xattrs": {"security.selinux": "00"}},
        after={"type": "dir", "mode": "0777", "uid": 101, "gid": 0},
        actor=actor(4300, "/bin/sh", ["/bin/sh", "-c", "chmod 777 /etc/nginx"], "sh", uid=101,
                    user="nginx", cgroup="/docker/" + WEB["id"]), container=WEB))
    for day in (6, 7):
        journal.comparison(hours(24 * day), "scheduled", changed=1, added=2,
                           result_digest=digest("three"))
    # Events are lost and everything is compared again.
    journal.control(hours(170), "ring", "loss", "the event buffer was full", lost=1834,
                    since=stamp(hours(169.99)))
    journal.comparison(hours(170.05), "overflow", changed=1, added=2,
                       result_digest=digest("three"))
    journal.control(hours(176), "docker", "down", "the engine does not answer")
    journal.control(hours(176.4), "docker", "up", "the engine answers again")
    # The host is reset; the daemon comes back with the module missing for a while.
    journal.boot = BOOTS[1]
    journal.control(hours(204), "daemon", "up", "started", version="0.1.0",
                    detail={"hostname": "ip-10-0-3-17", "instance_id": "i-0a1b2c3d4e5f60718",
                            "kernel": "6.1.144-170.251.amzn2023.x86_64"})
    journal.control(hours(204.001), "module", "down", "the module is not loaded for this kernel")
    journal.control(hours(209.5), "module", "up", "the module is loaded")
    journal.comparison(hours(209.6), "request", changed=1, added=2,
                       result_digest=digest("three"))
    journal.add(hours(210), "finding", finding(
        "removed", "high", "/usr/sbin/auditctl", op=False, detected_by="scheduled",
        event_seq=False, event_time=False, before=file("auditctl", size=55912),
        after={"type": "none"}))
    # A package is updated, and that it would be was said before.
    journal.add(hours(211), "finding", finding(
        "modified", "high", "/usr/bin/curl", changed=["size", "sha256"],
        before=file("curl 8.5", size=260400), after=file("curl 8.6", size=260912),
        change={"id": "CHG-2207", "reason": "security update of curl", "ticket": "OPS-4730"},
        actor=actor(8123, "/usr/bin/python3.9", ["dnf", "update", "curl"], "dnf"),
        container=None))
    for day in range(9, 15):
        journal.comparison(hours(24 * day), "scheduled", changed=1, added=2, removed=1,
                           result_digest=digest("four"))


main()
