/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which package a path belongs to, as dpkg recorded it in info/PACKAGE.list. An
 * explanation for the reader of a finding, never a reason to believe the file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib_private.h"

#define DPKG_INFO   "var/lib/dpkg/info"
#define LIST_SUFFIX ".list"
#define LIST_MAX    (64u << 20)
#define SHARED	    UINT32_MAX /* several packages: a directory, as a rule */

/* Directories that a merged-/usr system has as symlinks, while lists name them as of old. */
static const char *const merged[] = {"bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"};

#define MERGED_COUNT (sizeof(merged) / sizeof(merged[0]))

struct owner {
	char *path; /* NULL: free place */
	uint32_t package;
};

struct fim_packages {
	const struct fim_policy *policy;
	bool is_merged[MERGED_COUNT];
	char **names;
	size_t name_count;
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

static int owner_add(struct fim_packages *packages, const char *path, uint32_t package)
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
		return 0;
	}
	owner->path = strdup(path);
	if (!owner->path)
		return -ENOMEM;
	owner->package = package;
	packages->owner_count++;
	return 0;
}

/* "/bin/ls" is "/usr/bin/ls" if /bin is a symlink to usr/bin. */
static int line_add(struct fim_packages *packages, const char *line, uint32_t package)
{
	char path[FIM_PATH_MAX];
	size_t i, len;
	int written;

	if (*line != '/')
		return 0;
	written = snprintf(path, sizeof(path), "%s", line);
	for (i = 0; i < MERGED_COUNT; i++) {
		len = strlen(merged[i]);
		if (packages->is_merged[i] && !strncmp(line + 1, merged[i], len) &&
		    line[1 + len] == '/')
			written = snprintf(path, sizeof(path), "/usr%s", line);
	}
	if (written < 0 || (size_t)written >= sizeof(path))
		return 0;
	return fim_policy_covers(packages->policy, path) ? owner_add(packages, path, package) : 0;
}

/* The name of a list is PACKAGE.list or PACKAGE:ARCHITECTURE.list. */
static int name_add(struct fim_packages *packages, const char *file, uint32_t *package_ret)
{
	char **larger;
	char *name = strndup(file, strcspn(file, ":"));

	if (!name)
		return -ENOMEM;
	if (strlen(name) == strlen(file))
		name[strlen(file) - strlen(LIST_SUFFIX)] = '\0';
	larger = reallocarray(packages->names, packages->name_count + 1, sizeof(*larger));
	if (!larger) {
		free(name);
		return -ENOMEM;
	}
	packages->names = larger;
	larger[packages->name_count] = name;
	*package_ret = (uint32_t)packages->name_count++;
	return 0;
}

static int list_read(struct fim_packages *packages, FILE *list, const char *file)
{
	char *line = NULL;
	size_t room = 0;
	uint32_t package;
	ssize_t len;
	int err;

	err = name_add(packages, file, &package);
	while (!err && (len = getline(&line, &room, list)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		err = line_add(packages, line, package);
	}
	free(line);
	return err;
}

/* A list that cannot be read costs an explanation, not the baseline. */
static int list_load(struct fim_packages *packages, int dir_fd, const char *file)
{
	struct stat st;
	FILE *list;
	int fd, err;

	fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > LIST_MAX) {
		close(fd);
		return 0;
	}
	list = fdopen(fd, "r");
	if (!list) {
		close(fd);
		return -ENOMEM;
	}
	err = list_read(packages, list, file);
	fclose(list);
	return err;
}

static bool is_list(const char *name)
{
	size_t len = strlen(name);

	return *name != '.' && len > strlen(LIST_SUFFIX) &&
	       !strcmp(name + len - strlen(LIST_SUFFIX), LIST_SUFFIX);
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

/* Order of the directory does not matter: what two packages claim belongs to none. */
static int lists_load(struct fim_packages *packages, int root_fd)
{
	const struct dirent *entry;
	int fd, err = 0;
	DIR *dir;

	fd = fim_open_beneath(root_fd, DPKG_INFO, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0; /* not a system that dpkg manages */
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (entry = readdir(dir)))
		if (is_list(entry->d_name))
			err = list_load(packages, dirfd(dir), entry->d_name);
	closedir(dir);
	return err;
}

int fim_packages_load(int root_fd, const struct fim_policy *policy,
		      struct fim_packages **packages_ret)
{
	struct fim_packages *packages = calloc(1, sizeof(*packages));
	int err;

	if (!packages)
		return -ENOMEM;
	packages->policy = policy;
	find_merged(packages, root_fd);
	err = lists_load(packages, root_fd);
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
	free(packages->owners);
	free(packages->names);
	free(packages);
}

const char *fim_packages_owner(const struct fim_packages *packages, const char *path)
{
	const struct owner *owner;

	if (!packages->room)
		return NULL;
	owner = owner_place(packages->owners, packages->room, path);
	return owner->path && owner->package != SHARED ? packages->names[owner->package] : NULL;
}
