/*
 * trusted_clock.h: the time by which files are old enough to be removed.
 *
 * A wall clock may be wrong: set by hand, dead and at 1970, ten years ahead until the network
 * corrects it. Removing files by it alone loses them. So there is a second time, the confirmed one,
 * which
 *   - goes on with the wall clock only as far as CLOCK_BOOTTIME says that time has passed (that one
 *     counts suspend, and cannot be set);
 *   - is remembered in the data folder, since CLOCK_BOOTTIME says nothing across boots;
 *   - follows a wall clock that shows something else only after that has run on without a step for
 *     TRUSTED_CLOCK_SETTLE_NS.
 * A file goes when it is expired by both, the wall clock and the confirmed time.
 *
 * Pure: it reads no clock and no file. It is not for time stamps; those are the wall clock's.
 */
#ifndef ORBUS_AGENT_TRUSTED_CLOCK_H
#define ORBUS_AGENT_TRUSTED_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRUSTED_CLOCK_SETTLE_NS (24 * UINT64_C(3600000000000))
/* Less than this is no step: NTP, and a suspend that was measured to the second. */
#define TRUSTED_CLOCK_TOLERANCE_NS (600 * UINT64_C(1000000000))
/* Two looks further apart than this count as so much of the time to settle. */
#define TRUSTED_CLOCK_LOOK_NS UINT64_C(3600000000000)

/* What the clocks show at one moment. */
struct clock_look {
	uint64_t wall_ns;
	uint64_t boot_ns; /* CLOCK_BOOTTIME */
	char boot_id[40];
};

struct trusted_clock {
	struct clock_look last; /* the moment that the rest is of */
	bool confirmed;
	uint64_t confirmed_ns;
	/* What the wall clock showed instead, and for how long: not confirmed yet. */
	bool doubted;
	uint64_t doubted_ns;
	uint64_t doubted_for_ns;
};

enum clock_news {
	CLOCK_AS_BEFORE,
	CLOCK_BEGUN,    /* there was no record: nothing is confirmed yet */
	CLOCK_STEPPED,  /* the wall clock shows something else than it should */
	CLOCK_RETURNED, /* it shows again what it should */
	CLOCK_SETTLED,  /* it has run on for so long that it is believed */
};

/* Takes notice of a moment. Zeroed is the state without a record. */
enum clock_news trusted_clock_look(struct trusted_clock *c, const struct clock_look *now);

/* The confirmed time at the last look, never later than the wall clock; 0: nothing is confirmed. */
uint64_t trusted_clock_ns(const struct trusted_clock *c);

/*
 * The same for refusing samples, where waiting is no answer: before anything is confirmed, what the
 * clock showed first.
 */
uint64_t trusted_clock_reference_ns(const struct trusted_clock *c);

/* As text, for the file that remembers it. */
#define TRUSTED_CLOCK_BYTES 256
size_t trusted_clock_encode(const struct trusted_clock *c, char out[TRUSTED_CLOCK_BYTES]);

/* Untrusted text. False: it is none, and *out is the state without a record. */
bool trusted_clock_decode(const char *text, struct trusted_clock *out);

#endif
