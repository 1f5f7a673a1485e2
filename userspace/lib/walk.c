/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visits everything that a policy covers, in byte order of the full path.
 *
 * That order is not "a directory, then what is in it": '-' sorts before '/', so
 * "a-b" comes between "a" and "a/x". Each directory therefore stands twice among its
 * siblings, as "a" (itself) and as "a/" (what is in it).
 *
 * Every directory is opened by its path below the root, through no symlink; only one
 * is open at a time. Its names are read when it is visited itself, so that a
 * directory that cannot be read is said at its place. Mount points are crossed, for
 * what is mounted there is what programs see; file systems made up by the kernel
 * (proc, sysfs, cgroup, …) are not entered.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "lib_private.h"

/* Not in every release's linux/magic.h. */
#define MAGIC_BPF	0xcafe4a11
#define MAGIC_CONFIGFS	0x62656570
#define MAGIC_FUSECTL	0x65735543
#define MAGIC_MQUEUE	0x19800202
#define MAGIC_RPC_PIPE	0x67596969
#define MAGIC_SELINUX	0xf97cff8c
#define MAGIC_HUGETLBFS 0x958458f6
#define MAGIC_NFSD	0x6e667364
#define MAGIC_EFIVARFS	0xde5e81e4
#define MAGIC_RESCTRL	0x7655821

struct listing;

/**
 * struct entry - a name in a directory
 * @name: the name; for a root of the policy: its path
 * @is_dir: as far as reading the directory told
 * @listing: what is in it, from its visit until its content was visited
 */
struct entry {
	char *name;
	bool is_dir;
	struct listing *listing;
};

/**
 * struct item - an entry's place among its siblings
 * @entry: the entry
 * @content: it stands for what is in the directory
 */
struct item {
	struct entry *entry;
	bool content;
};

struct listing {
	struct entry *entries;
	size_t count;
	size_t room;
};

struct walk {
	int root_fd;
	const struct fim_policy *policy;
	struct fim_pool *pool;
	size_t path_len;
	char path[FIM_PATH_MAX];
};

/* ---- reading a directory */

static void listing_free(struct listing *listing)
{
	size_t i;

	if (!listing)
		return;
	for (i = 0; i < listing->count; i++) {
		listing_free(listing->entries[i].listing);
		free(listing->entries[i].name);
	}
	free(listing->entries);
	free(listing);
}

static int listing_add(struct listing *listing, const char *name, bool is_dir)
{
	struct entry *larger;
	size_t room;

	if (listing->count == listing->room) {
		room = listing->room ? 2 * listing->room : 16;
		larger = reallocarray(listing->entries, room, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		listing->entries = larger;
		listing->room = room;
	}
	listing->entries[listing->count] = (struct entry){.name = strdup(name), .is_dir = is_dir};
	if (!listing->entries[listing->count].name)
		return -ENOMEM;
	listing->count++;
	return 0;
}

static bool is_made_up(int fd)
{
	static const uint32_t magics[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,     CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,   TRACEFS_MAGIC,	 SECURITYFS_MAGIC,
		PSTOREFS_MAGIC,	    BINFMTFS_MAGIC,  NSFS_MAGIC,	 MAGIC_BPF,
		MAGIC_CONFIGFS,	    MAGIC_FUSECTL,   MAGIC_MQUEUE,	 MAGIC_RPC_PIPE,
		MAGIC_SELINUX,	    MAGIC_HUGETLBFS, MAGIC_NFSD,	 MAGIC_EFIVARFS,
		MAGIC_RESCTRL,
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs))
		return false;
	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((uint32_t)fs.f_type == magics[i])
			return true;
	return false;
}

static bool entry_is_dir(int fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return !fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

/* A path that does not fit is a place to hide: -ENAMETOOLONG marks the directory, the rest counts. */
static int read_names(DIR *dir, size_t name_max, struct listing *listing)
{
	const struct dirent *entry;
	bool too_long = false;
	int err;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry && errno)
			return -errno;
		if (!entry)
			return too_long ? -ENAMETOOLONG : 0;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (strlen(entry->d_name) > name_max) {
			too_long = true;
			continue;
		}
		err = listing_add(listing, entry->d_name, entry_is_dir(dirfd(dir), entry));
		if (err)
			return err;
	}
}

/* On failure @listing holds what could be read. */
static int read_directory(const struct walk *walk, struct listing *listing)
{
	size_t used = walk->path_len == 1 ? 1 : walk->path_len + 1; /* with the '/' to come */
	size_t name_max = used < FIM_PATH_MAX - 1 ? FIM_PATH_MAX - 1 - used : 0;
	DIR *dir;
	int fd, err;

	fd = fim_open_beneath(walk->root_fd, walk->path + 1, O_RDONLY | O_DIRECTORY);
	/* No directory any more. Should it be one again when it is measured, its content was missed. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return -EAGAIN;
	if (fd < 0)
		return fd;
	if (is_made_up(fd)) {
		close(fd);
		return 0;
	}
	dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	err = read_names(dir, name_max, listing);
	closedir(dir);
	return err;
}

/* ---- order */

static unsigned char item_byte(const struct item *item, size_t len, size_t i)
{
	if (i < len)
		return (unsigned char)item->entry->name[i];
	return item->content && i == len ? '/' : '\0';
}

static int item_order(const void *a, const void *b)
{
	const struct item *left = a, *right = b;
	size_t left_len = strlen(left->entry->name), right_len = strlen(right->entry->name);
	size_t i, common = left_len < right_len ? left_len : right_len;
	int order = memcmp(left->entry->name, right->entry->name, common);

	for (i = common; !order && i <= common + 1; i++)
		order = item_byte(left, left_len, i) - item_byte(right, right_len, i);
	return order;
}

static int items_new(const struct listing *listing, struct item **items_ret, size_t *count_ret)
{
	struct item *items = calloc(2 * listing->count + 1, sizeof(*items));
	size_t i, count = 0;

	if (!items)
		return -ENOMEM;
	for (i = 0; i < listing->count; i++) {
		items[count++] = (struct item){.entry = &listing->entries[i]};
		if (listing->entries[i].is_dir)
			items[count++] =
				(struct item){.entry = &listing->entries[i], .content = true};
	}
	qsort(items, count, sizeof(*items), item_order);
	*items_ret = items;
	*count_ret = count;
	return 0;
}

/* ---- visiting */

/* Our own shortage, not a property of what is looked at. */
bool fim_errno_is_ours(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE || err == -ENOSYS;
}

/* walk->path names it. What is excluded is neither measured nor, as a rule, entered. */
static int visit(struct walk *walk, struct entry *entry)
{
	const struct fim_rule *rule = fim_policy_lookup(walk->policy, walk->path);
	bool excluded = rule->cls == FIM_CLASS_EXCLUDED;
	int err = 0;

	if (entry->is_dir && (!excluded || fim_policy_compares_below(walk->policy, walk->path))) {
		entry->listing = calloc(1, sizeof(*entry->listing));
		err = entry->listing ? read_directory(walk, entry->listing) : -ENOMEM;
	} else if (!entry->is_dir) {
		/* Should it be a directory by the time it is measured, its content was missed. */
		err = -EAGAIN;
	}
	if (fim_errno_is_ours(err) || excluded)
		return fim_errno_is_ours(err) ? err : 0;
	return fim_pool_put(walk->pool, walk->path,
			    rule->cls == FIM_CLASS_METADATA ? FIM_MEASURE_NO_DIGEST : 0, err);
}

static int visit_all(struct walk *walk, const struct listing *listing)
{
	size_t i, len, count, parent_len = walk->path_len;
	struct item *items;
	int err;

	err = items_new(listing, &items, &count);
	if (err)
		return err;
	for (i = 0; i < count && !err; i++) {
		struct entry *entry = items[i].entry;

		/* The names of the outermost listing are the roots: absolute paths. */
		if (*entry->name != '/' && parent_len > 1)
			walk->path[walk->path_len++] = '/';
		/* It fits: read_names() and the policy saw to that. */
		len = strlen(entry->name);
		memcpy(walk->path + walk->path_len, entry->name, len + 1);
		walk->path_len += len;
		if (!items[i].content) {
			err = visit(walk, entry);
		} else if (entry->listing) {
			err = visit_all(walk, entry->listing);
			listing_free(entry->listing);
			entry->listing = NULL;
		}
		walk->path_len = parent_len;
		walk->path[walk->path_len] = '\0';
	}
	free(items);
	return err;
}

static int visit_roots(struct walk *walk)
{
	struct listing *roots = calloc(1, sizeof(*roots));
	struct stat st;
	const char *root;
	size_t i;
	int fd, err = roots ? 0 : -ENOMEM;

	for (i = 0; i < fim_policy_root_count(walk->policy) && !err; i++) {
		root = fim_policy_root(walk->policy, i);
		fd = fim_open_beneath(walk->root_fd, root + 1, O_PATH);
		err = listing_add(roots, root, fd >= 0 && !fstat(fd, &st) && S_ISDIR(st.st_mode));
		if (fd >= 0)
			close(fd);
	}
	if (!err)
		err = visit_all(walk, roots);
	listing_free(roots);
	return err;
}

int fim_walk(int root_fd, const struct fim_policy *policy, fim_pool_fn fn, void *ctx)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int err;

	if (!walk)
		return -ENOMEM;
	walk->root_fd = root_fd;
	walk->policy = policy;
	err = fim_pool_open(root_fd, fn, ctx, &walk->pool);
	if (!err)
		err = visit_roots(walk);
	if (!err)
		err = fim_pool_drain(walk->pool);
	fim_pool_close(walk->pool);
	free(walk);
	return err;
}
