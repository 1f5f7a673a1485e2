# SPDX-License-Identifier: Apache-2.0
"""A daemon's control socket that says yes: control.py PATH LOG.  LOG gets what was asked."""
import socket
import sys

server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(sys.argv[1])
server.listen(16)
while True:
    client, _ = server.accept()
    with open(sys.argv[2], "ab") as log:
        log.write(client.recv(1 << 20) + b"\n")
    client.send(b'{"ok":true}')
    client.close()
