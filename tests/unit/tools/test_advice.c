/*
 * test_advice.c: each rule of advice, on both sides of its threshold.
 */
#include "common/advice/advice.h"
#include "doc/document.h"
#include "doc/snapshot_read.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPAN "over the last hour"

struct scene {
	struct aggregate sum;
	json_t *document;
	struct advice advice;
};

static void scene_begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	aggregate_init(&s->sum);
}

/* A good answer: fast, priced, streamed. */
static struct orbus_sample answer(const char *model)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = 1764000000000000000u;
	s.bot = "acore";
	s.model = model;
	s.stream = true;
	s.response_ms = 1500;
	s.ttft_ms = 300;
	s.prompt_tokens = 200;
	s.completion_tokens = 100;
	s.total_tokens = 300;
	s.cost_usd = 0.001;
	return s;
}

static struct orbus_sample failure(enum orbus_status status, const char *type, const char *message)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = 1764000000000000000u;
	s.bot = "acore";
	s.model = "m";
	s.status = status;
	s.error_type = type;
	s.error_message = message;
	return s;
}

static void add(struct scene *s, unsigned n, struct orbus_sample sample)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(aggregate_add(&s->sum, &sample));
}

/* Answers that took so long. */
static void add_answers(struct scene *s, unsigned n, const char *model, double response_ms)
{
	struct orbus_sample sample = answer(model);

	sample.response_ms = response_ms;
	sample.completion_tokens = (uint64_t)(response_ms / 10);
	add(s, n, sample);
}

static void scene_judge(struct scene *s)
{
	struct document_context c = {.period_kind = "1h"};
	struct snapshot *snapshot;

	if (!s->document)
		s->document = document_from_aggregate(&s->sum, &c);
	assert_non_null(s->document);
	assert_int_equal(snapshot_from_document(s->document, &snapshot), 0);
	assert_int_equal(advice_make(snapshot, SPAN, &s->advice), 0);
	snapshot_unref(snapshot);
	assert_true((s->advice.count == 0) == (s->advice.silence != NULL));
}

static void scene_end(struct scene *s)
{
	advice_free(&s->advice);
	json_decref(s->document);
	aggregate_free(&s->sum);
}

static const struct advice_finding *find(const struct scene *s, const char *rule)
{
	for (size_t i = 0; i < s->advice.count; i++)
		if (strcmp(s->advice.findings[i].rule, rule) == 0)
			return &s->advice.findings[i];
	return NULL;
}

#define assert_says(text, part)                                              \
	do {                                                                 \
		if (!strstr((text), (part)))                                 \
			fail_msg("\"%s\" is not in \"%s\"", (part), (text)); \
	} while (0)
#define assert_is_silent_on(text, part)                                  \
	do {                                                             \
		if (strstr((text), (part)))                              \
			fail_msg("\"%s\" is in \"%s\"", (part), (text)); \
	} while (0)

/* The severity with which the rule speaks after `n` failures among `total` requests; -1: silent. */
static int severity_of_failures(
    const char *rule, unsigned n, unsigned total, struct orbus_sample sample)
{
	struct scene s;
	const struct advice_finding *f;
	int severity;

	scene_begin(&s);
	add(&s, n, sample);
	add(&s, total - n, answer("m"));
	scene_judge(&s);
	f = find(&s, rule);
	severity = f ? (int)f->severity : -1;
	scene_end(&s);
	return severity;
}

static void slow_models_are_named_with_a_faster_one(void **state)
{
	struct scene s;
	const struct advice_finding *f;

	(void)state;
	scene_begin(&s);
	add_answers(&s, 38, "anthropic/claude-3-opus", 7000);
	add_answers(&s, 3, "anthropic/claude-3-opus", 12400);
	add_answers(&s, 40, "mistralai/mixtral-8x7b", 3100);
	scene_judge(&s);
	f = find(&s, "slow_responses");
	assert_non_null(f);
	assert_string_equal(f->subject, "anthropic/claude-3-opus");
	assert_int_equal(f->severity, ADVICE_WARNING);
	assert_says(
	    f->evidence, "p95 12.4 s, average 7.4 s (slow) over the last hour, 41 answered");
	/* There is one bot, so that it must have been the same. */
	assert_says(
	    f->evidence, "mistralai/mixtral-8x7b answered the same bot (acore) in 3.1 s (p95)");
	assert_says(f->remedy, "mistralai/mixtral-8x7b");
	assert_int_equal(s.advice.count, 1);
	scene_end(&s);
}

static void the_same_bot_is_not_claimed_where_there_are_two(void **state)
{
	struct orbus_sample other = answer("fast");
	struct scene s;

	(void)state;
	scene_begin(&s);
	other.bot = "second";
	add_answers(&s, 20, "slow", 6000);
	add(&s, 20, other);
	scene_judge(&s);
	assert_says(s.advice.findings[0].evidence, "fast answered in 1.5 s");
	scene_end(&s);
}

static int severity_of_response(unsigned n, double response_ms)
{
	struct scene s;
	const struct advice_finding *f;
	int severity;

	scene_begin(&s);
	add_answers(&s, n, "m", response_ms);
	scene_judge(&s);
	f = find(&s, "slow_responses");
	severity = f ? (int)f->severity : -1;
	scene_end(&s);
	return severity;
}

static void response_times_are_judged_as_they_are_rated(void **state)
{
	(void)state;
	assert_int_equal(severity_of_response(20, 5000), -1);
	assert_int_equal(severity_of_response(20, 5001), ADVICE_INFO);
	assert_int_equal(severity_of_response(20, 10000), ADVICE_INFO);
	assert_int_equal(severity_of_response(20, 10001), ADVICE_WARNING);
	assert_int_equal(severity_of_response(19, 60000), -1);
}

static void the_remedy_fits_what_the_requests_are_like(void **state)
{
	struct orbus_sample sample = answer("m");
	struct scene s;

	(void)state;
	scene_begin(&s);
	sample.response_ms = 8000;
	sample.prompt_tokens = 4000;
	sample.completion_tokens = 1000;
	sample.stream = false;
	add(&s, 20, sample);
	scene_judge(&s);
	assert_says(s.advice.findings[0].evidence, "4,000 prompt and 1,000 completion tokens");
	assert_says(s.advice.findings[0].remedy, "Shorten the prompt");
	assert_says(s.advice.findings[0].remedy, "max_tokens");
	assert_says(s.advice.findings[0].remedy, "Stream");
	assert_says(s.advice.findings[0].remedy, "status.openrouter.ai");
	assert_says(s.advice.findings[0].remedy, "orcall");
	scene_end(&s);
	scene_begin(&s);
	sample.prompt_tokens = 3999;
	sample.completion_tokens = 999;
	sample.stream = true;
	add(&s, 20, sample);
	scene_judge(&s);
	assert_is_silent_on(s.advice.findings[0].remedy, "Shorten");
	assert_is_silent_on(s.advice.findings[0].remedy, "max_tokens");
	assert_is_silent_on(s.advice.findings[0].remedy, "Stream");
	scene_end(&s);
}

static void all_requests_are_judged_where_no_model_can_be(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	for (char name[2] = "a"; name[0] < 'e'; name[0]++)
		add_answers(&s, 5, name, 11000);
	scene_judge(&s);
	assert_int_equal(s.advice.count, 1);
	assert_null(s.advice.findings[0].subject);
	assert_says(s.advice.findings[0].evidence, "20 answered requests");
	scene_end(&s);
}

static int severity_of_ttft(double ttft_ms)
{
	struct orbus_sample sample = answer("m");
	struct scene s;
	const struct advice_finding *f;
	int severity;

	scene_begin(&s);
	sample.response_ms = 4000;
	sample.completion_tokens = 400;
	sample.ttft_ms = ttft_ms;
	add(&s, 20, sample);
	add(&s, 20, answer("fast"));
	scene_judge(&s);
	f = find(&s, "slow_first_token");
	if (f)
		assert_says(f->evidence, "fast answered the same bot (acore) in 0.3 s");
	severity = f ? (int)f->severity : -1;
	scene_end(&s);
	return severity;
}

static void a_first_token_after_3_s_is_noticed(void **state)
{
	(void)state;
	assert_int_equal(severity_of_ttft(3000), -1);
	assert_int_equal(severity_of_ttft(3001), ADVICE_WARNING);
}

/* The remedy for `tps` of a model; NULL: silent. */
static char *remedy_of_tps(const char *model, double tps, double ttft_ms, int severity)
{
	struct orbus_sample sample = answer(model);
	struct scene s;
	const struct advice_finding *f;
	char *remedy = NULL;

	scene_begin(&s);
	sample.response_ms = 4000;
	sample.ttft_ms = ttft_ms;
	sample.completion_tokens = (uint64_t)(4 * tps);
	add(&s, 20, sample);
	scene_judge(&s);
	f = find(&s, "low_tps");
	if (f) {
		assert_int_equal(f->severity, severity);
		remedy = strdup(f->remedy);
	}
	scene_end(&s);
	return remedy;
}

static void few_tokens_a_second_are_told_by_the_models_size(void **state)
{
	char *remedy;

	(void)state;
	assert_null(remedy_of_tps("m", 15, 300, 0));
	remedy = remedy_of_tps("meta-llama/llama-3-70b-instruct", 14.75, 300, ADVICE_INFO);
	assert_non_null(remedy);
	assert_says(remedy, "normal for a model of this size");
	free(remedy);
	remedy = remedy_of_tps("mistralai/mixtral-8x7b", 10, 300, ADVICE_INFO);
	assert_non_null(remedy);
	assert_says(remedy, "normal for models of 70B");
	free(remedy);
	remedy = remedy_of_tps("mistralai/mixtral-8x22b", 9.75, 3500, ADVICE_WARNING);
	assert_non_null(remedy);
	assert_says(remedy, "normal for a model of this size");
	assert_says(remedy, "78.0 tokens/s: what costs time is the wait");
	assert_says(remedy, "another provider");
	free(remedy);
}

static void timeouts_are_told_by_their_kind(void **state)
{
	static const struct {
		const char *type, *words, *remedy;
	} kinds[] = {
	    {"timeout_connect", "20 while connecting", "network"},
	    {"timeout_first_token", "20 before the first token", "begins sooner"},
	    {"timeout_idle", "20 in mid-stream", "another provider"},
	    {"timeout_total", "20 before the end", "max_tokens"},
	    {"timeout", "timed out", "max_tokens"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct scene s;
		const struct advice_finding *f;

		scene_begin(&s);
		add(&s, 20, failure(ORBUS_STATUS_TIMEOUT, kinds[i].type, NULL));
		add(&s, 180, answer("other"));
		scene_judge(&s);
		f = find(&s, "timeouts");
		assert_non_null(f);
		assert_says(
		    f->evidence, "20 of 200 requests (10.0 %) timed out over the last hour");
		assert_says(f->evidence, "most on m (20)");
		assert_says(f->evidence, kinds[i].words);
		assert_says(f->remedy, kinds[i].remedy);
		assert_int_equal(f->severity, ADVICE_CRITICAL);
		scene_end(&s);
	}
}

static void failures_speak_from_their_thresholds_on(void **state)
{
	struct orbus_sample timeout = failure(ORBUS_STATUS_TIMEOUT, "timeout_total", NULL);
	struct orbus_sample limited = failure(ORBUS_STATUS_ERROR, "rate_limited", NULL);
	struct orbus_sample error = failure(ORBUS_STATUS_ERROR, "server_error", NULL);
	struct orbus_sample orphan = failure(ORBUS_STATUS_ORPHANED, NULL, NULL);

	(void)state;
	assert_int_equal(severity_of_failures("timeouts", 19, 1000, timeout), -1);
	assert_int_equal(severity_of_failures("timeouts", 20, 1000, timeout), ADVICE_WARNING);
	assert_int_equal(severity_of_failures("timeouts", 99, 1000, timeout), ADVICE_WARNING);
	assert_int_equal(severity_of_failures("timeouts", 100, 1000, timeout), ADVICE_CRITICAL);
	assert_int_equal(severity_of_failures("timeouts", 2, 20, timeout), -1);
	assert_int_equal(severity_of_failures("timeouts", 3, 19, timeout), -1);
	assert_int_equal(severity_of_failures("timeouts", 3, 20, timeout), ADVICE_CRITICAL);
	assert_int_equal(severity_of_failures("rate_limited", 9, 1000, limited), -1);
	assert_int_equal(severity_of_failures("rate_limited", 10, 1000, limited), ADVICE_WARNING);
	assert_int_equal(severity_of_failures("rate_limited", 100, 1000, limited), ADVICE_CRITICAL);
	assert_int_equal(severity_of_failures("errors", 49, 1000, error), -1);
	assert_int_equal(severity_of_failures("errors", 50, 1000, error), ADVICE_WARNING);
	assert_int_equal(severity_of_failures("errors", 250, 1000, error), ADVICE_CRITICAL);
	assert_int_equal(severity_of_failures("errors", 19, 19, error), -1);
	/* What has a rule of its own is not said twice. */
	assert_int_equal(severity_of_failures("errors", 500, 1000, limited), -1);
	assert_int_equal(severity_of_failures("errors", 500, 1000, timeout), -1);
	assert_int_equal(severity_of_failures("orphaned", 0, 1000, orphan), -1);
	assert_int_equal(severity_of_failures("orphaned", 1, 1000, orphan), ADVICE_INFO);
	assert_int_equal(severity_of_failures("orphaned", 10, 1000, orphan), ADVICE_WARNING);
}

/* A limit that expired may be published as an error of that type. */
static void timeouts_that_are_errors_by_status_are_timeouts(void **state)
{
	(void)state;
	assert_int_equal(severity_of_failures("timeouts", 100, 100,
			     failure(ORBUS_STATUS_ERROR, "timeout_first_token", NULL)),
	    ADVICE_CRITICAL);
	assert_int_equal(severity_of_failures("timeouts", 3, 100,
			     failure(ORBUS_STATUS_ERROR, "timeout_total", NULL)),
	    ADVICE_WARNING);
}

static void failures_in_several_ways_are_told_as_a_whole(void **state)
{
	const struct advice_finding *f;
	struct scene s;

	(void)state;
	scene_begin(&s);
	add(&s, 19, failure(ORBUS_STATUS_TIMEOUT, "timeout_total", NULL));
	add(&s, 9, failure(ORBUS_STATUS_ERROR, "rate_limited", NULL));
	add(&s, 49, failure(ORBUS_STATUS_ERROR, "bad_gateway", NULL));
	add(&s, 923, answer("m"));
	scene_judge(&s);
	f = find(&s, "failures");
	assert_non_null(f);
	assert_int_equal(f->severity, ADVICE_WARNING);
	assert_says(f->evidence,
	    "77 of 1,000 requests (7.7 %) failed over the last hour, in several "
	    "ways: 49 bad_gateway, 19 timeout_total, 9 rate_limited.");
	assert_int_equal(s.advice.count, 1);
	scene_end(&s);
}

static void much_that_fails_in_small_parts_is_critical(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	add(&s, 9, failure(ORBUS_STATUS_TIMEOUT, "timeout_total", NULL));
	add(&s, 9, failure(ORBUS_STATUS_ERROR, "rate_limited", NULL));
	add(&s, 20, failure(ORBUS_STATUS_ERROR, "bad_gateway", NULL));
	add(&s, 62, answer("m"));
	scene_judge(&s);
	assert_string_equal(s.advice.findings[0].rule, "failures");
	assert_int_equal(s.advice.findings[0].severity, ADVICE_CRITICAL);
	scene_end(&s);
}

/* With any mixture of kinds: never "all is well" where one in twenty fails. */
static void no_mixture_of_failures_is_silent(void **state)
{
	static const char *const types[] = {"timeout", "timeout_connect", "timeout_total",
	    "rate_limited", "bad_gateway", "dns_failed", "forbidden", "no_such_type", NULL};
	static const enum orbus_status statuses[] = {
	    ORBUS_STATUS_ERROR, ORBUS_STATUS_TIMEOUT, ORBUS_STATUS_ORPHANED};
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 500; round++) {
		unsigned failed = 0, total = 20 + (unsigned)rand_r(&seed) % 400;
		struct scene s;

		scene_begin(&s);
		while (failed < 3 || 20 * failed < total) {
			const char *type = types[rand_r(&seed) % 9];

			add(&s, 1, failure(statuses[rand_r(&seed) % 3], type, NULL));
			failed++;
		}
		add(&s, total - failed, answer("m"));
		scene_judge(&s);
		if (s.advice.silence)
			fail_msg("%u of %u failed: %s", failed, total, s.advice.silence);
		scene_end(&s);
	}
}

/* --- As a whole ------------------------------------------------------------------------------- */

static void nothing_that_is_answered_is_critical(void **state)
{
	static const enum orbus_status statuses[] = {ORBUS_STATUS_ERROR, ORBUS_STATUS_TIMEOUT,
	    ORBUS_STATUS_CANCELLED, ORBUS_STATUS_ORPHANED};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct advice_finding *f;
		struct scene s;

		scene_begin(&s);
		add(&s, 100, failure(statuses[i], NULL, NULL));
		scene_judge(&s);
		f = find(&s, "nothing_answered");
		assert_non_null(f);
		assert_int_equal(f->severity, ADVICE_CRITICAL);
		assert_says(f->evidence, "None of 100 requests was answered over the last hour");
		scene_end(&s);
	}
}

static void a_model_that_is_out_is_named_however_few_its_requests_are_of_all(void **state)
{
	const struct advice_finding *f;
	struct scene s;

	(void)state;
	scene_begin(&s);
	add(&s, 5000, answer("fine"));
	add(&s, 50, failure(ORBUS_STATUS_ERROR, "server_error", NULL));
	scene_judge(&s);
	f = find(&s, "outage");
	assert_non_null(f);
	assert_string_equal(f->subject, "m");
	assert_int_equal(f->severity, ADVICE_CRITICAL);
	assert_says(f->evidence, "None of 50 requests of model m was answered");
	assert_says(f->evidence, "of all, 1.0 % failed");
	scene_end(&s);
	scene_begin(&s);
	add(&s, 5000, answer("fine"));
	add(&s, 10, failure(ORBUS_STATUS_ERROR, "server_error", NULL));
	add(&s, 30, answer("m"));
	scene_judge(&s);
	f = find(&s, "outage");
	assert_non_null(f);
	assert_int_equal(f->severity, ADVICE_WARNING);
	assert_says(f->evidence, "10 of 40 requests of model m failed");
	scene_end(&s);
}

static void models_with_few_requests_are_out_together(void **state)
{
	const struct advice_finding *f;
	struct scene s;

	(void)state;
	scene_begin(&s);
	add(&s, 5000, answer("fine"));
	for (int i = 0; i < 10; i++) {
		struct orbus_sample failed = failure(ORBUS_STATUS_ERROR, "server_error", NULL);
		char name[] = "model-0";

		name[6] = (char)('0' + i);
		failed.model = name;
		add(&s, 15, failed);
	}
	scene_judge(&s);
	f = find(&s, "outage");
	assert_non_null(f);
	assert_says(f->subject, "(10 with few requests together)");
	scene_end(&s);
}

static void much_that_is_cancelled_is_told(void **state)
{
	struct orbus_sample cancelled = failure(ORBUS_STATUS_CANCELLED, NULL, NULL);

	(void)state;
	assert_int_equal(severity_of_failures("cancelled", 20, 40, cancelled), ADVICE_WARNING);
	assert_int_equal(severity_of_failures("cancelled", 19, 40, cancelled), -1);
}

static void requests_that_do_not_end_are_told(void **state)
{
	struct document_context c = {.period_kind = "1h", .in_flight = 20};
	struct scene s;

	(void)state;
	scene_begin(&s);
	s.document = document_from_aggregate(&s.sum, &c);
	scene_judge(&s);
	assert_non_null(find(&s, "no_end"));
	assert_says(find(&s, "no_end")->evidence, "20 requests are in flight, and none has ended");
	scene_end(&s);
	scene_begin(&s);
	c.in_flight = 3;
	s.document = document_from_aggregate(&s.sum, &c);
	scene_judge(&s);
	assert_string_equal(s.advice.silence, "no request ended over the last hour, 3 in flight");
	scene_end(&s);
}

static void answers_without_usage_are_told(void **state)
{
	struct orbus_sample sample = answer("m");
	struct scene s;

	(void)state;
	sample.prompt_tokens = sample.completion_tokens = sample.total_tokens = ORBUS_NONE;
	scene_begin(&s);
	add(&s, 20, sample);
	scene_judge(&s);
	assert_non_null(find(&s, "unknown_usage"));
	add(&s, 1, answer("m"));
	scene_end(&s);
}

/* What anybody would not call well, by the figures of each model and of all. */
struct truth {
	unsigned total, failed, ok;
	struct {
		unsigned total, failed, ok;
		double ms;
	} models[6];
};

static bool is_unwell(const struct truth *t)
{
	bool unwell = t->failed >= 3 && 20 * t->failed >= t->total;

	unwell |= t->ok == 0;
	for (int i = 0; i < 6; i++) {
		unsigned n = t->models[i].total, ok = t->models[i].ok;

		unwell |= n >= 20 && (ok == 0 || 4 * t->models[i].failed >= n);
		unwell |= ok >= 20 && t->models[i].ms > 5000 * ok;
	}
	return unwell;
}

/* Any mixture of how models answer, fail, are cancelled and are slow. */
static void add_mixture(struct scene *s, struct truth *t, unsigned *seed)
{
	static const enum orbus_status statuses[] = {ORBUS_STATUS_ERROR, ORBUS_STATUS_TIMEOUT,
	    ORBUS_STATUS_ORPHANED, ORBUS_STATUS_CANCELLED};
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	/* One kind, in half of the cases: a single orphan is reported beside any other finding. */
	unsigned kind = (unsigned)rand_r(seed) % 8;

	for (int i = 0; i < 6; i++) {
		unsigned n = (unsigned)rand_r(seed) % (rand_r(seed) % 2 ? 25 : 400);
		unsigned failing = rand_r(seed) % 4 ? 0 : (unsigned)rand_r(seed) % 151;
		unsigned ms = rand_r(seed) % 6 ? 500 : (unsigned)rand_r(seed) % 12000;

		for (unsigned k = 0; k < n; k++) {
			bool fails = (unsigned)rand_r(seed) % 100 < failing;
			enum orbus_status status =
			    statuses[(kind < 4 ? kind : (unsigned)rand_r(seed)) % 4];
			struct orbus_sample sample =
			    fails ? failure(status, NULL, NULL) : answer(names[i]);

			sample.model = names[i];
			if (!fails)
				sample.response_ms = ms;
			add(s, 1, sample);
			t->total++;
			t->models[i].total++;
			t->ok += !fails;
			t->models[i].ok += !fails;
			t->models[i].ms += fails ? 0 : ms;
			t->failed += fails && status != ORBUS_STATUS_CANCELLED;
			t->models[i].failed += fails && status != ORBUS_STATUS_CANCELLED;
		}
	}
}

static void no_mixture_that_is_unwell_is_called_well(void **state)
{
	unsigned seed = 11, unwell = 0;

	(void)state;
	for (int round = 0; round < 600; round++) {
		struct truth t = {0};
		struct scene s;

		scene_begin(&s);
		add_mixture(&s, &t, &seed);
		scene_judge(&s);
		if (t.total >= 20 && is_unwell(&t)) {
			unwell++;
			if (s.advice.silence)
				fail_msg("round %d: %u of %u failed: %s", round, t.failed, t.total,
				    s.advice.silence);
		}
		scene_end(&s);
	}
	assert_in_range(unwell, 100, 600);
}

static void models_with_few_requests_are_judged_together(void **state)
{
	const struct advice_finding *f;
	struct scene s;

	(void)state;
	scene_begin(&s);
	for (int i = 0; i < 10; i++) {
		char name[] = "model-0";

		name[6] = (char)('0' + i);
		add_answers(&s, 19, name, 60000);
	}
	add(&s, 5000, answer("fast"));
	scene_judge(&s);
	f = find(&s, "slow_responses");
	assert_non_null(f);
	assert_int_equal(f->severity, ADVICE_WARNING);
	assert_string_equal(f->subject, "(10 other models together)");
	assert_says(f->evidence, "p95 at least ");
	assert_says(f->evidence,
	    "average 60.0 s (very slow) over the last hour, 190 answered requests; "
	    "fast answered");
	scene_end(&s);
}

static void tokens_are_those_of_a_request(void **state)
{
	struct orbus_sample slow = answer("slow"), failed = failure(ORBUS_STATUS_ERROR, "x", NULL);
	struct scene s;

	(void)state;
	slow.response_ms = 12000;
	slow.prompt_tokens = failed.prompt_tokens = 1000;
	failed.model = "slow";
	scene_begin(&s);
	add(&s, 95, slow);
	add(&s, 5, failed);
	scene_judge(&s);
	assert_says(find(&s, "slow_responses")->evidence, "A request has 1,000 prompt and ");
	scene_end(&s);
	/* Where most failed, with tokens or without, nothing is known of the others'. */
	scene_begin(&s);
	add(&s, 20, slow);
	add(&s, 80, failed);
	scene_judge(&s);
	assert_is_silent_on(find(&s, "slow_responses")->evidence, "prompt");
	assert_is_silent_on(find(&s, "slow_responses")->remedy, "Shorten the prompt");
	scene_end(&s);
}

static void refusals_need_no_sample(void **state)
{
	(void)state;
	assert_int_equal(severity_of_failures("refused", 1, 5,
			     failure(ORBUS_STATUS_ERROR, "insufficient_credits", NULL)),
	    ADVICE_CRITICAL);
	assert_int_equal(severity_of_failures(
			     "refused", 1, 5, failure(ORBUS_STATUS_ERROR, "unauthorized", NULL)),
	    ADVICE_CRITICAL);
	assert_int_equal(severity_of_failures(
			     "refused", 5, 5, failure(ORBUS_STATUS_ERROR, "server_error", NULL)),
	    -1);
}

static void errors_are_told_by_their_cause(void **state)
{
	static const struct {
		const char *type, *remedy;
	} kinds[] = {
	    {"bad_request", "parameters"},
	    {"overloaded", "fallback"},
	    {"dns_failed", "DNS"},
	    {"SomethingError", "bot's own log"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct scene s;
		const struct advice_finding *f;

		scene_begin(&s);
		add(&s, 3, failure(ORBUS_STATUS_ERROR, kinds[i].type, "first words"));
		add(&s, 1, failure(ORBUS_STATUS_ERROR, kinds[i].type, "last words"));
		add(&s, 1, failure(ORBUS_STATUS_ERROR, "rare", "of another type"));
		add(&s, 20, answer("m"));
		scene_judge(&s);
		f = find(&s, "errors");
		assert_non_null(f);
		assert_string_equal(f->subject, kinds[i].type);
		assert_says(f->evidence, "5 of 25 requests (20.0 %) failed over the last hour");
		assert_says(f->evidence, "(4)");
		assert_says(f->evidence, "\"last words\"");
		assert_says(f->remedy, kinds[i].remedy);
		scene_end(&s);
	}
}

static void unknown_costs_are_told_from_a_tenth_on(void **state)
{
	struct orbus_sample unpriced = answer("m");

	(void)state;
	unpriced.cost_usd = __builtin_nan("");
	assert_int_equal(severity_of_failures("unknown_cost", 9, 100, unpriced), -1);
	assert_int_equal(severity_of_failures("unknown_cost", 10, 100, unpriced), ADVICE_INFO);
	assert_int_equal(severity_of_failures("unknown_cost", 19, 19, unpriced), -1);
	assert_int_equal(severity_of_failures("unknown_cost", 20, 20, unpriced), ADVICE_INFO);
}

static void samples_that_do_not_count_are_told(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	s.sum.lost = 1;
	s.sum.rejected = 2;
	s.sum.skewed = 3000;
	scene_judge(&s);
	assert_int_equal(s.advice.count, 3);
	assert_says(find(&s, "lost_samples")->evidence, "1 sample was overwritten");
	assert_says(find(&s, "lost_samples")->remedy, "--slots");
	assert_says(find(&s, "rejected_samples")->evidence, "2 samples were not valid");
	assert_says(find(&s, "skewed_samples")->evidence, "3,000 samples");
	assert_string_equal(s.advice.findings[2].rule, "skewed_samples");
	scene_end(&s);
}

static void silence_has_a_reason(void **state)
{
	static const struct {
		unsigned requests;
		const char *reason;
	} cases[] = {{0, "no requests over the last hour"},
	    {19, "too few requests over the last hour: 19, judged from 20 on"},
	    {20, "all is well over the last hour"}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene s;

		scene_begin(&s);
		add(&s, cases[i].requests, answer("m"));
		scene_judge(&s);
		assert_string_equal(s.advice.silence, cases[i].reason);
		assert_int_equal(s.advice.requests, cases[i].requests);
		scene_end(&s);
	}
}

static void the_most_severe_comes_first(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	s.sum.lost = 5;
	add_answers(&s, 20, "slow", 6000);
	add(&s, 1, failure(ORBUS_STATUS_ERROR, "insufficient_credits", NULL));
	scene_judge(&s);
	assert_int_equal(s.advice.count, 3);
	assert_string_equal(s.advice.findings[0].rule, "refused");
	assert_string_equal(s.advice.findings[1].rule, "lost_samples");
	assert_string_equal(s.advice.findings[2].rule, "slow_responses");
	scene_end(&s);
}

static void sums_of_others_are_neither_judged_nor_recommended(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	add_answers(&s, 30, "slow", 12000);
	add_answers(&s, 30, NULL, 1000);
	scene_judge(&s);
	assert_int_equal(s.advice.count, 1);
	assert_is_silent_on(s.advice.findings[0].evidence, "unknown");
	scene_end(&s);
}

/* The files of the system that orbus grew from have no counts of requests and no models' figures.
 */
static void a_document_of_the_old_system_is_judged_as_far_as_it_goes(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	s.document = json_pack("{s:{s:f,s:f,s:i},s:{s:i,s:i}}", "response_times", "avg", 12245.8,
	    "p95", 26543.1, "count", 150, "token_usage", "prompt_tokens", 800000,
	    "completion_tokens", 45000);
	scene_judge(&s);
	assert_int_equal(s.advice.requests, 150);
	assert_int_equal(s.advice.count, 1);
	assert_says(s.advice.findings[0].evidence, "p95 26.5 s, average 12.2 s (very slow)");
	assert_says(s.advice.findings[0].remedy, "Shorten the prompt");
	scene_end(&s);
}

static void a_document_of_anything_does_no_harm(void **state)
{
	static const char *const texts[] = {"{}", "[]", "{\"requests\":7,\"by_model\":[1]}",
	    "{\"requests\":{\"total\":-5,\"timeouts\":1e300,\"ok\":\"x\"},"
	    "\"errors\":{\"by_type\":{\"a\":1e18,\"b\":9e18,\"c\":9e18,\"d\":{}},"
	    "\"recent_errors\":[7,{\"type\":\"b\"},null]},\"by_model\":{\"m\":3,\"\":{},"
	    "\"x\":{\"requests\":1e9,\"response_times\":{\"count\":1e9,\"avg\":1e308,"
	    "\"p95\":\"?\"},\"tps\":{\"count\":99},\"tokens\":[]}},\"lost_samples\":1e308}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct scene s;
		json_t *o;

		scene_begin(&s);
		s.document = json_loads(texts[i], 0, NULL);
		assert_non_null(s.document);
		scene_judge(&s);
		o = advice_to_json(&s.advice);
		assert_non_null(o);
		json_decref(o);
		scene_end(&s);
	}
}

static char *printed(const struct scene *s)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	advice_print(out, &s->advice, false);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void it_is_printed_within_80_columns_and_harmless(void **state)
{
	struct scene s;
	char *text;
	char name[200];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(name, "evil\033[2J/", 9);
	scene_begin(&s);
	add_answers(&s, 30, name, 12000);
	for (char other[8] = "model-a"; other[6] < 'f'; other[6]++)
		add_answers(&s, 30, other, 11000);
	scene_judge(&s);
	text = printed(&s);
	assert_null(strchr(text, '\033'));
	assert_says(text, "evil\\x1b[2J/xxx");
	assert_says(text, "WARNING   slow responses: ");
	assert_says(text, "\nand 3 more of these kinds; --json shows them all\n");
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 0, 80);
	free(text);
	scene_end(&s);
}

static void it_is_json_too(void **state)
{
	struct scene s;
	json_t *o, *first;

	(void)state;
	scene_begin(&s);
	add_answers(&s, 30, "slow", 12000);
	scene_judge(&s);
	o = advice_to_json(&s.advice);
	assert_int_equal(json_integer_value(json_object_get(o, "requests")), 30);
	assert_true(json_is_null(json_object_get(o, "silence")));
	first = json_array_get(json_object_get(o, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "rule")), "slow_responses");
	assert_string_equal(json_string_value(json_object_get(first, "severity")), "warning");
	assert_string_equal(json_string_value(json_object_get(first, "subject")), "slow");
	assert_non_null(json_string_value(json_object_get(first, "evidence")));
	assert_non_null(json_string_value(json_object_get(first, "remedy")));
	json_decref(o);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slow_models_are_named_with_a_faster_one),
	    cmocka_unit_test(the_same_bot_is_not_claimed_where_there_are_two),
	    cmocka_unit_test(response_times_are_judged_as_they_are_rated),
	    cmocka_unit_test(the_remedy_fits_what_the_requests_are_like),
	    cmocka_unit_test(all_requests_are_judged_where_no_model_can_be),
	    cmocka_unit_test(a_first_token_after_3_s_is_noticed),
	    cmocka_unit_test(few_tokens_a_second_are_told_by_the_models_size),
	    cmocka_unit_test(timeouts_are_told_by_their_kind),
	    cmocka_unit_test(failures_speak_from_their_thresholds_on),
	    cmocka_unit_test(timeouts_that_are_errors_by_status_are_timeouts),
	    cmocka_unit_test(failures_in_several_ways_are_told_as_a_whole),
	    cmocka_unit_test(much_that_fails_in_small_parts_is_critical),
	    cmocka_unit_test(no_mixture_of_failures_is_silent),
	    cmocka_unit_test(nothing_that_is_answered_is_critical),
	    cmocka_unit_test(a_model_that_is_out_is_named_however_few_its_requests_are_of_all),
	    cmocka_unit_test(models_with_few_requests_are_out_together),
	    cmocka_unit_test(much_that_is_cancelled_is_told),
	    cmocka_unit_test(requests_that_do_not_end_are_told),
	    cmocka_unit_test(answers_without_usage_are_told),
	    cmocka_unit_test(no_mixture_that_is_unwell_is_called_well),
	    cmocka_unit_test(models_with_few_requests_are_judged_together),
	    cmocka_unit_test(tokens_are_those_of_a_request),
	    cmocka_unit_test(refusals_need_no_sample),
	    cmocka_unit_test(errors_are_told_by_their_cause),
	    cmocka_unit_test(unknown_costs_are_told_from_a_tenth_on),
	    cmocka_unit_test(samples_that_do_not_count_are_told),
	    cmocka_unit_test(silence_has_a_reason),
	    cmocka_unit_test(the_most_severe_comes_first),
	    cmocka_unit_test(sums_of_others_are_neither_judged_nor_recommended),
	    cmocka_unit_test(a_document_of_the_old_system_is_judged_as_far_as_it_goes),
	    cmocka_unit_test(a_document_of_anything_does_no_harm),
	    cmocka_unit_test(it_is_printed_within_80_columns_and_harmless),
	    cmocka_unit_test(it_is_json_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
