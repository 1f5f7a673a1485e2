/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give up what the loop does not need.
 */
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <unistd.h>

#include "daemon.h"

/* What stays, and why. */
static const int kept[] = {
	CAP_DAC_READ_SEARCH, /* measure files that root's permission bits do not open */
	CAP_SYS_PTRACE,	     /* /proc of other users' processes, also under hidepid */
	CAP_AUDIT_WRITE,     /* the audit sink */
	CAP_LINUX_IMMUTABLE, /* the append-only attribute of the journal's segments */
	CAP_SYS_ADMIN,	     /* open the device again when the module comes back; see and
			      * compare trusted.* attributes, which the baseline holds */
};

static bool is_kept(int cap)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i] == cap)
			return true;
	return false;
}

static int capabilities_set(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; word++) {
		uint32_t mask = 0;

		for (int bit = 0; bit < 32; bit++)
			if (is_kept(word * 32 + bit))
				mask |= 1u << bit;
		/* Never more than there was: in a container some are missing already. */
		data[word].permitted &= mask;
		data[word].effective = data[word].permitted;
		data[word].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int privilege_drop(void)
{
	int err = 0;

	/* No exec follows, but if there ever is one, it gains nothing. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!is_kept(cap))
			prctl(PR_CAPBSET_DROP, cap);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		err = -errno;
	if (!err)
		err = capabilities_set();
	if (err)
		fim_log(LOG_ERR, "capabilities cannot be given up: %s", strerror(-err));
	return err;
}
