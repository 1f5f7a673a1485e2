# SPDX-License-Identifier: Apache-2.0
"""An engine that goes wrong.  usage: liar.py hang|garbage|half|huge"""
import os
import socket
import sys
import threading

PATH = "/run/docker.sock"
PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
manner = sys.argv[1]


def serve(client):
    try:
        request = client.recv(65536)
        if b"/_ping" in request:
            client.sendall(PONG)
        elif manner == "hang":
            threading.Event().wait()
        elif manner == "garbage":
            client.sendall(JSON + b"\r\n[{\"Id\":\x00\xff}}}")
        elif manner == "half":
            client.sendall(JSON + b"Transfer-Encoding: chunked\r\n\r\n400\r\n[{\"Id\"")
        else:
            client.sendall(JSON + b"\r\n[")
            for _ in range(1024):
                client.sendall(b"{}," * 349525)
        client.close()
    except OSError:
        pass


if os.path.exists(PATH):
    os.unlink(PATH)
server = socket.socket(socket.AF_UNIX)
server.bind(PATH)
server.listen(64)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
