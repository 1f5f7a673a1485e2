# SPDX-License-Identifier: Apache-2.0
"""Signed requests that were changed on the way: tamper.py URL BODY.  The server that accepts ours must
refuse each of them."""
import http.client
import json
import sys
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

URL = sys.argv[1]
BODY = json.dumps(json.load(open(sys.argv[2], encoding="utf-8")))


def signed():
    request = AWSRequest(method="POST", url=URL + "/findings/import", data=BODY, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("AKIDENVIRONMENT00001", "secret/of+environment"), "securityhub", "eu-central-1").add_auth(request)
    return {"method": "POST", "path": "/findings/import", "headers": dict(request.headers.items()), "body": BODY}


def status(request):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(URL).netloc, timeout=20)
    connection.request(request["method"], request["path"], request["body"].encode(), request["headers"])
    return connection.getresponse().status


def body(request):
    request["body"] = request["body"].replace("HIGH", "LOW ", 1) if "HIGH" in request["body"] else request["body"] + " "


def header(name, value):
    def edit(request):
        request["headers"][name] = value
    return edit


def signature(request):
    value = request["headers"]["Authorization"]
    request["headers"]["Authorization"] = value[:-1] + ("0" if value[-1] != "0" else "1")


def region(request):
    request["headers"]["Authorization"] = request["headers"]["Authorization"].replace("eu-central-1", "eu-west-1")


def unsigned(request):
    del request["headers"]["Authorization"]


EDITS = {"a changed body": body, "a changed signature": signature, "another region": region, "no signature": unsigned,
         "another time": header("X-Amz-Date", "20200101T000000Z"), "another type of content": header("Content-Type", "text/plain"),
         "a path with a query": lambda request: request.update(path="/findings/import?x=1")}
good = status(signed()) == 200
print(("ok" if good else "not ok") + " - a request that nobody changed is accepted")
for name, edit in EDITS.items():
    request = signed()
    edit(request)
    got = status(request)
    refused = got in (403, 404)
    good = good and refused
    print(("ok" if refused else "not ok") + f" - {name} is refused ({got})")
sys.exit(0 if good else 1)
