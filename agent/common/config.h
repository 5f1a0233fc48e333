/*
 * config.h: what the agent was told by options and environment, checked.
 */
#ifndef ORBUS_AGENT_COMMON_CONFIG_H
#define ORBUS_AGENT_COMMON_CONFIG_H

#include "agent/store/store.h"
#include "log.h"
#include "orbus.h"
#include "stats/aggregate.h"

struct config {
	const char *bus; /* NULL: the default */
	char *data_dir;
	char *alert_file; /* NULL: no alerts */
	bool utc;
	unsigned retention_days; /* 0: keep everything */
	unsigned snapshot_hours; /* of an "hourly" period; divides 24 */
	unsigned checkpoint_seconds;
	unsigned stop_ms; /* from SIGTERM to the end */
	enum store_io io;
	bool once;
	bool journal;
	struct tag_names by_tag; /* of tag_texts */
	char *tag_texts;
	enum log_target log_target;
	enum log_level log_level;
	struct orbus_create_options create;
};

/*
 * Reads the command line. Returns -1 when the agent is to run, else the exit status: --help,
 * --version, or 2 after a message about a wrong option.
 */
int config_read(int argc, char **argv, struct config *out);

void config_free(struct config *c);

#endif
