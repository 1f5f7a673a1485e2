# SPDX-License-Identifier: Apache-2.0
"""A Security Hub and a metadata service that judge: hub.py PORTFILE LOG SCRIPT.

Signatures are computed anew by botocore's SigV4Auth out of the request as it came; bodies are
validated by botocore's model (asff.py).  SCRIPT is a file of words, the first of which is taken
for each call that is right: ok, throttle, limit, error, large, expired, invalid, drop (taken, but
nobody hears of it), refuse (the first finding), full (refuses calls of more than one finding as too
large), short (takes half of them and does not say what is with the others), none (the same with all), page
(an answer of somebody else), cut (an answer that ends before its end), never (refuses every finding, also of the calls after it).  Without words: ok.  LOG gets one JSON object per call."""
import datetime
import http.server
import json
import os
import re
import sys

import asff
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = {"AKIDENVIRONMENT00001": ("secret/of+environment", None),
        "AKIDSHAREDFILE000001": ("secret/of+file", "token/of+file=="),
        "ASIAINSTANCEROLE0001": ("secret/of+role", "token/of+role==")}
TOKEN = "AQAEAFake-token=="
DOCUMENT = {"accountId": "123456789012", "region": "eu-central-1", "instanceId": "i-0fedcba9876543210", "version": "2017-09-30"}
ROLE = {"Code": "Success", "LastUpdated": "2026-11-27T00:00:00Z", "Type": "AWS-HMAC", "AccessKeyId": "ASIAINSTANCEROLE0001",
        "SecretAccessKey": "secret/of+role", "Token": "token/of+role==", "Expiration": "2036-11-27T06:00:00Z"}


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def check_signature(handler, body):
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([a-z0-9-]+)/securityhub/aws4_request, ?"
                         r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", handler.headers.get("Authorization", ""))
    if not found:
        raise Refused(403, "MissingAuthenticationTokenException", "no signature")
    key, day, region, names, signature = found.groups()
    if key not in KEYS:
        raise Refused(403, "UnrecognizedClientException", "unknown key")
    secret, token = KEYS[key]
    if handler.headers.get("X-Amz-Security-Token") != token:
        raise Refused(403, "UnrecognizedClientException", "token")
    names = names.split(";")
    must = ["host", "x-amz-date"] + (["x-amz-security-token"] if token else [])
    if any(name not in names for name in must):
        raise Refused(403, "SignatureDoesNotMatch", f"not signed: {must}")
    stamp = handler.headers["X-Amz-Date"]
    when = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) > 900 or stamp[:8] != day:
        raise Refused(403, "RequestExpired", "time")
    request = AWSRequest(method=handler.command, url=f"http://{handler.headers['Host']}{handler.path}", data=body,
                         headers={name: handler.headers[name] for name in names})
    request.context["timestamp"] = stamp
    auth = SigV4Auth(Credentials(key, secret, token), "securityhub", region)
    canonical = auth.canonical_request(request)
    if auth.signature(auth.string_to_sign(request, canonical), request) != signature:
        raise Refused(403, "SignatureDoesNotMatch", canonical)
    return key, region


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def note(self, **what):
        with open(self.server.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(what) + "\n")

    def word(self):
        words = open(self.server.script, encoding="utf-8").read().split()
        if words[:1] != ["never"]:
            with open(self.server.script, "w", encoding="utf-8") as script:
                script.write(" ".join(words[1:]))
        return words[0] if words else "ok"

    # The metadata service, version 2 only: without a token there is nothing.
    def do_PUT(self):
        if self.path == "/latest/api/token" and 0 < int(self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "0")) <= 21600:
            return self.answer(200, TOKEN.encode())
        return self.answer(400, b"")

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return self.answer(401, b"")
        base = "/latest/meta-data/iam/security-credentials/"
        known = {base: b"ecs-host", base + "ecs-host": ROLE, "/latest/dynamic/instance-identity/document": DOCUMENT}
        return self.answer(200, known[self.path]) if self.path in known else self.answer(404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            if self.path != "/findings/import":
                raise Refused(404, "ResourceNotFoundException", self.path)
            key, region = check_signature(self, body)
            if len(body) > 6000000:
                raise Refused(413, "RequestEntityTooLargeException", "over 6 MB")
            findings = json.loads(body)["Findings"]
            found = asff.faults(findings)
            if found or len({f["Id"] for f in findings}) != len(findings):
                raise Refused(400, "InvalidInputException", str(found)[:500])
        except Refused as refused:
            self.note(status=refused.status, code=refused.code, why=str(refused)[:600])
            return self.answer(refused.status, {"__type": refused.code, "Message": str(refused)[:200]})
        word = self.word()
        ids = [f["Id"] for f in findings]
        plain = {"throttle": (429, "TooManyRequestsException"), "limit": (400, "LimitExceededException"), "error": (500, "InternalException"),
                 "large": (413, "RequestEntityTooLargeException"), "expired": (403, "ExpiredTokenException"), "invalid": (400, "InvalidInputException"),
                 "denied": (403, "AccessDeniedException")}
        if word == "full":
            word = "large" if len(ids) > 1 else "ok"
        if word in plain:
            self.note(status=plain[word][0], word=word, tried=len(ids))
            return self.answer(plain[word][0], {"__type": plain[word][1], "Message": "no \"\n\u001b[31m"})
        if word in ("short", "none"):
            ids = ids[:len(ids) // 2] if word == "short" else []
            self.note(status=200, word=word, tried=len(findings), ids=ids)
            return self.answer(200, {"FailedCount": len(findings) - len(ids), "SuccessCount": len(ids), "FailedFindings": []})
        if word == "page":
            self.note(status=200, word=word, tried=len(ids), ids=[])
            return self.answer(200, b"<html>log in</html>")
        if word == "cut":
            self.note(status=200, word=word, tried=len(ids), ids=[])
            self.send_response(200)
            self.send_header("Content-Length", "4096")
            self.end_headers()
            self.wfile.write(b'{"FailedCount": 0, "SuccessCount": %d' % len(ids))
            self.close_connection = True
            return None
        refused = ids[:1] if word == "refuse" else ids if word == "never" else []
        self.note(status=200, word=word, key=key, region=region, bytes=len(body), tried=len(ids), ids=[i for i in ids if i not in refused])
        if word == "drop":
            self.close_connection = True
            return None
        return self.answer(200, {"FailedCount": len(refused), "SuccessCount": len(ids) - len(refused),
                                 "FailedFindings": [{"Id": i, "ErrorCode": "InvalidInput", "ErrorMessage": "not today"} for i in refused]})


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.log, server.script = sys.argv[2], sys.argv[3]
    with open(sys.argv[1] + ".part", "w", encoding="utf-8") as out:
        out.write(str(server.server_address[1]))
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
