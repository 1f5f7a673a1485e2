# SPDX-License-Identifier: Apache-2.0
"""The ECS agent's introspection on port 51678.  usage: agent.py FILE

FILE: JSON, Docker id -> task as GET /v1/tasks?dockerid= answers it; read for each request.
Shapes: ecs-agent/introspection of github.com/aws/amazon-ecs-agent.
"""
import http.server
import json
import sys
import urllib.parse


class Agent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        docker_id = urllib.parse.parse_qs(url.query).get("dockerid", [""])[0]
        with open(sys.argv[1]) as f:
            task = json.load(f).get(docker_id) if url.path == "/v1/tasks" else None
        if url.path == "/v1/metadata":
            task = {"Cluster": "prod", "Version": "Amazon ECS Agent - v1.89.3 (1c8a6dd1)",
                    "ContainerInstanceArn": "arn:aws:ecs:eu-central-1:123456789012:"
                    "container-instance/prod/5d0f3bd7a6b44a1bb0f2f0d3c4b5a697"}
        body = json.dumps(task or {}).encode()
        self.send_response(200 if task else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", 51678), Agent).serve_forever()
