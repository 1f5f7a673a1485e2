/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, loaded by the first request: it brings twenty-five libraries along, and most
 * commands ask nobody anything.
 */
#include <pthread.h>

#include "curl.h"
#include "lib_private.h"

struct fim_curl fim_curl;

static int loaded;

static void load(void)
{
#define NAME(name) "curl_" #name,
	static const char *const names[] = {FIM_CURL_FUNCTIONS(NAME)};

	_Static_assert(sizeof(fim_curl) == sizeof(names), "a pointer for each name");
	loaded = fim_library_load(FIM_CURL_SONAME, names, sizeof(names) / sizeof(names[0]),
				  (void **)&fim_curl);
}

int fim_curl_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return loaded;
}
