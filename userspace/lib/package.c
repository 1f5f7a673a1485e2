/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which package a path belongs to and what it should contain, as the package manager
 * recorded it. An explanation for the reader of a finding, never a reason to believe
 * the file: whoever can write the file can write the record.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib_private.h"

#define SHARED UINT32_MAX /* several packages: a directory, as a rule */

/* Directories that a merged-/usr system has as symlinks, while lists name them as of old. */
static const char *const merged[] = {"bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"};

#define MERGED_COUNT (sizeof(merged) / sizeof(merged[0]))

struct owner {
	char *path; /* NULL: free place */
	uint32_t package;
	struct fim_package_digest digest;
};

struct version {
	char *name;
	char *version;
};

/* A symbolic link of no package that is as it should be if it points there. */
struct link {
	char *path;
	char *target;
};

struct fim_packages {
	const struct fim_policy *policy;
	bool is_merged[MERGED_COUNT];
	char **names;
	size_t name_count;
	struct version *versions;
	size_t version_count;
	struct link *links;
	size_t link_count;
	struct owner *owners; /* hash table, linear probing */
	size_t owner_count;
	size_t room; /* a power of two */
};

static uint64_t path_hash(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
	return hash ^ hash >> 32;
}

/* Where @path is or would be; the table is never full. */
static struct owner *owner_place(struct owner *owners, size_t room, const char *path)
{
	size_t i = path_hash(path) & (room - 1);

	while (owners[i].path && strcmp(owners[i].path, path))
		i = (i + 1) & (room - 1);
	return &owners[i];
}

static int owners_grow(struct fim_packages *packages)
{
	size_t i, room = packages->room ? 2 * packages->room : 4096;
	struct owner *owners = calloc(room, sizeof(*owners));

	if (!owners)
		return -ENOMEM;
	for (i = 0; i < packages->room; i++)
		if (packages->owners[i].path)
			*owner_place(owners, room, packages->owners[i].path) = packages->owners[i];
	free(packages->owners);
	packages->owners = owners;
	packages->room = room;
	return 0;
}

static int owner_add(struct fim_packages *packages, const char *path, uint32_t package,
		     struct owner **owner_ret)
{
	struct owner *owner;
	int err;

	if (4 * (packages->owner_count + 1) > 3 * packages->room) {
		err = owners_grow(packages);
		if (err)
			return err;
	}
	owner = owner_place(packages->owners, packages->room, path);
	if (owner->path) {
		/* Compared by name: one package may be installed for several architectures. */
		if (owner->package != SHARED &&
		    strcmp(packages->names[owner->package], packages->names[package]))
			owner->package = SHARED;
		*owner_ret = owner;
		return 0;
	}
	owner->path = strdup(path);
	if (!owner->path)
		return -ENOMEM;
	owner->package = package;
	packages->owner_count++;
	*owner_ret = owner;
	return 0;
}

/* "/bin/ls" is "/usr/bin/ls" if /bin is a symlink to usr/bin. False: no path, or not covered. */
static bool true_path(const struct fim_packages *packages, const char *named,
		      char path_ret[FIM_PATH_MAX])
{
	size_t i, len;
	int written;

	if (*named != '/')
		return false;
	written = snprintf(path_ret, FIM_PATH_MAX, "%s", named);
	for (i = 0; i < MERGED_COUNT; i++) {
		len = strlen(merged[i]);
		if (packages->is_merged[i] && !strncmp(named + 1, merged[i], len) &&
		    named[1 + len] == '/')
			written = snprintf(path_ret, FIM_PATH_MAX, "/usr%s", named);
	}
	return written > 0 && written < FIM_PATH_MAX &&
	       fim_policy_covers(packages->policy, path_ret);
}

int fim_packages_name(struct fim_packages *packages, const char *name, size_t len,
		      uint32_t *package_ret)
{
	char **larger;
	char *copy = strndup(name, len);

	if (!copy)
		return -ENOMEM;
	larger = reallocarray(packages->names, packages->name_count + 1, sizeof(*larger));
	if (!larger) {
		free(copy);
		return -ENOMEM;
	}
	packages->names = larger;
	larger[packages->name_count] = copy;
	*package_ret = (uint32_t)packages->name_count++;
	return 0;
}

int fim_packages_version(struct fim_packages *packages, const char *name, const char *version)
{
	struct version *larger, *added;

	larger = reallocarray(packages->versions, packages->version_count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	packages->versions = larger;
	added = &larger[packages->version_count++];
	added->name = strdup(name);
	added->version = strdup(version);
	return added->name && added->version ? 0 : -ENOMEM;
}

static int version_order(const void *a, const void *b)
{
	const struct version *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : strcmp(left->version, right->version);
}

/* Of what is installed in several versions or for several architectures, all are named. */
struct fim_json *fim_packages_to_json(struct fim_packages *packages)
{
	struct fim_json *json = fim_json_object();
	const struct version *version, *before = NULL;
	const char *known;
	char *both;
	size_t i;

	if (packages->version_count)
		qsort(packages->versions, packages->version_count, sizeof(*packages->versions),
		      version_order);
	for (i = 0; i < packages->version_count; i++, before = version) {
		version = &packages->versions[i];
		if (!fim_is_utf8(version->name, strlen(version->name)) ||
		    !fim_is_utf8(version->version, strlen(version->version)) ||
		    (before && !version_order(before, version)))
			continue;
		known = fim_json_get_str(json, version->name);
		if (!known) {
			fim_json_set_str(json, version->name, version->version);
		} else if (asprintf(&both, "%s, %s", known, version->version) >= 0) {
			fim_json_set_str(json, version->name, both);
			free(both);
		}
	}
	return json;
}

int fim_packages_add(struct fim_packages *packages, const char *named, uint32_t package,
		     const struct fim_package_digest *digest)
{
	char path[FIM_PATH_MAX];
	struct owner *owner;
	int err;

	if (!true_path(packages, named, path))
		return 0;
	err = owner_add(packages, path, package, &owner);
	if (!err && digest)
		owner->digest = *digest;
	return err;
}

int fim_packages_link(struct fim_packages *packages, const char *named, const char *target)
{
	char path[FIM_PATH_MAX];
	struct link link, *larger;

	if (!true_path(packages, named, path))
		return 0;
	larger = reallocarray(packages->links, packages->link_count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	packages->links = larger;
	link = (struct link){.path = strdup(path), .target = strdup(target)};
	if (!link.path || !link.target) {
		free(link.path);
		free(link.target);
		return -ENOMEM;
	}
	larger[packages->link_count++] = link;
	return 0;
}

static void find_merged(struct fim_packages *packages, int root_fd)
{
	char target[32], relative[32];
	ssize_t len;
	size_t i;

	for (i = 0; i < MERGED_COUNT; i++) {
		len = readlinkat(root_fd, merged[i], target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		snprintf(relative, sizeof(relative), "usr/%s", merged[i]);
		packages->is_merged[i] = !strcmp(target + (*target == '/'), relative);
	}
}

struct fim_packages *fim_packages_new(const struct fim_policy *policy)
{
	struct fim_packages *packages = calloc(1, sizeof(*packages));

	if (packages)
		packages->policy = policy;
	return packages;
}

int fim_packages_load(const char *root, int root_fd, const struct fim_policy *policy,
		      struct fim_packages **packages_ret)
{
	struct fim_packages *packages = fim_packages_new(policy);
	int err;

	if (!packages)
		return -ENOMEM;
	find_merged(packages, root_fd);
	err = fim_dpkg_load(root_fd, packages);
	if (!err)
		err = fim_rpm_load(root, packages);
	/* Last: they ask what is a package's. */
	if (!err)
		err = fim_alternatives_load(root_fd, packages);
	if (err)
		fim_packages_free(packages);
	else
		*packages_ret = packages;
	return err;
}

void fim_packages_free(struct fim_packages *packages)
{
	size_t i;

	if (!packages)
		return;
	for (i = 0; i < packages->room; i++)
		free(packages->owners[i].path);
	for (i = 0; i < packages->name_count; i++)
		free(packages->names[i]);
	for (i = 0; i < packages->version_count; i++) {
		free(packages->versions[i].name);
		free(packages->versions[i].version);
	}
	for (i = 0; i < packages->link_count; i++) {
		free(packages->links[i].path);
		free(packages->links[i].target);
	}
	free(packages->links);
	free(packages->versions);
	free(packages->owners);
	free(packages->names);
	free(packages);
}

static const struct owner *owner_find(const struct fim_packages *packages, const char *path)
{
	const struct owner *owner;

	if (!packages->room)
		return NULL;
	owner = owner_place(packages->owners, packages->room, path);
	return owner->path ? owner : NULL;
}

const char *fim_packages_owner(const struct fim_packages *packages, const char *path)
{
	const struct owner *owner = owner_find(packages, path);

	return owner && owner->package != SHARED ? packages->names[owner->package] : NULL;
}

const struct fim_package_digest *fim_packages_digest(const struct fim_packages *packages,
						     const char *path)
{
	const struct owner *owner = owner_find(packages, path);

	return owner && owner->digest.kind != FIM_PACKAGE_DIGEST_NONE ? &owner->digest : NULL;
}

bool fim_packages_has(const struct fim_packages *packages, const char *path)
{
	return owner_find(packages, path);
}

bool fim_packages_known(const struct fim_packages *packages, const char *path)
{
	return !packages->name_count || owner_find(packages, path);
}

bool fim_packages_names(const struct fim_packages *packages, const char *named)
{
	char path[FIM_PATH_MAX];

	return true_path(packages, named, path) && owner_find(packages, path);
}

bool fim_packages_links(const struct fim_packages *packages, const char *path, const char *target)
{
	size_t i;

	for (i = 0; i < packages->link_count; i++)
		if (!strcmp(packages->links[i].path, path) &&
		    !strcmp(packages->links[i].target, target))
			return true;
	return false;
}
