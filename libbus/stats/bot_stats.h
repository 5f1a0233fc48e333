/*
 * bot_stats.h: what is known of each bot beside its requests: when it was heard of, and its gauges
 * (struct bot_stats, of a stretch of time); and whether it is connected (struct bot_known, of now).
 */
#ifndef ORBUS_STATS_BOT_STATS_H
#define ORBUS_STATS_BOT_STATS_H

#include "gauge_stats.h"
#include "orbus.h"

struct bot_stats {
	uint64_t last_seen_ns;    /* its newest sample of any kind */
	uint64_t last_request_ns; /* the end of its newest request; 0: none */
	struct name_table gauges; /* of struct gauge_stats; BOT_GAUGES_MAX and "(other)" */
};

/* Producers of a bot that are known (live/bots.h). */
#define BOT_PRODUCERS_MAX 8

/* An owner of a lane: all zero where there is none. */
struct bot_producer {
	uint64_t since_ns; /* the time of its first sample */
	uint32_t lane, epoch;
};

struct bot_known {
	char name[ORBUS_TEXT_MAX + 1];
	uint64_t last_seen_ns;    /* its newest sample of any kind */
	uint64_t last_request_ns; /* the end of its newest request; 0: none */
	unsigned producers;       /* the first of the following are there, as far as is known */
	struct bot_producer producer[BOT_PRODUCERS_MAX]; /* that which was heard of last is first */
};

/* Since when a bot is connected; 0: it is not. */
uint64_t bot_connected_since(const struct bot_known *bot);

/* Makes a table of struct bot_stats. */
void bot_table_init(struct name_table *t);

/* What is known of a bot, made if need be; NULL: out of memory. */
struct bot_stats *bot_table_at(struct name_table *t, const char *bot);

/* Adds what a sample tells of its bot. False: out of memory. */
bool bot_table_add(struct name_table *t, const struct orbus_sample *s);
bool bot_stats_merge(struct bot_stats *to, const struct bot_stats *from);
bool bot_table_merge(struct name_table *to, const struct name_table *from);

#endif
