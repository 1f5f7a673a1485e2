/* SPDX-License-Identifier: Apache-2.0 */
/* Pattern, NUL, subject: compiled or refused; both matchers say the same and both end. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/rules_private.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const unsigned char *cut = size ? memchr(data, '\0', size) : NULL;
	struct fim_regex *regex;
	bool ours = false, theirs = false;
	struct fim_str subject;
	char error[200];
	int err;

	if (!cut || size > 2000)
		return 0;
	subject = (struct fim_str){(const char *)cut + 1, size - (size_t)(cut - data) - 1};
	if (fim_regex_new((struct fim_str){(const char *)data, (size_t)(cut - data)}, &regex, error,
			  sizeof(error)))
		return 0;
	err = fim_regex_match(regex, subject, &ours);
	if (!err && !fim_regex_match_slowly(regex, subject, &theirs) && ours != theirs)
		abort();
	fim_regex_free(regex);
	return 0;
}
