/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's functions as docker.c and aws.c call them: fim_curl.easy_init() is
 * curl_easy_init(), once fim_curl_load() has succeeded.
 */
#ifndef FIM_CURL_H
#define FIM_CURL_H

#include <curl/curl.h>

#define FIM_CURL_FUNCTIONS(X)  \
	X(easy_cleanup)        \
	X(easy_getinfo)        \
	X(easy_init)           \
	X(easy_perform)        \
	X(easy_setopt)         \
	X(easy_strerror)       \
	X(global_cleanup)      \
	X(global_init)         \
	X(multi_add_handle)    \
	X(multi_cleanup)       \
	X(multi_info_read)     \
	X(multi_init)          \
	X(multi_perform)       \
	X(multi_poll)          \
	X(multi_remove_handle) \
	X(slist_append)        \
	X(slist_free_all)

#define FIM_CURL_POINTER(name) __typeof__(curl_##name) *name;
extern struct fim_curl {
	FIM_CURL_FUNCTIONS(FIM_CURL_POINTER)
} fim_curl;

/* 0, or -ELIBACC: logged. Any thread, as often as it likes. */
int fim_curl_load(void);

#endif
