/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that most runs do without are loaded by the first one that does not: what is
 * linked is relocated at every start, with all that it brings along.
 */
#include <dlfcn.h>
#include <errno.h>
#include <syslog.h>

#include "lib_private.h"

int fim_library_load(const char *soname, const char *const *names, size_t count,
		     void **functions_ret)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	bool whole = library != NULL;
	size_t i;

	for (i = 0; whole && i < count; i++) {
		functions_ret[i] = dlsym(library, names[i]);
		whole = functions_ret[i] != NULL;
	}
	if (whole)
		return 0;
	fim_log(LOG_ERR, "cannot load a library: %s", dlerror());
	return -ELIBACC;
}
