#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/ami/planted.sh SPEC.json
# The checks of checks.sh are checked: each gets a copy of ami/ with one mistake in it, and
# has to fail and to name the mistake. Prints TAP.
# shellcheck disable=SC2317,SC2016,SC2329 # called through plant; what sed gets is not for the shell
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/ami/checks.sh
. tests/ami/checks.sh
spec=${1:?usage: tests/ami/planted.sh SPEC.json}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
copy=$work/ami

# $1: what; $2: file in ami/; $3: sed script that makes the mistake; $4: what the check has
# to say (grep -E); the rest: the check, without its folder ("@").
plant() {
	local what=$1 file=$2 mistake=$3 says=$4 out
	shift 4
	rm -rf "$copy"
	cp -r ami "$copy"
	sed -i -E "$mistake" "$copy/$file"
	if cmp -s "ami/$file" "$copy/$file"; then
		echo "not ok - $what: caught"
		echo "# the mistake could not be made in $file: $mistake"
		status=1
	elif out=$("${@/#@/$copy}" 2>&1); then
		echo "not ok - $what: caught"
		echo "# $1 is content with: $mistake"
		status=1
	elif ! grep -qE -- "$says" <<<"$out"; then
		echo "not ok - $what: caught"
		printf '%s\n' "it fails for another reason:" "$out" | head -n 15 | sed 's/^/# /'
		status=1
	else
		echo "ok - $what: caught"
	fi
}

# --------------------------------------------------------------- CloudFormation, IAM
cfn() { plant "CloudFormation: $1" cloudformation/ecs-fim.yaml "$2" "$3" cloudformation @ "$spec"; }
cfn "a wrong name of a property" 's/VPCZoneIdentifier:/VpcZoneIdentifier:/' 'no property VpcZoneIdentifier'
cfn "a wrong name of a property inside" 's/HeartbeatTimeout: 900/HeartBeatTimeout: 900/' 'no property HeartBeatTimeout'
cfn "a required property left out" '/^      MaxSize: \{Ref/d' 'MaxSize is required'
cfn "a text where a number belongs" 's/HeartbeatTimeout: 900/HeartbeatTimeout: long/' 'HeartbeatTimeout: "long" is no integer'
cfn "a text where a truth belongs" 's/BlockPublicAcls: true/BlockPublicAcls: sure/' '"sure" is no boolean'
cfn "a list where a text belongs" 's/^        Prefix: (.*)/        Prefix: [\1]/' 'Prefix: .* is no string'
cfn "a text where a list belongs" 's/VPCZoneIdentifier: .*/VPCZoneIdentifier: subnet-1/' '"subnet-1" is no array'
cfn "a parameter that is a list where a text belongs" 's/ImageId: \{Ref: ImageId\}/ImageId: {Ref: Subnets}/' 'ImageId: .* is no string'
cfn "a value that there is not" 's/CompressionFormat: GZIP/CompressionFormat: RAR/' 'RAR is none of'
cfn "a type of resource that there is not" 's/AWS::S3::Bucket$/AWS::S3::Pail/' 'no type AWS::S3::Pail'
cfn "an attribute that there is not" 's/\[HostProfile, Arn\]/[HostProfile, ARN]/' 'no attribute ARN'
cfn "a reference to nothing" 's/\{Ref: HostRole\}/{Ref: HostRoll}/' 'Ref HostRoll'
cfn "every resource in a statement" 's/Resource: \{"Fn::Sub": "\$\{Evidence.Arn\}\/final\/\*"\}/Resource: "*"/' 'Resource \* for s3:PutObject'
cfn "every resource of a service" 's/Resource: \{"Fn::GetAtt": \[Journal, Arn\]\}/Resource: "arn:aws:firehose:*:*:*"/' 'Resource arn:aws:firehose'
cfn "every action of a service" 's/Action: "s3:PutObject"/Action: "s3:*"/' 'Action s3:\* is more than one'
cfn "everything but one action" 's/Action: "s3:PutObject"/NotAction: "s3:DeleteObject"/' 'NotAction allows'
cfn "one that needs a resource among those that know none" \
	's/"ssm:DescribeInstanceInformation"\]/"ssm:DescribeInstanceInformation", "ssm:GetParameter"]/' 'Resource \* for .*ssm:GetParameter'

calls() { plant "IAM: $1" "$2" "$3" "$4" calls_and_permissions @; }
template=cloudformation/ecs-fim.yaml
calls "a call without its permission" $template 's/Api: CompleteLifecycleAction/Api: TerminateInstanceInAutoScalingGroup/' 'TerminateInstance.* is not allowed, LifecycleDocument'
calls "a permission without a call" $template 's/Action: "securityhub:BatchImportFindings"/Action: ["securityhub:BatchImportFindings", "securityhub:GetFindings"]/' 'GetFindings is allowed, and nothing'
calls "a permission taken away from the hosts" $template 's/Action: "s3:PutObject"/Action: "s3:AbortMultipartUpload"/' 'HostRole: s3:PutObject is not allowed'
calls "a permission for another folder" $template 's/\$\{Evidence.Arn\}\/final\/\*/${Evidence.Arn}\/report\/*/' 's3:PutObject is not allowed on .*final'
calls "another folder of the delivery stream" $template 's/Prefix: "journal\/day/Prefix: "daily\/day/' 's3:PutObject is not allowed on .*daily'
calls "a document that starts another" $template 's/automation-definition\/\$\{LifecycleDocument\}:\*/automation-definition\/${VerifyDocument}:*/' 'StartAutomationExecution is not allowed on'
calls "a role passed that is another" $template 's/Resource: \{"Fn::GetAtt": \[LifecycleRole, Arn\]\}/Resource: {"Fn::GetAtt": [HostRole, Arn]}/' 'PassRole is not allowed on'
calls "a command of an SSM document that needs more" ssm/ecs-fim-collect.yaml 's/^( *)set -eu/\1aws ec2 describe-tags\n\1set -eu/' 'ec2:DescribeTags is not allowed'
calls "a command of a unit's program that needs more" libexec/ecs-fim-final 's/^set -eu/set -eu; aws s3api put-object-retention/' 's3api:PutObjectRetention is not allowed'
calls "a step that nobody knows" $template 's/action: "aws:branch"/action: "aws:createStack"/' 'aws:createStack calls is not known'
calls "a script as user data" $template 's/#cloud-config/#!\/bin\/bash/' 'runs after the enrollment'
calls "a command as user data" $template 's/^( *)write_files:/\1runcmd: [reboot]\n\1write_files:/' 'has runcmd'
calls "a file that the policy does not allow" $template 's/path: \/etc\/ecs-fim\/gate.conf/path: \/etc\/sudoers.d\/x/' 'writes /etc/sudoers.d/x'

# ------------------------------------------------------------------------------ Packer
order() { plant "Packer: $1" packer/ecs-fim.pkr.hcl "$2" "$3" packer_order @; }
order "an update after the baseline" '/# 5. the digest/i\  provisioner "shell" {\n    inline = ["sudo dnf -y update"]\n  }' 'dnf -y update'
order "an update in the baseline's own step" 's/(provision.sh seal[^"]*)"/\1; sudo dnf -y update"/' 'does something else'
order "an update in the signature's step" 's/(provision.sh attach [^"]*)"/\1", "sudo dnf -y update"/' 'after the baseline'
order "a file put into the image after the baseline" 's|destination = "/run/user/1000/baseline.sig"|destination = "/usr/bin/baseline.sig"|' 'after the baseline: file'
order "a script after the baseline, under a comment that looks right" \
	'/# 5. the digest/i\  provisioner "shell" {\n    script = "x.sh" # baseline.sig\n  }' 'after the baseline: shell'
order "the clean-up after the baseline" \
	'/# 3. our own/,/^  }/{H;d}; /# 5. the digest/{x;G}' 'after the baseline: shell'
order "no baseline" '/# 4. BASELINE/,/^  }/d' 'baselines: 0'
plant "Packer, the drop-in: an update after the baseline" packer/amazon-ecs-ami.pkr.hcl.in \
	'0,/direction/s/(  provisioner "file" \{)/  provisioner "shell" {\n    inline = ["sudo reboot"]\n  }\n\1/' 'sudo reboot' packer_order @
if command -v packer >/dev/null; then
	plant "Packer: a brace too many" packer/ecs-fim.pkr.hcl '$a}' . packer_formatted @
	plant "Packer: not formatted" packer/ecs-fim.pkr.hcl 's/^  region  /  region/' . packer_formatted @
else
	echo "ok - Packer: a brace too many, not formatted # SKIP no packer"
fi

# --------------------------------------------------------------------- shell, units, SSM
for file in libexec/ecs-fim-final package/postinst packer/provision.sh ecs-anywhere/install.sh; do
	plant "shell: an unquoted variable in $file" "$file" '/^set -e/a\touch /tmp/$1' SC2086 shell_is_clean @
done
service=systemd/ecs-fimd.service
plant "unit: all capabilities" $service '/^CapabilityBoundingSet=/d' '3\.[0-9]' exposure @
plant "unit: a network" $service '/^PrivateNetwork=/d' '2\.9' exposure @
plant "unit: new privileges" $service '/^NoNewPrivileges=/d' '2\.7' exposure @
# Each line of the part that hardens it.
while IFS= read -r line; do
	key=${line%%=*}
	[ "$key" != SystemCallFilter ] || key=${line:0:18}
	plant "unit: without $key" $service "/^$key/d" "$key" hardened @
done < <(sed -n '/^CapabilityBoundingSet=/,/^\[Install\]/{/^[A-Z]/p}' ami/$service)
ssm() { plant "SSM: $1" ssm/ecs-fim-rebaseline.yaml "$2" "$3" ssm_documents @; }
ssm "a pattern that takes anything" 's/allowedPattern: .*/allowedPattern: "^.*$"/' 'Policy takes .; rm -rf'
ssm "a pattern for a part of the value" 's/(allowedPattern: .*)\$"/\1"/' 'not for the whole value'
ssm "a parameter without a pattern" '/allowedPattern/d' 'not for the whole value'
ssm "a parameter that is not declared" 's/\{\{ Policy \}\}/{{ Polizei }}/' 'Polizei is no parameter'
exit $status
