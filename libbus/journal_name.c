/*
 * journal_name.c: the names of the journal's files.
 */
#include "journal_name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void journal_name_format(const struct journal_name *n, char out[JOURNAL_NAME_BYTES])
{
	char part[16] = "";

	if (n->part > 0)
		snprintf(part, sizeof(part), ".%u", n->part);
	snprintf(out, JOURNAL_NAME_BYTES, "requests_%08u_%02u%s.ndjson%s", n->label / 100,
	    n->label % 100, part, n->packed ? ".zst" : "");
}

static bool is_day(uint32_t day)
{
	struct tm tm = {.tm_year = (int)(day / 10000) - 1900,
	    .tm_mon = (int)(day / 100 % 100) - 1,
	    .tm_mday = (int)(day % 100)};
	struct tm normal = tm;

	(void)timegm(&normal);
	return tm.tm_mon >= 0 && normal.tm_mon == tm.tm_mon && normal.tm_mday == tm.tm_mday;
}

/* What it says is written again: a name that comes out otherwise is not one of ours. */
bool journal_name_parse(const char *text, struct journal_name *out)
{
	char again[JOURNAL_NAME_BYTES];
	unsigned day, hour, part = 0;
	const char *dot;

	if (strlen(text) >= JOURNAL_NAME_BYTES ||
	    sscanf(text, "requests_%8u_%2u", &day, &hour) != 2 || hour > 23 || !is_day(day))
		return false;
	dot = strchr(text, '.');
	if (!dot || (sscanf(dot, ".%5u.", &part) == 1 && part == 0))
		return false;
	*out = (struct journal_name){
	    .label = day * 100 + hour, .part = part, .packed = strstr(dot, ".zst") != NULL};
	journal_name_format(out, again);
	return strcmp(text, again) == 0;
}
