# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the package managers' records say of a file.
make_system
mkdir -p root/var/lib/dpkg/info root/usr/sbin
echo conf >root/etc/demo.conf
echo tool >root/usr/bin/tool
echo patched >root/usr/bin/patched
ln root/usr/bin/tool root/usr/bin/tool2
printf '/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/bin/patched\n/usr/bin/nodigest\n/etc/demo.conf\n' >root/var/lib/dpkg/info/demo.list
{ md5sum <root/usr/bin/tool | sed 's#-#usr/bin/tool#'; echo original | md5sum | sed 's#-#usr/bin/patched#'; echo 'junk line'; } \
	>root/var/lib/dpkg/info/demo.md5sums
echo x >root/usr/bin/nodigest
printf 'Package: demo\nStatus: install ok installed\nConffiles:\n /etc/demo.conf %s\nDescription: x\n /etc/passwd 00\n' \
	"$(md5sum <root/etc/demo.conf | cut -d' ' -f1)" >root/var/lib/dpkg/status
origin() { jq -r --arg path "$1" 'select(.path == $path) | (.package // "-") + " " + (.origin // "-")' base.ndjson; }
take
is "a file as dpkg delivered it" "$(origin /usr/bin/tool)" "demo as-packaged"
is "one that is not" "$(origin /usr/bin/patched)" "demo differs"
is "one without a digest" "$(origin /usr/bin/nodigest)" "demo -"
is "a configuration file" "$(origin /etc/demo.conf)" "demo as-packaged"
is "a file that no package has" "$(origin /usr/bin/ls)" "- unpackaged"
is "a link has no origin" "$(origin /usr/bin/dir)" "- -"
if [ "$(id -u)" -ne 0 ] || ! $fim baseline create --help | grep -q create || ! grep -qa "librpm\.so" "$fim"; then
	report 0 "RPM # SKIP needs root and a build with librpm"
else
	rm -r root/var/lib/dpkg
	cat >demo.spec <<-'SPEC'
		Name: demo-rpm
		Version: 1
		Release: 1
		Summary: demo
		License: none
		BuildArch: noarch
		%description
		demo
		%install
		mkdir -p %{buildroot}/usr/bin
		echo tool >%{buildroot}/usr/bin/rpmtool
		echo tool >%{buildroot}/usr/bin/rpmpatched
		%files
		/usr/bin/rpmtool
		/usr/bin/rpmpatched
	SPEC
	check "an RPM is built" rpmbuild -bb --define "_topdir $PWD/rpm" --define '_build_id_links none' demo.spec
	check "and installed" rpm --root "$PWD/root" --dbpath /var/lib/rpm -i --nodeps --noscripts rpm/RPMS/noarch/*.rpm
	echo changed >root/usr/bin/rpmpatched
	take
	is "a file as RPM delivered it" "$(origin /usr/bin/rpmtool)" "demo-rpm as-packaged"
	is "one that is not any more" "$(origin /usr/bin/rpmpatched)" "demo-rpm differs"
	is "one that RPM does not know" "$(origin /usr/bin/ls)" "- unpackaged"
fi
