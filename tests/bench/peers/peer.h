/*
 * peer.h: a way for one process to hand a request's sample to another, or to a disk.
 *
 * For each peer: prepare() in the parent; drain() in a child, which is killed at the end; connect()
 * in the sender; send() each time, encoding and the time stamp included; close(). All but send()
 * and `name` may be NULL. prepare() and connect() return 0, or say on standard error why not.
 */
#ifndef ORBUS_BENCH_PEER_H
#define ORBUS_BENCH_PEER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peer {
	const char *name;
	int (*prepare)(void);
	void (*drain)(void);
	int (*connect)(void);
	void (*send)(void);
	void (*close)(void);
	uint64_t count; /* of samples in a run; slow ones get fewer */
};

/* What every bot knows of its request; the same for all peers. */
#define SAMPLE_MODEL      "openai/gpt-4o-mini"
#define SAMPLE_RESPONSE   3450.25
#define SAMPLE_TTFT       412.5
#define SAMPLE_PROMPT     225
#define SAMPLE_COMPLETION 287
#define SAMPLE_COST       0.00042

/* The sample as msgpack by msgpack-c, stamped now; the length. `out` has room for 256 bytes. */
size_t sample_pack(char *out);

/* The sample as a line of JSON, stamped now. */
size_t sample_json(char out[512]);

/* A name for this run's files, sockets and queues. */
const char *run_name(void);

extern const struct peer peer_orbus, peer_unix_datagram, peer_statsd, peer_mqueue, peer_json_line,
    peer_json_fdatasync, peer_sqlite, peer_zeromq_push, peer_zeromq_pub, peer_redis,
    peer_redis_pipeline, peer_ck_ring, peer_boost_queue, peer_lttng;

#ifdef __cplusplus
}
#endif

#endif
