// SPDX-License-Identifier: GPL-2.0-only
/*
 * fanotify DIR: mark DIR's file system as a monitor would (FAN_MARK_FILESYSTEM,
 * directory and name), and print path and process of every change. A path that
 * cannot be resolved any more is printed as far as it is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#define MASK                                                                                    \
	(FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB | FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | \
	 FAN_MOVED_TO | FAN_ONDIR)

static void print_event(int mount_fd, const struct fanotify_event_metadata *event)
{
	const struct fanotify_event_info_fid *info = (const void *)(event + 1);
	struct file_handle *handle = (struct file_handle *)info->handle;
	const char *name = info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME
				   ? (const char *)(handle->f_handle + handle->handle_bytes)
				   : "";
	char link[64], path[4096] = "?";
	int fd = open_by_handle_at(mount_fd, handle, O_PATH);
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len > 0)
		path[len] = '\0';
	close(fd);
	printf("%s/%s pid=%d mask=%#llx\n", path, name, event->pid,
	       (unsigned long long)event->mask);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char buf[65536] __attribute__((aligned(8)));
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_UNLIMITED_QUEUE,
			       O_RDONLY);
	int mount_fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	const struct fanotify_event_metadata *event;
	ssize_t len;

	if (fd < 0 || mount_fd < 0 ||
	    fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, MASK, AT_FDCWD, argv[1])) {
		fprintf(stderr, "fanotify: %s\n", strerror(errno));
		return 1;
	}
	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		for (event = (void *)buf; FAN_EVENT_OK(event, len);
		     event = FAN_EVENT_NEXT(event, len))
			print_event(mount_fd, event);
	}
	return 1;
}
