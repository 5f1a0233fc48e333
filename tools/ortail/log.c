/*
 * log.c: --log-target: the requests as lines of the system's log.
 *
 * If the log daemon stops, ortail waits for it. No memory grows meanwhile; samples that the bus
 * overwrites are reported as lost when it goes on.
 */
#include "log.h"
#include "base/clock.h"
#include "common/print.h"
#include "common/stop.h"
#include "doc/sample_log.h"
#include "sample/fields.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The identifier for `journalctl -t` and for filters of syslog. */
#define IDENTIFIER "orbus"

struct request_log {
	struct log_sink *sink;
};

static bool goes_on(void)
{
	return !is_stop_asked();
}

struct request_log *request_log_open(const struct ortail_settings *settings)
{
	struct request_log *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	l->sink = log_sink_open((enum log_target)settings->log_target, IDENTIFIER);
	if (!l->sink) {
		free(l);
		return NULL;
	}
	log_sink_be_patient(l->sink, goes_on);
	log_sink_be_bare(l->sink);
	return l;
}

void request_log_close(struct request_log *l)
{
	if (l)
		log_sink_close(l->sink);
	free(l);
}

enum log_level request_log_level(const struct orbus_sample *s)
{
	if (s->kind != ORBUS_KIND_REQUEST)
		return LOG_LEVEL_DEBUG;
	if (s->status == ORBUS_STATUS_OK)
		return LOG_LEVEL_INFO;
	return s->status == ORBUS_STATUS_CANCELLED ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
}

/* --- Fields of the journal -------------------------------------------------------------------- */

/* "ORBUS_RESPONSE_MS=" of response_ms: fields are named by the sample's keys. */
static void put_name(FILE *out, const char *key)
{
	fputs("ORBUS_", out);
	for (; *key; key++)
		fputc(toupper((unsigned char)*key), out);
	fputc('=', out);
}

static void put_STRING(FILE *out, const char *key, const char *value)
{
	if (!value)
		return;
	put_name(out, key);
	print_text(out, value);
	fputc('\n', out);
}

static void put_BOOL(FILE *out, const char *key, bool value)
{
	put_STRING(out, key, value ? "true" : "false");
}

static void put_UINT(FILE *out, const char *key, uint64_t value)
{
	if (value == ORBUS_NONE)
		return;
	put_name(out, key);
	fprintf(out, "%" PRIu64 "\n", value);
}

static void put_DOUBLE(FILE *out, const char *key, double value)
{
	if (isnan(value))
		return;
	put_name(out, key);
	fprintf(out, "%.15g\n", value);
}

/* All in one field: bots choose their keys, and the journal keeps an index of names. */
static void put_tags(FILE *out, const struct orbus_sample *s)
{
	for (size_t i = 0; i < s->tag_count; i++) {
		if (i == 0)
			put_name(out, "tags");
		else
			fputc(',', out);
		print_text(out, s->tags[i].key);
		fputc('=', out);
		print_text(out, s->tags[i].value);
	}
	if (s->tag_count)
		fputc('\n', out);
}

#define PUT_FIELD(type, f) put_##type(out, #f, s->f);

char *request_log_fields(const struct orbus_sample *s)
{
	char *text = NULL, ts[RFC3339_BYTES];
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	clock_format_rfc3339(s->ts, ts);
	put_STRING(out, "ts", ts);
	put_STRING(out, "kind", orbus_kind_name(s->kind));
	if (s->kind == ORBUS_KIND_REQUEST)
		put_STRING(out, "status", orbus_status_name(s->status));
	ORBUS_SAMPLE_FIELDS(PUT_FIELD)
	put_DOUBLE(out, "tps", orbus_sample_tps(s));
	put_DOUBLE(out, "decode_tps", orbus_sample_decode_tps(s));
	put_tags(out, s);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- Lines ------------------------------------------------------------------------------------ */

void request_log_put(struct request_log *l, const struct ortail_view *v, const struct line *line)
{
	for (char *text = line->text, *end; *text; text = end) {
		enum log_level level = line->level;

		end = strchrnul(text, '\n');
		if (*end)
			*end++ = '\0';
		if (v->format == FORMAT_LOG)
			level = log_level_of(text, level);
		if (*text)
			log_sink_put(l->sink, level, text, line->fields);
	}
}

void request_log_say(struct request_log *l, enum log_level level, const char *format, ...)
{
	char message[512], text[2 * sizeof(message) + 16];
	va_list arguments;
	int used = snprintf(text, sizeof(text), "%s - ", log_level_word(level));

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	text_sanitise(text + used, sizeof(text) - (size_t)used, message);
	log_sink_put(l->sink, level, text, NULL);
}
