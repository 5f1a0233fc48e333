/*
 * file_name.c: what the name of a file in the data folder says.
 */
#include "file_name.h"
#include "calendar_label.h"
#include "journal_name.h"

#include <stdio.h>
#include <string.h>

/*
 * What follows `form` at the front of a text, which has digits where the form has '0'. NULL: the
 * text is not of that form.
 */
static const char *after_form(const char *text, const char *form)
{
	for (; *form; form++, text++)
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return NULL;
	return text;
}

static bool parse_period(const char *name, struct file_name *out)
{
	const char *rest = after_form(name, "hourly_00000000_00");
	unsigned day, hour = 0;

	out->file = PERIOD_FILE_HOURLY;
	if (!rest) {
		rest = after_form(name, "daily_00000000");
		out->file = PERIOD_FILE_DAILY;
	}
	if (!rest)
		return false;
	rest = calendar_mark_parse(rest, &out->mark);
	if (strcmp(rest, ".json") != 0 || sscanf(strchr(name, '_'), "_%8u_%2u", &day, &hour) < 1)
		return false;
	out->label = day * 100 + (out->file == PERIOD_FILE_HOURLY ? hour : 0);
	return true;
}

static bool parse_other(const char *name, struct file_name *out)
{
	const char *rest = after_form(name, "metrics_00000000_000000.json");
	struct journal_name journal;
	unsigned day;

	out->file = PERIOD_FILE_OTHER;
	out->mark = PERIOD_UNMARKED;
	if (journal_name_parse(name, &journal)) {
		out->label = journal.label;
		out->mark = journal.mark;
		return true;
	}
	if (!rest || *rest || sscanf(name, "metrics_%8u", &day) != 1)
		return false;
	out->label = day * 100;
	return true;
}

bool file_name_parse(const char *name, struct file_name *out)
{
	if ((!parse_period(name, out) && !parse_other(name, out)) ||
	    !calendar_label_exists(out->label))
		return false;
	out->day = calendar_label_day(out->label);
	return true;
}
