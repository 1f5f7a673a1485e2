# SPDX-License-Identifier: Apache-2.0
"""usage: iam.py AMI POLICY

Roles against calls: what the template's documents, targets and streams, and the programs
that run on hosts (SSM documents, libexec, the CLI's own calls) call has to be granted to
the role that calls it, on the resource that it names; and nothing else may be granted.
AMI is the folder ami/. User data may write what POLICY allows at the first boot. Prints what is missing and what nobody needs, a line each.
"""
import glob
import re
import sys

import yaml

ami = sys.argv[1]
template = yaml.safe_load(open(f"{ami}/cloudformation/ecs-fim.yaml"))
resources = template["Resources"]
wrong = []

# What a step of an automation calls with its role, as AWS documents it.
RUN_COMMAND = {"ssm:SendCommand", "ssm:ListCommands", "ssm:ListCommandInvocations", "ssm:DescribeInstanceInformation"}
# The same of a delivery stream that writes to a bucket.
DELIVERY = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"}
# What our own program calls by itself.
OWN_CALLS = {"ecs-fim send-asff": "securityhub:BatchImportFindings"}
# High-level commands of the AWS CLI.
CLI = {"s3 cp": {"s3:PutObject"}}


def as_list(value):
    return value if isinstance(value, list) else [value]


def role_of(value):
    return value["Fn::GetAtt"][0] if isinstance(value, dict) and "Fn::GetAtt" in value else None


def text_of(value):
    """Texts below a value; a reference as ${Name} or ${Name.Attribute}."""
    if isinstance(value, dict):
        if "Fn::Sub" in value:
            return value["Fn::Sub"]
        if "Ref" in value:
            return "${%s}" % value["Ref"]
        if "Fn::GetAtt" in value:
            return "${%s}" % ".".join(value["Fn::GetAtt"])
        return "\n".join(map(text_of, value.values()))
    if isinstance(value, list):
        return "\n".join(map(text_of, value))
    return str(value)


# ---------------------------------------------------------------------- granted

granted = {name: {} for name, r in resources.items() if r["Type"] == "AWS::IAM::Role"}


def grant(role, document):
    for statement in document["Statement"]:
        for action in as_list(statement["Action"]):
            granted[role].setdefault(action, []).extend(map(text_of, as_list(statement["Resource"])))


for name, resource in resources.items():
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::IAM::Role":
        for policy in properties.get("Policies", []):
            grant(name, policy["PolicyDocument"])
    if resource["Type"] == "AWS::IAM::Policy":
        for role in properties["Roles"]:
            grant(role["Ref"], properties["PolicyDocument"])

# ----------------------------------------------------------------------- needed

needed = {name: {} for name in granted}


def need(role, action, why, resource=None):
    needed.setdefault(role, {}).setdefault(action, []).append((why, resource))


def host_role():
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::InstanceProfile":
            return resource["Properties"]["Roles"][0]["Ref"]
    return None


def shell(text, why):
    """What a script of a host calls."""
    for service, command in re.findall(r"\baws ([a-z0-9-]+) ([a-z0-9-]+)", text):
        actions = CLI.get(f"{service} {command}")
        if not actions:
            actions = {f"{service}:{''.join(word.capitalize() for word in command.split('-'))}"}
        target = re.search(r"s3://([^\s$]*\$\{\w+\}/[\w/-]*)", text)
        for action in actions:
            need(host_role(), action, why, target and target.group(1))
    for command, action in OWN_CALLS.items():
        if command in text:
            need(host_role(), action, why)


streams = {f"${{{name}.Arn}}" for name, r in resources.items() if r["Type"] == "AWS::KinesisFirehose::DeliveryStream"}
for name, resource in resources.items():
    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind == "AWS::SSM::Document":
        role = role_of(properties["Content"].get("assumeRole"))
        for step in properties["Content"]["mainSteps"]:
            where = f"{name}/{step['name']}"
            if step["action"] == "aws:runCommand":
                for action in RUN_COMMAND:
                    need(role, action, where)
            elif step["action"] == "aws:executeAwsApi":
                need(role, f"{step['inputs']['Service']}:{step['inputs']['Api']}", where)
            elif step["action"] not in ("aws:branch", "aws:runShellScript"):
                wrong.append(f"{where}: what {step['action']} calls is not known here")
            shell(text_of(step.get("inputs", {})), where)
    elif kind == "AWS::SSM::Association" and "OutputLocation" in properties:
        s3 = properties["OutputLocation"]["S3Location"]
        need(host_role(), "s3:PutObject", name, f"{text_of(s3['OutputS3BucketName'])}/{s3['OutputS3KeyPrefix']}/")
    elif kind == "AWS::Events::Rule":
        for target in properties["Targets"]:
            role = role_of(target["RoleArn"])
            if text_of(target["Arn"]) in streams:
                for action in ("firehose:PutRecord", "firehose:PutRecordBatch"):
                    need(role, action, name, text_of(target["Arn"]))
                continue
            document = re.search(r"automation-definition/\$\{(\w+)\}", text_of(target))
            need(role, "ssm:StartAutomationExecution", name, f"automation-definition/${{{document.group(1)}}}")
            need(role, "iam:PassRole", name,
                 text_of(resources[document.group(1)]["Properties"]["Content"]["assumeRole"]))
    elif kind == "AWS::KinesisFirehose::DeliveryStream":
        target = properties["ExtendedS3DestinationConfiguration"]
        for action in DELIVERY:
            need(role_of(target["RoleARN"]), action, name)
        bucket = target["BucketARN"]["Fn::GetAtt"][0]
        for prefix in (target["Prefix"], target["ErrorOutputPrefix"]):
            need(role_of(target["RoleARN"]), "s3:PutObject", name, f"${{{bucket}}}/{prefix.split('!')[0]}")
    elif kind == "AWS::EC2::LaunchTemplate":
        shell(text_of(properties), name)
for path in sorted(glob.glob(f"{ami}/ssm/*.yaml") + glob.glob(f"{ami}/libexec/*") + glob.glob(f"{ami}/systemd/*.service")):
    shell(open(path).read(), path[len(ami) + 1:])

# -------------------------------------------------------------------- user data
# What a script does there comes after the enrollment; files come before it, and the policy
# has to allow them once.

policy = yaml.safe_load(open(sys.argv[2]))
once = {rule["path"] for rule in policy["rules"] if rule["class"] == "once"}
for name, resource in resources.items():
    if resource["Type"] == "AWS::EC2::LaunchTemplate":
        text = resource["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
        data = yaml.safe_load(text) if text.startswith("#cloud-config\n") else {"script": ""}
        for key in set(data) - {"write_files"}:
            wrong.append(f"{name}: user data has {key}, which runs after the enrollment")
        for file in data.get("write_files", []):
            if file["path"] not in once:
                wrong.append(f"{name}: user data writes {file['path']}, which no policy allows once")

# ---------------------------------------------------------------------- compare


def fits(pattern, resource):
    """Does a statement's resource, an ARN, name @resource, the end of one or bucket/key?"""
    pattern = pattern.replace(".Arn}", "}") if "/" in resource and ":" not in resource else pattern
    expression = ".*".join(map(re.escape, pattern.split("*")))
    return bool(re.search(expression if pattern != "*" else "", resource)) or resource in pattern


for role, actions in needed.items():
    for action, uses in actions.items():
        if role is None:
            wrong.append(f"{uses[0][0]} calls {action} with no role of ours")
        elif action not in granted[role]:
            wrong.append(f"{role}: {action} is not allowed, {uses[0][0]} calls it")
        else:
            for why, resource in uses:
                if resource and not any(fits(pattern, resource) for pattern in granted[role][action]):
                    wrong.append(f"{role}: {action} is not allowed on {resource}, {why} calls it")
for role, actions in granted.items():
    for action in actions:
        if action not in needed.get(role, {}):
            wrong.append(f"{role}: {action} is allowed, and nothing calls it")
print("\n".join(wrong))
sys.exit(bool(wrong))
