# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2086 # check.sh sets fim, a path without blanks
make_signed
check "a right policy is right" $fim policy check policy.yaml
for shipped in "$top"/baselines/*.yaml; do
	check "${shipped##*/} is right" $fim policy check "$shipped"
done
is "it is counted by class" "$($fim policy check --json policy.yaml | jq -c .rules)" \
	'{"strict":0,"once":2,"templated":1,"metadata":0,"append-only":1,"excluded":1}'
sed 's/class: once/class: twice/' policy.yaml >wrong.yaml
fails "a wrong one is refused with its place" 1 'wrong.yaml:6:' $fim policy check policy.yaml wrong.yaml
explain() { $fim policy explain --policy policy.yaml --json "$@" | jq -r '[.path, .class // "not covered", .rule // "-"] | join(" ")'; }
is "a path without a rule is strict" "$(explain /etc/passwd)" "/etc/passwd strict -"
is "a pattern is named" "$(explain /etc/ssh/ssh_host_rsa_key)" "/etc/ssh/ssh_host_rsa_key once /etc/ssh/ssh_host_*_key"
is "outside the roots nothing is covered" "$(explain /var/log)" "/var/log not covered -"
is "a slash at the end does not matter" "$(explain /etc/cache/)" "/etc/cache excluded /etc/cache"
check "for people: reason and approver" sh -c "$fim policy explain --policy policy.yaml /etc/cache | grep -q jane@example.com"
is "a baseline tells what is expected" \
	"$($fim policy explain --baseline base.ndjson --json /etc/passwd | jq -r .expected.type)" file
fails "a relative path cannot be looked up" 1 'not an absolute path' $fim policy explain --policy policy.yaml etc
fails "policy wants a command" 2 'what to do' $fim policy

# The driver is new at the first boot; nothing else is different from the other image.
gpu=$top/baselines/al2023-gpu.yaml
is "GPU: only lines were added to al2023.yaml" \
	"$(diff <(sed '/^#/d; s/al2023$/al2023-gpu/' "$top/baselines/al2023.yaml") <(sed '/^#/d' "$gpu") | grep -c '^<')" 0
class_of() { "$fim" policy explain --json --policy "$gpu" "$1" | jq -r .class; }
is "GPU: the driver is taken over once" "$(class_of /usr/lib/modules/6.1.1/extra/nvidia.ko)" once
is "GPU: and depmod's index" "$(class_of /usr/lib/modules/6.1.1/modules.dep.bin)" once
is "GPU: our own module is not" "$(class_of /usr/lib/modules/6.1.1/extra/ecs_fim.ko)" strict
is "GPU: nor are the kernel's" "$(class_of /usr/lib/modules/6.1.1/kernel/fs/ext4/ext4.ko)" strict

# What a first boot changes on each image, and how the shipped policies take it.
classes() { # path: classes in al2023, al2, debian-12
	local image
	for image in al2023 al2 debian-12; do
		"$fim" policy explain --json --policy "$top/baselines/$image.yaml" "$1" | jq -r '.class // "not covered"'
	done | tr '\n' ' '
}
while read -r path wanted; do
	is "first boot: $path" "$(classes "$path")" "$wanted "
done <<-TABLE
	/etc/machine-id templated templated templated
	/etc/hostname once once once
	/etc/locale.conf once once strict
	/etc/ssh/ssh_host_ed25519_key once once once
	/etc/ssh/ssh_host_rsa_key.pub once once once
	/etc/.updated once once once
	/etc/ld.so.cache metadata metadata metadata
	/etc/udev/hwdb.bin once once strict
	/etc/passwd once once once
	/etc/gshadow- once once once
	/etc/dnf/vars/awsregion templated strict strict
	/etc/yum/vars/awsregion strict templated strict
	/etc/ecs/ecs.config once once once
	/etc/fstab once once once
	/etc/resolv.conf metadata metadata metadata
	/etc/sysconfig/network-scripts/ifcfg-eth0 strict once strict
	/etc/udev/rules.d/70-persistent-net.rules strict once strict
	/etc/aliases.db strict once strict
	/etc/sudoers.d/90-cloud-init-users strict strict strict
	/etc/docker/key.json strict strict once
	/etc/adjtime metadata metadata metadata
	/etc/ssh/sshd_config strict strict strict
	/usr/bin/ls strict strict strict
	/usr/lib/modules/6.1/modules.dep strict strict strict
TABLE
