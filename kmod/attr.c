// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the layout of the attributes behind the fixed part of a record. Pure.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "ecs_fim.h"

#define ATTR_ALIGN 8

char *fim_attr_room(struct fim_attrs *attrs, u32 len)
{
	struct fim_attr *attr = (void *)(attrs->buf + attrs->len);

	if (attrs->size - attrs->len < ALIGN(sizeof(*attr) + len, ATTR_ALIGN))
		return NULL;
	return (char *)attr->data;
}

void fim_attr_commit(struct fim_attrs *attrs, u16 type, u32 len)
{
	struct fim_attr *attr = (void *)(attrs->buf + attrs->len);
	u32 whole = ALIGN(sizeof(*attr) + len, ATTR_ALIGN);

	attr->type = type;
	attr->len = len;
	attr->reserved = 0;
	memset(attr->data + len, 0, whole - sizeof(*attr) - len);
	attrs->len += whole;
}

bool fim_attr_put(struct fim_attrs *attrs, u16 type, const void *data, u32 len)
{
	char *room = fim_attr_room(attrs, len);

	if (!room)
		return false;
	memcpy(room, data, len);
	fim_attr_commit(attrs, type, len);
	return true;
}
