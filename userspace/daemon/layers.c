/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's image says about a path.
 *
 * An overlay mount merges directories: the upper one holds what the container
 * changed, the lower ones are the image.  The state before a change is the state in
 * the first lower layer that has the path, found by overlayfs' own rules
 * (Documentation/filesystems/overlayfs.rst): a character device 0:0 hides a name
 * (whiteout), the attribute trusted.overlay.opaque=y hides a whole directory of the
 * layers below.  Redirected directories (redirect_dir=on) are not followed; Docker,
 * containerd and Podman do not enable them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon.h"

#define LAYERS_MAX 512 /* overlayfs allows 500 */

void layers_clear(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		free(layers->dirs[i]);
	free(layers->dirs);
	memset(layers, 0, sizeof(*layers));
}

/* @dir is relative when Docker had to shorten the options; then below its overlay2 directory. */
static int layers_add(struct layers *layers, const char *dir, size_t len, const char *mount_point)
{
	char **dirs;
	char *path;

	if (layers->count >= LAYERS_MAX)
		return -EINVAL;
	if (len > 0 && dir[0] == '/') {
		path = strndup(dir, len);
	} else {
		const char *end = strrchr(mount_point, '/');

		end = end && end > mount_point ? memrchr(mount_point, '/', end - mount_point)
					       : NULL;
		if (!end)
			return -EINVAL;
		if (asprintf(&path, "%.*s/%.*s", (int)(end - mount_point), mount_point, (int)len,
			     dir) < 0)
			path = NULL;
	}
	dirs = path ? realloc(layers->dirs, (layers->count + 1) * sizeof(*dirs)) : NULL;
	if (!dirs) {
		free(path);
		return -ENOMEM;
	}
	layers->dirs = dirs;
	dirs[layers->count++] = path;
	return 0;
}

/* Length up to the first @stop that no backslash escapes. */
static size_t span(const char *text, const char *stop)
{
	size_t len = 0;

	while (text[len] && !strchr(stop, text[len]))
		len += text[len] == '\\' && text[len + 1] ? 2 : 1;
	return len;
}

static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		*to++ = *text;
	}
	*to = '\0';
}

static int lower_add(struct layers *layers, const char *value, size_t len, const char *mount_point)
{
	int err = 0;

	while (len && !err) {
		size_t part = span(value, ":,");

		if (part > len)
			part = len;
		/* "::" starts data-only layers: they hold content without names. */
		if (part == 0 && *value == ':')
			break;
		if (part)
			err = layers_add(layers, value, part, mount_point);
		value += part < len ? part + 1 : part;
		len -= part < len ? part + 1 : part;
	}
	return err;
}

int layers_parse(const char *options, const char *mount_point, struct layers *layers_ret)
{
	struct layers layers = {0};
	struct layers lower = {0};
	int err = 0;

	while (*options && !err) {
		size_t len = span(options, ",");
		const char *value = memchr(options, '=', len);

		if (value) {
			size_t key_len = value++ - options;
			size_t value_len = len - key_len - 1;

			if (key_len == 8 && memcmp(options, "upperdir", 8) == 0)
				err = layers_add(&layers, value, value_len, mount_point);
			else if ((key_len == 8 && memcmp(options, "lowerdir", 8) == 0) ||
				 (key_len == 9 && memcmp(options, "lowerdir+", 9) == 0))
				err = lower_add(&lower, value, value_len, mount_point);
		}
		options += options[len] ? len + 1 : len;
	}
	if (!err && (layers.count != 1 || lower.count == 0))
		err = -EINVAL;
	for (size_t i = 0; i < lower.count && !err; i++)
		err = layers_add(&layers, lower.dirs[i], strlen(lower.dirs[i]), mount_point);
	layers_clear(&lower);
	if (err) {
		layers_clear(&layers);
		return err;
	}
	for (size_t i = 0; i < layers.count; i++)
		unescape(layers.dirs[i]);
	*layers_ret = layers;
	return 0;
}

enum look {
	LOOK_BELOW, /* this layer does not know the path: the next one may */
	LOOK_FOUND,
	LOOK_LAST,   /* found, and it hides what the layers below have there */
	LOOK_HIDDEN, /* this layer says that there is nothing */
};

static bool is_opaque(int fd)
{
	char proc[64];
	char value = 0;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (getxattr(proc, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y')
		return true;
	return getxattr(proc, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static enum look layer_look(int fd, const char *path)
{
	enum look missing = LOOK_BELOW;
	enum look found = LOOK_FOUND;
	int at = dup(fd);

	while (at >= 0) {
		char name[256];
		struct stat st;
		size_t len;
		int next;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0)
			break;
		if (len >= sizeof(name)) {
			found = LOOK_HIDDEN;
			break;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
		next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(at);
		at = next;
		if (at < 0 || fstat(at, &st) < 0) {
			found = missing;
			break;
		}
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0)) {
			found = LOOK_HIDDEN;
			break;
		}
		/* Something that is no directory hides one of the same name below it. */
		if (!S_ISDIR(st.st_mode) && path[strspn(path, "/")]) {
			found = LOOK_HIDDEN;
			break;
		}
		if (!S_ISDIR(st.st_mode)) {
			found = LOOK_LAST;
		} else if (is_opaque(at)) {
			missing = LOOK_HIDDEN;
			found = LOOK_LAST;
		}
	}
	if (at >= 0)
		close(at);
	return found;
}

void layers_strip(struct fim_state *state)
{
	static const char *const prefixes[] = {"trusted.overlay.", "user.overlay.",
					       "security.selinux"};
	size_t kept = 0;

	for (size_t i = 0; i < state->xattr_count; i++) {
		struct fim_xattr *xattr = &state->xattrs[i];
		bool drop = false;

		for (size_t j = 0; j < sizeof(prefixes) / sizeof(prefixes[0]); j++)
			drop |= strncmp(xattr->name, prefixes[j], strlen(prefixes[j])) == 0;
		if (!drop) {
			state->xattrs[kept++] = *xattr;
			continue;
		}
		free(xattr->name);
		free(xattr->value);
	}
	state->xattr_count = kept;
	if (!kept) {
		free(state->xattrs);
		state->xattrs = NULL;
	}
}

int layers_measure(const struct layers *layers, size_t first, const char *path,
		   struct fim_hasher *hasher, struct fim_state *state_ret)
{
	for (size_t i = first; i < layers->count; i++) {
		int fd = open(layers->dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct fim_state state = {0};
		enum look look;
		int err = 0;

		/* The engine may have removed the container, and its layers, already. */
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		look = layer_look(fd, path);
		if (look == LOOK_FOUND || look == LOOK_LAST)
			err = fim_measure_at(fd, path + strspn(path, "/"), FIM_MEASURE_BOUNDED,
					     hasher, &state);
		close(fd);
		if (look == LOOK_BELOW)
			continue;
		if (err)
			return err;
		layers_strip(&state);
		/* Identity and times are the layer's, not those of the merged view. */
		state.dev = 0;
		state.ino = 0;
		state.ctime_ns = 0;
		state.mtime_ns = 0;
		*state_ret = state;
		return 0;
	}
	memset(state_ret, 0, sizeof(*state_ret));
	return 0;
}

static int open_regular(int dirfd, const char *rel)
{
	struct stat st;
	int fd = fim_open_beneath(dirfd, rel, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

int layers_open(const struct layers *layers, size_t first, const char *path, size_t *layer_ret)
{
	for (size_t i = first; i < layers->count; i++) {
		int fd = open(layers->dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		int file = -ENOENT;
		enum look look;

		if (fd < 0)
			continue;
		look = layer_look(fd, path);
		if (look == LOOK_FOUND || look == LOOK_LAST)
			file = open_regular(fd, path + strspn(path, "/"));
		close(fd);
		if (look == LOOK_BELOW)
			continue;
		if (file >= 0)
			*layer_ret = i;
		return file;
	}
	return -ENOENT;
}

int layers_each_below(const struct layers *layers, size_t first, const char *dir, walk_fn fn,
		      void *ctx)
{
	int err = 0;

	for (size_t i = first; i < layers->count && !err; i++) {
		int fd = open(layers->dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		enum look look;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		look = layer_look(fd, dir);
		if (look == LOOK_FOUND || look == LOOK_LAST)
			err = walk(fd, dir + strspn(dir, "/"), dir, fn, ctx);
		close(fd);
		if (look == LOOK_LAST || look == LOOK_HIDDEN)
			break;
	}
	return err;
}

bool layers_is_opaque(const struct layers *layers, const char *dir)
{
	int fd = open(layers->dirs[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool opaque = fd >= 0 && layer_look(fd, dir) == LOOK_LAST;

	if (fd >= 0)
		close(fd);
	return opaque;
}

bool layers_is_artefact(const char *path, const struct fim_state *state)
{
	static const char *const paths[] = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"};

	if (strcmp(path, "/etc/mtab") == 0)
		return state->type == FIM_TYPE_SYMLINK &&
		       strcmp(state->target, "/proc/mounts") == 0;
	/* Empty, or somebody wrote into it: then it is no mount point any more. */
	if (state->type != FIM_TYPE_FILE || state->size != 0)
		return false;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(path, paths[i]) == 0)
			return true;
	return false;
}
