/* SPDX-License-Identifier: Apache-2.0 */
/* Owns PCRE2: the only file that includes it.  Patterns come from rules_regex.c. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

/*
 * One step of the matcher may scan the rest of the subject, so the number of steps is
 * what keeps their product at about a millisecond's work.
 */
#define WORK_LIMIT	1000000u
#define MATCH_LIMIT	5000u
#define MATCH_LIMIT_MIN 50u
#define HEAP_LIMIT_KIB	512u
#define PARENS_MAX	1000u

struct fim_pcre {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

static pcre2_code *compile(const char *pattern, size_t len, char *error, size_t error_size)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code = NULL;
	PCRE2_SIZE offset;
	int number;

	if (!context)
		return NULL;
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, PARENS_MAX);
	code = pcre2_compile((PCRE2_SPTR)pattern, len,
			     PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_MULTILINE |
				     PCRE2_ALT_CIRCUMFLEX | PCRE2_UTF | PCRE2_NO_AUTO_CAPTURE,
			     &number, &offset, context);
	if (!code)
		pcre2_get_error_message(number, (PCRE2_UCHAR *)error, error_size);
	pcre2_compile_context_free(context);
	return code;
}

int fim_pcre_new(const char *pattern, size_t len, struct fim_pcre **pcre_ret, char *error_ret,
		 size_t size)
{
	struct fim_pcre *pcre = calloc(1, sizeof(*pcre));

	if (!pcre)
		return -ENOMEM;
	error_ret[0] = '\0';
	pcre->code = compile(pattern, len, error_ret, size);
	if (!pcre->code) {
		fim_pcre_free(pcre);
		return error_ret[0] ? -EINVAL : -ENOMEM;
	}
	pcre->data = pcre2_match_data_create(1, NULL);
	pcre->limits = pcre2_match_context_create(NULL);
	if (!pcre->data || !pcre->limits) {
		fim_pcre_free(pcre);
		return -ENOMEM;
	}
	pcre2_set_heap_limit(pcre->limits, HEAP_LIMIT_KIB);
	*pcre_ret = pcre;
	return 0;
}

void fim_pcre_free(struct fim_pcre *pcre)
{
	if (!pcre)
		return;
	pcre2_match_context_free(pcre->limits);
	pcre2_match_data_free(pcre->data);
	pcre2_code_free(pcre->code);
	free(pcre);
}

int fim_pcre_match(struct fim_pcre *pcre, const char *subject, size_t len, bool *matches_ret)
{
	size_t limit = WORK_LIMIT / (len + 1);
	int result;

	if (limit > MATCH_LIMIT)
		limit = MATCH_LIMIT;
	if (limit < MATCH_LIMIT_MIN)
		limit = MATCH_LIMIT_MIN;
	pcre2_set_match_limit(pcre->limits, (uint32_t)limit);
	result = pcre2_match(pcre->code, (PCRE2_SPTR)subject, len, 0, PCRE2_NO_UTF_CHECK,
			     pcre->data, pcre->limits);
	if (result < 0 && result != PCRE2_ERROR_NOMATCH)
		return -EOVERFLOW;
	*matches_ret = result >= 0;
	return 0;
}
