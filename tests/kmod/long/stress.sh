#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: stress.sh SECONDS
# stress-ng's file system stressors, SECONDS in all, in a watched directory:
# each must end with the status that it has without the module.

cd "$(dirname "$0")" || exit 1
seconds=$1
dir=/var/tmp/stress
mkdir -p $dir
list=$(stress-ng --class 'filesystem?' | sed 's/.*: *//')
count=$(echo "$list" | wc -w)
each=$((seconds / count))
[ "$each" -ge 1 ] || each=1
echo "# $count stressors, $each s each, without the module and with it"

# 124 and above: it hung or crashed.
stress()
{
	timeout $((10 * each + 120)) stress-ng --"$1" 2 --timeout "$each" --temp-path $dir \
		--oom-avoid >/dev/null 2>&1 </dev/null
	echo $?
}

status=0
for name in $list; do
	before=$(stress "$name")
	insmod ./ecs_fim.ko || exit 1
	./fimdump $dir >out.dump &
	dump=$!
	sleep 0.2
	after=$(stress "$name")
	kill $dump
	wait $dump 2>/dev/null
	events=$(grep -c '^# seq' out.dump)
	if [ "$before" = "$after" ] && rmmod ecs_fim; then
		echo "ok - stress-ng --$name ends with $after, armed or not ($events events)"
	else
		echo "not ok - stress-ng --$name: status $before without the module, $after with it"
		status=1
	fi
	rm -rf out.dump ${dir:?}/*
done
exit $status
