/*
 * journal_name.c: the names of the journal's files.
 */
#include "journal_name.h"
#include "calendar_label.h"

#include <stdio.h>
#include <string.h>

void journal_name_format(const struct journal_name *n, char out[JOURNAL_NAME_BYTES])
{
	char part[8] = "", mark[PERIOD_MARK_BYTES];

	if (n->part > 0)
		snprintf(part, sizeof(part), ".%u", n->part % JOURNAL_PARTS_MAX);
	calendar_mark_format(n->mark, mark);
	snprintf(out, JOURNAL_NAME_BYTES, "requests_%08u_%02u%s%s.ndjson%s",
	    n->label / 100 % 100000000, n->label % 100, mark, part, n->compressed ? ".zst" : "");
}

/* What it says is written again: a name that comes out otherwise is not one of ours. */
bool journal_name_parse(const char *text, struct journal_name *out)
{
	char again[JOURNAL_NAME_BYTES];
	unsigned day, hour, part = 0;
	const char *dot;
	uint32_t mark;

	if (strlen(text) >= JOURNAL_NAME_BYTES ||
	    sscanf(text, "requests_%8u_%2u", &day, &hour) != 2 || hour > 23 ||
	    !calendar_label_exists(day * 100 + hour))
		return false;
	dot = strchr(text, '.');
	if (!dot || (sscanf(dot, ".%5u.", &part) == 1 && part == 0))
		return false;
	(void)calendar_mark_parse(text + strlen("requests_YYYYMMDD_HH"), &mark);
	*out = (struct journal_name){.label = day * 100 + hour,
	    .mark = mark,
	    .part = part,
	    .compressed = strstr(dot, ".zst") != NULL};
	journal_name_format(out, again);
	return strcmp(text, again) == 0;
}

int journal_name_compare(const struct journal_name *a, const struct journal_name *b)
{
	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	if (a->mark != b->mark)
		return a->mark < b->mark ? -1 : 1;
	return (a->part > b->part) - (a->part < b->part);
}
