/*
 * segment.c: the ring object as a whole: made, opened, checked, mapped.
 *
 * Making. The ring appears under its name whole or not at all: it is built in an unnamed file and
 * then linked. The lock object comes first and is tied to its ring by its inode number in the
 * ring's header; a process that makes a ring holds the lock object's create byte, so that makers
 * take turns. A maker that dies at any step leaves either nothing, or a lock object that the next
 * one uses.
 */
#include "segment.h"
#include "base/now.h"
#include "slow_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ATTACH_TRIES 100
/* Where the caller may not wait: enough if another process has just begun to make the ring. */
#define ATTACH_TRIES_AT_ONCE 4

static uint64_t header_checksum(const struct ring_header *h)
{
	return XXH3_64bits(h, offsetof(struct ring_header, checksum));
}

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static uint64_t lane_bytes(uint32_t slots, uint32_t slot_bytes, uint32_t page)
{
	return round_up(sizeof(struct lane_header) + (uint64_t)slots * slot_bytes, page);
}

static bool shape_is_allowed(uint32_t lanes, uint32_t slots, uint32_t slot_bytes)
{
	return lanes >= 1 && lanes <= ORBUS_LANES_MAX && slots >= ORBUS_SLOTS_MIN &&
	       slots <= ORBUS_SLOTS_MAX && (slots & (slots - 1)) == 0 &&
	       slot_bytes >= ORBUS_SLOT_BYTES_MIN && slot_bytes <= ORBUS_SLOT_BYTES_MAX &&
	       slot_bytes % ORBUS_SLOT_BYTES_ALIGN == 0;
}

/* `h` is a private copy; every number in it is untrusted until it is checked. */
static int header_validate(const struct ring_header *h, uint64_t object_bytes, uint32_t *version)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

	if (memcmp(h->magic, ORBUS_MAGIC, sizeof(h->magic)) != 0)
		return -EBADMSG;
	if (h->endian != ORBUS_ENDIAN_MARK)
		return -EPROTONOSUPPORT;
	if (version)
		*version = h->layout_version;
	if (h->layout_version != ORBUS_LAYOUT_VERSION || h->incompatible_features != 0)
		return -EPROTONOSUPPORT;
	if (h->checksum != header_checksum(h) || h->page_bytes != page ||
	    !shape_is_allowed(h->lane_count, h->slots_per_lane, h->slot_bytes) ||
	    h->lanes_offset != 2 * (uint64_t)page ||
	    h->lane_stride != lane_bytes(h->slots_per_lane, h->slot_bytes, page) ||
	    h->ring_bytes != h->lanes_offset + h->lane_count * h->lane_stride ||
	    object_bytes < h->ring_bytes)
		return -EBADMSG;
	return 0;
}

static void shape_from_header(const struct ring_header *h, uint64_t inode, struct ring_shape *shape)
{
	*shape = (struct ring_shape){
	    .created_ns = h->created_ns,
	    .locks_inode = h->locks_inode,
	    .inode = inode,
	    .page_bytes = h->page_bytes,
	    .lane_count = h->lane_count,
	    .slots_per_lane = h->slots_per_lane,
	    .slot_bytes = h->slot_bytes,
	    .lanes_offset = h->lanes_offset,
	    .lane_stride = h->lane_stride,
	    .ring_bytes = h->ring_bytes,
	};
	memcpy(shape->bus_id, h->bus_id, sizeof(shape->bus_id));
}

int segment_open(
    const struct bus_paths *paths, int flags, struct ring_shape *shape, uint32_t *version)
{
	struct ring_header h;
	struct stat st;
	ssize_t got;
	int err, fd = object_open(paths, paths->ring, flags);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		err = system_error(errno);
		goto fail;
	}
	/* A copy by read, not by mapping: a file that is cut short meanwhile gives an error. */
	got = pread(fd, &h, sizeof(h), 0);
	err = got < 0 ? system_error(errno) : -EBADMSG;
	if (got != (ssize_t)sizeof(h))
		goto fail;
	err = header_validate(&h, (uint64_t)st.st_size, version);
	if (err)
		goto fail;
	shape_from_header(&h, st.st_ino, shape);
	return fd;
fail:
	close(fd);
	return err;
}

static int header_fill(
    struct ring_header *h, const struct orbus_create_options *options, uint64_t locks_inode)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	ssize_t got;

	*h = (struct ring_header){
	    .layout_version = ORBUS_LAYOUT_VERSION,
	    .endian = ORBUS_ENDIAN_MARK,
	    .created_ns = now_ns_of(CLOCK_REALTIME),
	    .locks_inode = locks_inode,
	    .page_bytes = page,
	    .lane_count = options->lanes ? options->lanes : ORBUS_LANES_DEFAULT,
	    .slots_per_lane = options->slots ? options->slots : ORBUS_SLOTS_DEFAULT,
	    .slot_bytes = options->slot_bytes ? options->slot_bytes : ORBUS_SLOT_BYTES_DEFAULT,
	    .lanes_offset = 2 * (uint64_t)page,
	};
	if (!shape_is_allowed(h->lane_count, h->slots_per_lane, h->slot_bytes))
		return -EINVAL;
	memcpy(h->magic, ORBUS_MAGIC, sizeof(h->magic));
	got = getrandom(h->bus_id, sizeof(h->bus_id), 0);
	if (got != (ssize_t)sizeof(h->bus_id))
		return got < 0 ? system_error(errno) : -EIO;
	h->lane_stride = lane_bytes(h->slots_per_lane, h->slot_bytes, page);
	h->ring_bytes = h->lanes_offset + h->lane_count * h->lane_stride;
	h->checksum = header_checksum(h);
	return 0;
}

static mode_t ring_mode(const struct orbus_create_options *options)
{
	return options->mode ? options->mode & 0666 : 0600;
}

/*
 * A user who may write the ring may read and write its lock object. A user who may only read the
 * ring may do neither.
 */
static mode_t locks_mode(const struct orbus_create_options *options)
{
	mode_t writers = ring_mode(options) & 0222;

	return writers | writers << 1;
}

static const gid_t *group_of(const struct orbus_create_options *options)
{
	return options->set_group ? &options->group : NULL;
}

/* An unnamed ring with its first two pages reserved, so that using them cannot raise SIGBUS. */
static int ring_build(
    const struct bus_paths *paths, const struct orbus_create_options *options, uint64_t locks_inode)
{
	struct ring_header h;
	int err, fd;

	err = header_fill(&h, options, locks_inode);
	if (err)
		return err;
	fd = object_make(paths->dir, ring_mode(options), group_of(options));
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)h.ring_bytes) < 0) {
		err = system_error(errno);
		goto fail;
	}
	err = system_error(posix_fallocate(fd, 0, (off_t)h.lanes_offset));
	if (err)
		goto fail;
	if (pwrite(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h)) {
		err = errno ? system_error(errno) : -EIO;
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return err;
}

static int locks_open_or_make(
    const struct bus_paths *paths, const struct orbus_create_options *options)
{
	int err, fd = object_open(paths, paths->locks, O_RDWR);

	if (fd != -ENOENT)
		return fd;
	fd = object_make(paths->dir, locks_mode(options), group_of(options));
	if (fd < 0)
		return fd;
	err = system_error(posix_fallocate(fd, 0, ORBUS_LOCK_BYTES));
	if (!err)
		err = object_link(fd, paths->locks);
	if (!err)
		return fd;
	close(fd);
	return err == -EEXIST ? object_open(paths, paths->locks, O_RDWR) : err;
}

/* Opens an existing ring together with the very lock object that it names. -ENOENT, -ESTALE. */
static int attach_existing(
    const struct bus_paths *paths, struct ring_shape *shape, int *ring_fd, int *locks_fd)
{
	struct stat st;
	int locks, ring = segment_open(paths, O_RDWR, shape, NULL);

	if (ring < 0)
		return ring;
	locks = object_open(paths, paths->locks, O_RDWR);
	if (locks < 0 && locks != -ENOENT) {
		close(ring);
		return locks;
	}
	if (locks >= 0 && fstat(locks, &st) < 0) {
		int err = system_error(errno);

		close(locks);
		close(ring);
		return err;
	}
	if (locks < 0 || st.st_ino != shape->locks_inode) {
		/* The lock object was removed: a claim in a new one would not see the older owners.
		 */
		if (locks >= 0)
			close(locks);
		close(ring);
		return -ESTALE;
	}
	*ring_fd = ring;
	*locks_fd = locks;
	return 0;
}

/* With the create byte held: makes a ring, or takes the place of one whose locks are gone. */
static int ring_make_named(
    const struct bus_paths *paths, const struct orbus_create_options *options, uint64_t locks_inode)
{
	struct ring_shape found = {0};
	int err, fd, old = segment_open(paths, O_RDWR, &found, NULL);

	if (old >= 0) {
		close(old);
		if (found.locks_inode == locks_inode)
			return -EEXIST;
	} else if (old != -ENOENT) {
		return old;
	}
	fd = ring_build(paths, options, locks_inode);
	if (fd < 0)
		return fd;
	err = old >= 0 ? object_replace(fd, paths->ring) : object_link(fd, paths->ring);
	close(fd);
	return err;
}

static int segment_make(const struct bus_paths *paths, const struct orbus_create_options *options)
{
	struct stat st;
	int err, locks = locks_open_or_make(paths, options);

	if (locks < 0)
		return locks;
	err = object_lock(locks, ORBUS_LOCK_CREATE);
	if (!err && fstat(locks, &st) < 0)
		err = system_error(errno);
	/* If it was removed meanwhile, another process may hold the byte of a newer one. */
	if (!err && object_inode(paths->locks) != st.st_ino)
		err = -EEXIST;
	if (!err)
		err = ring_make_named(paths, options, st.st_ino);
	close(locks);
	return err;
}

int segment_attach(const struct bus_paths *paths, const struct orbus_create_options *options,
    unsigned wait_ms, struct ring_shape *shape, int *ring_fd, int *locks_fd, bool *created)
{
	static const struct orbus_create_options defaults;
	const struct timespec step = {0, 1000000};
	uint64_t deadline_ns = now_ns_of(CLOCK_MONOTONIC) + wait_ms * UINT64_C(1000000);
	int err;

	*created = false;
	for (int tries = wait_ms ? ATTACH_TRIES : ATTACH_TRIES_AT_ONCE; tries > 0; tries--) {
		err = attach_existing(paths, shape, ring_fd, locks_fd);
		if (err != -ENOENT && err != -ESTALE)
			return err;
		err = segment_make(paths, options ? options : &defaults);
		if (err == 0)
			*created = true;
		else if (err == -ENOENT && object_inode(paths->dir) == 0)
			return err;
		else if (err == -EAGAIN && now_ns_of(CLOCK_MONOTONIC) >= deadline_ns)
			return -EBUSY;
		else if (err == -EAGAIN)
			nanosleep(&step, NULL);
		else if (err != -EEXIST && err != -ENOENT)
			return err;
	}
	return -EAGAIN;
}

static bool is_other(unsigned asked, uint32_t there)
{
	return asked != 0 && asked != there;
}

int segment_adjust(const struct orbus_create_options *options, const struct ring_shape *shape,
    int ring_fd, int locks_fd)
{
	struct orbus_create_options o = *options;
	struct stat st;
	int err;

	if (is_other(o.lanes, shape->lane_count) || is_other(o.slots, shape->slots_per_lane) ||
	    is_other(o.slot_bytes, shape->slot_bytes))
		return -EEXIST;
	if (!o.mode && !o.set_group)
		return 0;
	if (!o.mode) {
		if (fstat(ring_fd, &st) < 0)
			return system_error(errno);
		o.mode = st.st_mode & 0666;
	}
	/* The lock object first: a user who gains the ring needs it, and a user who loses the ring
	 * must lose it.
	 */
	err = object_adjust(locks_fd, locks_mode(&o), group_of(&o));
	return err ? err : object_adjust(ring_fd, ring_mode(&o), group_of(&o));
}

int segment_map_readonly(const struct bus_paths *paths, struct segment *out)
{
	void *base;
	int fd = segment_open(paths, O_RDONLY, &out->shape, NULL);

	if (fd < 0)
		return fd;
	base = mmap(NULL, out->shape.ring_bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	close(fd);
	if (base == MAP_FAILED)
		return system_error(errno);
	out->base = base;
	out->shared = (const struct ring_shared *)(out->base + out->shape.page_bytes);
	return 0;
}

void segment_unmap(struct segment *s)
{
	if (s->base)
		munmap((void *)(uintptr_t)s->base, s->shape.ring_bytes);
	s->base = NULL;
}
