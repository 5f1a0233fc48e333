/*
 * json_lines.c: publishes JSON lines from standard input, and says what will become of those that
 * are not as they should be.
 */
#include "json_lines.h"
#include "base/options.h"
#include "base/text_safe.h"
#include "doc/sample_json.h"
#include "pace.h"
#include "ts_check.h"
#include "unknown_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOL           "orpub"
#define LINE_MAX_BYTES (1 << 20)

/* What lines have in common. */
struct lines {
	struct orbus_producer *producer;
	struct pace pace;
	struct unknown_keys unknown;
	struct ts_check times;
};

static int publish_line(struct lines *l, unsigned long number, const char *line, size_t length,
    char *why, size_t why_bytes)
{
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	struct orbus_sample sample;
	json_error_t error;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	int err;

	if (!object) {
		snprintf(why, why_bytes, "%s at column %d", error.text, error.column);
		return -EINVAL;
	}
	err = sample_from_json(object, tags, &sample, why, why_bytes);
	if (!err) {
		err = orbus_publish(l->producer, &sample);
		if (err)
			snprintf(why, why_bytes, "%s", orbus_strerror(err));
	}
	if (!err) {
		unknown_keys_look(&l->unknown, object, number);
		ts_check_look(&l->times, sample.ts, number);
	}
	json_decref(object);
	return err;
}

/* Takes away the mark that some editors put at the start of a file. */
static size_t drop_mark(char *line, size_t length)
{
	static const char mark[] = {'\xef', '\xbb', '\xbf'};

	if (length < sizeof(mark) || memcmp(line, mark, sizeof(mark)) != 0)
		return length;
	memmove(line, line + sizeof(mark), length - sizeof(mark));
	return length - sizeof(mark);
}

static bool is_blank(const char *line, size_t length)
{
	while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	return length == 0;
}

/* One line without its end. Bytes beyond LINE_MAX_BYTES are passed over and *too_long is set. */
static bool read_line(char *line, size_t *length, bool *too_long)
{
	int c;

	*length = 0;
	*too_long = false;
	while ((c = getc_unlocked(stdin)) != EOF && c != '\n') {
		if (*length < LINE_MAX_BYTES)
			line[(*length)++] = (char)c;
		else
			*too_long = true;
	}
	if (*length && line[*length - 1] == '\r')
		--*length;
	return c != EOF || *length > 0 || *too_long;
}

/* What nobody will find in any file is told, and is no success. */
static int say_losses(struct pace *pace)
{
	uint64_t lost = pace_lost(pace);

	if (lost == 0)
		return CLI_FINE;
	fprintf(stderr,
	    TOOL ": %" PRIu64 " of %" PRIu64 " samples were overwritten before an agent counted "
		 "them: start oragent first\n",
	    lost, pace->published);
	return CLI_FAILED;
}

/* Whether the line was published; if not, it is said why. */
static bool take_line(
    struct lines *l, unsigned long number, const char *line, size_t length, bool too_long)
{
	char why[256], shown[1024];

	if (too_long)
		snprintf(why, sizeof(why), "longer than %d bytes", LINE_MAX_BYTES);
	else if (publish_line(l, number, line, length, why, sizeof(why)) == 0) {
		pace_published(&l->pace);
		return true;
	}
	text_sanitise(shown, sizeof(shown), why);
	fprintf(stderr, TOOL ": line %lu: %s\n", number, shown);
	return false;
}

int json_lines_publish(struct orbus_producer *p, const char *bus)
{
	struct lines l = {.producer = p};
	char *line = malloc(LINE_MAX_BYTES);
	int status = CLI_FINE;
	size_t length;
	bool too_long;

	if (!line) {
		fprintf(stderr, TOOL ": %s\n", orbus_strerror(-ENOMEM));
		return CLI_FAILED;
	}
	pace_begin(&l.pace, bus);
	ts_check_begin(&l.times, bus);
	for (unsigned long number = 1; read_line(line, &length, &too_long); number++) {
		if (number == 1)
			length = drop_mark(line, length);
		if (is_blank(line, length) && !too_long)
			continue;
		if (!take_line(&l, number, line, length, too_long))
			status = CLI_FAILED;
	}
	if (ferror(stdin)) {
		fprintf(stderr, TOOL ": cannot read standard input: %s\n", strerror(errno));
		status = CLI_FAILED;
	}
	free(line);
	if (say_losses(&l.pace) != CLI_FINE)
		status = CLI_FAILED;
	if (!ts_check_end(&l.times, l.pace.published))
		status = CLI_FAILED;
	return status;
}
