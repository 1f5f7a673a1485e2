/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the types of fields: which operators they take and how their values are read. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

#define VALUE_MAX 32768 /* the engine's limit for a constant */

const struct fim_type_info fim_types[] = {
	[FIM_VT_CHARBUF] = {"CHARBUF", FIM_VK_STRING, 0, false},
	[FIM_VT_FSPATH] = {"FSPATH", FIM_VK_STRING, 0, false},
	[FIM_VT_BYTEBUF] = {"BYTEBUF", FIM_VK_BYTES, 0, false},
	[FIM_VT_INT16] = {"INT16", FIM_VK_SIGNED, 16, false},
	[FIM_VT_INT32] = {"INT32", FIM_VK_SIGNED, 32, false},
	[FIM_VT_INT64] = {"INT64", FIM_VK_SIGNED, 64, false},
	[FIM_VT_UINT8] = {"UINT8", FIM_VK_UNSIGNED, 8, false},
	[FIM_VT_UINT16] = {"UINT16", FIM_VK_UNSIGNED, 16, false},
	[FIM_VT_UINT32] = {"UINT32", FIM_VK_UNSIGNED, 32, false},
	[FIM_VT_UINT64] = {"UINT64", FIM_VK_UNSIGNED, 64, false},
	[FIM_VT_ERRNO] = {"ERRNO", FIM_VK_SIGNED, 64, false},
	[FIM_VT_FD] = {"FD", FIM_VK_SIGNED, 64, false},
	[FIM_VT_PID] = {"PID", FIM_VK_SIGNED, 64, false},
	[FIM_VT_UID] = {"UID", FIM_VK_UNSIGNED, 32, false},
	[FIM_VT_GID] = {"GID", FIM_VK_UNSIGNED, 32, false},
	[FIM_VT_SYSCALLID] = {"SYSCALLID", FIM_VK_UNSIGNED, 16, false},
	[FIM_VT_SIGTYPE] = {"SIGTYPE", FIM_VK_UNSIGNED, 8, false},
	[FIM_VT_RELTIME] = {"RELTIME", FIM_VK_UNSIGNED, 64, false},
	[FIM_VT_ABSTIME] = {"ABSTIME", FIM_VK_UNSIGNED, 64, false},
	[FIM_VT_PORT] = {"PORT", FIM_VK_UNSIGNED, 16, false},
	[FIM_VT_FLAGS8] = {"FLAGS8", FIM_VK_UNSIGNED, 8, true},
	[FIM_VT_FLAGS16] = {"FLAGS16", FIM_VK_UNSIGNED, 16, true},
	[FIM_VT_FLAGS32] = {"FLAGS32", FIM_VK_UNSIGNED, 32, true},
	[FIM_VT_DOUBLE] = {"DOUBLE", FIM_VK_SIGNED, 64, false},
	[FIM_VT_BOOL] = {"BOOL", FIM_VK_BOOL, 32, false},
	[FIM_VT_IPADDR] = {"IPADDR", FIM_VK_IP, 0, false},
	[FIM_VT_IPNET] = {"IPNET", FIM_VK_NET, 0, false},
	[FIM_VT_SOCKADDR] = {"SOCKADDR", FIM_VK_OPAQUE, 0, false},
	[FIM_VT_SOCKTUPLE] = {"SOCKTUPLE", FIM_VK_OPAQUE, 0, false},
	[FIM_VT_FDLIST] = {"FDLIST", FIM_VK_OPAQUE, 0, false},
	[FIM_VT_SIGSET] = {"SIGSET", FIM_VK_OPAQUE, 0, false},
};

/* -------------------------------------------------------------- operators */

#define BIT(op)	    (1u << FIM_CMP_##op)
#define EQUALITY    (BIT(EQ) | BIT(NE) | BIT(IN) | BIT(INTERSECTS))
#define ORDER	    (BIT(LT) | BIT(LE) | BIT(GT) | BIT(GE))
#define SUBSTRING   (BIT(CONTAINS) | BIT(STARTSWITH) | BIT(ENDSWITH))
#define STRING_ONLY (BIT(ICONTAINS) | BIT(GLOB) | BIT(IGLOB) | BIT(PMATCH) | BIT(REGEX))

bool fim_type_allows(const struct fim_type_info *type, bool is_list, enum fim_filter_op op,
		     char *error_ret, size_t size)
{
	static const struct {
		uint32_t ops;
		const char *what;
	} allowed[] = {
		[FIM_VK_STRING] = {EQUALITY | ORDER | SUBSTRING | STRING_ONLY, "string filters"},
		[FIM_VK_BYTES] = {EQUALITY | SUBSTRING | BIT(BCONTAINS) | BIT(BSTARTSWITH),
				  "buffer filters"},
		[FIM_VK_SIGNED] = {EQUALITY | ORDER, "numeric filters"},
		[FIM_VK_UNSIGNED] = {EQUALITY | ORDER, "numeric filters"},
		[FIM_VK_BOOL] = {EQUALITY, "numeric filters"},
		[FIM_VK_IP] = {EQUALITY, "ip address and network filters"},
		[FIM_VK_NET] = {EQUALITY, "ip address and network filters"},
		[FIM_VK_OPAQUE] = {0, NULL},
	};
	uint32_t ops = is_list ? BIT(IN) | BIT(INTERSECTS) : allowed[type->kind].ops;

	if (op == FIM_CMP_EXISTS || (ops >> op & 1))
		return true;
	if (is_list)
		snprintf(error_ret, size, "filter error: '%s' operator not supported list filters",
			 fim_filter_op_name(op));
	else if (allowed[type->kind].what)
		snprintf(error_ret, size, "filter error: '%s' operator not supported for %s",
			 fim_filter_op_name(op), allowed[type->kind].what);
	else
		snprintf(error_ret, size, "filter error: '%s' operator not supported for type '%s'",
			 fim_filter_op_name(op), type->name);
	return false;
}

/* ----------------------------------------------------------------- values */

static uint64_t cut(const struct fim_type_info *type, uint64_t number)
{
	if (type->bits == 64)
		return number;
	if (type->kind == FIM_VK_UNSIGNED)
		return number & ((1ull << type->bits) - 1);
	return (uint64_t)((int64_t)(number << (64 - type->bits)) >> (64 - type->bits));
}

/* As sscanf("%d%c") == 1 reads it: blanks, a sign, decimal digits, and nothing behind. */
static bool parse_decimal(struct fim_str text, bool is_signed, uint64_t *number_ret)
{
	size_t i = 0, start;
	bool negative = false, over = false;
	uint64_t number = 0;

	while (i < text.len &&
	       (text.bytes[i] == ' ' || (text.bytes[i] >= '\t' && text.bytes[i] <= '\r')))
		i++;
	if (i < text.len && (text.bytes[i] == '-' || text.bytes[i] == '+'))
		negative = text.bytes[i++] == '-';
	for (start = i; i < text.len && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
		over |= __builtin_mul_overflow(number, 10u, &number);
		over |= __builtin_add_overflow(number, (uint64_t)(text.bytes[i] - '0'), &number);
	}
	if (i == start || i != text.len)
		return false;
	if (is_signed) {
		uint64_t limit = (uint64_t)INT64_MAX + negative;

		number = over || number > limit ? limit : number;
	} else if (over) {
		number = UINT64_MAX;
		negative = false;
	}
	*number_ret = negative ? 0 - number : number;
	return true;
}

static bool parse_hex(struct fim_str text, uint64_t *number_ret)
{
	char digits[20];
	char *end;

	if (!text.len || text.len >= sizeof(digits))
		return false;
	memcpy(digits, text.bytes, text.len);
	digits[text.len] = '\0';
	*number_ret = strtoull(digits, &end, 16);
	return !*end;
}

bool fim_parse_net(struct fim_str text, bool with_prefix, struct fim_net *net_ret)
{
	struct fim_net net = {.size = 4};
	char address[64];
	const char *slash;
	uint64_t prefix;

	if (!text.len || text.len >= sizeof(address))
		return false;
	memcpy(address, text.bytes, text.len);
	address[text.len] = '\0';
	slash = strchr(address, '/');
	if (!!slash != with_prefix)
		return false;
	if (slash) {
		struct fim_str digits = {slash + 1, text.len - (size_t)(slash + 1 - address)};

		if (!parse_decimal(digits, false, &prefix))
			return false;
		address[slash - address] = '\0';
	}
	if (!memchr(address, '.', text.len) || strchr(address, ':'))
		net.size = 16;
	if (!slash)
		prefix = net.size * 8u;
	if (prefix > net.size * 8u ||
	    inet_pton(net.size == 4 ? AF_INET : AF_INET6, address, net.addr) != 1)
		return false;
	net.prefix = (uint8_t)prefix;
	*net_ret = net;
	return true;
}

static int parse_port(struct fim_str text, uint64_t *number_ret)
{
	char name[64];
	struct servent *service;

	if (!text.len) {
		*number_ret = 0;
		return 0;
	}
	if (parse_decimal(text, false, number_ret) && text.bytes[0] >= '0' && text.bytes[0] <= '9')
		return 0;
	if (text.len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text.bytes, text.len);
	name[text.len] = '\0';
	service = getservbyname(name, NULL);
	if (!service)
		return -EINVAL;
	*number_ret = ntohs((uint16_t)service->s_port);
	return 0;
}

static int bad(char *error, size_t size, const char *fmt, struct fim_str text)
{
	/* -Wformat-nonliteral does not see that every caller passes a literal with one %s. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(error, size, fmt, (int)(text.len < 200 ? text.len : 200), text.bytes);
#pragma GCC diagnostic pop
	return -EINVAL;
}

int fim_value_constant(const struct fim_type_info *type, struct fim_str text,
		       struct fim_value *value_ret, char *error_ret, size_t size)
{
	struct fim_value value = {.text = text};

	switch (type->kind) {
	case FIM_VK_STRING:
		if (memchr(text.bytes, '\0', text.len))
			return bad(error_ret, size, "filter value contains a NUL byte: '%.*s'",
				   text);
		if (text.len >= VALUE_MAX)
			return bad(error_ret, size, "filter parameter too long:%.*s", text);
		break;
	case FIM_VK_SIGNED:
	case FIM_VK_UNSIGNED:
		if (type == &fim_types[FIM_VT_PORT]) {
			if (parse_port(text, &value.number))
				return bad(error_ret, size, "unrecognized protocol %.*s", text);
		} else if (!parse_decimal(text, type->kind == FIM_VK_SIGNED, &value.number)) {
			return bad(error_ret, size, "%.*s is not a valid number", text);
		}
		value.number = cut(type, value.number);
		break;
	case FIM_VK_BOOL:
		value.number = fim_str_is(text, "true");
		if (!value.number && !fim_str_is(text, "false"))
			return bad(error_ret, size, "filter error: unrecognized boolean value %.*s",
				   text);
		break;
	case FIM_VK_IP:
	case FIM_VK_NET:
		/* A dot makes it IPv4 for the engine, also in "::ffff:192.0.2.1". */
		if ((memchr(text.bytes, '.', text.len) && memchr(text.bytes, ':', text.len)) ||
		    !fim_parse_net(text, type->kind == FIM_VK_NET, &value.net))
			return bad(error_ret, size,
				   type->kind == FIM_VK_NET ? "unrecognized IP network %.*s"
							    : "unrecognized IP address %.*s",
				   text);
		break;
	case FIM_VK_BYTES:
		break;
	case FIM_VK_OPAQUE:
		return bad(error_ret, size, "wrong parameter type for '%.*s'", text);
	}
	value.hash = fim_str_hash(text);
	*value_ret = value;
	return 0;
}

bool fim_value_parse(const struct fim_type_info *type, struct fim_value *value)
{
	switch (type->kind) {
	case FIM_VK_STRING:
	case FIM_VK_BYTES:
		return true;
	case FIM_VK_SIGNED:
	case FIM_VK_UNSIGNED:
		if (!(type->hex ? parse_hex(value->text, &value->number)
				: parse_decimal(value->text, type->kind == FIM_VK_SIGNED,
						&value->number)))
			return false;
		value->number = cut(type, value->number);
		return true;
	case FIM_VK_BOOL:
		value->number = fim_str_is(value->text, "true") || fim_str_is(value->text, "1");
		return value->number || fim_str_is(value->text, "false") ||
		       fim_str_is(value->text, "0");
	case FIM_VK_IP:
	case FIM_VK_NET: /* an address, to be found in networks */
		return fim_parse_net(value->text, false, &value->net);
	case FIM_VK_OPAQUE:
		break;
	}
	return false;
}
