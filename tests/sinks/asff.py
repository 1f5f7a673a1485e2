# SPDX-License-Identifier: Apache-2.0
"""Findings against botocore's model of Security Hub, and against the limits of the documentation
that the model does not have.  Prints TAP lines without numbers."""
import copy
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

MODEL = botocore.session.get_session().get_service_model("securityhub")
INPUT = MODEL.operation_model("BatchImportFindings").input_shape
LIMITS = {"Title": 256, "Description": 1024, "GeneratorId": 512, "Id": 512}
LABELS = {"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}


def patterns(shape, value, where):
    """The model's patterns and enums, which botocore leaves to the service."""
    if shape.type_name == "structure":
        for key, child in value.items():
            if key not in shape.members:
                yield f"{where}.{key} is unknown"
            else:
                yield from patterns(shape.members[key], child, f"{where}.{key}")
    elif shape.type_name == "list":
        for i, child in enumerate(value):
            yield from patterns(shape.member, child, f"{where}[{i}]")
    elif shape.type_name == "map":
        for key, child in value.items():
            yield from patterns(shape.value, child, f"{where}[{key}]")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{where}: {value} is none of {shape.enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(pattern, value):
            yield f"{where}: {value!r} does not match {pattern}"


def limits(finding):
    for key, most in LIMITS.items():
        if len(finding[key]) > most:
            yield f"{key} has {len(finding[key])} characters"
    if not 1 <= len(finding["Resources"]) <= 32:
        yield "number of resources"
    if len(finding.get("ProductFields", {})) > 50:
        yield "number of ProductFields"
    if len(json.dumps(finding)) > 240 * 1024:
        yield "size"
    if finding["SchemaVersion"] != "2018-10-08":
        yield "SchemaVersion"
    if not re.fullmatch(r"\d{12}", finding["AwsAccountId"]):
        yield "AwsAccountId"
    if not re.fullmatch(rf"arn:aws[a-z-]*:securityhub:[a-z0-9-]+:{finding['AwsAccountId']}:product/{finding['AwsAccountId']}/default",
                        finding["ProductArn"]):
        yield "ProductArn"
    for key in ("CreatedAt", "UpdatedAt"):
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", finding[key]):
            yield key
    for kind in finding["Types"]:
        if not re.fullmatch(r"(Software and Configuration Checks|TTPs|Effects|Unusual Behaviors|Sensitive Data Identifications)(/[^/]+){0,2}", kind):
            yield f"type {kind}"
    process = finding.get("Process", {})
    if len(process.get("Name", "")) > 64 or len(process.get("Path", "")) > 512:
        yield "Process"


def faults(findings):
    """What is wrong with a call's findings; empty: nothing."""
    params = {"Findings": findings}
    report = ParamValidator().validate(params, INPUT)
    if report.has_errors():
        return [report.generate_report()]
    found = list(patterns(INPUT, params, "input"))
    if not 1 <= len(findings) <= 100:
        found.append("number of findings")
    for finding in findings:
        for need in ("Severity", "Types"):
            if need not in finding:
                return found + [f"no {need}"]
        found += limits(finding)
    return found


def at(path):
    """Edit: delete what is at a path of keys."""
    def edit(finding):
        for key in path[:-1]:
            finding = finding[key]
        del finding[path[-1]]
    return edit


def put(path, value):
    def edit(finding):
        for key in path[:-1]:
            finding = finding[key]
        finding[path[-1]] = value
    return edit


EDITS = {f"without {key}": at([key]) for key in
         ("SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "UpdatedAt",
          "Severity", "Title", "Description", "Resources", "Types")}
EDITS |= {
    "with a number as Id": put(["Id"], 7), "with an empty Title": put(["Title"], ""),
    "with a Title of 257 characters": put(["Title"], "x" * 257),
    "with a Description of 1025 characters": put(["Description"], "x" * 1025),
    "with a severity of our own": put(["Severity", "Label"], "high"),
    "with a state of our own": put(["RecordState"], "OPEN"),
    "with a status of our own": put(["Compliance", "Status"], "FAIL"),
    "with a member of our own": put(["Path"], "/etc/passwd"),
    "without a resource": put(["Resources"], []), "with 33 resources": put(["Resources"], [{"Type": "Other", "Id": "x"}] * 33),
    "with a resource without Id": at(["Resources", 0, "Id"]),
    "with a resource without Type": at(["Resources", 0, "Type"]),
    "with a number in ProductFields": put(["ProductFields", "ecs-fim/journal_seq"], 1),
    "with 51 ProductFields": put(["ProductFields"], {f"k{i}": "v" for i in range(51)}),
    "with an account of 11 digits": put(["AwsAccountId"], "12345678901"),
    "with a product of another account": put(["ProductArn"], "arn:aws:securityhub:eu-central-1:999999999999:product/1/default"),
    "with a time without zone": put(["CreatedAt"], "2026-11-06T11:18:00"),
    "with a type of no namespace": put(["Types"], ["File integrity"]),
    "of 250 KiB": put(["Note"], {"Text": "x" * 250000, "UpdatedBy": "x", "UpdatedAt": "2026-11-06T11:18:00Z"}),
}


def main():
    findings = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    good = True

    def ok(passed, name, detail=""):
        nonlocal good
        good = good and passed
        print(("ok" if passed else "not ok") + " - " + name)
        if not passed and detail:
            print("# " + str(detail)[:2000].replace("\n", "\n# "))

    ok(len(findings) >= int(sys.argv[2]), f"{len(findings)} findings were exported")
    for finding in findings:
        found = faults([finding])
        ok(not found, f"ASFF of record {finding['ProductFields']['ecs-fim/journal_seq']} is as botocore's model says", found)
    alerts = [f["Id"] for f in findings if "/control/" not in f["Id"]]
    ok(len(alerts) > 10 and len(set(alerts)) == len(alerts), "no two alerts have the same Id")
    for name, edit in EDITS.items():
        missed = []
        for finding in findings:
            copied = copy.deepcopy(finding)
            edit(copied)
            if not faults([copied]):
                missed.append(finding["Id"])
        ok(not missed, f"each finding {name} is refused", missed)
    ok(bool(faults([])) and bool(faults(findings[:1] * 101)), "a call of no finding, or of 101, is refused")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
