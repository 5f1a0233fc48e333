/*
 * board.h: the agent's published statistics: one msgpack document in shared memory.
 *
 * Layout: a page of header, then three slots. The writer fills slot (generation + 1) % 3 and then
 * publishes generation + 1. A reader takes slot generation % 3 and accepts its copy if the slot has
 * that generation and the copy fits the slot's checksum: a writer that dies half-way blocks no
 * reader, and a slow reader gets a whole document or looks again. Copies are made by pread(), which
 * gives an error and no signal where the object is cut short. See docs/architecture.md for every
 * byte; tests/model/board.pml is the protocol's model.
 */
#ifndef ORBUS_BOARD_H
#define ORBUS_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* After this long without a heartbeat there is no agent. */
#define BOARD_STALE_NS UINT64_C(3000000000)

/* --- Writing: the agent alone ----------------------------------------------------------------- */

struct board;

/* Makes the board of `bus` anew, taking the place of an older one. */
int board_create(const char *bus, mode_t mode, const gid_t *group, struct board **out);

/* Publishes a document of at most BOARD_BYTES_MAX: 0, -EFBIG, -ENOSPC; on an error the last one
 * stays. */
int board_publish(struct board *b, const void *bytes, size_t length);

/* Writes a heartbeat: the agent lives. NULL is allowed. */
void board_beat(struct board *b);

/* Writes that everything published until then (CLOCK_BOOTTIME) has been read from the ring. NULL is
 * allowed. */
void board_set_drained(struct board *b, uint64_t boottime_ns);

/* True when there is none (NULL), or the name is another object's now. */
bool board_is_gone(const struct board *b);

/* Detaches. The board stays, so that readers see when the agent was last alive. */
void board_close(struct board *b);

/* --- Reading ---------------------------------------------------------------------------------- */

struct board_snapshot {
	uint64_t heartbeat_ns; /* CLOCK_REALTIME of the last beat */
	uint64_t started_ns;   /* CLOCK_REALTIME */
	int32_t pid;
	bool is_live; /* the heartbeat is fresh (by CLOCK_BOOTTIME) */
	/* CLOCK_BOOTTIME: what was published by then has been read; 0: not known */
	uint64_t drained_ns;
	void *bytes; /* the document; free() it */
	size_t length;
};

/*
 * Copies the newest document: 0, -ENOENT no board or none published yet, -EBADMSG damaged or
 * foreign, -EPROTONOSUPPORT, -EACCES, -EKEYREJECTED of a user who is not trusted, -ENOMEM, -EAGAIN
 * it moved on under every try.
 */
int board_read(const char *bus, struct board_snapshot *out);

/* The same without the document: the agent that keeps the board, and whether it runs. */
int board_peek(const char *bus, struct board_snapshot *out);

#endif
