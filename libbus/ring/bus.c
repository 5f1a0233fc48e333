/*
 * bus.c: creating a bus on purpose, and describing one.
 */
#include "orbus.h"
#include "segment.h"
#include "slow_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool in_range(unsigned n, unsigned low, unsigned high)
{
	return n == 0 || (n >= low && n <= high);
}

static int options_validate(const struct orbus_create_options *o)
{
	if (!in_range(o->lanes, 1, ORBUS_LANES_MAX) ||
	    !in_range(o->slots, ORBUS_SLOTS_MIN, ORBUS_SLOTS_MAX) || (o->slots & (o->slots - 1)) ||
	    !in_range(o->slot_bytes, ORBUS_SLOT_BYTES_MIN, ORBUS_SLOT_BYTES_MAX) ||
	    o->slot_bytes % ORBUS_SLOT_BYTES_ALIGN || (o->mode & ~(mode_t)0666))
		return -EINVAL;
	/* Its owner must be able to use it. */
	if (o->mode && (o->mode & 0600) != 0600)
		return -EINVAL;
	return 0;
}

int segment_create(
    const struct bus_paths *paths, const struct orbus_create_options *options, unsigned wait_ms)
{
	struct ring_shape shape;
	bool created;
	int ring_fd, locks_fd, err = options ? options_validate(options) : 0;

	if (!err)
		err =
		    segment_attach(paths, options, wait_ms, &shape, &ring_fd, &locks_fd, &created);
	if (err)
		return err;
	if (options && !created)
		err = segment_adjust(options, &shape, ring_fd, locks_fd);
	close(ring_fd);
	close(locks_fd);
	if (err)
		return err;
	return created ? 0 : 1;
}

int orbus_create(const char *bus, const struct orbus_create_options *options)
{
	struct slow_path before = slow_path_begin();
	struct bus_paths paths;
	int err = bus_paths_resolve(bus, &paths);

	if (!err)
		err = segment_create(&paths, options, SEGMENT_WAIT_MS);
	slow_path_end(before);
	return err;
}

static int inspect(const char *bus, struct orbus_bus_info *info)
{
	struct bus_paths paths;
	struct ring_shape shape;
	uint32_t version = 0;
	struct stat st;
	int fd, err;

	err = bus_paths_resolve(bus, &paths);
	if (err)
		return err;
	fd = segment_open(&paths, O_RDONLY, &shape, &version);
	if (fd == -EPROTONOSUPPORT)
		info->layout_version = version;
	if (fd == -EKEYREJECTED)
		(void)object_is_strangers(&paths, paths.ring, &info->owner_uid);
	if (fd < 0)
		return fd;
	info->owner_uid = fstat(fd, &st) == 0 ? st.st_uid : (uid_t)-1;
	close(fd);
	info->layout_version = version;
	info->lanes = shape.lane_count;
	info->slots = shape.slots_per_lane;
	info->slot_bytes = shape.slot_bytes;
	info->created_ns = shape.created_ns;
	memcpy(info->bus_id, shape.bus_id, sizeof(info->bus_id));
	return 0;
}

int orbus_inspect(const char *bus, struct orbus_bus_info *info)
{
	struct slow_path before;
	int err;

	if (!info)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	info->library_layout_version = ORBUS_LAYOUT_VERSION;
	before = slow_path_begin();
	err = inspect(bus, info);
	slow_path_end(before);
	return err;
}
