/*
 * failures.c: advice on requests that were not answered: timeouts, limits, errors, deaths.
 */
#include "internal.h"

#include <string.h>

#define TIMEOUTS_WARNING     2.0
#define TIMEOUTS_CRITICAL    10.0
#define RATE_LIMITS_WARNING  1.0
#define RATE_LIMITS_CRITICAL 10.0
#define ERRORS_WARNING       5.0
#define ERRORS_CRITICAL      25.0
#define ORPHANS_WARNING      1.0
/* A rate is judged from so many events on, and from ADVICE_REQUESTS_MIN requests on. */
#define EVENTS_MIN 3
/* From this share of all requests on, in percent, a kind of timeout gets a remedy of its own. */
#define KIND_SHARE 25.0

enum cause { CAUSE_OTHER, CAUSE_REQUEST, CAUSE_PROVIDER, CAUSE_NETWORK };

static const struct {
	const char *type;
	enum cause cause;
} causes[] = {
    {"bad_request", CAUSE_REQUEST},
    {"not_found", CAUSE_REQUEST},
    {"payload_too_large", CAUSE_REQUEST},
    {"unprocessable", CAUSE_REQUEST},
    {"client_error", CAUSE_REQUEST},
    {"request_timeout", CAUSE_PROVIDER},
    {"server_error", CAUSE_PROVIDER},
    {"bad_gateway", CAUSE_PROVIDER},
    {"service_unavailable", CAUSE_PROVIDER},
    {"gateway_timeout", CAUSE_PROVIDER},
    {"origin_timeout", CAUSE_PROVIDER},
    {"overloaded", CAUSE_PROVIDER},
    {"api_error", CAUSE_PROVIDER},
    {"stream_error", CAUSE_PROVIDER},
    {"stream_truncated", CAUSE_PROVIDER},
    {"malformed_response", CAUSE_PROVIDER},
    {"unexpected_status", CAUSE_PROVIDER},
    {"dns_failed", CAUSE_NETWORK},
    {"connection_refused", CAUSE_NETWORK},
    {"connection_failed", CAUSE_NETWORK},
    {"connection_lost", CAUSE_NETWORK},
    {"tls_failed", CAUSE_NETWORK},
    {"transfer_failed", CAUSE_NETWORK},
};

static const char *const cause_remedies[] = {
    [CAUSE_OTHER] = "Read what the last one says, and look for it in the bot's own log.",
    [CAUSE_REQUEST] = "The request itself is refused: check the model's name, the parameters and "
		      "the length of the prompt.",
    [CAUSE_PROVIDER] = "The provider is in trouble: see " ADVICE_STATUS_PAGE
		       ", try again with growing pauses, and name fallback models or providers.",
    [CAUSE_NETWORK] = "Check the network between the bot and the API: DNS, proxy, firewall, "
		      "certificates.",
};

/* Error types that have a rule of their own. */
static const char *const other_rules[] = {"rate_limited", "insufficient_credits", "unauthorized",
    "forbidden", "orphaned", "timeout", "timeout_connect", "timeout_first_token", "timeout_idle",
    "timeout_total"};

static uint64_t errors_of(const struct advice_case *c, const char *type)
{
	const struct snapshot *s = c->snapshot;

	for (uint32_t i = 0; i < s->error_type_count; i++)
		if (strcmp(s->error_types[i].name, type) == 0)
			return s->error_types[i].count;
	return 0;
}

/* What it says of failed requests it cannot say of errors that are none. */
static bool is_no_request(const char *type)
{
	return strncmp(type, BOT_ERROR_PREFIX, strlen(BOT_ERROR_PREFIX)) == 0;
}

static bool is_of_other_rule(const char *type)
{
	if (is_no_request(type))
		return true;
	for (size_t i = 0; i < sizeof(other_rules) / sizeof(other_rules[0]); i++)
		if (strcmp(type, other_rules[i]) == 0)
			return true;
	return false;
}

/* Whether there are enough requests and events, and their rate is high enough. */
static bool is_frequent(const struct advice_case *c, uint64_t events, double percent)
{
	return c->all->requests >= ADVICE_REQUESTS_MIN && events >= EVENTS_MIN &&
	       advice_is_share(events, c->all->requests, percent);
}

/* ", most on MODEL (82)": where there are several, and it is known. */
static void write_foremost(
    const struct advice_case *c, size_t count_offset, const char *most, FILE *out)
{
	uint64_t n;
	const char *name = advice_foremost(&c->snapshot->by[DIMENSION_MODEL], count_offset, &n);

	if (name && c->model_count > 1)
		fprintf(out, "%s on %s (%llu)", most, name, (unsigned long long)n);
}

/* --- Timeouts --------------------------------------------------------------------------------- */

static const struct {
	const char *type, *words, *remedy;
} timeout_kinds[] = {
    {"timeout_connect", "while connecting",
	"Check the network: DNS, proxy and firewall between the bot and the API."},
    {"timeout_first_token", "before the first token",
	"Reduce the context, or switch to a model or provider that begins sooner; see "
	"" ADVICE_STATUS_PAGE "."},
    {"timeout_idle", "in mid-stream",
	"The stream stalls: try another provider, see " ADVICE_STATUS_PAGE
	", and check the network."},
    {"timeout_total", "before the end",
	"Reduce the context, lower max_tokens, or switch to a faster model."},
};

#define TIMEOUT_KINDS (sizeof(timeout_kinds) / sizeof(timeout_kinds[0]))

static void write_timeout_kinds(
    const struct advice_case *c, uint64_t timeouts, FILE *evidence, FILE *remedy)
{
	const char *separator = ": ", *space = "";

	for (size_t i = 0; i < TIMEOUT_KINDS; i++) {
		uint64_t n = errors_of(c, timeout_kinds[i].type);

		if (n == 0)
			continue;
		fprintf(evidence, "%s%llu %s", separator, (unsigned long long)n,
		    timeout_kinds[i].words);
		separator = ", ";
		if (!advice_is_share(n, timeouts, KIND_SHARE))
			continue;
		fprintf(remedy, "%s%s", space, timeout_kinds[i].remedy);
		space = " ";
	}
	if (!*space)
		fputs("Reduce the context, lower max_tokens, switch to a faster model, and check "
		      "the network.",
		    remedy);
}

/* A bot may publish a timeout as an error with a type such as timeout_idle. */
static uint64_t timeouts_by_type(const struct advice_case *c)
{
	uint64_t n = errors_of(c, "timeout");

	for (size_t i = 0; i < TIMEOUT_KINDS; i++)
		n += errors_of(c, timeout_kinds[i].type);
	return n;
}

static void judge_timeouts(struct advice_case *c)
{
	uint64_t by_status = c->all->timeouts;
	uint64_t by_type = timeouts_by_type(c), n = by_type > by_status ? by_type : by_status;
	struct advice_draft d;

	if (!is_frequent(c, n, TIMEOUTS_WARNING) || !advice_draft_open(c, &d))
		return;
	advice_write_share(d.evidence, n, c->all->requests);
	c->explained += n;
	fprintf(d.evidence, " timed out %s", c->span);
	write_foremost(c, offsetof(struct stats_row, timeouts), ", most", d.evidence);
	write_timeout_kinds(c, n, d.evidence, d.remedy);
	fputc('.', d.evidence);
	advice_draft_add(c, &d, "timeouts", "frequent timeouts",
	    advice_share_severity(n, c->all->requests, TIMEOUTS_CRITICAL, ADVICE_WARNING), NULL);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void judge_rate_limits(struct advice_case *c)
{
	uint64_t n = errors_of(c, "rate_limited");
	struct advice_draft d;

	if (!is_frequent(c, n, RATE_LIMITS_WARNING) || !advice_draft_open(c, &d))
		return;
	advice_write_share(d.evidence, n, c->all->requests);
	c->explained += n;
	fprintf(d.evidence, " were refused with HTTP 429 %s.", c->span);
	fputs("Send fewer requests at a time, wait as long as Retry-After says, spread them over "
	      "models or providers, or raise the account's limits.",
	    d.remedy);
	advice_draft_add(c, &d, "rate_limited", "rate limits",
	    advice_share_severity(n, c->all->requests, RATE_LIMITS_CRITICAL, ADVICE_WARNING), NULL);
}

static void judge_refusal(struct advice_case *c, const char *type, int status, const char *remedy)
{
	uint64_t n = errors_of(c, type);
	struct advice_draft d;

	if (n == 0 || !advice_draft_open(c, &d))
		return;
	advice_write_share(d.evidence, n, c->all->requests);
	c->explained += n;
	fprintf(
	    d.evidence, " %s refused with HTTP %d %s.", n == 1 ? "was" : "were", status, c->span);
	fputs(remedy, d.remedy);
	advice_draft_add(c, &d, "refused", "refused requests", ADVICE_CRITICAL, type);
}

/* --- Other errors ----------------------------------------------------------------------------- */

/* The most frequent error type without a rule of its own; *sum: all such errors. */
static const char *main_type(const struct advice_case *c, uint64_t *sum, uint64_t *most)
{
	const struct snapshot *s = c->snapshot;
	const char *found = NULL;

	*sum = *most = 0;
	for (uint32_t i = 0; i < s->error_type_count; i++) {
		const char *type = s->error_types[i].name;
		uint64_t n = s->error_types[i].count;

		if (is_of_other_rule(type))
			continue;
		*sum = n > UINT64_MAX - *sum ? UINT64_MAX : *sum + n;
		if (n <= *most)
			continue;
		*most = n;
		found = type;
	}
	return found;
}

static enum cause cause_of(const char *type)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (strcmp(type, causes[i].type) == 0)
			return causes[i].cause;
	return CAUSE_OTHER;
}

/* What the last error of the type says, NULL where it is not among the recent ones. */
static const char *last_message(const struct advice_case *c, const char *type)
{
	const struct snapshot *s = c->snapshot;
	const char *found = NULL;

	for (uint32_t i = 0; i < s->recent_count; i++)
		if (*s->recent[i].message && strcmp(s->recent[i].type, type) == 0)
			found = s->recent[i].message;
	return found;
}

static void judge_errors(struct advice_case *c)
{
	uint64_t sum, most;
	const char *message, *type = main_type(c, &sum, &most);
	struct advice_draft d;

	if (!type || !is_frequent(c, sum, ERRORS_WARNING) || !advice_draft_open(c, &d))
		return;
	advice_write_share(d.evidence, sum, c->all->requests);
	c->explained += sum;
	fprintf(d.evidence, " failed %s", c->span);
	fprintf(d.evidence, ", most by %s (%llu)", type, (unsigned long long)most);
	/* Errors are not counted by type and model together. */
	write_foremost(
	    c, offsetof(struct stats_row, failed), "; most failures of any kind", d.evidence);
	fputc('.', d.evidence);
	message = last_message(c, type);
	if (message)
		fprintf(d.evidence, " The last one said: \"%s\".", message);
	fputs(cause_remedies[cause_of(type)], d.remedy);
	advice_draft_add(c, &d, "errors", "many errors",
	    advice_share_severity(sum, c->all->requests, ERRORS_CRITICAL, ADVICE_WARNING), type);
}

static void judge_orphans(struct advice_case *c)
{
	uint64_t n = c->all->orphaned, most;
	const char *bot = advice_foremost(
	    &c->snapshot->by[DIMENSION_BOT], offsetof(struct stats_row, orphaned), &most);
	struct advice_draft d;

	if (n == 0 || !advice_draft_open(c, &d))
		return;
	advice_write_share(d.evidence, n, c->all->requests);
	c->explained += n;
	fprintf(d.evidence, " %s begun by a process that died before the end, %s",
	    n == 1 ? "was" : "were", c->span);
	if (bot && !c->only_bot)
		fprintf(d.evidence, "; most of bot %s (%llu)", bot, (unsigned long long)most);
	fputc('.', d.evidence);
	fputs("Look for why it died: journalctl -k (out of memory?), coredumpctl, the bot's log. A "
	      "bot that is only restarted should finish or cancel its requests first.",
	    d.remedy);
	advice_draft_add(c, &d, "orphaned", "requests whose process died",
	    is_frequent(c, n, ORPHANS_WARNING) ? ADVICE_WARNING : ADVICE_INFO,
	    bot ? bot : c->only_bot);
}

/* --- The whole -------------------------------------------------------------------------------- */

#define TYPES_SHOWN 3

/* ": 19 bad_gateway, 9 rate_limited": the most frequent types. */
static void write_types(const struct advice_case *c, FILE *out)
{
	const struct snapshot *s = c->snapshot;
	uint64_t below = UINT64_MAX;
	const char *after = NULL;

	for (int shown = 0; shown < TYPES_SHOWN; shown++) {
		const char *found = NULL;
		uint64_t most = 0;

		/* The next one in the order of counts, and of names where they are equal. */
		for (uint32_t i = 0; i < s->error_type_count; i++) {
			const char *type = s->error_types[i].name;
			uint64_t n = s->error_types[i].count;

			if (is_no_request(type) || n > below ||
			    (n == below && after && strcmp(type, after) <= 0))
				continue;
			if (n > most || (n == most && found && strcmp(type, found) < 0)) {
				most = n;
				found = type;
			}
		}
		if (!found || most == 0)
			return;
		fprintf(out, "%s%llu %s", shown ? ", " : ": ", (unsigned long long)most, found);
		below = most;
		after = found;
	}
}

static bool is_anything_critical(const struct advice_case *c)
{
	for (size_t i = 0; i < c->out->count; i++)
		if (c->out->findings[i].severity == ADVICE_CRITICAL)
			return true;
	return false;
}

/*
 * Reports failures that no rule above has explained, where they are a share of the traffic. Reports
 * also that much of the traffic fails, where each kind of failure alone is a warning at most.
 */
static void judge_whole(struct advice_case *c)
{
	uint64_t failed = c->all->failed;
	uint64_t rest = failed > c->explained ? failed - c->explained : 0;
	struct advice_draft d;

	if (!is_frequent(c, rest, ERRORS_WARNING) &&
	    (is_anything_critical(c) || !is_frequent(c, failed, ERRORS_CRITICAL)))
		return;
	if (!advice_draft_open(c, &d))
		return;
	advice_write_share(d.evidence, failed, c->all->requests);
	fprintf(d.evidence, " failed %s, in several ways", c->span);
	write_types(c, d.evidence);
	fputc('.', d.evidence);
	fputs("No cause stands out: look at them one by one with ortail --status error, and see "
	      "" ADVICE_STATUS_PAGE ".",
	    d.remedy);
	advice_draft_add(c, &d, "failures", "many failures",
	    advice_share_severity(failed, c->all->requests, ERRORS_CRITICAL, ADVICE_WARNING), NULL);
}

void advice_on_failures(struct advice_case *c)
{
	judge_refusal(c, "insufficient_credits", 402, "Add credits to the account.");
	judge_refusal(
	    c, "unauthorized", 401, "Check the API key: it is wrong, expired or disabled.");
	judge_refusal(c, "forbidden", 403,
	    "The key may not do that, or moderation refused the input: check both.");
	judge_timeouts(c);
	judge_rate_limits(c);
	judge_errors(c);
	judge_orphans(c);
	judge_whole(c);
}
