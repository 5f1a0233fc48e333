/*
 * sample_log.c: a sample as lines of a program's log, in the words of the system that orbus grew
 * from.
 *
 * Texts of samples are escaped where they could steer a terminal.
 */
#include "sample_log.h"
#include "base/number_text.h"
#include "base/ratings.h"
#include "base/term.h"
#include "base/text_safe.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void log_line(FILE *out, bool colour, enum tone tone, const char *level)
{
	fprintf(out, "%s%s%s - ", tone_start(tone, colour), level, tone_end(tone, colour));
}

enum log_level log_level_of(const char *line, enum log_level otherwise)
{
	static const enum log_level all[] = {
	    LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t length = strlen(log_level_word(all[i]));

		if (strncmp(line, log_level_word(all[i]), length) == 0 &&
		    strncmp(line + length, " - ", 3) == 0)
			return all[i];
	}
	return otherwise;
}

/* "BEFORE FIGURE" in the colour of its rating; nothing where it is unknown. */
static void log_figure(FILE *out, bool colour, const char *before, double value, int digits,
    const char *unit, struct rating rating)
{
	if (!isnan(value))
		fprintf(out, "%s %s%s%s%s", before, tone_start(rating.tone, colour),
		    format_fixed(value, digits).text, unit, tone_end(rating.tone, colour));
}

static void log_elapsed(FILE *out, bool colour, const char *before, const struct orbus_sample *s)
{
	struct rating rating = rate_response_ms(s->response_ms);

	log_figure(out, colour, before, s->response_ms / 1000, 2, "s", rating);
}

static void log_ttft(FILE *out, bool colour, const char *before, const struct orbus_sample *s)
{
	log_figure(out, colour, before, s->ttft_ms / 1000, 2, "s", rate_ttft_ms(s->ttft_ms));
}

static void log_tps(FILE *out, bool colour, const struct orbus_sample *s)
{
	double tps = orbus_sample_tps(s);

	log_figure(out, colour, " | TPS:", tps, 1, "", rate_tps(tps));
}

/* As the API reports it, else the sum of its parts, as it is counted. */
static void log_total(FILE *out, const struct orbus_sample *s)
{
	uint64_t total = s->total_tokens;

	if (total == ORBUS_NONE && s->prompt_tokens != ORBUS_NONE &&
	    s->completion_tokens != ORBUS_NONE)
		total = s->prompt_tokens + s->completion_tokens;
	if (total != ORBUS_NONE)
		fprintf(out, " | Total: %" PRIu64, total);
}

static void log_stream(FILE *out, bool colour, const struct orbus_sample *s)
{
	if (!isnan(s->ttft_ms)) {
		log_line(out, colour, TONE_FAINT, "DEBUG");
		log_ttft(out, colour, "OpenRouter TTFT:", s);
		fputc('\n', out);
	}
	log_line(out, colour, TONE_PLAIN, "INFO");
	fputs("OpenRouter stream:", out);
	log_elapsed(out, colour, "", s);
	if (s->completion_tokens != ORBUS_NONE)
		fprintf(out, " | %s%" PRIu64 " tokens", s->tokens_estimated ? "~" : "",
		    s->completion_tokens);
	log_tps(out, colour, s);
	log_ttft(out, colour, " | TTFT:", s);
	fputc('\n', out);
}

static void log_response(FILE *out, bool colour, const struct orbus_sample *s)
{
	log_line(out, colour, TONE_PLAIN, "INFO");
	fputs("OpenRouter response:", out);
	log_elapsed(out, colour, "", s);
	if (s->completion_tokens != ORBUS_NONE)
		fprintf(out, " | Tokens: %s%" PRIu64, s->tokens_estimated ? "~" : "",
		    s->completion_tokens);
	log_tps(out, colour, s);
	log_total(out, s);
	fputc('\n', out);
}

/* Which limit it was, and how far the request had come. */
static void log_timeout_details(FILE *out, bool colour, const struct orbus_sample *s)
{
	log_line(out, colour, TONE_FAINT, "DEBUG");
	fputs("OpenRouter timeout: ", out);
	print_text(out, s->error_type);
	log_elapsed(out, colour, " | Elapsed:", s);
	log_ttft(out, colour, " | TTFT:", s);
	if (s->completion_tokens != ORBUS_NONE)
		fprintf(out, " | %s%" PRIu64 " tokens so far", s->tokens_estimated ? "~" : "",
		    s->completion_tokens);
	else
		fputs(" | no tokens so far", out);
	fputc('\n', out);
}

static void log_timeout(FILE *out, bool colour, const struct orbus_sample *s)
{
	/* Without a time there is nothing to say of a timeout but the hint. */
	if (s->stream || !isnan(s->response_ms)) {
		log_line(out, colour, TONE_BAD, "ERROR");
		fputs(s->stream ? "OpenRouter streaming timeout" : "OpenRouter timeout", out);
		if (!isnan(s->response_ms))
			fprintf(out, " after %ss", format_fixed(s->response_ms / 1000, 1).text);
		fputc('\n', out);
	}
	log_line(out, colour, TONE_BAD, "ERROR");
	fputs("OpenRouter request timed out - try reducing message length or switching models\n",
	    out);
	if (s->error_type)
		log_timeout_details(out, colour, s);
}

static void log_failure(FILE *out, bool colour, const struct orbus_sample *s)
{
	bool cancelled = s->status == ORBUS_STATUS_CANCELLED;

	log_line(out, colour, cancelled ? TONE_POOR : TONE_BAD, cancelled ? "WARNING" : "ERROR");
	fprintf(out, "OpenRouter request %s", cancelled ? "cancelled" : "failed");
	if (!isnan(s->response_ms))
		fprintf(out, " after %ss", format_fixed(s->response_ms / 1000, 2).text);
	if (s->error_type) {
		fputs(": ", out);
		print_text(out, s->error_type);
	}
	if (s->http_status != ORBUS_NONE && s->http_status != 200)
		fprintf(out, " (HTTP %" PRIu64 ")", s->http_status);
	if (s->error_message) {
		fputs(s->error_type ? " - " : ": ", out);
		print_text(out, s->error_message);
	}
	fputc('\n', out);
}

static void log_other(FILE *out, bool colour, const struct orbus_sample *s)
{
	log_line(out, colour, TONE_FAINT, "DEBUG");
	if (s->kind == ORBUS_KIND_BEGIN) {
		fputs("OpenRouter request started", out);
		if (s->requested_model) {
			fputs(": ", out);
			print_text(out, s->requested_model);
		}
	} else if (s->kind == ORBUS_KIND_PROGRESS) {
		fputs("OpenRouter request goes on", out);
		if (s->chunks != ORBUS_NONE)
			fprintf(out, ": %" PRIu64 " chunks", s->chunks);
	} else {
		fputs(s->kind == ORBUS_KIND_COUNT ? "count " : "gauge ", out);
		print_text(out, s->name);
		fprintf(out, "%s%.15g", s->kind == ORBUS_KIND_COUNT ? ": +" : ": ", s->value);
	}
	fputc('\n', out);
}

void log_sample(FILE *out, bool colour, const struct orbus_sample *s)
{
	if (s->kind != ORBUS_KIND_REQUEST)
		log_other(out, colour, s);
	else if (s->status == ORBUS_STATUS_TIMEOUT)
		log_timeout(out, colour, s);
	else if (s->status != ORBUS_STATUS_OK)
		log_failure(out, colour, s);
	else if (s->stream)
		log_stream(out, colour, s);
	else
		log_response(out, colour, s);
}

void log_timeout_hint(FILE *out, bool colour)
{
	log_line(out, colour, TONE_PLAIN, "INFO");
	fputs("OpenRouter hint: shorten the history, lower max_tokens, choose a faster model, or "
	      "see https://status.openrouter.ai\n",
	    out);
}
