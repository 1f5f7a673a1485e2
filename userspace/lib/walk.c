/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visits everything that a policy covers, in byte order of the full path.
 *
 * That order is not "a directory, then what is in it": '-' sorts before '/', so
 * "a-b" comes between "a" and "a/x". Each directory therefore stands twice among its
 * siblings, as "a" (itself) and as "a/" (what is in it).
 *
 * Every directory is opened through no symlink, from the one that holds it while that is
 * open, else by its path below the root, and as a rule stays open until what is in it was
 * measured. Its names are read when it is visited itself, so that a directory that cannot
 * be read is said at its place. Mount points are crossed, for what is mounted there is
 * what programs see; file systems made up by the kernel (proc, sysfs, cgroup, …) are not
 * entered.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

/* What getdents64(2) fills at once; its own limit is INT_MAX. */
#define ENTRIES_SIZE (64u << 10)
/*
 * Directories that stay open at the same time; as many as a fourth of the descriptors, if fewer.
 * Whoever would open more measures what is in the first of them.
 */
#define HOMES_MAX 200

struct listing;

/**
 * struct entry - a name in a directory
 * @name: the name; for a root of the policy: its path
 * @len: its length
 * @is_dir: as far as reading the directory told
 * @is_file: likewise, a regular one
 * @listing: what is in it, from its visit until its content was visited
 */
struct entry {
	const char *name;
	size_t len;
	bool is_dir;
	bool is_file;
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

/**
 * struct listing - the names in a directory
 * @entries: they
 * @count: their number
 * @room: allocated
 * @names: their text; while it grows @entries have offsets in @len and no @name
 * @used: bytes of @names
 * @names_room: allocated
 * @home: the directory, open; NULL: it is not
 */
struct listing {
	struct entry *entries;
	size_t count;
	size_t room;
	char *names;
	size_t used;
	size_t names_room;
	struct fim_home *home;
};

struct walk {
	const struct fim_walk_params *params;
	struct fim_pool *pool;
	struct fim_policy_place place;
	uint64_t dirs; /* directories entered */
	size_t open;   /* directories that are */
	size_t open_max;
	_Alignas(struct dirent64) char entries[ENTRIES_SIZE];
	size_t path_len;
	char path[FIM_PATH_MAX];
};

/* ---- reading a directory */

static void listing_free(struct listing *listing)
{
	size_t i;

	if (!listing)
		return;
	for (i = 0; i < listing->count; i++)
		listing_free(listing->entries[i].listing);
	fim_home_put(listing->home);
	free(listing->entries);
	free(listing->names);
	free(listing);
}

static int listing_grow(struct listing *listing, size_t len)
{
	size_t room = listing->room ? 2 * listing->room : 16;
	size_t names_room = listing->names_room ? 2 * listing->names_room : 512;
	struct entry *entries;
	char *names;

	if (listing->count == listing->room) {
		entries = reallocarray(listing->entries, room, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		listing->entries = entries;
		listing->room = room;
	}
	while (names_room < listing->used + len + 1)
		names_room *= 2;
	if (listing->used + len + 1 > listing->names_room) {
		names = realloc(listing->names, names_room);
		if (!names)
			return -ENOMEM;
		listing->names = names;
		listing->names_room = names_room;
	}
	return 0;
}

static int listing_add(struct listing *listing, const char *name, unsigned char type)
{
	size_t len = strlen(name);

	if ((listing->count == listing->room || listing->used + len + 1 > listing->names_room) &&
	    listing_grow(listing, len))
		return -ENOMEM;
	memcpy(listing->names + listing->used, name, len + 1);
	listing->entries[listing->count++] = (struct entry){
		.len = listing->used, .is_dir = type == DT_DIR, .is_file = type == DT_REG};
	listing->used += len + 1;
	return 0;
}

/* The names are all there and stay where they are. */
static void listing_seal(struct listing *listing)
{
	size_t i, next;

	for (i = 0; i < listing->count; i++) {
		struct entry *entry = &listing->entries[i];

		next = i + 1 < listing->count ? listing->entries[i + 1].len : listing->used;
		entry->name = listing->names + entry->len;
		entry->len = next - entry->len - 1;
	}
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

static unsigned char entry_type(int fd, const struct dirent64 *entry)
{
	struct stat st;

	if (entry->d_type == DT_UNKNOWN && !fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
		return IFTODT(st.st_mode);
	return entry->d_type;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/*
 * A path that does not fit is a place to hide: -ENAMETOOLONG marks the directory, the rest counts.
 * Without readdir(3), which asks the kernel three things more about each directory.
 */
static int read_names(struct walk *walk, int fd, size_t name_max, struct listing *listing)
{
	const struct dirent64 *entry;
	bool too_long = false;
	ssize_t len, at;
	int err;

	for (;;) {
		len = getdents64(fd, walk->entries, sizeof(walk->entries));
		if (len < 0)
			return -errno;
		if (!len)
			return too_long ? -ENAMETOOLONG : 0;
		for (at = 0; at < len; at += entry->d_reclen) {
			entry = (const void *)(walk->entries + at);
			if (is_dots(entry->d_name))
				continue;
			if (strlen(entry->d_name) > name_max) {
				too_long = true;
				continue;
			}
			err = listing_add(listing, entry->d_name, entry_type(fd, entry));
			if (err)
				return err;
		}
	}
}

/* Not every one stays open: a tree may be deeper than a process may have files. */
static void keep_open(struct walk *walk, struct listing *listing, int fd)
{
	struct fim_home *home = NULL;

	if (listing->count && walk->open < walk->open_max)
		home = malloc(sizeof(*home));
	if (!home) {
		close(fd);
		return;
	}
	*home = (struct fim_home){.fd = fd, .users = 1, .open = &walk->open};
	listing->home = home;
	walk->open++;
}

/* @parent: open directory that holds it; NULL: there is none */
static int open_directory(const struct walk *walk, const char *name, const struct fim_home *parent,
			  bool *same_mount_ret)
{
	int fd = parent ? fim_open_same_mount(parent->fd, name, O_RDONLY | O_DIRECTORY) : -EXDEV;

	*same_mount_ret = fd >= 0;
	return fd >= 0 ? fd
		       : fim_open_beneath(walk->params->root_fd, walk->path + 1,
					  O_RDONLY | O_DIRECTORY);
}

/* On failure @listing holds what could be read. */
static int read_directory(struct walk *walk, const char *name, const struct fim_home *parent,
			  struct listing *listing)
{
	size_t used = walk->path_len == 1 ? 1 : walk->path_len + 1; /* with the '/' to come */
	size_t name_max = used < FIM_PATH_MAX - 1 ? FIM_PATH_MAX - 1 - used : 0;
	bool same_mount;
	int fd, err;

	fd = open_directory(walk, name, parent, &same_mount);
	/* No directory any more. Should it be one again when it is measured, its content was missed. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return -EAGAIN;
	if (fd < 0)
		return fd;
	if (!same_mount && is_made_up(fd)) {
		close(fd);
		return 0;
	}
	err = read_names(walk, fd, name_max, listing);
	listing_seal(listing);
	keep_open(walk, listing, fd);
	return err;
}

/* ---- order */

static unsigned char item_byte(const struct item *item, size_t i)
{
	if (i < item->entry->len)
		return (unsigned char)item->entry->name[i];
	return item->content && i == item->entry->len ? '/' : '\0';
}

static int item_order(const void *a, const void *b)
{
	const struct item *left = a, *right = b;
	size_t left_len = left->entry->len, right_len = right->entry->len;
	size_t i, common = left_len < right_len ? left_len : right_len;
	int order = memcmp(left->entry->name, right->entry->name, common);

	for (i = common; !order && i <= common + 1; i++)
		order = item_byte(left, i) - item_byte(right, i);
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
static int visit(struct walk *walk, struct entry *entry, uint64_t dir, struct fim_home *home)
{
	const struct fim_walk_params *params = walk->params;
	struct fim_pool_object object = {
		.path = walk->path, .dir = dir, .home = home, .is_file = entry->is_file};
	bool excluded;
	int err;

	object.rule = fim_policy_lookup_next(params->policy, &walk->place, walk->path);
	excluded = object.rule->cls == FIM_CLASS_EXCLUDED;
	err = entry->is_dir ? fim_pool_relieve(walk->pool, &walk->open, walk->open_max) : 0;
	if (err)
		return err;
	if (entry->is_dir && (!excluded || fim_policy_compares_below(params->policy, walk->path))) {
		entry->listing = calloc(1, sizeof(*entry->listing));
		object.walk_err = entry->listing
					  ? read_directory(walk, entry->name, home, entry->listing)
					  : -ENOMEM;
	} else if (!entry->is_dir) {
		/* Should it be a directory by the time it is measured, its content was missed. */
		object.walk_err = -EAGAIN;
	}
	if (fim_errno_is_ours(object.walk_err) || excluded)
		return fim_errno_is_ours(object.walk_err) ? object.walk_err : 0;
	if (params->expect)
		object.expected = params->expect(params->ctx, walk->path);
	object.look = params->known != NULL;
	if (params->known)
		object.known = params->known(params->ctx);
	if (params->packaged)
		object.packaged = params->packaged(params->ctx, walk->path);
	return fim_pool_put(walk->pool, &object);
}

static int visit_all(struct walk *walk, const struct listing *listing)
{
	size_t i, count, parent_len = walk->path_len;
	uint64_t dir = ++walk->dirs;
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
		memcpy(walk->path + walk->path_len, entry->name, entry->len + 1);
		walk->path_len += entry->len;
		if (!items[i].content) {
			/* Roots are not of one directory, though of one listing. */
			err = visit(walk, entry, *entry->name == '/' ? ++walk->dirs : dir,
				    listing->home);
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

	for (i = 0; i < fim_policy_root_count(walk->params->policy) && !err; i++) {
		root = fim_policy_root(walk->params->policy, i);
		fd = fim_open_beneath(walk->params->root_fd, root + 1, O_PATH);
		err = listing_add(roots, root,
				  fd >= 0 && !fstat(fd, &st) ? IFTODT(st.st_mode) : DT_UNKNOWN);
		if (fd >= 0)
			close(fd);
	}
	if (!err) {
		listing_seal(roots);
		err = visit_all(walk, roots);
	}
	listing_free(roots);
	return err;
}

static size_t homes_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	return limit.rlim_cur / 4 < HOMES_MAX ? limit.rlim_cur / 4 : HOMES_MAX;
}

int fim_walk(const struct fim_walk_params *params)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int err;

	if (!walk)
		return -ENOMEM;
	walk->params = params;
	walk->open_max = homes_max();
	err = fim_pool_open(params->root_fd, params->rate, params->fn, params->ctx, &walk->pool);
	if (!err)
		err = visit_roots(walk);
	if (!err)
		err = fim_pool_drain(walk->pool);
	fim_pool_close(walk->pool);
	free(walk);
	return err;
}
