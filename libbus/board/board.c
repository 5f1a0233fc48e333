/*
 * board.c: the agent's published statistics: one msgpack document in shared memory.
 *
 * The board is read and written by system calls and never mapped. So an object that another process
 * truncates gives a short read, or is written again, and never raises SIGBUS. A header that another
 * process overwrites lasts until the next write of the board.
 *
 * Memory order. The agent fills a slot and then the header, which names the slot's generation; a
 * reader copies the header and then the slot. Both go through the kernel, whose copies are not
 * ordered by themselves: a release fence between the writes pairs with an acquire fence between the
 * reads. Had the writer come round to the same slot meanwhile, the slot bears another generation;
 * a copy that is torn does not fit its checksum.
 */
#include "board.h"
#include "base/clock.h"
#include "base/data_limits.h"
#include "ring/shm_object.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BOARD_MAGIC "ORBUSBRD"
/* Version 1 had smaller slots; its agents are still read. */
#define BOARD_VERSION      2u
#define BOARD_VERSION_MIN  1u
#define BOARD_SLOT_BYTES_1 (UINT64_C(16) << 20)
#define BOARD_ENDIAN       0x01020304u
#define BOARD_SLOTS        3u
#define BOARD_HEADER       4096u
#define BOARD_SLOT_BYTES   ((uint64_t)BOARD_BYTES_MAX)
#define READ_TRIES         8

/* The start of the first page. */
struct board_header {
	char magic[8];
	uint32_t version;
	uint32_t endian;
	uint64_t slots_offset;
	uint64_t slot_bytes;
	uint64_t started_ns;
	int32_t pid;
	uint32_t reserved;
	uint64_t generation;          /* of the newest document; 0: none yet */
	uint64_t beat_ns;             /* CLOCK_REALTIME */
	uint64_t beat_boottime_ns;    /* CLOCK_BOOTTIME: no step of the clock changes it */
	uint64_t drained_boottime_ns; /* the ring has been read up to there; 0 of older agents */
};
static_assert(offsetof(struct board_header, generation) == 48, "layout");
static_assert(offsetof(struct board_header, drained_boottime_ns) == 72, "layout");
static_assert(sizeof(struct board_header) == 80, "layout");

/* The start of a slot; the document follows. */
struct board_slot {
	uint64_t generation;
	uint64_t length;
	uint64_t checksum; /* XXH3-64 of the document */
};
static_assert(sizeof(struct board_slot) == 24, "layout");

struct board {
	int fd;
	struct board_header header; /* as it was last written */
	uint64_t inode;
	struct bus_paths paths;
};

static off_t slot_offset(uint64_t generation, uint64_t slot_bytes)
{
	return (off_t)(BOARD_HEADER + generation % BOARD_SLOTS * slot_bytes);
}

static int write_all(int fd, const void *bytes, size_t length, off_t at)
{
	const char *from = bytes;

	while (length > 0) {
		ssize_t n = pwrite(fd, from, length, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		from += n;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Writes the header with a fresh heartbeat. */
static int write_header(struct board *b)
{
	b->header.beat_ns = clock_realtime_ns();
	b->header.beat_boottime_ns = now_ns_of(CLOCK_BOOTTIME);
	return write_all(b->fd, &b->header, sizeof(b->header), 0);
}

static int board_build(struct board *b)
{
	int err;

	if (ftruncate(b->fd, (off_t)(BOARD_HEADER + BOARD_SLOTS * BOARD_SLOT_BYTES)) < 0)
		return -errno;
	memcpy(b->header.magic, BOARD_MAGIC, sizeof(b->header.magic));
	b->header.version = BOARD_VERSION;
	b->header.endian = BOARD_ENDIAN;
	b->header.slots_offset = BOARD_HEADER;
	b->header.slot_bytes = BOARD_SLOT_BYTES;
	b->header.started_ns = clock_realtime_ns();
	b->header.pid = getpid();
	b->header.drained_boottime_ns = 1; /* nothing yet */
	err = write_header(b);
	return err ? err : object_replace(b->fd, b->paths.board);
}

int board_create(const char *bus, mode_t mode, const gid_t *group, struct board **out)
{
	struct board *b = calloc(1, sizeof(*b));
	struct stat st;
	int err;

	if (!b)
		return -ENOMEM;
	b->fd = -1;
	err = bus_paths_resolve(bus, &b->paths);
	if (!err) {
		/* Readers of the bus may read the board; the agent alone writes it. */
		b->fd = object_make(b->paths.dir, (mode & 0444) | 0200, group);
		err = b->fd < 0 ? b->fd : board_build(b);
	}
	if (!err && fstat(b->fd, &st) < 0)
		err = -errno;
	if (err) {
		board_close(b);
		return err;
	}
	b->inode = st.st_ino;
	*out = b;
	return 0;
}

int board_publish(struct board *b, const void *bytes, size_t length)
{
	uint64_t next = b->header.generation + 1;
	struct board_slot slot = {
	    .generation = next, .length = length, .checksum = XXH3_64bits(bytes, length)};
	int err;

	if (length > BOARD_SLOT_BYTES - sizeof(slot))
		return -EFBIG;
	err = write_all(
	    b->fd, bytes, length, slot_offset(next, BOARD_SLOT_BYTES) + (off_t)sizeof(slot));
	if (!err)
		err = write_all(b->fd, &slot, sizeof(slot), slot_offset(next, BOARD_SLOT_BYTES));
	if (err)
		return err;
	b->header.generation = next;
	atomic_thread_fence(
	    memory_order_release); /* pairs with the acquire fence in board_read() */
	return write_header(b);
}

void board_beat(struct board *b)
{
	/* Ignore errors: readers treat a missing heartbeat as a dead agent. */
	if (b)
		(void)write_header(b);
}

void board_set_drained(struct board *b, uint64_t boottime_ns)
{
	if (!b)
		return;
	b->header.drained_boottime_ns = boottime_ns;
	/* One word: no heartbeat, and nothing that a reader could find half of. An error is mended
	 * by the next header. */
	(void)write_all(b->fd, &b->header.drained_boottime_ns,
	    sizeof(b->header.drained_boottime_ns),
	    offsetof(struct board_header, drained_boottime_ns));
}

bool board_is_gone(const struct board *b)
{
	return !b || object_inode(b->paths.board) != b->inode;
}

void board_close(struct board *b)
{
	if (!b)
		return;
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

static int header_validate(const struct board_header *h)
{
	if (memcmp(h->magic, BOARD_MAGIC, sizeof(h->magic)) != 0)
		return -EBADMSG;
	if (h->version < BOARD_VERSION_MIN || h->version > BOARD_VERSION ||
	    h->endian != BOARD_ENDIAN)
		return -EPROTONOSUPPORT;
	if (h->slots_offset != BOARD_HEADER ||
	    h->slot_bytes != (h->version == 1 ? BOARD_SLOT_BYTES_1 : BOARD_SLOT_BYTES))
		return -EBADMSG;
	return 0;
}

static int read_header(int fd, struct board_header *h)
{
	ssize_t n = pread(fd, h, sizeof(*h), 0);

	return n == (ssize_t)sizeof(*h) ? header_validate(h) : -EBADMSG;
}

static int read_slot(int fd, const struct board_header *h, struct board_snapshot *out)
{
	struct board_slot slot;
	uint64_t generation = h->generation;
	off_t at = slot_offset(generation, h->slot_bytes);

	if (pread(fd, &slot, sizeof(slot), at) != (ssize_t)sizeof(slot))
		return -EBADMSG;
	if (slot.generation != generation)
		return -EAGAIN;
	if (slot.length > h->slot_bytes - sizeof(slot))
		return -EBADMSG;
	out->bytes = malloc(slot.length + 1);
	if (!out->bytes)
		return -ENOMEM;
	out->length = slot.length;
	if (pread(fd, out->bytes, out->length, at + (off_t)sizeof(slot)) == (ssize_t)out->length &&
	    XXH3_64bits(out->bytes, out->length) == slot.checksum)
		return 0;
	free(out->bytes);
	out->bytes = NULL;
	return -EAGAIN;
}

static void set_liveness(const struct board_header *h, struct board_snapshot *out)
{
	uint64_t now = now_ns_of(CLOCK_BOOTTIME);
	uint64_t beat = h->beat_boottime_ns;

	out->heartbeat_ns = h->beat_ns;
	out->started_ns = h->started_ns;
	out->pid = h->pid;
	out->drained_ns = h->drained_boottime_ns;
	out->is_live = beat <= now && now - beat < BOARD_STALE_NS;
}

static int open_board(const char *bus)
{
	struct bus_paths paths;
	int err = bus_paths_resolve(bus, &paths);

	return err ? err : object_open(&paths, paths.board, O_RDONLY);
}

int board_peek(const char *bus, struct board_snapshot *out)
{
	struct board_header h;
	int err, fd = open_board(bus);

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return fd;
	err = read_header(fd, &h);
	close(fd);
	if (!err)
		set_liveness(&h, out);
	return err;
}

int board_read(const char *bus, struct board_snapshot *out)
{
	struct board_header h;
	int err = -EAGAIN, fd = open_board(bus);

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return fd;
	for (int tries = 0; tries < READ_TRIES; tries++) {
		err = read_header(fd, &h);
		if (err)
			break;
		set_liveness(&h, out);
		/* Pairs with the release fence in board_publish(). */
		atomic_thread_fence(memory_order_acquire);
		err = h.generation == 0 ? -ENOENT : read_slot(fd, &h, out);
		if (err != -EAGAIN)
			break;
	}
	close(fd);
	return err;
}
