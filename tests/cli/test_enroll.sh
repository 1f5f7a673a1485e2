# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A first boot, and who tries to profit from it.
enroll() { "$fim" enroll --window 0 --root root --baseline base.ndjson --key key.pub "$@"; }
first_boot() {
	echo 0123456789abcdef0123456789abcdef >root/etc/machine-id
	echo secret >root/etc/ssh/ssh_host_rsa_key
	echo web-1 >root/etc/hostname
	echo more >>root/etc/log
}
first="added /etc/hostname,modified /etc/machine-id,added /etc/ssh/ssh_host_rsa_key,"
make_signed
is "an untouched image is clean" "$(differences)" ""
first_boot
is "before, first boot's changes are findings" "$(differences)" \
	"$first"
check "the host is enrolled" enroll
is "and clean" "$(differences)" ""
is "with a delta that names the image's baseline" "$(head -n 1 deltas/enrollment.ndjson | jq -r '.kind, .base')" \
	"enrollment
$(sha256sum <base.ndjson | cut -d' ' -f1)"
is "and says who is expected to have written" "$(jq -r 'select(.path == "/etc/ssh/ssh_host_rsa_key").why' deltas/enrollment.ndjson)" \
	"first boot: host keys (written by /usr/bin/ssh-keygen)"
check "openssl accepts its signature" openssl dgst -sha256 -verify deltas/enrollment.pem \
	-signature deltas/enrollment.sig deltas/enrollment.ndjson
fails "a second time is refused" 1 'enrolled already' enroll
echo other >root/etc/ssh/ssh_host_rsa_key
is "a key that changes after that is a finding" "$(differences)" "modified /etc/ssh/ssh_host_rsa_key,"
echo secret >root/etc/ssh/ssh_host_rsa_key
echo not-an-id >root/etc/machine-id
is "so is a machine id that is none" "$(differences)" "modified /etc/machine-id,"
echo 0123456789abcdef0123456789abcdef >root/etc/machine-id

cp deltas/enrollment.ndjson keep.ndjson
sed -i 's/first boot: cloud-init/first boot: cloud-quit/' deltas/enrollment.ndjson
is "a delta that was changed counts for nothing" "$(differences)" "$first"
cp keep.ndjson deltas/enrollment.ndjson
mv deltas/enrollment.sig sig
is "nor one without signature" "$(differences)" "$first"
mv sig deltas/enrollment.sig
cp deltas/enrollment.ndjson deltas/other.ndjson
cp deltas/enrollment.sig deltas/other.sig
verify >out 2>err
check "its key is good for the enrollment only" grep -q 'other.ndjson: not applied' err
rm deltas/other.*

rm -r deltas root
make_system
take
"$fim" baseline sign --key key.pem base.ndjson >/dev/null
first_boot
echo 'mallory:x:0:0' >>root/etc/passwd
echo evil >root/usr/bin/evil
echo not-an-id >root/etc/machine-id
enroll --json >out
is "what the policy does not leave to first boot ends with status 3" $? 3
is "and is named" "$(jq -r 'select(.type == "finding").path' out | tr '\n' ' ')" "/etc/machine-id /etc/passwd /usr/bin/evil "
is "and stays a finding" "$(differences)" "modified /etc/machine-id,modified /etc/passwd,added /usr/bin/evil,"
rm -r deltas
echo 0123456789abcdef0123456789abcdef >root/etc/machine-id
chmod 0666 root/etc/machine-id
enroll --json --unsigned >out
is "a template does not excuse a mode" "$(jq -r 'select(.path == "/etc/machine-id").changed[0]' out)" mode
check "an unsigned delta is signed elsewhere" "$fim" baseline sign --key key.pem deltas/enrollment.ndjson
chmod 0644 root/etc/machine-id
is "and counts then" "$(differences)" "modified /etc/machine-id,modified /etc/passwd,added /usr/bin/evil,"
fails "long after the boot it is too late" 1 'boot window is over' \
	"$fim" enroll --window 1 --root root --baseline base.ndjson --key key.pub
make_ec_key other
fails "an image that nobody trusted has signed is not enrolled" 1 'is not valid' \
	"$fim" enroll --window 0 --root root --baseline base.ndjson --key other.pub
