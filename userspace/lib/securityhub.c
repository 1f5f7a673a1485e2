/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchImportFindings of AWS Security Hub: the body of a call, and what its answer means.
 * Pure; aws.c sends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

static const char before[] = "{\"Findings\":[", after[] = "]}";

int fim_hub_body(const struct fim_hub_finding *findings, size_t count, char **body_ret,
		 size_t *len_ret)
{
	size_t len = sizeof(before) + sizeof(after);
	char *body, *end;

	if (!count || count > FIM_HUB_FINDINGS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		len += findings[i].len + 1;
	if (len > FIM_HUB_BYTES_MAX)
		return -EFBIG;
	body = malloc(len);
	if (!body)
		return -ENOMEM;
	end = stpcpy(body, before);
	for (size_t i = 0; i < count; i++) {
		if (i)
			*end++ = ',';
		memcpy(end, findings[i].text, findings[i].len);
		end += findings[i].len;
	}
	end = stpcpy(end, after);
	*body_ret = body;
	*len_ret = (size_t)(end - body);
	return 0;
}

/* What Security Hub calls it: the last part of __type, or Code. */
static const char *error_code(const struct fim_json *answer)
{
	const char *code = fim_json_get_str(answer, "__type"), *hash;

	if (!code)
		code = fim_json_get_str(answer, "Code");
	hash = code ? strrchr(code, '#') : NULL;
	return hash ? hash + 1 : code;
}

static bool is_among(const char *text, const char *const *list)
{
	for (; text && *list; list++)
		if (!strcmp(text, *list))
			return true;
	return false;
}

enum fim_hub_verdict fim_hub_judge(long status, const char *body, size_t len,
				   struct fim_json **answer_ret)
{
	static const char *const slow[] = {"ThrottlingException",    "Throttling",
					   "LimitExceededException", "TooManyRequestsException",
					   "RequestLimitExceeded",   NULL};
	static const char *const renew[] = {"ExpiredTokenException", "ExpiredToken",
					    "RequestExpired", NULL};
	struct fim_json *answer = NULL;
	enum fim_hub_verdict verdict = FIM_HUB_REFUSED;
	const char *code;

	if (body && fim_json_parse(body, len, NULL, &answer))
		answer = NULL;
	if (answer && !fim_json_is_object(answer)) {
		fim_json_free(answer);
		answer = NULL;
	}
	code = error_code(answer);
	if (status == 200 && fim_json_is_int(fim_json_get(answer, "SuccessCount")))
		verdict = FIM_HUB_TAKEN;
	else if (!status || status == 200 || status == 408 || status == 429 || status >= 500 ||
		 is_among(code, slow) || is_among(code, renew))
		verdict = FIM_HUB_LATER; /* 200 of somebody who is not Security Hub: also */
	else if (status == 413 || (status == 400 && code && !strcmp(code, "InvalidInputException")))
		verdict = FIM_HUB_SPLIT;
	*answer_ret = answer;
	return verdict;
}

char *fim_hub_reason(long status, const struct fim_json *answer)
{
	const char *code = error_code(answer), *message = fim_json_get_str(answer, "Message");
	char *safe, *text = NULL;

	if (!message)
		message = fim_json_get_str(answer, "message");
	safe = message ? fim_escape(message, strnlen(message, 400)) : NULL;
	if (asprintf(&text, "status %ld%s%.60s%s%s", status, code ? " " : "", code ? code : "",
		     safe ? ": " : "", safe ? safe : "") < 0)
		text = NULL;
	free(safe);
	return text;
}

bool fim_hub_refused(const struct fim_json *answer, const char *id, const char **code_ret,
		     const char **message_ret)
{
	const struct fim_json *list = fim_json_get(answer, "FailedFindings");

	for (size_t i = 0; i < fim_json_count(list); i++) {
		const struct fim_json *failed = fim_json_index(list, i);
		const char *which = fim_json_get_str(failed, "Id");

		if (!which || strcmp(which, id) != 0)
			continue;
		*code_ret = fim_json_get_str(failed, "ErrorCode");
		*message_ret = fim_json_get_str(failed, "ErrorMessage");
		return true;
	}
	return false;
}
