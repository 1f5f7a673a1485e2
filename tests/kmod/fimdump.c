// SPDX-License-Identifier: GPL-2.0-only
/*
 * fimdump DIR...: watch directories and print what the module tells, until
 * killed. For people who debug the module.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fimtest.h"

int main(int argc, char **argv)
{
	struct events events = {};
	int fd = device_open();
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int i, id;

	for (i = 1; i < argc; i++) {
		id = watch_add(fd, argv[i]);
		if (id < 0)
			bail("watch %s: %s", argv[i], strerror(-id));
	}
	for (;;) {
		drain(fd, &events);
		events_print(&events);
		events_clear(&events);
		poll(&pollfd, 1, -1);
	}
}
