/*
 * feed.h: what comes from the ring alone: each request as it ends, requests in flight, the last
 * failures, connected producers, and whether the bus still exists.
 *
 * It is a plain reader: it slows no producer. Texts of samples are sanitised and cut to what fits
 * on a screen.
 */
#ifndef ORBUS_ORSTAT_WATCH_FEED_H
#define ORBUS_ORSTAT_WATCH_FEED_H

#include "history.h"

#define SEEN_NAME_BYTES    96
#define SEEN_MESSAGE_BYTES 256

/* A request that has begun. */
struct flight {
	uint64_t ts; /* of its begin */
	bool stream;
	char bot[SEEN_NAME_BYTES], model[SEEN_NAME_BYTES], provider[SEEN_NAME_BYTES];
};

/* A request that ended; "" and NaN where something is unknown. */
struct seen_request {
	uint64_t ts; /* 0: none was seen */
	enum orbus_status status;
	double response_ms, ttft_ms, tps;
	char bot[SEEN_NAME_BYTES], model[SEEN_NAME_BYTES], provider[SEEN_NAME_BYTES];
	char error_type[SEEN_NAME_BYTES], error_message[SEEN_MESSAGE_BYTES];
};

#define FAILURES_MAX 20

/* The last requests that failed, newest first. */
struct failures {
	struct seen_request items[FAILURES_MAX];
	size_t count;
};

/* Inserts a failure by its time, if it is among the last. */
void failures_add(struct failures *f, const struct seen_request *r);

struct feed;

/* Opens the bus and reads what it still holds. The errors of orbus_reader_open(). */
int feed_open(const char *bus, uint64_t interval_ns, struct feed **out);
void feed_close(struct feed *f);

/*
 * Reads what has come, and looks whose requests died with them, a part of the lanes each time. 1:
 * there is more to read at once, 0, or -ENOMEM.
 */
int feed_drain(struct feed *f);

/* To be called once a second: checks whether the bus still exists. */
void feed_look_after(struct feed *f);

void feed_history(
    const struct feed *f, uint64_t now_ns, struct history_point out[HISTORY_INTERVALS]);

/* The request that ended last. */
const struct seen_request *feed_last(const struct feed *f);

/* The last requests that failed. */
const struct failures *feed_failures(const struct feed *f);

/* All in flight, oldest first; malloc'ed. -ENOMEM. */
int feed_flights(const struct feed *f, struct flight **out, size_t *count);

/* Producers that hold a lane; -1 where only writers of the bus may know. */
int feed_connected(const struct feed *f);

/* Since when the bus's name is gone, and when the bus was last made anew; 0: it is there, never. */
uint64_t feed_gone_ns(const struct feed *f);
uint64_t feed_remade_ns(const struct feed *f);

/* Samples overwritten before they were shown here, since it was opened. */
uint64_t feed_missed(const struct feed *f);

#endif
