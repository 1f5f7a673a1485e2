# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
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
