# SPDX-License-Identifier: Apache-2.0
"""A daemon's status socket: status.py PATH."""
import json
import socket
import sys

STATUS = {"version": "0.1.0", "started": "2026-11-27T10:00:00.000000000Z", "events": 12, "findings": 7, "lost": 0,
          "watches": {"host": 9, "container": 3}, "baseline": {"count": 5843, "digest": "ab"},
          "last_comparison": {"end": "2026-11-28T06:00:00.000000000Z", "changed": 1, "unreadable": 0},
          "docker": {"containers": 4, "privileged": 1, "outside": 0}, "journal": {"seq": 99, "bytes": 1000, "max_bytes": 1 << 30, "unacknowledged": 2},
          "controls": {"daemon": "up", "ring": "loss", "docker": "unknown"}, "counters": {"rule_hits": 3, "journal_errors": 0, "pending": 0},
          "sinks": [{"name": "syslog", "state": "up", "sent": 5, "failed": 1}, {"name": "securityhub", "state": "failing", "sent": 2}]}

server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(16)
while True:
    client, _ = server.accept()
    client.sendall(json.dumps(STATUS).encode())
    client.close()
