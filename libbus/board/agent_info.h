/*
 * agent_info.h: what the board says of its agent that programs other than orstat need: where its
 * files are, and how long it keeps them.
 *
 * It is not for statistics (current.h), nor for whether the agent has read what was published
 * (board.h).
 */
#ifndef ORBUS_BOARD_AGENT_INFO_H
#define ORBUS_BOARD_AGENT_INFO_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_info {
	bool is_live;            /* false: the agent has ended, the board says where it was */
	char data_dir[PATH_MAX]; /* absolute; "": the board does not say it */
	bool has_retention;      /* false: the board does not say it, as of earlier versions */
	uint64_t retention_days; /* 0: for ever */
};

/* 0, or a negative errno as of board_read(); -ENOENT: no agent has served the bus. */
int agent_info_read(const char *bus, struct agent_info *out);

/* The same of a board's document, which may be anything: 0 or -EBADMSG. `is_live` is left alone. */
int agent_info_take(const void *document, size_t length, struct agent_info *out);

#endif
