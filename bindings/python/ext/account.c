/*
 * account.c: counts what a producer published, dropped and failed to read.
 *
 * A sample that cannot be published is counted in `dropped` and explained by `last_error`: a bot
 * that runs must not fail for its metrics.
 */
#include "account.h"
#include "base/now.h"
#include "base/utf8.h"
#include "doc/sample_log.h"
#include "errors.h"

#include <errno.h>
#include <math.h>
#include <string.h>

void producer_note(struct producer *p, int err)
{
	if (!err)
		return;
	p->dropped++;
	p->last_error = err;
}

static void add_to_totals(struct totals *t, const struct orbus_sample *s)
{
	const char *model = s->model ? s->model : s->requested_model;
	double tps = orbus_sample_tps(s);
	size_t length;

	t->requests++;
	t->last_response_ms = s->response_ms;
	t->sum_response_ms += s->response_ms;
	t->last_tps = isnan(tps) ? 0 : tps;
	if (s->completion_tokens != ORBUS_NONE)
		t->tokens += s->completion_tokens;
	t->last_ttft_ms = s->ttft_ms;
	if (!isnan(s->ttft_ms)) {
		t->first_tokens++;
		t->sum_ttft_ms += s->ttft_ms;
	}
	if (model) {
		length = utf8_cut(model, strlen(model), sizeof(t->model) - 1);
		memcpy(t->model, model, length);
		t->model[length] = '\0';
	}
}

/* "INFO - OpenRouter ..." to the logger, under the level that the line names. */
static bool log_line(PyObject *logger, const char *line, size_t length)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = {{"DEBUG - ", 10}, {"INFO - ", 20}, {"WARNING - ", 30}, {"ERROR - ", 40}};
	PyObject *done;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		size_t n = strlen(levels[i].name);

		if (length < n || memcmp(line, levels[i].name, n) != 0)
			continue;
		done = PyObject_CallMethod(
		    logger, "log", "is#", levels[i].level, line + n, (Py_ssize_t)(length - n));
		Py_XDECREF(done);
		return done;
	}
	return true;
}

/*
 * The words of ortail's log format. What goes wrong with them is not the bot's concern, but a
 * KeyboardInterrupt or SystemExit that comes meanwhile is: it stays set.
 */
static void log_ended(struct producer *p, const struct orbus_sample *s)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	locale_t before;
	bool ok = out;

	if (out) {
		before = uselocale(p->state->c_locale);
		log_sample(out, false, s);
		ok = fclose(out) == 0;
		uselocale(before);
	}
	for (char *line = text, *end; ok && (end = strchr(line, '\n')); line = end + 1)
		ok = log_line(p->logger, line, (size_t)(end - line));
	free(text);
	if (!ok) {
		clear_exception();
		producer_note(p, -EIO);
	}
}

static void add_to_summary(struct producer *p, const struct orbus_sample *s)
{
	struct orbus_sample copy = *s;

	if (!copy.bot)
		copy.bot = PyUnicode_AsUTF8(p->bot);
	if (!copy.ts)
		copy.ts = now_ns_of(CLOCK_REALTIME);
	if (!aggregate_add(p->summary, &copy))
		producer_note(p, -ENOMEM);
}

void producer_ended(struct producer *p, const struct orbus_sample *s)
{
	if (p->summary)
		add_to_summary(p, s);
	if (s->kind != ORBUS_KIND_REQUEST)
		return;
	if (s->status == ORBUS_STATUS_OK && !isnan(s->response_ms))
		add_to_totals(&p->totals, s);
	if (p->logger != Py_None)
		log_ended(p, s);
}

void producer_publish(struct producer *p, const struct orbus_sample *s)
{
	int err = p->handle ? orbus_publish(p->handle, s) : -EBADF;

	producer_note(p, err);
	if (!err)
		producer_ended(p, s);
}
