/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ocsf.c and asff.c share: texts of records in formats of others.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "lib_private.h"

/**
 * struct fim_exchange - a record on its way into another format
 * @origin: the host
 * @record: of the journal
 * @container: what it happened in, or is about; NULL: the host
 * @digest: of the record's line, hex
 * @time_ns: when it happened
 * @logged_ns: when it was recorded
 * @severity: of a record that has none: info
 */
struct fim_exchange {
	const struct fim_host *origin;
	const struct fim_json *record;
	const struct fim_json *container;
	const char *digest;
	int64_t time_ns;
	int64_t logged_ns;
	enum fim_severity severity;
};

/* -EINVAL: it lacks what every record has. */
int fim_exchange_init(struct fim_exchange *exchange, const struct fim_host *origin,
		      const struct fim_json *record, const char *digest);
/* Of a control record: whether it says that a control does not work. */
bool fim_exchange_is_failure(const struct fim_json *record);

/* Value of @key, escaped, at most @max bytes; malloc'ed; NULL: there is none, or it is blank. */
char *fim_exchange_text(const struct fim_json *object, const char *key, size_t max);
/* Put that under @name; nothing if there is none. */
void fim_exchange_put(struct fim_json *to, const char *name, const struct fim_json *object,
		      const char *key, size_t max);
/* The same of a string of our own. */
void fim_exchange_put_str(struct fim_json *to, const char *name, const char *text, size_t max);
/* The number of @key as text. */
void fim_exchange_put_number(struct fim_json *to, const char *name, const struct fim_json *object,
			     const char *key);
/* The command line of an actor; malloc'ed; NULL: unknown. */
char *fim_exchange_command(const struct fim_json *actor, size_t max);
/* One line about any record, not escaped twice; malloc'ed. */
char *fim_exchange_title(const struct fim_exchange *exchange);
/* The same thing again (a control that fails and recovers) has the same name. */
void fim_exchange_uid(const struct fim_exchange *exchange, char *uid_ret, size_t size);

#endif /* EXCHANGE_H */
