/*
 * wall_times.c: what libbus/wall_time.h says, for a test that compares it with another
 * implementation.
 *
 * Standard input, a question a line; standard output, an answer a line, times in seconds since the
 * epoch: zone NAME                  -> ok find Y M D h m s           -> FIRST LAST, or "skipped
 * MOMENT" day Y M D                  -> START END, or "none" at SECONDS                 -> Y M D h
 * m s
 */
#include "wall_time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS UINT64_C(1000000000)

static void answer_find(const char *line)
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

int main(void)
{
	char line[256];

	setvbuf(stdout, NULL, _IOLBF, 0); /* whoever asks waits for the answers */
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "zone ", 5) == 0) {
			setenv("TZ", line + 5, 1);
			tzset();
			puts("ok");
		} else if (strncmp(line, "find ", 5) == 0) {
			answer_find(line);
		} else if (strncmp(line, "day ", 4) == 0) {
			answer_day(line);
		} else {
			answer_at(line);
		}
	}
	return EXIT_SUCCESS;
}
