# SPDX-License-Identifier: Apache-2.0
"""usage: cloudformation.py TEMPLATE [SPEC.json]

Every Ref, Fn::GetAtt and Fn::Sub names a parameter, a resource or a pseudo parameter; no
statement allows everything. With SPEC.json (written by spec.mjs from npm's
@aws-cdk/aws-service-spec) every type, property and required property is checked, too.
"""
import json
import re
import sys

import yaml

PSEUDO = {"AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::StackName", "AWS::URLSuffix"}
template = yaml.safe_load(open(sys.argv[1]))
names = set(template["Parameters"]) | set(template["Resources"]) | PSEUDO
wrong = []


def walk(node, where):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref" and value not in names:
                wrong.append(f"{where}: Ref {value}")
            if key == "Fn::GetAtt" and value[0] not in template["Resources"]:
                wrong.append(f"{where}: Fn::GetAtt {value}")
            if key == "Fn::Sub" and isinstance(value, str):
                for name in re.findall(r"\$\{([^!}][^}]*)\}", value):
                    if name.split(".")[0] not in names:
                        wrong.append(f"{where}: Fn::Sub {name}")
            if key == "Action" and (value == "*" or value == ["*"]):
                wrong.append(f"{where}: every action is allowed")
            walk(value, f"{where}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            walk(value, f"{where}/{i}")


walk(template["Resources"], "Resources")
walk(template.get("Outputs", {}), "Outputs")


def properties(value, known, where):
    if not isinstance(value, dict) or any(key == "Ref" or key.startswith("Fn::") for key in value):
        return
    for key in value:
        if key not in known["properties"]:
            wrong.append(f"{where}: no property {key}")
    for key in known["required"]:
        if key not in value:
            wrong.append(f"{where}: {key} is required")
    for key, part in value.items():
        below = known["types"].get(key)
        for i, item in enumerate(part if isinstance(part, list) else [part]):
            if below:
                properties(item, below, f"{where}/{key}/{i}")


if len(sys.argv) > 2:
    spec = json.load(open(sys.argv[2]))
    for name, resource in template["Resources"].items():
        if resource["Type"] not in spec:
            wrong.append(f"{name}: no type {resource['Type']}")
        else:
            properties(resource.get("Properties", {}), spec[resource["Type"]], name)
print("\n".join(wrong))
sys.exit(bool(wrong))
