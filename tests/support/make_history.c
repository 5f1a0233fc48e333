/*
 * make_history.c: writes the files that an agent would have left after some days of traffic, for
 * benchmarks and for trying out reports. It goes through the library, so that the files are real.
 *
 *   make_history [--days N] [--end SECONDS] [--requests-per-hour N] FOLDER
 *
 * Eight models of five providers are asked by six bots, in UTC, more by day than by night and less
 * on weekends; one afternoon in nine, Anthropic's take twice as long and refuse more. The same
 * arguments give the same files. The last hour and day are not complete.
 */
#include "base/calendar.h"
#include "base/clock.h"
#include "doc/document.h"
#include "document_text.h"
#include "settled.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define HOUR_NS (UINT64_C(3600) * NS_PER_SECOND)

static const struct model {
	const char *name, *provider;
	double ttft_ms, decode_tps, usd_per_1k;
} models[] = {
    {"openai/gpt-4-turbo", "OpenAI", 700, 48, 0.02},
    {"openai/gpt-4o-mini", "OpenAI", 380, 92, 0.0004},
    {"anthropic/claude-3-opus", "Anthropic", 1400, 26, 0.045},
    {"anthropic/claude-3.5-sonnet", "Anthropic", 900, 61, 0.009},
    {"meta-llama/llama-3-70b-instruct", "DeepInfra", 520, 38, 0.0008},
    {"mistralai/mixtral-8x7b-instruct", "Together", 300, 74, 0.0006},
    {"google/gemini-pro-1.5", "Google", 650, 55, 0.004},
    {"qwen/qwen-2-72b-instruct", "Together", 480, 34, 0.0009},
};
#define MODELS 8
#define BOTS   6

struct history {
	const char *folder;
	uint64_t days, requests_per_hour;
	uint64_t end_ns;
	uint64_t random; /* state of xorshift64* */
};

/* Uniform in (0, 1). */
static double draw(struct history *h)
{
	h->random ^= h->random >> 12;
	h->random ^= h->random << 25;
	h->random ^= h->random >> 27;
	return ((double)(h->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) + 0.5) / 0x1p53;
}

/* Log-normal around 1. */
static double spread(struct history *h, double sigma)
{
	return exp(sigma * sqrt(-2 * log(draw(h))) * cos(6.283185307179586 * draw(h)));
}

static uint64_t day_of(uint64_t ts)
{
	return ts / (24 * HOUR_NS);
}

static bool is_weekend(uint64_t ts)
{
	return (day_of(ts) + 3) % 7 >= 5; /* 1 January 1970 was a Thursday */
}

static bool is_bad_afternoon(uint64_t ts)
{
	uint64_t hour = ts / HOUR_NS % 24;

	return day_of(ts) % 9 == 4 && hour >= 13 && hour < 18;
}

static void describe(struct history *h, uint64_t ts, char bot[16], struct orbus_sample *s)
{
	const struct model *m = &models[(size_t)(pow(draw(h), 1.5) * MODELS)];
	bool bad = is_bad_afternoon(ts) && strcmp(m->provider, "Anthropic") == 0;
	double fate = draw(h) / (bad ? 4 : 1), ttft;

	orbus_sample_init(s);
	snprintf(bot, 16, "bot-%d", (int)(draw(h) * BOTS));
	s->ts = ts;
	s->bot = bot;
	s->model = s->requested_model = m->name;
	s->provider = m->provider;
	s->stream = draw(h) < 0.7;
	s->prompt_tokens = (uint64_t)(900 * spread(h, 0.8));
	s->completion_tokens = (uint64_t)(220 * spread(h, 0.7)) + 1;
	s->total_tokens = s->prompt_tokens + s->completion_tokens;
	ttft = m->ttft_ms * spread(h, 0.45) * (bad ? 2 : 1);
	s->response_ms = ttft + (double)s->completion_tokens * 1000 /
	                            (m->decode_tps * spread(h, 0.2) / (bad ? 2 : 1));
	s->ttft_ms = s->stream ? ttft : NAN;
	s->cost_usd = (double)s->total_tokens * m->usd_per_1k / 1000;
	if (fate < 0.008) {
		s->status = ORBUS_STATUS_TIMEOUT;
		s->error_type = "timeout_total";
		s->response_ms = 180000;
	} else if (fate < 0.025) {
		s->status = ORBUS_STATUS_ERROR;
		s->error_type = fate < 0.02 ? "rate_limited" : "bad_gateway";
		s->error_message = "Provider returned error";
	}
}

static bool fill_hour(struct history *h, uint64_t start_ns, uint64_t end_ns, struct aggregate *a)
{
	double day = (double)(start_ns / HOUR_NS % 24) / 24 * 6.283185307179586;
	double share =
	    (double)(end_ns - start_ns) / (double)HOUR_NS * (is_weekend(start_ns) ? 0.55 : 1);
	uint64_t n = (uint64_t)((double)h->requests_per_hour * (1 - 0.6 * cos(day)) *
				spread(h, 0.1) * share);
	struct orbus_sample s;
	char bot[16];

	for (uint64_t i = 0; i < n; i++) {
		describe(h, start_ns + (uint64_t)(draw(h) * (double)(end_ns - start_ns)), bot, &s);
		if (!aggregate_add_settled(a, &s))
			return false;
	}
	return true;
}

static bool write_period(const struct history *h, const struct calendar *c, enum period_kind kind,
    uint64_t ts, const struct aggregate *a)
{
	struct period_span span;
	struct document_context context = {
	    .utc = true, .uptime_seconds = 86400, .restorable = true};
	char path[4096];
	size_t length;
	json_t *document;
	char *text;
	FILE *out;
	bool fine;

	calendar_span(c, kind, ts, &span);
	context.period_kind = kind == PERIOD_DAILY ? "daily" : "hourly";
	context.start_ns = span.start_ns;
	context.end_ns = span.end_ns;
	context.complete = span.end_ns <= h->end_ns;
	context.saved_at_ns = context.complete ? span.end_ns : h->end_ns;
	document = document_from_aggregate(a, &context);
	text = document ? document_to_text(document, &length) : NULL;
	snprintf(path, sizeof(path), "%s/%s", h->folder, span.name);
	out = text ? fopen(path, "we") : NULL;
	fine = out && fwrite(text, 1, length, out) == length;
	fine &= out && fclose(out) == 0;
	json_decref(document);
	free(text);
	return fine;
}

static bool write_all(struct history *h)
{
	const struct calendar c = {.utc = true, .hours = 1};
	uint64_t day_ns = 24 * HOUR_NS, last = (h->end_ns - 1) / HOUR_NS * HOUR_NS;
	uint64_t first = (last / day_ns + 1 - h->days) * day_ns;
	struct aggregate hour, day;
	bool fine = true;

	aggregate_init(&hour);
	aggregate_init(&day);
	for (uint64_t at = first; fine && at <= last; at += HOUR_NS) {
		aggregate_clear(&hour);
		fine = fill_hour(h, at, at == last ? h->end_ns : at + HOUR_NS, &hour) &&
		       aggregate_merge(&day, &hour) &&
		       write_period(h, &c, PERIOD_HOURLY, at, &hour);
		if (fine && (at == last || (at + HOUR_NS) % day_ns == 0)) {
			fine = write_period(h, &c, PERIOD_DAILY, at, &day);
			aggregate_clear(&day);
		}
	}
	aggregate_free(&hour);
	aggregate_free(&day);
	return fine;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"days", required_argument, NULL, 'd'},
	    {"end", required_argument, NULL, 'e'},
	    {"requests-per-hour", required_argument, NULL, 'r'}, {0}};
	struct history h = {.days = 30, .requests_per_hour = 600, .random = 88172645463325252};
	int option;

	h.end_ns = (uint64_t)time(NULL) * NS_PER_SECOND;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd': h.days = strtoull(optarg, NULL, 10); break;
		case 'e': h.end_ns = strtoull(optarg, NULL, 10) * NS_PER_SECOND; break;
		case 'r': h.requests_per_hour = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || h.days < 1 || h.end_ns < h.days * 24 * HOUR_NS) {
		fputs(
		    "usage: make_history [--days N] [--end SECONDS] [--requests-per-hour N] FOLDER\n",
		    stderr);
		return 2;
	}
	h.folder = argv[optind];
	mkdir(h.folder, 0700);
	if (write_all(&h))
		return 0;
	perror(h.folder);
	return 1;
}
