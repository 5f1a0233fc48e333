/*
 * moments.c: times as tests write them.
 */
#include "moments.h"
#include "base/clock.h"
#include "testing.h"

#include <time.h>

void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

uint64_t at(const char *rfc3339)
{
	uint64_t ns = 0;

	assert_true(clock_parse_rfc3339(rfc3339, &ns));
	return ns;
}
