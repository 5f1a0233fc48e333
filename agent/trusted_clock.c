/*
 * trusted_clock.c: the time by which files are old enough to be removed.
 *
 * Why nothing is lost: let the confirmed time be right or late at one look. At the next it is later
 * by no more than CLOCK_BOOTTIME says has passed, so it is right or late again, however the wall
 * clock was set in between. It can come to be ahead only by settling, that is after a wall clock
 * that is ahead has run without a step for a day of looks.
 *
 * Why everything goes in the end: a wall clock that is right and runs on is confirmed after that
 * day, also across restarts and boots: a boot only adds time that was not measured. The doubted
 * time stays what it was, and then lies further in the past.
 */
#include "trusted_clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_later(uint64_t a, uint64_t b)
{
	return a > b && a - b > TRUSTED_CLOCK_TOLERANCE_NS;
}

static bool is_near(uint64_t a, uint64_t b)
{
	return !is_later(a, b) && !is_later(b, a);
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The time that has certainly passed: by both clocks. Across boots, none. */
static uint64_t passed_ns(const struct clock_look *before, const struct clock_look *now)
{
	uint64_t boot, wall;

	if (strcmp(before->boot_id, now->boot_id) != 0 || now->boot_ns <= before->boot_ns ||
	    now->wall_ns <= before->wall_ns)
		return 0;
	boot = now->boot_ns - before->boot_ns;
	wall = now->wall_ns - before->wall_ns;
	return boot < wall ? boot : wall;
}

static void doubt(struct trusted_clock *c)
{
	c->doubted = true;
	c->doubted_ns = c->last.wall_ns;
	c->doubted_for_ns = 0;
}

/*
 * Whether the wall clock contradicts what it is doubted for. A later time does not, where the
 * doubted one is later than the confirmed: then that, too, is past.
 */
static bool contradicts(const struct trusted_clock *c)
{
	if (c->confirmed && c->doubted_ns < c->confirmed_ns)
		return !is_near(c->last.wall_ns, c->doubted_ns);
	return is_later(c->doubted_ns, c->last.wall_ns);
}

static enum clock_news settle(struct trusted_clock *c)
{
	c->confirmed = true;
	c->confirmed_ns = c->doubted_ns;
	c->doubted = false;
	/* What came on top of it, by boots, is next. */
	if (!is_near(c->last.wall_ns, c->confirmed_ns))
		doubt(c);
	return CLOCK_SETTLED;
}

static enum clock_news go_on(struct trusted_clock *c, uint64_t passed)
{
	if (!c->doubted) {
		if (c->confirmed && is_near(c->last.wall_ns, c->confirmed_ns))
			return CLOCK_AS_BEFORE;
		doubt(c);
		return c->confirmed ? CLOCK_STEPPED : CLOCK_BEGUN;
	}
	c->doubted_ns = add(c->doubted_ns, passed);
	if (c->confirmed && is_near(c->last.wall_ns, c->confirmed_ns)) {
		c->doubted = false;
		return CLOCK_RETURNED;
	}
	if (contradicts(c)) {
		doubt(c);
		return CLOCK_STEPPED;
	}
	c->doubted_for_ns += passed < TRUSTED_CLOCK_LOOK_NS ? passed : TRUSTED_CLOCK_LOOK_NS;
	return c->doubted_for_ns >= TRUSTED_CLOCK_SETTLE_NS ? settle(c) : CLOCK_AS_BEFORE;
}

enum clock_news trusted_clock_look(struct trusted_clock *c, const struct clock_look *now)
{
	uint64_t passed = passed_ns(&c->last, now);

	c->last = *now;
	if (c->confirmed)
		c->confirmed_ns = add(c->confirmed_ns, passed);
	return go_on(c, passed);
}

uint64_t trusted_clock_ns(const struct trusted_clock *c)
{
	if (!c->confirmed)
		return 0;
	return c->confirmed_ns < c->last.wall_ns ? c->confirmed_ns : c->last.wall_ns;
}

uint64_t trusted_clock_reference_ns(const struct trusted_clock *c)
{
	if (c->confirmed || !c->doubted)
		return trusted_clock_ns(c);
	return c->doubted_ns < c->last.wall_ns ? c->doubted_ns : c->last.wall_ns;
}

size_t trusted_clock_encode(const struct trusted_clock *c, char out[TRUSTED_CLOCK_BYTES])
{
	int n = snprintf(out, TRUSTED_CLOCK_BYTES,
	    "orbus clock 1\nwall %" PRIu64 "\nboot %" PRIu64 "\nconfirmed %d %" PRIu64
	    "\ndoubted %d %" PRIu64 " %" PRIu64 "\nid %s\n",
	    c->last.wall_ns, c->last.boot_ns, c->confirmed, c->confirmed_ns, c->doubted,
	    c->doubted_ns, c->doubted_for_ns, c->last.boot_id);

	return n > 0 && n < TRUSTED_CLOCK_BYTES ? (size_t)n : 0;
}

bool trusted_clock_decode(const char *text, struct trusted_clock *out)
{
	struct trusted_clock c = {0};
	char again[TRUSTED_CLOCK_BYTES];
	int confirmed, doubted;

	memset(out, 0, sizeof(*out));
	if (sscanf(text,
		"orbus clock 1\nwall %" SCNu64 "\nboot %" SCNu64 "\nconfirmed %d %" SCNu64
		"\ndoubted %d %" SCNu64 " %" SCNu64 "\nid %39s",
		&c.last.wall_ns, &c.last.boot_ns, &confirmed, &c.confirmed_ns, &doubted,
		&c.doubted_ns, &c.doubted_for_ns, c.last.boot_id) < 7)
		return false;
	c.confirmed = confirmed != 0;
	c.doubted = doubted != 0;
	/* Only what this function's partner writes: a torn or edited file confirms nothing. */
	if (trusted_clock_encode(&c, again) == 0 || strcmp(text, again) != 0)
		return false;
	*out = c;
	return true;
}
