# SPDX-License-Identifier: Apache-2.0
"""usage: cloudformation.py TEMPLATE [SPEC.json]
       cloudformation.py --types TEMPLATE

Every Ref, Fn::GetAtt and Fn::Sub names a parameter, a resource or a pseudo parameter; no
statement of IAM allows more than it can name. With SPEC.json (written by spec.mjs) every
resource, property, required property, attribute, and the type of every value is checked,
too. --types prints the resources' types, for spec.mjs. Prints what is wrong, a line each.
"""
import json
import re
import sys

import yaml

PSEUDO = {"AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::StackName", "AWS::URLSuffix"}
# Actions for which IAM knows no resource: with these, and only these, "*" is all there is.
ONLY_STAR = {"ssm:ListCommands", "ssm:ListCommandInvocations", "ssm:DescribeInstanceInformation"}
# Fn::If and the like are not used, and would be told as of no known type.
TEXT = {"Fn::Sub", "Fn::Join", "Fn::Base64", "Fn::GetAtt", "Ref"}

if sys.argv[1] == "--types":
    for kind in sorted({r["Type"] for r in yaml.safe_load(open(sys.argv[2]))["Resources"].values()}):
        print(kind)
    sys.exit(0)
template = yaml.safe_load(open(sys.argv[1]))
parameters, resources = template.get("Parameters", {}), template["Resources"]
names = set(parameters) | set(resources) | PSEUDO
wrong = []


# ------------------------------------------------------------------- names, IAM


def as_list(value):
    return value if isinstance(value, list) else [value]


def resource_text(value):
    """What a statement's resource looks like; what is put in counts as something."""
    if isinstance(value, dict) and "Fn::Sub" in value:
        return re.sub(r"\$\{[^}]*\}", "x", value["Fn::Sub"])
    return value if isinstance(value, str) else "arn:x:x:x:x:x"


def statement(node, where):
    for key in ("NotAction", "NotResource", "NotPrincipal"):
        if key in node:
            wrong.append(f"{where}: {key} allows whatever it does not name")
    actions = as_list(node.get("Action", []))
    for action in actions:
        if not isinstance(action, str) or "*" in action:
            wrong.append(f"{where}: Action {action} is more than one")
    for resource in map(resource_text, as_list(node.get("Resource", []))):
        # arn:partition:service:region:account:resource
        last = resource.split(":", 5)[-1]
        if last.strip("*") == "" and not set(actions) <= ONLY_STAR:
            wrong.append(f"{where}: Resource {resource} for {', '.join(map(str, actions))}")
    principal = node.get("Principal")
    if principal == "*" or (isinstance(principal, dict) and "*" in map(str, principal.values())):
        wrong.append(f"{where}: everybody is a principal")


def walk(node, where):
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            statement(node, where)
        for key, value in node.items():
            if key == "Ref" and value not in names:
                wrong.append(f"{where}: Ref {value}")
            if key == "Fn::GetAtt" and value[0] not in resources:
                wrong.append(f"{where}: Fn::GetAtt {value}")
            if key == "Fn::Sub" and isinstance(value, str):
                for name in re.findall(r"\$\{([^!}][^}]*)\}", value):
                    if name.split(".")[0] not in names:
                        wrong.append(f"{where}: Fn::Sub {name}")
                    elif "." in name:
                        attribute(name.split(".", 1), where)
            if key == "Fn::GetAtt":
                attribute(value, where)
            walk(value, f"{where}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            walk(value, f"{where}/{i}")


# ------------------------------------------------------------------------ types


def attribute(pair, where):
    kind = resources.get(pair[0], {}).get("Type")
    if spec and kind in spec["resources"] and pair[1] not in spec["resources"][kind]["attributes"]:
        wrong.append(f"{where}: {kind} has no attribute {pair[1]}")


def is_list(value):
    """Whether it is one, or a reference to a parameter that is."""
    if isinstance(value, dict) and set(value) == {"Ref"}:
        kind = parameters.get(value["Ref"], {}).get("Type", "String")
        return kind.startswith("List<") or kind == "CommaDelimitedList"
    return isinstance(value, list)


def is_text(value):
    return isinstance(value, dict) and len(value) == 1 and set(value) <= TEXT and not is_list(value)


def scalar(value, kind):
    """CloudFormation reads a number out of a text, and makes a text of a number."""
    if is_text(value):
        return True
    if kind == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if isinstance(value, bool):
        return False
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"-?\d+", value))
    if kind == "number":
        return isinstance(value, (int, float)) or (isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value))
    return isinstance(value, (str, int, float))


def fits(value, kind, where):
    """Tells what does not fit below value; whether value itself does."""
    name = kind["type"]
    if name == "union":
        before = len(wrong)
        for part in kind["types"]:
            del wrong[before:]
            if fits(value, part, where) and len(wrong) == before:
                return True
        del wrong[before:]
        return False
    if name == "array":
        if isinstance(value, list):
            for i, item in enumerate(value):
                typed(item, kind["element"], f"{where}/{i}")
        return is_list(value)
    if name == "map":
        if isinstance(value, dict):
            for key, item in value.items():
                typed(item, kind["element"], f"{where}/{key}")
        return isinstance(value, dict)
    if name == "ref":
        if isinstance(value, dict):
            properties(value, spec["types"][kind["reference"]["$ref"]], where)
        return isinstance(value, dict)
    if name == "json":
        return isinstance(value, (dict, list))
    if name == "tag":
        return isinstance(value, dict) and set(value) == {"Key", "Value"}
    if name in ("string", "number", "integer", "boolean", "date-time"):
        allowed = kind.get("allowedValues")
        if allowed and isinstance(value, str) and value not in allowed:
            wrong.append(f"{where}: {value} is none of {', '.join(map(str, allowed))}")
        return scalar(value, name)
    wrong.append(f"{where}: type {name} is not known here")
    return True


def typed(value, kind, where):
    if not fits(value, kind, where):
        wrong.append(f"{where}: {json.dumps(value)[:60]} is no {kind['type']}")


def properties(value, known, where):
    for key in value:
        if key not in known:
            wrong.append(f"{where}: no property {key}")
        else:
            typed(value[key], known[key]["type"], f"{where}/{key}")
    for key, property in known.items():
        if property["required"] and key not in value:
            wrong.append(f"{where}: {key} is required")


spec = json.load(open(sys.argv[2])) if len(sys.argv) > 2 else None
walk(resources, "Resources")
walk(template.get("Outputs", {}), "Outputs")
if spec:
    for name, resource in resources.items():
        if resource["Type"] not in spec["resources"]:
            wrong.append(f"{name}: no type {resource['Type']}")
        else:
            properties(resource.get("Properties", {}), spec["resources"][resource["Type"]]["properties"], name)
print("\n".join(wrong))
sys.exit(bool(wrong))
