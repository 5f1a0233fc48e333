/*
 * wall_times.c: what libbus/base/wall_time.h and libbus/base/calendar.h say, for a test that
 * compares it with another implementation.
 *
 * Standard input, a question a line; standard output, an answer a line, times in seconds since the
 * epoch:
 *
 *   zone NAME              ok
 *   find Y M D h m s       FIRST LAST, or "skipped MOMENT"
 *   day Y M D              START END, or "none"
 *   at SECONDS             Y M D h m s
 *   period HOURS SECONDS   START END LABEL of the period of so many hours, or of a day (0)
 */
#include "base/calendar.h"
#include "base/wall_time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS UINT64_C(1000000000)

static void response_find(const char *line)
{
	struct wall_time t;
	uint64_t first, last;
	int err;

	if (sscanf(line, "find %d %d %d %d %d %d", &t.year, &t.month, &t.day, &t.hour, &t.minute,
		&t.second) != 6) {
		puts("?");
		return;
	}
	err = wall_time_find(false, &t, &first, &last);
	if (err == -ENOENT)
		printf("skipped %" PRIu64 "\n", first / NS);
	else if (err)
		puts("invalid");
	else
		printf("%" PRIu64 " %" PRIu64 "\n", first / NS, last / NS);
}

static void answer_day(const char *line)
{
	uint64_t start, end;
	int year, month, day, err;

	if (sscanf(line, "day %d %d %d", &year, &month, &day) != 3) {
		puts("?");
		return;
	}
	err = wall_day_find(false, year, month, day, &start, &end);
	if (err)
		puts(err == -ENOENT ? "none" : "invalid");
	else
		printf("%" PRIu64 " %" PRIu64 "\n", start / NS, end / NS);
}

static void answer_at(const char *line)
{
	struct wall_time t;

	wall_time_at(false, strtoull(line + strlen("at "), NULL, 10) * NS, &t);
	printf("%d %d %d %d %d %d\n", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

static void answer_period(const char *line)
{
	struct calendar c = {.utc = false, .hours = 1};
	struct period_span span;
	enum period_kind kind;
	unsigned hours;
	uint64_t at;

	if (sscanf(line, "period %u %" SCNu64, &hours, &at) != 2) {
		puts("?");
		return;
	}
	kind = hours ? PERIOD_HOURLY : PERIOD_DAILY;
	c.hours = hours ? hours : 1;
	calendar_span(&c, kind, at * NS, &span);
	printf("%" PRIu64 " %" PRIu64 " %" PRIu32 "\n", span.start_ns / NS, span.end_ns / NS,
	    span.label);
}

int main(void)
{
	char line[256];

	setvbuf(stdout, NULL, _IOLBF, 0); /* the asking test waits for each answer */
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "zone ", 5) == 0) {
			setenv("TZ", line + 5, 1);
			tzset();
			puts("ok");
		} else if (strncmp(line, "find ", 5) == 0) {
			response_find(line);
		} else if (strncmp(line, "day ", 4) == 0) {
			answer_day(line);
		} else if (strncmp(line, "period ", 7) == 0) {
			answer_period(line);
		} else {
			answer_at(line);
		}
	}
	return EXIT_SUCCESS;
}
