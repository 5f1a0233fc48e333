/*
 * peer.h: a way for one process to hand a request's sample to another, or to a disk.
 *
 * For each peer: prepare() in the parent; drain() in a child, which is killed at the end and tells
 * received() of every sample; connect() in the sender; send() each time, encoding and the time
 * stamp included; close(). All but send() and `name` may be NULL. prepare() and connect() return 0,
 * or say on standard error why not.
 */
#ifndef ORBUS_TESTS_BENCH_PEERS_PEER_H
#define ORBUS_TESTS_BENCH_PEERS_PEER_H

#include <stdbool.h>
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

/* When a sample of sample_pack() was stamped. */
uint64_t sample_stamp(const char *bytes);

/*
 * A reader calls this for each sample that came. `bytes` are as sample_pack() gave them; a reader
 * of another form passes the sample's time stamp, or 0 if it does not know it.
 */
void received(const char *bytes, size_t length);
void received_stamp(uint64_t ts_ns);

/* True while samples come one by one, a thousand a second, and a reader waits for each. */
bool is_paced(void);

/* A name for this run's files, sockets and queues. */
const char *run_name(void);

extern const struct peer peer_orbus, peer_unix_datagram, peer_statsd, peer_mqueue, peer_json_line,
    peer_json_fdatasync, peer_sqlite, peer_zeromq_push, peer_zeromq_pub, peer_redis,
    peer_redis_pipeline, peer_ck_ring, peer_boost_queue, peer_lttng, peer_iceoryx2;

#ifdef __cplusplus
}
#endif

#endif
