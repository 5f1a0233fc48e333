/*
 * options.h: the agent's options as they were given.
 */
#ifndef ORBUS_AGENT_COMMON_OPTIONS_H
#define ORBUS_AGENT_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct oragent_settings {
	const char *bus;
	const char *data_dir;
	bool utc;
	uint64_t retention_days;
	uint64_t snapshot_every;   /* ns */
	uint64_t checkpoint_every; /* ns */
	uint64_t stop_within;      /* ns */
	int io;                    /* enum store_io */
	const char *alert;
	const char *by_tag;
	bool journal;
	bool once;
	unsigned mode;
	const char *group;
	const char *owner;
	uint64_t lanes, slots, slot_bytes;
	int log_target; /* enum log_target */
	int log_level;  /* index in error|warning|info|debug */
};

#endif
