# SPDX-License-Identifier: Apache-2.0
"""Containers that are created and started at once, each with a task of its own.

usage: burst.py COUNT IMAGE ARN    (prints "NUMBER ID" for each that started; ARN/NUMBER is its task)

Over the engine's socket, since a client program for each container would take longer
to begin than the container.
"""
import http.client
import json
import socket
import sys
import threading

THREADS = 16


class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/docker.sock")

    def post(self, path, body=None):
        self.request("POST", path, json.dumps(body or {}), {"Content-Type": "application/json"})
        reply = self.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise OSError(f"{path}: {reply.status}: {text.decode()}")
        return json.loads(text) if text else None


def run(first):
    engine = Engine("localhost")
    for i in range(first, count + 1, THREADS):
        labels = {
            "com.amazonaws.ecs.cluster": "demo",
            "com.amazonaws.ecs.container-name": "web",
            "com.amazonaws.ecs.task-definition-family": "shop",
            "com.amazonaws.ecs.task-definition-version": "7",
            "com.amazonaws.ecs.task-arn": f"{arn}/{i:032x}",
        }
        made = engine.post(f"/containers/create?name=b{i}", {
            "Image": image, "Cmd": ["touch", f"/usr/bin/first-{i}"], "Labels": labels,
            "HostConfig": {"NetworkMode": "none"}})
        engine.post(f"/containers/{made['Id']}/start")
        print(f"{i} {made['Id']}", flush=True)


count, image, arn = int(sys.argv[1]), sys.argv[2], sys.argv[3]
threads = [threading.Thread(target=run, args=(i,)) for i in range(1, THREADS + 1)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
