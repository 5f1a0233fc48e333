/*
 * orbus.h: the public interface of liborbus, the shared-memory metrics bus.
 *
 * A program that calls an LLM publishes one sample a request; readers on the same machine see it
 * at once. Publishing takes no lock, allocates nothing, makes no system call on its fast path and
 * never waits, whether or not there is a reader.
 *
 * Conventions
 *   - Functions return 0 (or the count they document) or a negative errno; orbus_strerror()
 *     explains it. Nothing here prints, aborts, installs a signal handler, or changes the signal
 *     mask, environment, locale, working folder, umask or errno. What the library keeps for the
 *     process as a whole is the table of open handles: 16384 at most.
 *   - Handles are cheap: open one a thread. A handle may go from one thread to another.
 *   - Strings are UTF-8, NUL-terminated, borrowed for the duration of the call.
 *
 * What is allowed, and what is refused. Tests read this table and walk it.
 *
 *   NULL      a handle, sample, request or place of a result is NULL
 *   closed    the handle was closed, or is of another kind, or no handle (a wild pointer, say)
 *   in use    a call on the handle is under way: in another thread, or in the code that a signal
 *             handler interrupted
 *   handler   it may be called in a signal handler that interrupted any code
 *   child     with a handle that was open when the process forked
 *
 *   function                    NULL      closed    in use     handler   child
 *   orbus_sample_init           nothing   -         -          yes       -
 *   orbus_sample_tps            NaN       -         -          yes       -
 *   orbus_sample_decode_tps     NaN       -         -          yes       -
 *   orbus_kind_name             -         -         -          yes       -
 *   orbus_status_name           -         -         -          yes       -
 *   orbus_strerror              -         -         -          yes       -
 *   orbus_version               -         -         -          yes       -
 *   orbus_create                works     -         -          no        -
 *   orbus_inspect               EINVAL    -         -          no        -
 *   orbus_producer_open         EINVAL    -         -          no        -
 *   orbus_publish               EINVAL    EINVAL    EALREADY   yes       works
 *   orbus_producer_refused      0         0         works      yes       works
 *   orbus_producer_close        nothing   nothing   later      no        works
 *   orbus_request_begin         EINVAL    EINVAL    EALREADY   yes       works
 *   orbus_request_first_token   nothing   works     works      yes       works
 *   orbus_request_end           EINVAL    EINVAL    EALREADY   yes       works
 *   orbus_reader_open           EINVAL    -         -          no        -
 *   orbus_reader_next           EINVAL    EINVAL    EALREADY   no        works
 *   orbus_reader_wait           EINVAL    EINVAL    EALREADY   no        works
 *   orbus_reader_skip           nothing   nothing   nothing    no        works
 *   orbus_reader_lost           0         0         0          yes       works
 *   orbus_reader_rejected       0         0         0          yes       works
 *   orbus_reader_close          nothing   nothing   later      no        works
 *
 *   later     the call that is under way frees the handle when it is over; a
 *             orbus_reader_wait() ends with -EINVAL within half a second
 *   yes, no   what may not be called in a signal handler allocates memory; nothing refuses it
 *   works     in a child: a producer gets a lane of its own at its next publish; a reader reads on
 *             from where its parent's was, but -EALREADY if another thread was in a call on it
 *             when the process forked
 *
 *   an open that fails                                          sets *out to NULL
 *   a sample that is refused                                    was not published; it is counted,
 *                                                               see orbus_producer_refused()
 *   tags NULL with a count, a tag without key or value,         -EINVAL
 *   more than ORBUS_TAGS_MAX, a kind or status out of range
 *   ending a request that was never begun, or is all zeroes     -EINVAL
 *   ending a request again after it was published               -EINVAL: it counts once
 *   ending a request again after an error                       allowed: mend its sample before
 *   copying or moving a struct orbus_request                    allowed: use one of the copies from
 *                                                               then on, and end that one only, in
 *                                                               one thread at a time
 *   a request in the child after fork()                         allowed: end it in one of the two
 *   a producer after setuid(), chroot(), or closing all files,  allowed: it keeps its lane, which
 *   other files in their place                                  needs no descriptor
 *   an open with standard files closed                          allowed: it takes none of 0 to 2
 *   publishing in a child of vfork()                            allowed: it is the parent's lane
 *   exec()                                                      gives the lane back
 *   a system call or an allocation that fails                   a negative errno; nothing leaks,
 *                                                               and a later call may work
 *   pthread_cancel()                                            takes effect after the call
 *   leaving a call by longjmp(), an exception in a signal       not allowed: the handle is in use
 *   handler or asynchronous cancellation                        from then on
 *   a child that was forked in a signal handler which           exec() or _exit() in the handler
 *   interrupted a call, and returns from the handler
 *   a ring that is cut short by one who may write to it         not protected: SIGBUS, as with
 * every file that is mapped
 *
 * A bus is named by NULL ($ORBUS, else "orbus"), by a POSIX shared-memory name ("orbus", "/orbus"),
 * or by an absolute path on a tmpfs ("/run/orbus/ring").
 */
#ifndef ORBUS_H
#define ORBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ORBUS_API __attribute__((visibility("default")))
#else
#define ORBUS_API
#endif

/* An absent figure of an unsigned field. An absent double is NaN; an absent string is NULL. */
#define ORBUS_NONE UINT64_MAX

/*
 * The longest text of a sample in bytes, tags included: a longer one is cut on a character, when
 * it is published and again when it is read.
 */
#define ORBUS_TEXT_MAX 255

/* The longest error_message, which is cut likewise. */
#define ORBUS_ERROR_MESSAGE_MAX 200

/* The most tags that a sample carries. */
#define ORBUS_TAGS_MAX 16

enum orbus_kind {
	ORBUS_KIND_REQUEST, /* a request came to an end */
	ORBUS_KIND_BEGIN,   /* a request started */
	ORBUS_KIND_GAUGE,   /* name has this value now */
	ORBUS_KIND_COUNT,   /* name grew by value */
};

enum orbus_status {
	ORBUS_STATUS_OK,
	ORBUS_STATUS_ERROR,
	ORBUS_STATUS_TIMEOUT,
	ORBUS_STATUS_CANCELLED,
	ORBUS_STATUS_ORPHANED, /* begun by a process that died; said by readers, never published */
};

struct orbus_tag {
	const char *key;
	const char *value;
};

/* One event on the bus. Fields have the names and units of msgpack and JSON. */
struct orbus_sample {
	enum orbus_kind kind;
	enum orbus_status status; /* of a request */
	uint64_t ts;              /* end of the request, ns since the epoch; 0: now */
	const char *bot;          /* NULL: the name given to orbus_producer_open() */
	const char *model;        /* the model that answered */
	const char *requested_model;
	const char *provider;
	const char *finish_reason;
	const char
	    *request_id; /* pairs a begin with its request; the API's generation id once known */
	const char *begin_id;   /* what request_id was in the begin, where it has changed since */
	const char *error_type; /* rate_limited, timeout_connect, stream_truncated, ... */
	const char *error_message;
	bool stream;
	bool tokens_estimated; /* the API reported no usage */
	uint64_t http_status;
	double response_ms; /* milliseconds on CLOCK_MONOTONIC, start to end */
	double ttft_ms;     /* milliseconds to the first token; streams only */
	uint64_t prompt_tokens;
	uint64_t completion_tokens;
	uint64_t total_tokens;
	uint64_t cached_tokens;
	uint64_t reasoning_tokens;
	double cost_usd;  /* absent when unknown: unknown is never 0 */
	uint64_t attempt; /* 1 for the first try */
	const struct orbus_tag *tags;
	size_t tag_count;
	const char *name; /* of a gauge or count */
	double value;     /* of a gauge, which may be negative, or of a count */
};

/* Makes *s a request with status ok, ts 0 (now), and everything else absent. */
ORBUS_API void orbus_sample_init(struct orbus_sample *s);

/*
 * Tokens generated per second over the whole response, completion_tokens / (response_ms / 1000),
 * and over the time after the first token, completion_tokens / ((response_ms - ttft_ms) / 1000).
 * NaN where a figure is absent or the time is not positive.
 */
ORBUS_API double orbus_sample_tps(const struct orbus_sample *s);
ORBUS_API double orbus_sample_decode_tps(const struct orbus_sample *s);

/* The words used on the wire: "request", "begin", ...; "ok", "error", ... NULL out of range. */
ORBUS_API const char *orbus_kind_name(enum orbus_kind kind);
ORBUS_API const char *orbus_status_name(enum orbus_status status);

/*
 * Explains a negative errno returned by this library in words that name the remedy.
 * The text is static.
 */
ORBUS_API const char *orbus_strerror(int error);

/* The library's version, such as "1.0.0". */
ORBUS_API const char *orbus_version(void);

/* --- The bus ---------------------------------------------------------------------------------- */

/* The shape of a bus and who may use it. Zero in a field means its default. */
struct orbus_create_options {
	unsigned lanes;      /* producers at one time, 1 to 4096; default 256 */
	unsigned slots;      /* samples a lane holds, a power of two, 64 to 1048576; default 4096 */
	unsigned slot_bytes; /* a multiple of 64, 128 to 65536; default 512 */
	mode_t mode;         /* permission bits as given, the umask is not applied; default 0600 */
	bool set_group;      /* give the bus to group `group` */
	gid_t group;
};

/*
 * Creates the bus unless it exists. Every producer does so with the defaults; call this to share a
 * bus among users or to give it another shape. `options` may be NULL.
 *
 * A bus that exists gets the mode and the group of `options`, where they name any: programs that
 * have it open keep it open. Its shape stays: -EEXIST where `options` ask for another one. NULL, or
 * a field that is 0, leaves it as it is.
 *
 * Returns 0 created, 1 it existed already, -EINVAL bad name or option, -EEXIST it exists with
 * another shape, -ENOSPC no room, -EACCES or -EPERM not allowed (changing mode or group takes its
 * owner or root), -EKEYREJECTED the bus or its lock object belongs to a user who is not trusted
 * (see below), -ESRCH $ORBUS_OWNER names no user, -EBUSY another program holds the lock of those
 * who make a bus, -EBADMSG something else has that name, -EPROTONOSUPPORT a layout that this
 * library does not know, -ENOTSUP not a tmpfs.
 *
 * These are trusted: the user who runs the program, root, the system user "orbus" (of /etc/passwd),
 * the user that the environment variable ORBUS_OWNER names (a name or a number; a set-user-ID
 * program does not read it), and, for a bus on a path, the owner of its folder where no other user
 * may write there.
 */
ORBUS_API int orbus_create(const char *bus, const struct orbus_create_options *options);

/* What a bus is, as far as this library can tell. */
struct orbus_bus_info {
	uint32_t layout_version;         /* of the bus */
	uint32_t library_layout_version; /* that this library speaks */
	uint32_t lanes, slots, slot_bytes;
	uint8_t bus_id[16]; /* random, new with each creation */
	uid_t owner_uid;    /* whose the ring is */
	uint64_t created_ns;
};

/*
 * Describes a bus. On -EPROTONOSUPPORT both versions in *info are set, on -EKEYREJECTED owner_uid,
 * and the rest is 0.
 * Other errors as for orbus_reader_open(); *info is then all 0 but library_layout_version.
 */
ORBUS_API int orbus_inspect(const char *bus, struct orbus_bus_info *info);

/* --- Producing -------------------------------------------------------------------------------- */

struct orbus_producer;

/*
 * Claims a lane of the bus, creating the bus where it does not exist. `bot` names the producer in
 * every sample that names none; at most 64 bytes. The lane is given back by
 * orbus_producer_close(), or by the kernel within milliseconds when the process dies in any way.
 * It costs no file descriptor, and is lost at exec().
 *
 * Errors: -EINVAL bad name, -EILSEQ bot is not UTF-8, -EUSERS all lanes are taken, -ENOBUFS
 * 16384 handles are open in this process, -ENOSPC /dev/shm is full, -EACCES, -EKEYREJECTED, -ESRCH,
 * -EBUSY, -EBADMSG, -EPROTONOSUPPORT, -ENOTSUP as for orbus_create(), -ENOMEM. No lock is waited
 * for: it tries for less than a tenth of a second.
 */
ORBUS_API int orbus_producer_open(const char *bus, const char *bot, struct orbus_producer **out);

/*
 * Publishes one sample; it overwrites the lane's oldest. Never waits. System calls are made only
 * at the first publish after a fork, once a second (does the bus still exist?), and once in a
 * quarter of a lane (to wake a sleeping reader).
 *
 * Errors, each leaving the bus as it was: -EALREADY another call on this producer is under way (see
 * the table above), -EILSEQ a string is not UTF-8, -EDOM a figure is
 * negative (other than a gauge's value), NaN where a value is due, or infinite, -EINVAL a gauge or
 * count without a name, too many tags, or a status or kind that cannot be published, -EMSGSIZE
 * larger than a slot. After a fork, or where the bus was removed, also the errors of
 * orbus_producer_open(), and -EAGAIN where finding a free lane of more than 256 takes too long; a
 * later publish tries again, at most once a second (10 ms for -EAGAIN), and never waits. A sample
 * that is refused is counted.
 */
ORBUS_API int orbus_publish(struct orbus_producer *p, const struct orbus_sample *s);

/* Samples that orbus_publish() and the functions over it refused since the producer was opened,
 * with any error. */
ORBUS_API uint64_t orbus_producer_refused(const struct orbus_producer *p);

/* Gives the lane back. NULL is allowed, and a producer that was closed before. */
ORBUS_API void orbus_producer_close(struct orbus_producer *p);

/* --- Timing a request ------------------------------------------------------------------------- */

/*
 * A request under way. Fill in `sample` between begin and end: tokens, provider, error_type and
 * so on. Its strings must live until orbus_request_end(). A request that is never ended shows as
 * in flight, and as orphaned once its process is gone. It holds no pointer into itself, so it may
 * be copied and moved. `sample.request_id` NULL stands for `id`; put the API's own id there.
 */
struct orbus_request {
	struct orbus_sample sample;
	struct orbus_producer *producer;
	uint64_t start_ns;       /* CLOCK_MONOTONIC */
	uint64_t first_token_ns; /* CLOCK_MONOTONIC, 0: none yet */
	char id[24];
};

/*
 * Starts the clock and publishes a begin. `model` is the requested model, NULL if unknown.
 * *r is ready for the other two calls also where an error is returned, which is orbus_publish()'s.
 */
ORBUS_API int orbus_request_begin(
    struct orbus_producer *p, struct orbus_request *r, const char *model, bool stream);

/* Marks the first token of a stream. Calls after the first change nothing. */
ORBUS_API void orbus_request_first_token(struct orbus_request *r);

/*
 * Stops the clock and publishes r->sample with `status`, ts, response_ms and, for a stream that had
 * a first token, ttft_ms; they can be read there afterwards. A response_ms that was filled in,
 * since the answer was whole earlier, stays. Returns what orbus_publish() returns, or -EINVAL for
 * a request that was never begun or that was published already.
 */
ORBUS_API int orbus_request_end(struct orbus_request *r, enum orbus_status status);

/* --- Reading ---------------------------------------------------------------------------------- */

struct orbus_reader;

/*
 * Attaches a reader, which needs read permission only and affects no producer. It starts with the
 * oldest sample that the bus still holds. Where the bus is removed and made anew, the reader
 * finishes the old one and moves to the new one by itself.
 *
 * Errors: -EINVAL bad name, -ENOENT no such bus, -EACCES, -EKEYREJECTED a bus of a user who is not
 * trusted, -ESRCH $ORBUS_OWNER names no user (both as for orbus_create()), -EBADMSG not an orbus
 * bus or a damaged one, -EPROTONOSUPPORT a layout that this library does not know, -ENOMEM,
 * -ENOBUFS 16384 handles are open in this process.
 */
ORBUS_API int orbus_reader_open(const char *bus, struct orbus_reader **out);

/*
 * The next sample: 1 and *out filled, or 0 when there is none now. The samples of one producer
 * come in order, those of several interleave. *out and its strings live until the next call on
 * this reader. Samples that are not valid are counted and passed over.
 *
 * Its work is bounded, also where the shared memory was overwritten: after some thousands of
 * records that were overwritten or not valid it returns 0 and goes on from there at the next call.
 * A lane whose writer lies is left alone for up to 640 ms at a time.
 */
ORBUS_API int orbus_reader_next(struct orbus_reader *r, struct orbus_sample *out);

/*
 * Sleeps until there may be something to read, at most timeout_ms milliseconds (negative: as long
 * as it takes). Returns 1 when there is something, 0 at the timeout, -EINTR on a signal. Keeps
 * away from the producers' cache lines between looks: every 5 ms while samples come, up to 500 ms
 * when they have not come for long; a burst wakes it at once.
 */
ORBUS_API int orbus_reader_wait(struct orbus_reader *r, int timeout_ms);

/* Passes over everything published so far. It does not count as lost. */
ORBUS_API void orbus_reader_skip(struct orbus_reader *r);

/* Samples overwritten before this reader came to them, exactly. */
ORBUS_API uint64_t orbus_reader_lost(const struct orbus_reader *r);

/* Samples passed over because they were not valid. */
ORBUS_API uint64_t orbus_reader_rejected(const struct orbus_reader *r);

/* Detaches. NULL is allowed, and a reader that was closed before. */
ORBUS_API void orbus_reader_close(struct orbus_reader *r);

#ifdef __cplusplus
}
#endif

#endif
