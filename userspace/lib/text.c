/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text: UTF-8, hex, escaping for terminals, times. Pure but for
 * fim_time_now().
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib_private.h"

#define NSEC_PER_SEC 1000000000LL

static const char hex_digits[] = "0123456789abcdef";

/* Length of the valid UTF-8 sequence at @s and its code point; 0: not UTF-8 (RFC 3629, table 3-7). */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *codepoint_ret)
{
	uint32_t codepoint;
	size_t need, i;

	if (s[0] < 0x80) {
		*codepoint_ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		need = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (len < need)
		return 0;
	codepoint = s[0] & (0xff >> (need + 1));
	for (i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		codepoint = codepoint << 6 | (s[i] & 0x3f);
	}
	if (need == 3 && (codepoint < 0x800 || (codepoint >= 0xd800 && codepoint <= 0xdfff)))
		return 0;
	if (need == 4 && (codepoint < 0x10000 || codepoint > 0x10ffff))
		return 0;
	*codepoint_ret = codepoint;
	return need;
}

bool fim_is_utf8(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	uint32_t codepoint;
	size_t i, step;

	for (i = 0; i < len; i += step) {
		step = utf8_decode(s + i, len - i, &codepoint);
		if (!step || !codepoint)
			return false;
	}
	return true;
}

void fim_hex_encode(const unsigned char *bytes, size_t len, char *hex_ret)
{
	size_t i;

	for (i = 0; i < len; i++) {
		hex_ret[2 * i] = hex_digits[bytes[i] >> 4];
		hex_ret[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
	hex_ret[2 * len] = '\0';
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

int fim_hex_decode(const char *hex, unsigned char *bytes_ret, size_t len)
{
	size_t i;

	/* Two passes: the output stays untouched on failure. */
	for (i = 0; i < 2 * len; i++)
		if (hex_value(hex[i]) < 0)
			return -EINVAL;
	if (hex[2 * len])
		return -EINVAL;
	for (i = 0; i < len; i++)
		bytes_ret[i] =
			(unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
	return 0;
}

bool fim_codepoint_is_unsafe(uint32_t codepoint)
{
	return codepoint < 0x20 || (codepoint >= 0x7f && codepoint <= 0x9f) || /* C0, DEL, C1 */
	       codepoint == 0x61c ||					       /* bidi marks */
	       codepoint == 0x200e || codepoint == 0x200f ||
	       (codepoint >= 0x2028 && codepoint <= 0x202e) || /* line ends, bidi overrides */
	       (codepoint >= 0x2066 && codepoint <= 0x2069);   /* bidi isolates */
}

size_t fim_utf8_next(const char *bytes, size_t len, uint32_t *codepoint_ret)
{
	return utf8_decode((const unsigned char *)bytes, len, codepoint_ret);
}

char *fim_escape(const char *bytes, size_t len)
{
	size_t i, k, step, out = 0;
	uint32_t codepoint = 0;
	char *text;

	if (len > SIZE_MAX / 4 - 1)
		return NULL;
	text = malloc(4 * len + 1);
	if (!text)
		return NULL;
	for (i = 0; i < len; i += step) {
		step = fim_utf8_next(bytes + i, len - i, &codepoint);
		if (step && codepoint != '\\' && !fim_codepoint_is_unsafe(codepoint)) {
			memcpy(text + out, bytes + i, step);
			out += step;
			continue;
		}
		step = step ? step : 1;
		for (k = 0; k < step; k++) {
			unsigned char byte = (unsigned char)bytes[i + k];

			text[out++] = '\\';
			text[out++] = 'x';
			text[out++] = hex_digits[byte >> 4];
			text[out++] = hex_digits[byte & 15];
		}
	}
	text[out] = '\0';
	return text;
}

void fim_time_format(int64_t time_ns, char text_ret[FIM_TIME_SIZE])
{
	int64_t ns = time_ns % NSEC_PER_SEC;
	time_t seconds = time_ns / NSEC_PER_SEC;
	struct tm tm;
	size_t len;

	if (ns < 0) {
		ns += NSEC_PER_SEC;
		seconds--;
	}
	/* An int64_t of nanoseconds stays within the years 1677 … 2262. */
	gmtime_r(&seconds, &tm);
	len = strftime(text_ret, FIM_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text_ret + len, FIM_TIME_SIZE - len, ".%09lldZ", (long long)ns);
}

/* Reads exactly @digits digits at *@text and steps over them. */
static int digits_parse(const char **text, int digits, int min, int max, int *value_ret)
{
	int i, value = 0;

	for (i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*text)[i]))
			return -EINVAL;
		value = value * 10 + ((*text)[i] - '0');
	}
	if (value < min || value > max)
		return -EINVAL;
	*text += digits;
	*value_ret = value;
	return 0;
}

static int char_skip(const char **text, char expected)
{
	if (**text != expected)
		return -EINVAL;
	(*text)++;
	return 0;
}

static int fraction_parse(const char **text, int64_t *ns_ret)
{
	int64_t ns = 0;
	int digits;

	if (**text != '.') {
		*ns_ret = 0;
		return 0;
	}
	(*text)++;
	for (digits = 0; isdigit((unsigned char)**text); digits++, (*text)++) {
		if (digits == 9)
			return -EINVAL;
		ns = ns * 10 + (**text - '0');
	}
	if (!digits)
		return -EINVAL;
	for (; digits < 9; digits++)
		ns *= 10;
	*ns_ret = ns;
	return 0;
}

int fim_time_parse(const char *text, int64_t *time_ns_ret)
{
	struct tm tm = {0}, check;
	time_t seconds;
	int64_t ns = 0;

	/* Up to 2261: the last whole year that fits into an int64_t of nanoseconds. */
	if (digits_parse(&text, 4, 1970, 2261, &tm.tm_year) || char_skip(&text, '-') ||
	    digits_parse(&text, 2, 1, 12, &tm.tm_mon) || char_skip(&text, '-') ||
	    digits_parse(&text, 2, 1, 31, &tm.tm_mday))
		return -EINVAL;
	if (*text && (char_skip(&text, 'T') || digits_parse(&text, 2, 0, 23, &tm.tm_hour) ||
		      char_skip(&text, ':') || digits_parse(&text, 2, 0, 59, &tm.tm_min) ||
		      char_skip(&text, ':') || digits_parse(&text, 2, 0, 59, &tm.tm_sec) ||
		      fraction_parse(&text, &ns) || char_skip(&text, 'Z') || *text))
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	check = tm;
	seconds = timegm(&check);
	if (check.tm_mday != tm.tm_mday) /* e.g. 30 February became March */
		return -EINVAL;
	*time_ns_ret = (int64_t)seconds * NSEC_PER_SEC + ns;
	return 0;
}

int64_t fim_time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}
