/*
 * format.c: one sample as a line, in each of ortail's formats.
 *
 * Texts of samples are escaped where they could steer a terminal, in every format.
 */
#include "format.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "common/csv.h"
#include "common/print.h"
#include "doc/sample_json.h"
#include "doc/sample_log.h"
#include "sample/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- json --------------------------------------------------------------------------------------
 */

static bool format_json(FILE *out, const struct orbus_sample *s)
{
	json_t *object = sample_to_json(s);
	bool ok = object && print_json(out, object, JSON_COMPACT) == 0;

	json_decref(object);
	fputc('\n', out);
	return ok;
}

/* --- csv: RFC 4180 ------------------------------------------------------------------------------
 */

static void csv_STRING(FILE *out, const char *s)
{
	csv_text(out, s);
}
static void csv_BOOL(FILE *out, bool b)
{
	fputs(b ? "true" : "false", out);
}
static void csv_UINT(FILE *out, uint64_t n)
{
	if (n != ORBUS_NONE)
		fprintf(out, "%" PRIu64, n);
}
static void csv_DOUBLE(FILE *out, double d)
{
	if (!isnan(d))
		fprintf(out, "%.15g", d);
}

#define CSV_NAME(type, f) fputs("," #f, out);
#define CSV_FIELD(type, f) \
	fputc(',', out);   \
	csv_##type(out, s->f);

static void csv_header(FILE *out)
{
	fputs("ts,kind,status", out);
	ORBUS_SAMPLE_FIELDS(CSV_NAME)
	fputs(",tps,decode_tps\r\n", out);
}

static bool format_csv(FILE *out, const struct orbus_sample *s)
{
	char ts[RFC3339_BYTES];

	clock_format_rfc3339(s->ts, ts);
	fprintf(out, "%s,%s,%s", ts, orbus_kind_name(s->kind),
	    s->kind == ORBUS_KIND_REQUEST ? orbus_status_name(s->status) : "");
	ORBUS_SAMPLE_FIELDS(CSV_FIELD)
	fputc(',', out);
	csv_DOUBLE(out, orbus_sample_tps(s));
	fputc(',', out);
	csv_DOUBLE(out, orbus_sample_decode_tps(s));
	fputs("\r\n", out);
	return true;
}

/* --- table --------------------------------------------------------------------------------------
 */

static void table_header(FILE *out, bool colour)
{
	fprintf(out, "%s%-8s %-9s %-24s %-11s %8s %7s %7s%s\n", tone_start(TONE_STRONG, colour),
	    "TIME", "STATUS", "MODEL", "BOT", "TIME s", "TTFT s", "TPS",
	    tone_end(TONE_STRONG, colour));
}

static void table_cell(FILE *out, const char *text, int width)
{
	char safe[1024];

	text_sanitise(safe, sizeof(safe), text ? text : "-");
	print_cell(out, safe, width, false);
	fputc(' ', out);
}

static void table_figure(
    FILE *out, bool colour, int width, int digits, double value, struct rating rating)
{
	if (isnan(value)) {
		fprintf(out, " %*s", width, "-");
		return;
	}
	fprintf(out, " %s%*s%s", tone_start(rating.tone, colour), width,
	    format_fixed(value, digits).text, tone_end(rating.tone, colour));
}

static bool format_table(FILE *out, bool colour, const struct orbus_sample *s)
{
	const char *what =
	    s->kind == ORBUS_KIND_REQUEST ? orbus_status_name(s->status) : orbus_kind_name(s->kind);
	const char *model = s->model ? s->model : s->requested_model ? s->requested_model : s->name;
	time_t seconds = (time_t)(s->ts / NS_PER_SECOND);
	struct tm tm = {0};
	char time[16];

	localtime_r(&seconds, &tm);
	strftime(time, sizeof(time), "%H:%M:%S", &tm);
	fprintf(out, "%s %s%-9s%s ", time,
	    tone_start(s->status == ORBUS_STATUS_OK ? TONE_PLAIN : TONE_BAD, colour), what,
	    tone_end(s->status == ORBUS_STATUS_OK ? TONE_PLAIN : TONE_BAD, colour));
	table_cell(out, model, 24);
	table_cell(out, s->bot, 10);
	table_figure(out, colour, 8, 2, s->response_ms / 1000, rate_response_ms(s->response_ms));
	table_figure(out, colour, 7, 2, s->ttft_ms / 1000, rate_ttft_ms(s->ttft_ms));
	table_figure(out, colour, 7, 1, orbus_sample_tps(s), rate_tps(orbus_sample_tps(s)));
	fputc('\n', out);
	return true;
}

/* --- By format ----------------------------------------------------------------------------------
 */

void format_header(FILE *out, const struct ortail_view *v)
{
	if (v->format == FORMAT_CSV)
		csv_header(out);
	else if (v->format == FORMAT_TABLE)
		table_header(out, v->colour);
}

static bool format_plain(FILE *out, const struct ortail_view *v, const struct orbus_sample *s)
{
	switch (v->format) {
	case FORMAT_LOG: log_sample(out, v->colour, s); break;
	case FORMAT_JSON: return format_json(out, s);
	case FORMAT_CSV: return format_csv(out, s);
	case FORMAT_TABLE: return format_table(out, v->colour, s);
	case FORMAT_TEMPLATE: template_print(v->template, out, v->colour, s); break;
	case FORMAT_NONE: break;
	}
	return true;
}

bool format_prefixed(
    FILE *out, const struct ortail_view *v, const char *prefix, const struct orbus_sample *s)
{
	char *text = NULL;
	size_t length;
	FILE *lines = open_memstream(&text, &length);
	bool ok = lines && format_plain(lines, v, s);

	if (lines && fclose(lines) != 0)
		ok = false;
	for (char *line = text, *end; ok && *line; line = end) {
		end = strchrnul(line, '\n');
		end += *end != '\0';
		fputs(prefix, out);
		fwrite(line, 1, (size_t)(end - line), out);
	}
	free(text);
	return ok;
}

bool format_sample(FILE *out, const struct ortail_view *v, const struct orbus_sample *s)
{
	char time[RFC3339_BYTES + 1];

	if (!v->timestamps)
		return format_plain(out, v, s);
	clock_format_rfc3339_local(s->ts, false, time);
	strcat(time, " ");
	return format_prefixed(out, v, time, s);
}
