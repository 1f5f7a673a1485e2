/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module as a source of events.  Owns the device.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon.h"

static ssize_t module_read(struct source *source, void *buf, size_t size)
{
	ssize_t len = read(source->fd, buf, size);

	return len < 0 ? -errno : len;
}

static int module_watch_add(struct source *source, int dirfd, uint32_t *id_ret)
{
	struct fim_watch watch = {.size = sizeof(watch), .fd = dirfd};
	int err = ioctl(source->fd, FIM_IOC_WATCH_ADD, &watch) < 0 ? -errno : 0;

	if (!err || err == -EEXIST)
		*id_ret = watch.watch_id;
	return err;
}

static int module_watch_del(struct source *source, uint32_t id)
{
	struct fim_watch_ref ref = {.size = sizeof(ref), .watch_id = id};

	return ioctl(source->fd, FIM_IOC_WATCH_DEL, &ref) < 0 ? -errno : 0;
}

static int module_rule_add(struct source *source, const char *path)
{
	struct fim_root_rule rule = {.size = sizeof(rule)};
	int len = snprintf(rule.path, sizeof(rule.path), "%s", path);

	if (len < 0 || (size_t)len >= sizeof(rule.path))
		return -ENAMETOOLONG;
	return ioctl(source->fd, FIM_IOC_RULE_ADD, &rule) < 0 ? -errno : 0;
}

static int module_arm(struct source *source)
{
	struct fim_arm arm = {.size = sizeof(arm)};

	return ioctl(source->fd, FIM_IOC_ARM, &arm) < 0 ? -errno : 0;
}

static int module_info(struct source *source, struct fim_info *info_ret)
{
	struct fim_info info = {.size = sizeof(info)};

	if (ioctl(source->fd, FIM_IOC_INFO, &info) < 0)
		return -errno;
	*info_ret = info;
	return 0;
}

static void module_close(struct source *source)
{
	close(source->fd);
	source->fd = -1;
	source->ops = NULL;
}

static const struct source_ops module_ops = {
	.kind = "module",
	.loss = "the module's ring was full, or more had to be noted at once than it can",
	.read = module_read,
	.watch_add = module_watch_add,
	.watch_del = module_watch_del,
	.rule_add = module_rule_add,
	.arm = module_arm,
	.info = module_info,
	.close = module_close,
};

int source_module_open(const char *device, struct source *source_ret)
{
	struct source source = {.ops = &module_ops};
	struct fim_info info;
	int err;

	source.fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (source.fd < 0)
		return -errno;
	err = module_info(&source, &info);
	if (err) {
		fim_log(LOG_ERR, "%s does not answer as the module does: %s", device,
			strerror(-err));
		module_close(&source);
		return -EPROTO;
	}
	if (info.abi != FIM_ABI_VERSION) {
		fim_log(LOG_ERR, "%s speaks version %u, this daemon version %u", device, info.abi,
			FIM_ABI_VERSION);
		module_close(&source);
		return -EPROTO;
	}
	*source_ret = source;
	return 0;
}
