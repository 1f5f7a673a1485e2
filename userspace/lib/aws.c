/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS over HTTPS: where credentials come from, and signed requests; beside docker.c the only
 * file that uses libcurl, which signs (Signature Version 4).
 *
 * Credentials are looked for where every AWS tool looks, in that order: the environment, the
 * shared file (ECS Anywhere: the SSM agent renews it, so that it is read for every request),
 * the instance's role (IMDSv2 only).  They are never logged.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "curl.h"
#include "lib_private.h"

#define FILE_MAX       (64u << 10)
#define REPLY_MAX      (1u << 20)
#define TIMEOUT_MS     30000L
#define METADATA_MS    2000L
#define METADATA_URL   "http://169.254.169.254"
#define ROLE_PATH      "/latest/meta-data/iam/security-credentials/"
#define DOCUMENT_PATH  "/latest/dynamic/instance-identity/document"
#define MIN_CURL_SIGV4 0x074b00 /* 7.75.0 */

_Static_assert(LIBCURL_VERSION_NUM >= MIN_CURL_SIGV4, "this libcurl cannot sign");

void fim_aws_credentials_clear(struct fim_aws_credentials *credentials)
{
	explicit_bzero(credentials, sizeof(*credentials));
}

/* ---------------------------------------------------------------- texts */

static bool copy_text(char *to, size_t size, const char *text, size_t len)
{
	if (!len || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)text[i]))
			return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool is_complete(const struct fim_aws_credentials *credentials)
{
	return *credentials->key_id && *credentials->secret;
}

/* "key = value", blanks around both; false: it is not of this form. */
static bool split_line(const char *line, size_t len, size_t *key_len_ret, const char **value_ret,
		       size_t *value_len_ret)
{
	const char *equal = memchr(line, '=', len), *end = line + len;
	size_t key_len;

	if (!equal)
		return false;
	key_len = (size_t)(equal - line);
	while (key_len && isblank((unsigned char)line[key_len - 1]))
		key_len--;
	equal++;
	while (equal < end && isblank((unsigned char)*equal))
		equal++;
	while (end > equal && isspace((unsigned char)end[-1]))
		end--;
	*key_len_ret = key_len;
	*value_ret = equal;
	*value_len_ret = (size_t)(end - equal);
	return true;
}

static int take_line(const char *line, size_t len, struct fim_aws_credentials *credentials)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} keys[] = {
		{"aws_access_key_id", credentials->key_id, sizeof(credentials->key_id)},
		{"aws_secret_access_key", credentials->secret, sizeof(credentials->secret)},
		{"aws_session_token", credentials->token, sizeof(credentials->token)},
	};
	size_t key_len, value_len;
	const char *value;

	if (!split_line(line, len, &key_len, &value, &value_len))
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].name) == key_len && !strncasecmp(keys[i].name, line, key_len) &&
		    !copy_text(keys[i].to, keys[i].size, value, value_len))
			return -EINVAL;
	return 0;
}

int fim_aws_credentials_parse(const char *text, size_t len, const char *profile,
			      struct fim_aws_credentials *credentials_ret)
{
	struct fim_aws_credentials found = {.source = "file"};
	bool mine = false;
	int err = 0;

	while (len && !err) {
		const char *newline = memchr(text, '\n', len);
		size_t line_len = newline ? (size_t)(newline - text) : len;
		size_t step = newline ? line_len + 1 : len;
		const char *line = text;

		text += step;
		len -= step;
		while (line_len && isspace((unsigned char)line[line_len - 1]))
			line_len--;
		if (line_len > 2 && line[0] == '[' && line[line_len - 1] == ']')
			mine = strlen(profile) == line_len - 2 &&
			       !memcmp(profile, line + 1, line_len - 2);
		else if (mine && line_len && line[0] != '#' && line[0] != ';')
			err = take_line(line, line_len, &found);
	}
	if (!err && !is_complete(&found))
		err = -ENOENT;
	if (!err)
		*credentials_ret = found;
	fim_aws_credentials_clear(&found);
	return err;
}

static int take_member(const struct fim_json *json, const char *key, char *to, size_t size)
{
	const char *text = fim_json_get_str(json, key);

	return text && copy_text(to, size, text, strlen(text)) ? 0 : -EINVAL;
}

int fim_aws_role_parse(const char *text, size_t len, struct fim_aws_credentials *credentials_ret)
{
	struct fim_aws_credentials found = {.source = "instance role"};
	struct fim_json *json = NULL;
	const char *code;
	int err = fim_json_parse(text, len, NULL, &json);

	if (err)
		return -EINVAL;
	code = fim_json_get_str(json, "Code");
	err = code && strcmp(code, "Success") != 0 ? -EINVAL : 0;
	if (!err)
		err = take_member(json, "AccessKeyId", found.key_id, sizeof(found.key_id));
	if (!err)
		err = take_member(json, "SecretAccessKey", found.secret, sizeof(found.secret));
	if (!err)
		err = take_member(json, "Token", found.token, sizeof(found.token));
	fim_json_free(json);
	if (!err)
		*credentials_ret = found;
	fim_aws_credentials_clear(&found);
	return err;
}

/* ----------------------------------------------------------------- requests */

static size_t on_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct fim_aws_reply *reply = ctx;
	char *larger;

	(void)one;
	if (len > REPLY_MAX - reply->len)
		return 0;
	larger = realloc(reply->body, reply->len + len + 1);
	if (!larger)
		return 0;
	reply->body = larger;
	memcpy(reply->body + reply->len, bytes, len);
	reply->len += len;
	reply->body[reply->len] = '\0';
	return len;
}

void fim_aws_reply_clear(struct fim_aws_reply *reply)
{
	if (reply->body)
		explicit_bzero(reply->body, reply->len);
	free(reply->body);
	*reply = (struct fim_aws_reply){.status = 0};
}

static int curl_errno(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_PEER_FAILED_VERIFICATION:
		return -EKEYREJECTED;
	default:
		return -EPROTO;
	}
}

/* No redirects, no proxy but that of the environment, nothing but HTTP. */
static CURL *easy_new(const char *url, struct fim_aws_reply *reply, long timeout_ms)
{
	CURL *curl = fim_curl.easy_init();

	if (!curl)
		return NULL;
	fim_curl.easy_setopt(curl, CURLOPT_URL, url);
	fim_curl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	fim_curl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	fim_curl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	fim_curl.easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	fim_curl.easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	fim_curl.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
	fim_curl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	fim_curl.easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	return curl;
}

/* Takes over @curl and @headers. */
static int perform(CURL *curl, struct curl_slist *headers, struct fim_aws_reply *reply)
{
	CURLcode code;

	fim_curl.easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	code = fim_curl.easy_perform(curl);
	fim_curl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
	fim_curl.easy_cleanup(curl);
	fim_curl.slist_free_all(headers);
	return curl_errno(code);
}

/* NULL: out of memory, and @list is gone. */
static struct curl_slist *with_header(struct curl_slist *list, const char *name, const char *value)
{
	struct curl_slist *longer = NULL;
	char *line;

	if (asprintf(&line, "%s: %s", name, value) >= 0) {
		longer = fim_curl.slist_append(list, line);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	if (!longer)
		fim_curl.slist_free_all(list);
	return longer;
}

/* libcurl before 8 signs a name without its port, and sends it with one. */
static struct curl_slist *with_host(struct curl_slist *list, const char *url)
{
	const char *start = strstr(url, "://") + 3;
	size_t len = strcspn(start, "/");
	char *name = strndup(start, len);
	struct curl_slist *longer = NULL;

	if (name)
		longer = with_header(list, "Host", name);
	else
		fim_curl.slist_free_all(list);
	free(name);
	return longer;
}

bool fim_aws_url_is_safe(const char *url)
{
	static const char *const local[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};

	if (!strncmp(url, "https://", 8))
		return !strpbrk(url, "@ \r\n");
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		size_t len = strlen(local[i]);

		if (!strncmp(url, local[i], len) &&
		    (!url[len] || url[len] == ':' || url[len] == '/'))
			return !strpbrk(url, "@ \r\n");
	}
	return false;
}

int fim_aws_post(const struct fim_aws_credentials *credentials, const char *service,
		 const char *region, const char *url, const char *body, size_t len,
		 struct fim_aws_reply *reply_ret)
{
	char scope[128], user[sizeof(credentials->key_id) + sizeof(credentials->secret) + 1];
	struct curl_slist *headers;
	CURL *curl;
	int err;

	if (!fim_aws_url_is_safe(url)) {
		fim_log(LOG_ERR, "%s: not https", url);
		return -EINVAL;
	}
	err = fim_curl_load();
	if (err)
		return err;
	headers = with_header(NULL, "Content-Type", "application/json");
	if (headers && *credentials->token)
		headers = with_header(headers, "X-Amz-Security-Token", credentials->token);
	if (headers)
		headers = with_host(headers, url);
	curl = headers ? easy_new(url, reply_ret, TIMEOUT_MS) : NULL;
	if (!curl) {
		fim_curl.slist_free_all(headers);
		return -ENOMEM;
	}
	snprintf(scope, sizeof(scope), "aws:amz:%s:%s", region, service);
	snprintf(user, sizeof(user), "%s:%s", credentials->key_id, credentials->secret);
	fim_curl.easy_setopt(curl, CURLOPT_AWS_SIGV4, scope);
	fim_curl.easy_setopt(curl, CURLOPT_USERPWD, user);
	fim_curl.easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	fim_curl.easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	explicit_bzero(user, sizeof(user));
	return perform(curl, headers, reply_ret);
}

/* ----------------------------------------------------------- instance metadata */

static const char *metadata_url(void)
{
	const char *url = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");

	return url && *url ? url : METADATA_URL;
}

static bool metadata_is_off(void)
{
	const char *off = getenv("AWS_EC2_METADATA_DISABLED");

	return off && !strcasecmp(off, "true");
}

/* One request; PUT with @put. @value of header @name. */
static int metadata_request(const char *path, bool put, const char *name, const char *value,
			    struct fim_aws_reply *reply)
{
	struct curl_slist *headers;
	CURL *curl = NULL;
	char *url = NULL;
	int err = fim_curl_load();

	if (err)
		return err;
	err = -ENOMEM;
	headers = with_header(NULL, name, value);
	if (headers && asprintf(&url, "%s%s", metadata_url(), path) >= 0)
		curl = easy_new(url, reply, METADATA_MS);
	if (curl) {
		/* The metadata service is on the link: a proxy must not get the credentials. */
		fim_curl.easy_setopt(curl, CURLOPT_NOPROXY, "*");
		if (put)
			fim_curl.easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
		err = perform(curl, headers, reply);
	} else {
		fim_curl.slist_free_all(headers);
	}
	free(url);
	if (!err && reply->status != 200)
		err = reply->status == 404 ? -ENOENT : -EACCES;
	return err;
}

/* A token first (IMDSv2), which the older version's requests do without: never asked. */
static int metadata_get(const char *path, struct fim_aws_reply *reply_ret)
{
	struct fim_aws_reply token = {.status = 0};
	char text[512];
	int err;

	if (metadata_is_off())
		return -ENOENT;
	err = metadata_request("/latest/api/token", true, "X-aws-ec2-metadata-token-ttl-seconds",
			       "300", &token);
	if (!err && !copy_text(text, sizeof(text), token.body ? token.body : "", token.len))
		err = -EPROTO;
	fim_aws_reply_clear(&token);
	if (!err)
		err = metadata_request(path, false, "X-aws-ec2-metadata-token", text, reply_ret);
	explicit_bzero(text, sizeof(text));
	return err;
}

int fim_aws_host(struct fim_host *host)
{
	struct fim_aws_reply reply = {.status = 0};
	struct fim_json *json = NULL;
	char account[sizeof(host->account)], region[sizeof(host->region)], id[sizeof(host->host)];
	int err = metadata_get(DOCUMENT_PATH, &reply);

	if (!err)
		err = fim_json_parse(reply.body ? reply.body : "", reply.len, NULL, &json);
	fim_aws_reply_clear(&reply);
	if (!err && !take_member(json, "accountId", account, sizeof(account)) && !*host->account &&
	    strspn(account, "0123456789") == 12)
		strcpy(host->account, account);
	if (!err && !take_member(json, "region", region, sizeof(region)) && !*host->region)
		strcpy(host->region, region);
	if (!err && !take_member(json, "instanceId", id, sizeof(id)) && !*host->host)
		strcpy(host->host, id);
	fim_json_free(json);
	return err;
}

/* -------------------------------------------------------------- credentials */

static int from_environment(struct fim_aws_credentials *credentials_ret)
{
	const char *key_id = getenv("AWS_ACCESS_KEY_ID");
	const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN");
	struct fim_aws_credentials found = {.source = "environment"};
	int err = -ENOENT;

	if (key_id && *key_id && secret && *secret)
		err = copy_text(found.key_id, sizeof(found.key_id), key_id, strlen(key_id)) &&
				      copy_text(found.secret, sizeof(found.secret), secret,
						strlen(secret)) &&
				      (!token || !*token ||
				       copy_text(found.token, sizeof(found.token), token,
						 strlen(token)))
			      ? 0
			      : -EINVAL;
	if (!err)
		*credentials_ret = found;
	fim_aws_credentials_clear(&found);
	return err;
}

static int from_file(struct fim_aws_credentials *credentials_ret)
{
	const char *path = getenv("AWS_SHARED_CREDENTIALS_FILE"), *home = getenv("HOME");
	const char *profile = getenv("AWS_PROFILE");
	char *name = NULL, *text = NULL;
	size_t len = 0;
	int err;

	if (path && *path ? asprintf(&name, "%s", path) < 0
			  : asprintf(&name, "%s/.aws/credentials", home ? home : "/root") < 0)
		return -ENOMEM;
	/* None is no complaint: the next place is asked. */
	err = access(name, F_OK) ? -ENOENT : fim_file_read(name, FILE_MAX, &text, &len);
	if (!err)
		err = fim_aws_credentials_parse(
			text, len, profile && *profile ? profile : "default", credentials_ret);
	if (err == -EINVAL)
		fim_log(LOG_ERR, "%s: a value in it is no credential", name);
	if (text)
		explicit_bzero(text, len);
	free(text);
	free(name);
	return err;
}

static int from_role(struct fim_aws_credentials *credentials_ret)
{
	struct fim_aws_reply reply = {.status = 0};
	char role[256], *path = NULL;
	int err = metadata_get(ROLE_PATH, &reply);

	if (!err && !copy_text(role, sizeof(role), reply.body ? reply.body : "",
			       strcspn(reply.body ? reply.body : "", "\r\n")))
		err = -ENOENT;
	fim_aws_reply_clear(&reply);
	if (!err && asprintf(&path, ROLE_PATH "%s", role) < 0)
		err = -ENOMEM;
	if (!err)
		err = metadata_get(path, &reply);
	if (!err)
		err = fim_aws_role_parse(reply.body ? reply.body : "", reply.len, credentials_ret);
	fim_aws_reply_clear(&reply);
	free(path);
	return err;
}

int fim_aws_credentials_find(struct fim_aws_credentials *credentials_ret)
{
	int err = from_environment(credentials_ret);

	if (err == -ENOENT)
		err = from_file(credentials_ret);
	if (err == -ENOENT)
		err = from_role(credentials_ret);
	if (err)
		fim_log(LOG_ERR,
			"no AWS credentials: not in the environment, not in the shared file, and "
			"the instance has no role that can be asked for: %s",
			strerror(-err));
	return err;
}
