/*
 * history.c: --since and --until: what the journal holds, and how the ring goes on from it.
 */
#include "history.h"
#include "base/clock.h"
#include "base/parse.h"
#include "common/data_folder.h"
#include "common/print.h"
#include "common/time_parse.h"
#include "journal/read.h"
#include "ring/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TOOL "ortail"

struct history {
	char *folder;
	uint64_t since_ns, until_ns;
	bool past;                    /* the past is asked for too */
	struct journal_read *journal; /* NULL: there is none */
};

static int read_moment(
    const char *option, const char *text, uint64_t now_ns, enum moment_use use, uint64_t *out)
{
	char shown[128], meant[32];

	if (!text || time_parse(text, now_ns, use, out) == 0)
		return CLI_PROCEED;
	text_sanitise(shown, sizeof(shown), text);
	if (parse_duration_meant(text, meant, sizeof(meant)))
		return cli_usage_error(
		    &ortail_program, "%s: '%s' is no time: did you mean %s?", option, shown, meant);
	return cli_usage_error(&ortail_program,
	    "%s: '%s' is no time: say how long ago (2h), a time of today (14:30), a day "
	    "(2026-11-24), or RFC 3339 (2026-11-24T14:30:00Z)",
	    option, shown);
}

static int say(const struct history *h, int err)
{
	const char *file = h->journal ? journal_read_file(h->journal) : "";
	char remedy[1024];

	fprintf(stderr, TOOL ": cannot read the journal in ");
	print_text(stderr, h->folder);
	fprintf(stderr, "%s%s: %s", *file ? ", " : "", file, strerror(-err));
	if (err == -EACCES) {
		data_folder_remedy(h->folder, NULL, err, remedy, sizeof(remedy));
		fprintf(stderr, ": %s", remedy);
	}
	fputc('\n', stderr);
	return CLI_FAILED;
}

/* --since in the future: nothing of the past is asked for. */
static int read_times(struct history *h, const struct ortail_settings *s)
{
	uint64_t now_ns = clock_realtime_ns();
	int status = read_moment("--since", s->since, now_ns, MOMENT_SINCE, &h->since_ns);

	h->until_ns = UINT64_MAX;
	if (status == CLI_PROCEED)
		status = read_moment("--until", s->until, now_ns, MOMENT_UNTIL, &h->until_ns);
	if (status == CLI_PROCEED && h->until_ns <= h->since_ns)
		status = cli_usage_error(&ortail_program, "--until: must be after --since");
	h->past = s->since || h->until_ns <= now_ns;
	return status;
}

static int open_journal(struct history *h)
{
	int err = journal_read_open(h->folder, h->since_ns, h->until_ns, &h->journal);

	if (err && err != -ENOENT)
		return say(h, err);
	if (err) {
		fputs(TOOL ": no journal in ", stderr);
		print_text(stderr, h->folder);
		fputs(" (oragent --journal keeps one): only what the bus still holds\n", stderr);
	}
	return CLI_PROCEED;
}

int history_open(const struct ortail_settings *settings, struct history **out)
{
	struct history *h;
	int status;

	*out = NULL;
	if (!settings->since && !settings->until)
		return CLI_PROCEED;
	h = calloc(1, sizeof(*h));
	if (h)
		h->folder = data_folder_choose(settings->data_dir, settings->bus);
	if (!h || !h->folder) {
		free(h);
		fputs(TOOL ": out of memory\n", stderr);
		return CLI_FAILED;
	}
	status = read_times(h, settings);
	if (status == CLI_PROCEED && h->past)
		status = open_journal(h);
	if (status == CLI_PROCEED)
		*out = h;
	else
		history_close(h);
	return status;
}

/* Reads also what came into the journal meanwhile: the ring may have overwritten it. */
int history_next(struct history *h, struct orbus_sample *out)
{
	uint64_t damaged;
	int found = 0, more = 1;

	while (h->journal && more == 1 && (found = journal_read_next(h->journal, out)) == 0)
		more = journal_read_renew(h->journal);
	if (found < 0 || more < 0)
		return -say(h, found < 0 ? found : more);
	damaged = found == 0 && h->journal ? journal_read_damaged(h->journal) : 0;
	if (damaged > 0)
		fprintf(stderr,
		    TOOL ": %" PRIu64 " damaged lines of the journal were passed over\n", damaged);
	return found;
}

/* The checkpoint, where it is of the ring that the reader reads. */
static const struct checkpoint_bus *checkpoint_of(
    const struct history *h, const struct orbus_reader *reader)
{
	const struct checkpoint_bus *c = h->journal ? journal_read_checkpoint(h->journal) : NULL;

	return c && c->journal.known && c->lane_count == reader_lane_count(reader) &&
	               memcmp(c->bus_id, reader_bus_id(reader), sizeof(c->bus_id)) == 0
	           ? c
	           : NULL;
}

void history_attach(struct history *h, struct orbus_reader *reader)
{
	const struct checkpoint_bus *c = checkpoint_of(h, reader);

	if (h->journal && !journal_read_checkpoint(h->journal)) {
		fputs(TOOL ": the checkpoint beside the journal cannot be read: what the bus holds "
			   "may be in the journal, and is not shown\n",
		    stderr);
		orbus_reader_skip(reader);
	}
	if (!c)
		return;
	if (!c->journal.on)
		fputs(TOOL ": the journal is no longer kept: of what came since, only what the bus "
			   "still holds\n",
		    stderr);
	for (uint32_t i = 0; c->journal.on && i < c->lane_count; i++)
		(void)reader_set_position(reader, i, c->positions[i], c->counts ? c->counts[i] : 0);
}

static bool is_in_journal(const struct history *h, const struct orbus_reader *reader)
{
	const struct sample_origin *o = reader_origin(reader);
	const struct checkpoint_bus *c = checkpoint_of(h, reader);
	const uint64_t *upto;

	if (!c || o->lane >= c->lane_count)
		return false;
	upto = c->journal.upto && !c->journal.on ? c->journal.upto : c->positions;
	return (!c->journal.from || o->record >= c->journal.from[o->lane]) &&
	       o->record < upto[o->lane];
}

bool history_wants(
    const struct history *h, const struct orbus_reader *reader, const struct orbus_sample *s)
{
	if (!h)
		return true;
	if (s->ts < h->since_ns || s->ts >= h->until_ns)
		return false;
	return s->kind != ORBUS_KIND_REQUEST || !is_in_journal(h, reader);
}

bool history_is_asked_for(const struct history *h)
{
	return h && h->past;
}

int history_left_ms(const struct history *h, int most)
{
	uint64_t now_ns = clock_realtime_ns(), left_ms;

	if (!h || h->until_ns == UINT64_MAX)
		return most;
	if (now_ns >= h->until_ns)
		return 0;
	left_ms = (h->until_ns - now_ns) / 1000000 + 1;
	return left_ms < (uint64_t)most ? (int)left_ms : most;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	journal_read_close(h->journal);
	free(h->folder);
	free(h);
}
