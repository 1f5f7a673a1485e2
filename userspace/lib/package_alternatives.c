/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alternatives: symbolic links that belong to no package and that installing one makes.
 * update-alternatives(1) keeps its records beside dpkg's database, alternatives(8) of
 * Amazon Linux in a directory of its own, in the same format:
 *
 *	auto				or "manual"
 *	/usr/bin/editor			the link
 *	editor.1.gz			a link that goes with it: name, link; any number
 *	/usr/share/man/man1/editor.1.gz
 *					(an empty line)
 *	/bin/nano			what it may point to
 *	40				how much that is wanted
 *	/usr/share/man/man1/nano.1.gz	of each that goes with it, or an empty line
 *					(an empty line; then the next)
 *
 * A link is vouched for if what it points to is one of these, and that is a package's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib_private.h"

#define FILE_SIZE_MAX (1u << 20)
#define GROUP_MAX     256 /* links that go together */
#define ALTERNATIVES  "/etc/alternatives/"

/**
 * struct group - a record being read
 * @packages: where it goes
 * @names: of the links below ALTERNATIVES
 * @links: where they are
 * @count: their number
 */
struct group {
	struct fim_packages *packages;
	const char *names[GROUP_MAX];
	const char *links[GROUP_MAX];
	size_t count;
};

/* The next line, which ends with a NUL then; NULL: there is none that is whole. */
static char *next_line(char **text)
{
	char *line = *text, *newline = strchr(line, '\n');

	if (!newline)
		return NULL;
	*newline = '\0';
	*text = newline + 1;
	return line;
}

static int add_link(const struct group *group, size_t i, const char *target)
{
	char named[FIM_PATH_MAX];
	int len = snprintf(named, sizeof(named), ALTERNATIVES "%s", group->names[i]), err;

	if (len >= (int)sizeof(named) || *target != '/' || strchr(group->names[i], '/'))
		return 0;
	err = fim_packages_link(group->packages, named, target);
	return err ? err : fim_packages_link(group->packages, group->links[i], named);
}

/* One that it may point to, and what goes with that. False: there is no more. */
static int read_choice(const struct group *group, char **text, bool *more_ret)
{
	char *path = next_line(text), *target;
	bool known = path && *path && fim_packages_names(group->packages, path);
	size_t i;
	int err;

	*more_ret = path && *path && next_line(text);
	if (!*more_ret)
		return 0;
	err = known ? add_link(group, 0, path) : 0;
	for (i = 1; i < group->count && !err; i++) {
		target = next_line(text);
		*more_ret = target;
		if (!target)
			return 0;
		err = known && *target ? add_link(group, i, target) : 0;
	}
	/* The empty line between two. */
	return err;
}

int fim_alternatives_parse(struct fim_packages *packages, const char *name, char *text)
{
	struct group group = {.packages = packages, .names = {name}, .count = 1};
	char *status = next_line(&text), *line;
	bool more = true;
	int err = 0;

	if (!status || (strcmp(status, "auto") != 0 && strcmp(status, "manual") != 0))
		return 0;
	group.links[0] = next_line(&text);
	if (!group.links[0])
		return 0;
	while ((line = next_line(&text)) && *line) {
		if (group.count == GROUP_MAX)
			return 0;
		group.names[group.count] = line;
		group.links[group.count] = next_line(&text);
		if (!group.links[group.count++])
			return 0;
	}
	while (!err && more) {
		err = read_choice(&group, &text, &more);
		if (*text == '\n')
			text++;
	}
	return err;
}

static int load_file(struct fim_packages *packages, int dir_fd, const char *name)
{
	char *text = NULL;
	struct stat st;
	ssize_t len = -1;
	int fd, err = 0;

	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_SIZE_MAX) {
		text = malloc((size_t)st.st_size + 1);
		err = text ? 0 : -ENOMEM;
	}
	if (text)
		len = pread(fd, text, (size_t)st.st_size, 0);
	close(fd);
	if (len >= 0) {
		text[len] = '\0';
		err = fim_alternatives_parse(packages, name, text);
	}
	free(text);
	return err;
}

static int load_dir(struct fim_packages *packages, int root_fd, const char *path)
{
	const struct dirent *entry;
	int fd, err = 0;
	DIR *dir;

	fd = fim_open_beneath(root_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = load_file(packages, dirfd(dir), entry->d_name);
	closedir(dir);
	return err;
}

int fim_alternatives_load(int root_fd, struct fim_packages *packages)
{
	int err = load_dir(packages, root_fd, "var/lib/dpkg/alternatives");

	return err ? err : load_dir(packages, root_fd, "var/lib/alternatives");
}
