/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg's records: info/PACKAGE.list says which paths a package has, info/PACKAGE.md5sums
 * what is in them, status what was in its configuration files. They are text files of
 * any content; what is not understood costs an explanation and nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib_private.h"

#define DPKG_DIR    "var/lib/dpkg"
#define LIST_SUFFIX ".list"
#define SUMS_SUFFIX ".md5sums"
#define FILE_MAX    (64u << 20)
#define NAME_SIZE   256

/**
 * struct dpkg - dpkg's records being read
 * @packages: where they go
 * @package: of the file being read
 * @name: status: name of the package
 * @installed: status: it is
 * @in_conffiles: status: between "Conffiles:" and the next field
 */
struct dpkg {
	struct fim_packages *packages;
	uint32_t package;
	char name[NAME_SIZE];
	bool installed;
	bool in_conffiles;
};

/* PACKAGE.list or PACKAGE:ARCHITECTURE.list: how much of it is the package's name. */
static size_t name_len(const char *file, const char *suffix)
{
	size_t len = strcspn(file, ":");

	return file[len] ? len : len - strlen(suffix);
}

static int list_line(struct dpkg *dpkg, char *line)
{
	return fim_packages_add(dpkg->packages, line, dpkg->package, NULL);
}

static int add_md5(struct dpkg *dpkg, const char *path, const char *hex)
{
	struct fim_package_digest digest = {.kind = FIM_PACKAGE_DIGEST_MD5};

	if (fim_hex_decode(hex, digest.bytes, FIM_MD5_SIZE))
		return 0;
	return fim_packages_add(dpkg->packages, path, dpkg->package, &digest);
}

/* "7a41…  bin/cat" */
static int sums_line(struct dpkg *dpkg, char *line)
{
	char *path = line + 2 * FIM_MD5_SIZE + 1;

	if (strlen(line) < 2 * FIM_MD5_SIZE + 3 || path[-1] != ' ' || *path != ' ')
		return 0;
	path[-1] = '\0';
	*path = '/';
	return add_md5(dpkg, path, line);
}

/* "Package: adduser", "Status: install ok installed", "Version: 3.134", "Conffiles:", " /etc/adduser.conf cc34…" and perhaps " obsolete" */
static int status_line(struct dpkg *dpkg, char *line)
{
	char *space;

	if (!strncmp(line, "Package: ", 9)) {
		snprintf(dpkg->name, sizeof(dpkg->name), "%s", line + 9);
		return fim_packages_name(dpkg->packages, line + 9, strlen(line + 9),
					 &dpkg->package);
	}
	if (!strncmp(line, "Status: ", 8))
		dpkg->installed = strstr(line, " installed") != NULL;
	if (!strncmp(line, "Version: ", 9) && dpkg->installed)
		return fim_packages_version(dpkg->packages, dpkg->name, line + 9);
	if (*line != ' ') {
		dpkg->in_conffiles = !strcmp(line, "Conffiles:");
		return 0;
	}
	if (!dpkg->in_conffiles || line[1] != '/')
		return 0;
	space = strchr(line + 1, ' ');
	if (!space)
		return 0;
	*space = '\0';
	space[1 + strcspn(space + 1, " ")] = '\0';
	return add_md5(dpkg, line + 1, space + 1);
}

static int read_lines(struct dpkg *dpkg, FILE *file, int (*fn)(struct dpkg *dpkg, char *line))
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &room, file)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		err = fn(dpkg, line);
	}
	free(line);
	return err;
}

int fim_dpkg_parse(struct fim_packages *packages, const char *name, FILE *file)
{
	struct dpkg dpkg = {.packages = packages};
	int err;

	if (!strcmp(name, "status"))
		return read_lines(&dpkg, file, status_line);
	err = fim_packages_name(packages, name, strcspn(name, ":."), &dpkg.package);
	if (err)
		return err;
	return read_lines(&dpkg, file, strstr(name, SUMS_SUFFIX) ? sums_line : list_line);
}

/* What cannot be read costs an explanation, not the baseline. */
static int file_load(struct dpkg *dpkg, int dir_fd, const char *name,
		     int (*fn)(struct dpkg *dpkg, char *line))
{
	struct stat st;
	FILE *file;
	int fd, err;

	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		close(fd);
		return 0;
	}
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	err = read_lines(dpkg, file, fn);
	fclose(file);
	return err;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name);

	return *name != '.' && len > strlen(suffix) && !strcmp(name + len - strlen(suffix), suffix);
}

static int info_load(struct dpkg *dpkg, int dir_fd, const char *name)
{
	static const struct {
		const char *suffix;
		int (*fn)(struct dpkg *dpkg, char *line);
	} files[] = {{LIST_SUFFIX, list_line}, {SUMS_SUFFIX, sums_line}};
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++) {
		if (!has_suffix(name, files[i].suffix))
			continue;
		err = fim_packages_name(dpkg->packages, name, name_len(name, files[i].suffix),
					&dpkg->package);
		if (!err)
			err = file_load(dpkg, dir_fd, name, files[i].fn);
	}
	return err;
}

/* Order of the directory does not matter: what two packages claim belongs to none. */
int fim_dpkg_load(int root_fd, struct fim_packages *packages)
{
	struct dpkg dpkg = {.packages = packages};
	const struct dirent *entry;
	int fd, err = 0;
	DIR *dir;

	fd = fim_open_beneath(root_fd, DPKG_DIR "/info", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0; /* not a system that dpkg manages */
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (entry = readdir(dir)))
		err = info_load(&dpkg, dirfd(dir), entry->d_name);
	closedir(dir);
	if (err)
		return err;
	fd = fim_open_beneath(root_fd, DPKG_DIR, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	err = file_load(&dpkg, fd, "status", status_line);
	close(fd);
	return err;
}
