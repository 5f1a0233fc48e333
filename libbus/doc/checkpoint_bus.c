/*
 * checkpoint_bus.c: what the checkpoint says of the bus and the journal.
 */
#include "checkpoint_bus.h"
#include "base/calendar.h"
#include "doc_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int checkpoint_boot_id(char out[40])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	int err = 0;

	memset(out, 0, 40);
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (!fgets(out, 40, f))
		err = -EIO;
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
	return err;
}

void checkpoint_bus_free(struct checkpoint_bus *bus)
{
	free(bus->positions);
	free(bus->counts);
	bus->counts = NULL;
	free(bus->journal.from);
	free(bus->journal.upto);
	free(bus->journal.files);
	bus->positions = bus->journal.from = bus->journal.upto = NULL;
	bus->journal.files = NULL;
	bus->journal.file_count = 0;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void hex_of(const uint8_t id[16], char out[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static void put_lanes(struct writer *w, const char *key, const uint64_t *positions, uint32_t count)
{
	writer_array(w, key);
	for (uint32_t i = 0; i < count; i++)
		writer_count(w, NULL, positions[i]);
	writer_end(w);
}

static void put_file(struct writer *w, const struct checkpoint_journal_file *f)
{
	writer_object(w, NULL);
	writer_count(w, "label", f->name.label);
	if (f->name.mark != PERIOD_UNMARKED)
		writer_count(w, "mark", f->name.mark);
	writer_count(w, "part", f->name.part);
	writer_count(w, "start_ns", f->start_ns);
	writer_count(w, "end_ns", f->end_ns);
	writer_count(w, "length", f->length);
	writer_end(w);
}

static void put_journal(struct writer *w, const struct checkpoint_bus *bus)
{
	const struct checkpoint_journal *j = &bus->journal;

	writer_object(w, "journal");
	writer_boolean(w, "on", j->on);
	if (j->from)
		put_lanes(w, "from", j->from, bus->lane_count);
	if (j->upto && !j->on)
		put_lanes(w, "upto", j->upto, bus->lane_count);
	writer_array(w, "files");
	for (size_t i = 0; i < j->file_count; i++)
		put_file(w, &j->files[i]);
	writer_end(w);
	writer_end(w);
}

void checkpoint_bus_write(const struct checkpoint_bus *bus, struct writer *w)
{
	char id[33];

	hex_of(bus->bus_id, id);
	writer_text(w, "bus_id", id);
	writer_text(w, "boot_id", bus->boot_id);
	put_lanes(w, "positions", bus->positions, bus->lane_count);
	if (bus->counts)
		put_lanes(w, "counts", bus->counts, bus->lane_count);
	if (bus->journal.known)
		put_journal(w, bus);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void read_id(struct doc_source *s, uint8_t id[16])
{
	struct doc_text text;
	char hex[40];

	doc_text(s, &text);
	if (!doc_text_cut(&text, hex, sizeof(hex)) || strlen(hex) != 32 ||
	    strspn(hex, "0123456789abcdef") != 32) {
		doc_fail(s);
		return;
	}
	for (int i = 0; i < 16; i++) {
		unsigned byte = 0;

		(void)sscanf(hex + 2 * i, "%2x", &byte);
		id[i] = (uint8_t)byte;
	}
}

static void read_boot_id(struct doc_source *s, char out[40])
{
	struct doc_text text;

	doc_text(s, &text);
	/* A longer one is none, and does not become one by being cut. */
	if (text.length >= 40 || !doc_text_cut(&text, out, 40))
		doc_fail(s);
}

/* Places in lanes, by lane. */
struct lanes {
	uint64_t *at; /* malloc'ed; NULL: there are none */
	size_t count;
};

/* A list of them. */
static int read_lanes(struct doc_source *s, struct lanes *out)
{
	uint64_t *at = malloc(ORBUS_LANES_MAX * sizeof(*at)), *shorter;

	if (!at)
		return -ENOMEM;
	out->count = doc_counts(s, at, ORBUS_LANES_MAX);
	/* One more than there are: there may be none, and NULL says that the list was missing. */
	shorter = realloc(at, (out->count + 1) * sizeof(*at));
	out->at = shorter ? shorter : at;
	return doc_result(s);
}

/* Gives them away, where there are as many as lanes, or none at all. */
static bool give(struct lanes *l, uint32_t lane_count, uint64_t **out)
{
	if (l->at && l->count != lane_count)
		return false;
	*out = l->at;
	l->at = NULL;
	return true;
}

static int read_file(struct doc_source *s, struct checkpoint_journal_file *f)
{
	enum { LABEL, MARK, PART, START, END, LENGTH, COUNT };
	static const char *const names[COUNT] = {
	    "label", "mark", "part", "start_ns", "end_ns", "length"};
	struct doc_keys keys = DOC_KEYS(names);
	uint64_t figures[COUNT] = {[MARK] = PERIOD_UNMARKED};
	struct journal_name again;
	char text[JOURNAL_NAME_BYTES];
	int key;

	doc_open(s);
	while ((key = doc_next_key(s, &keys)) >= 0)
		doc_count(s, &figures[key]);
	if (doc_failed(s) || (keys.seen | 1u << MARK) != (1u << COUNT) - 1 ||
	    figures[LABEL] > UINT32_MAX || figures[MARK] > UINT32_MAX ||
	    figures[PART] >= JOURNAL_PARTS_MAX || figures[END] <= figures[START])
		return -EBADMSG;
	*f = (struct checkpoint_journal_file){.name = {.label = (uint32_t)figures[LABEL],
						  .mark = (uint32_t)figures[MARK],
						  .part = (uint32_t)figures[PART]},
	    .start_ns = figures[START],
	    .end_ns = figures[END],
	    .length = figures[LENGTH]};
	journal_name_format(&f->name, text);
	return journal_name_parse(text, &again) ? 0 : -EBADMSG;
}

static int read_files(struct doc_source *s, struct checkpoint_journal *j)
{
	struct checkpoint_journal_file *shorter;
	int err = 0;

	j->files = calloc(CHECKPOINT_JOURNAL_FILES_MAX, sizeof(*j->files));
	if (!j->files)
		return -ENOMEM;
	doc_open_array(s);
	while (!err && doc_item(s)) {
		if (j->file_count == CHECKPOINT_JOURNAL_FILES_MAX)
			return -EBADMSG;
		err = read_file(s, &j->files[j->file_count]);
		j->file_count += !err;
	}
	shorter = realloc(j->files, (j->file_count + 1) * sizeof(*j->files));
	if (shorter)
		j->files = shorter;
	return err ? err : doc_result(s);
}

/* What is being read: a list may come before the number of lanes is known. */
struct reading {
	struct checkpoint_bus *bus;
	struct lanes positions, counts, from, upto;
};

static int read_journal(struct doc_source *s, struct reading *r)
{
	enum { ON, FROM, UPTO, FILES };
	static const char *const names[] = {"on", "from", "upto", "files"};
	struct doc_keys keys = DOC_KEYS(names);
	struct checkpoint_journal *j = &r->bus->journal;
	int key, err = 0;

	j->known = true;
	doc_open(s);
	while (!err && (key = doc_next_key(s, &keys)) >= 0) {
		switch (key) {
		case ON: doc_bool(s, &j->on); break;
		case FROM: err = read_lanes(s, &r->from); break;
		case UPTO: err = read_lanes(s, &r->upto); break;
		case FILES: err = read_files(s, j); break;
		}
	}
	if (!err && !doc_has(&keys, FILES))
		err = -EBADMSG;
	return err ? err : doc_result(s);
}

static int read_members(struct doc_source *s, struct reading *r)
{
	enum { BUS_ID, BOOT_ID, POSITIONS, COUNTS, JOURNAL };
	static const char *const names[] = {"bus_id", "boot_id", "positions", "counts", "journal"};
	struct doc_keys keys = DOC_KEYS(names);
	int key, err = 0;

	doc_open(s);
	while (!err && (key = doc_next_key(s, &keys)) >= 0) {
		switch (key) {
		case BUS_ID: read_id(s, r->bus->bus_id); break;
		case BOOT_ID: read_boot_id(s, r->bus->boot_id); break;
		case POSITIONS: err = read_lanes(s, &r->positions); break;
		case COUNTS: err = read_lanes(s, &r->counts); break;
		case JOURNAL: err = read_journal(s, r); break;
		}
	}
	if (err)
		return err;
	doc_end(s);
	return doc_has(&keys, BUS_ID) && doc_has(&keys, BOOT_ID) && doc_has(&keys, POSITIONS)
	           ? doc_result(s)
	           : -EBADMSG;
}

int checkpoint_bus_read(struct doc_source *s, struct checkpoint_bus *bus)
{
	struct reading r = {.bus = bus};
	int err;

	memset(bus, 0, sizeof(*bus));
	err = read_members(s, &r);
	if (!err) {
		bus->lane_count = (uint32_t)r.positions.count;
		if (!give(&r.positions, bus->lane_count, &bus->positions) ||
		    !give(&r.counts, bus->lane_count, &bus->counts) ||
		    !give(&r.from, bus->lane_count, &bus->journal.from) ||
		    !give(&r.upto, bus->lane_count, &bus->journal.upto))
			err = -EBADMSG;
	}
	free(r.positions.at);
	free(r.counts.at);
	free(r.from.at);
	free(r.upto.at);
	return err;
}
