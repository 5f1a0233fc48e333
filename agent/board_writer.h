/*
 * board_writer.h: the board, as the agent keeps it: made where it is missing, and refreshed from
 * the aggregator a few times a second. The board itself is board/board.h's.
 */
#ifndef ORBUS_AGENT_BOARD_WRITER_H
#define ORBUS_AGENT_BOARD_WRITER_H

#include "agent/aggregate/document_context.h"
#include "agent/alerts/alerts.h"
#include "agent/common/config.h"
#include "agent/common/data_dir_lock.h"
#include "ring/shm_object.h"

struct board_writer;

/* What the board shows; borrowed. */
struct board_sources {
	const struct config *config;
	const struct bus_paths *paths;
	const struct folder *folder;
	struct store *const *store;  /* NULL while there is none */
	const struct alerts *alerts; /* NULL: none were asked for */
	struct document_sources documents;
};

/*
 * Makes the board. Without one the agent serves all the same: that is logged. Close it in any case.
 * 0 or -ENOMEM.
 */
int board_writer_open(
    const struct board_sources *sources, struct log *log, struct board_writer **out);
void board_writer_close(struct board_writer *b);

/* There is no board, or another one bears its name. */
bool board_writer_is_gone(const struct board_writer *b);

/* Makes the board anew; what goes wrong is logged once. */
void board_writer_make_board(struct board_writer *b);

/* Twice a second: readers see that the agent lives. */
void board_writer_beat(struct board_writer *b);

/* All that was published until then (CLOCK_BOOTTIME) has been read from the ring. */
void board_writer_set_drained(struct board_writer *b, uint64_t boottime_ns);

/* Something is to be shown that the aggregator does not tell of: the board is due. */
void board_writer_touch(struct board_writer *b);

/* A step of refreshing the board, when that is due. True: there was one, which took its time. */
bool board_writer_refresh(struct board_writer *b, uint64_t now_ns);

/* There is another step to make at once; the worker has one in hand. */
bool board_writer_has_more(const struct board_writer *b);
bool board_writer_is_at_work(const struct board_writer *b);

#endif
