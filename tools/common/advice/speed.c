/*
 * speed.c: advice on response times, times to first token, and tokens per second.
 */
#include "base/ratings.h"
#include "common/print.h"
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Another model is named if its time is at most this share of the slow model's. */
#define FASTER_SHARE 0.7
/* Tokens of a request from which its length is a likely reason for the time that it takes. */
#define ANSWERED_SHARE  90.0 /* percent: with fewer answered, tokens per request say nothing */
#define LONG_PROMPT     4000
#define LONG_COMPLETION 1000
/* Below this rate a reader waits for words; base/ratings.h has the other limits. */
#define LOW_TPS 15
/* Parameters, in thousands of millions, from which a model is slow by nature. */
#define LARGE_MODEL 70

/* What models are compared by. */
typedef double figure_of(const struct summary *s);

static double avg_of(const struct summary *s)
{
	return s->avg;
}

static double p95_of(const struct summary *s)
{
	return s->p95;
}

static bool is_candidate(const struct advice_case *c, const struct advice_subject *than, size_t i,
    enum summary_kind kind)
{
	return &c->models[i] != than && advice_is_enough(&c->models[i], kind);
}

/*
 * The model that is best by a figure (`sign` -1: the largest is best), if it is clearly and
 * significantly better.
 */
static const struct advice_subject *find_better(const struct advice_case *c,
    const struct advice_subject *than, enum summary_kind kind, figure_of *figure, int sign)
{
	double best = figure(&than->stats->of[kind]);
	const struct advice_subject *found = NULL;
	size_t candidates = 0;

	for (size_t i = 0; than->name && i < c->model_count; i++)
		candidates += is_candidate(c, than, i, kind);
	best = sign > 0 ? best * FASTER_SHARE : best / FASTER_SHARE;
	for (size_t i = 0; than->name && i < c->model_count; i++) {
		double value = figure(&c->models[i].stats->of[kind]);

		if (!is_candidate(c, than, i, kind) || !(sign * value <= sign * best) ||
		    !advice_is_certain(than, &c->models[i], kind, sign, candidates))
			continue;
		best = value;
		found = &c->models[i];
	}
	return found;
}

/* Two models surely served the same bot only where there is one bot. */
static void write_who_was_answered(const struct advice_case *c, FILE *out)
{
	if (c->only_bot)
		fprintf(out, "answered the same bot (%s) in", c->only_bot);
	else
		fputs("answered in", out);
}

/*
 * The average of tokens is over all requests, answered or not: a timeout has prompt tokens, a
 * refusal has none. Where many were not answered it says little about the answered ones: then 0.
 */
static uint64_t tokens_each(uint64_t tokens, const struct advice_subject *s)
{
	return s->stats->requests &&
	               advice_is_share(s->stats->ok, s->stats->requests, ANSWERED_SHARE)
	           ? tokens / s->stats->requests
	           : 0;
}

static void write_tokens(const struct advice_subject *s, FILE *out)
{
	char prompt[COUNT_TEXT_BYTES], completion[COUNT_TEXT_BYTES];

	if (tokens_each(s->stats->tokens.prompt, s) == 0 &&
	    tokens_each(s->stats->tokens.completion, s) == 0)
		return;
	format_count(tokens_each(s->stats->tokens.prompt, s), prompt);
	format_count(tokens_each(s->stats->tokens.completion, s), completion);
	fprintf(out, " A request has %s prompt and %s completion tokens on average.", prompt,
	    completion);
}

static void write_slow_evidence(const struct advice_case *c, const struct advice_subject *s,
    const struct advice_subject *faster, FILE *out)
{
	double avg = s->stats->of[SUMMARY_RESPONSE].avg;
	double p95 = s->stats->of[SUMMARY_RESPONSE].p95;
	double ttft = s->stats->of[SUMMARY_TTFT].avg;

	fprintf(out, "p95 %s%s s, average %s s (%s) %s, ", s->is_group ? "at least " : "",
	    format_fixed(p95 / 1000, 1).text, format_fixed(avg / 1000, 1).text,
	    rate_response_ms(avg).word, c->span);
	advice_write_count(
	    out, s->stats->of[SUMMARY_RESPONSE].count, "answered request", "answered requests");
	if (faster) {
		fprintf(out, "; %s ", faster->name);
		write_who_was_answered(c, out);
		fprintf(out, " %.1f s (p95)", faster->stats->of[SUMMARY_RESPONSE].p95 / 1000);
	}
	fputc('.', out);
	if (advice_is_enough(s, SUMMARY_TTFT))
		fprintf(out, " The first token comes after %.1f s.", ttft / 1000);
	write_tokens(s, out);
}

static void write_slow_remedy(
    const struct advice_subject *s, const struct advice_subject *faster, FILE *out)
{
	if (faster)
		fprintf(out, "Consider %s where its answers do.", faster->name);
	else
		fputs("Consider a faster model: orcall -m A,B -n 10 compares them.", out);
	if (tokens_each(s->stats->tokens.prompt, s) >= LONG_PROMPT)
		fputs(" Shorten the prompt: less history, less context.", out);
	if (tokens_each(s->stats->tokens.completion, s) >= LONG_COMPLETION)
		fputs(" Lower max_tokens: long answers take long.", out);
	if (2 * s->stats->streaming < s->stats->requests)
		fputs(" Stream the answers: the first words are there early.", out);
	fputs(" If it came suddenly, see " ADVICE_STATUS_PAGE " and check the network.", out);
}

static void judge_response_times(struct advice_case *c, const struct advice_subject *s)
{
	double avg = s->stats->of[SUMMARY_RESPONSE].avg;
	double p95 = s->stats->of[SUMMARY_RESPONSE].p95;
	/* A group's percentile is a lower bound, so its average may be the better evidence. */
	bool very_slow = rate_response_ms(p95).tone == TONE_BAD ||
	                 (s->is_group && rate_response_ms(avg).tone == TONE_BAD);
	const struct advice_subject *faster = find_better(c, s, SUMMARY_RESPONSE, p95_of, 1);
	enum tone tone = rate_response_ms(avg).tone;
	struct advice_draft d;

	if ((!very_slow && tone != TONE_POOR && tone != TONE_BAD) || !advice_draft_open(c, &d))
		return;
	write_slow_evidence(c, s, faster, d.evidence);
	write_slow_remedy(s, faster, d.remedy);
	advice_draft_add(c, &d, "slow_responses", "slow responses",
	    very_slow ? ADVICE_WARNING : ADVICE_INFO, s->name);
}

static void judge_first_token(struct advice_case *c, const struct advice_subject *s)
{
	double avg = s->stats->of[SUMMARY_TTFT].avg;
	const struct advice_subject *faster = find_better(c, s, SUMMARY_TTFT, avg_of, 1);
	struct advice_draft d;

	if (rate_ttft_ms(avg).tone != TONE_POOR || !advice_draft_open(c, &d))
		return;
	fprintf(d.evidence, "The first token comes after %.1f s on average, p95 %s%.1f s, %s, ",
	    avg / 1000, s->is_group ? "at least " : "", s->stats->of[SUMMARY_TTFT].p95 / 1000,
	    c->span);
	advice_write_count(d.evidence, s->stats->of[SUMMARY_TTFT].count, "stream", "streams");
	if (faster) {
		fprintf(d.evidence, "; %s ", faster->name);
		write_who_was_answered(c, d.evidence);
		fprintf(d.evidence, " %.1f s", faster->stats->of[SUMMARY_TTFT].avg / 1000);
	}
	fputc('.', d.evidence);
	write_tokens(s, d.evidence);
	if (faster)
		fprintf(d.remedy, "Consider %s where its answers do. ", faster->name);
	fputs("Shorten the prompt, or keep its beginning the same so that the provider can cache "
	      "it. The provider may be under load: try another one, and see " ADVICE_STATUS_PAGE
	      ".",
	    d.remedy);
	advice_draft_add(
	    c, &d, "slow_first_token", "slow to the first token", ADVICE_WARNING, s->name);
}

/* Parameters as the name tells them: 70 of "llama-3-70b", 56 of "mixtral-8x7b"; else 0. */
static double parameters_of(const char *name)
{
	double largest = 0;

	if (!name)
		return 0;
	for (const char *at = name; *at;) {
		char *end;
		double n;

		if (*at < '0' || *at > '9') {
			at++;
			continue;
		}
		n = strtod(at, &end);
		if (*end == 'x' && end[1] >= '0' && end[1] <= '9')
			n *= strtod(end + 1, &end);
		if ((*end == 'b' || *end == 'B') && !(end[1] >= 'a' && end[1] <= 'z') &&
		    n > largest)
			largest = n;
		at = end;
	}
	return largest;
}

static void write_tps_remedy(
    const struct advice_subject *s, const struct advice_subject *faster, FILE *out)
{
	double decode = s->stats->of[SUMMARY_DECODE_TPS].avg;

	if (s->name && parameters_of(s->name) >= LARGE_MODEL)
		fputs("That is normal for a model of this size. ", out);
	else
		fputs("That is normal for models of 70B parameters and more; else the provider may "
		      "be under load. ",
		    out);
	if (advice_is_enough(s, SUMMARY_DECODE_TPS) && decode >= LOW_TPS)
		fprintf(out,
		    "Once it has begun it makes %.1f tokens/s: what costs time is the wait for the "
		    "first. ",
		    decode);
	if (faster)
		fprintf(out, "Try another provider, or %s where its answers do.", faster->name);
	else
		fputs("Try another provider, or a smaller model.", out);
}

static void judge_tps(struct advice_case *c, const struct advice_subject *s)
{
	double avg = s->stats->of[SUMMARY_TPS].avg;
	const struct advice_subject *faster = find_better(c, s, SUMMARY_TPS, avg_of, -1);
	struct advice_draft d;

	if (!(avg < LOW_TPS) || !advice_draft_open(c, &d))
		return;
	fprintf(d.evidence, "%.1f tokens/s on average (%s) %s, ", avg, rate_tps(avg).word, c->span);
	advice_write_count(
	    d.evidence, s->stats->of[SUMMARY_TPS].count, "answered request", "answered requests");
	if (faster)
		fprintf(
		    d.evidence, "; %s made %.1f", faster->name, faster->stats->of[SUMMARY_TPS].avg);
	fputc('.', d.evidence);
	write_tps_remedy(s, faster, d.remedy);
	advice_draft_add(c, &d, "low_tps", "few tokens per second",
	    rate_tps(avg).tone == TONE_BAD ? ADVICE_WARNING : ADVICE_INFO, s->name);
}

void advice_on_speed(struct advice_case *c)
{
	advice_each(c, SUMMARY_RESPONSE, judge_response_times);
	advice_each(c, SUMMARY_TTFT, judge_first_token);
	advice_each(c, SUMMARY_TPS, judge_tps);
}
