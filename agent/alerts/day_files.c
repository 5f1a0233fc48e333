/*
 * day_files.c: reads files of days, one after the other.
 *
 * A file that was read to its end and is no document, or is no file of ours at all, counts as
 * nothing: waiting for it would switch a rule off. An error of reading says nothing about the
 * content, and the file is asked for again, ever less often.
 */
#include "day_files.h"
#include "agent/common/worker.h"
#include "agent/store/read.h"
#include "agent/store/store.h"
#include "base/clock.h"
#include "doc/doc_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MAX_S 60
/* More text than that is read beside the loop. */
#define AT_ONCE_BYTES ((size_t)64 << 10)

struct day_files {
	struct store *const *store;
	struct log *log;
	day_files_take_fn *take;
	void *context;
	struct log_once last_error;
	struct worker *worker;
	bool is_asking; /* the store is fetching the file */
	bool is_decoding;
	unsigned backoff_seconds;
	uint64_t next_ns; /* CLOCK_MONOTONIC: no file is read before */
	/* The file, and what it says: the worker's while it is being decoded. */
	struct day_key key;
	char *bytes; /* NULL: none is being decoded */
	size_t length;
	int error;
	struct aggregate sum;
};

static void back_off(struct day_files *f)
{
	f->backoff_seconds = f->backoff_seconds ? 2 * f->backoff_seconds : 1;
	if (f->backoff_seconds > BACKOFF_MAX_S)
		f->backoff_seconds = BACKOFF_MAX_S;
	f->next_ns = clock_monotonic_ns() + f->backoff_seconds * NS_PER_SECOND;
}

static void answer(struct day_files *f, const struct aggregate *sum, const char *fault)
{
	f->backoff_seconds = 0;
	f->take(f->context, &f->key, sum, fault);
}

static void decode(void *files)
{
	struct day_files *f = files;

	f->error = document_from_text(f->bytes, f->length, DOCUMENT_ALL, NULL, NULL, &f->sum);
}

static void forget(struct day_files *f)
{
	if (f->bytes)
		aggregate_free(&f->sum);
	free(f->bytes);
	f->bytes = NULL;
	f->is_decoding = false;
}

static void take_decoded(struct day_files *f)
{
	if (f->error == -ENOMEM)
		back_off(f);
	else
		answer(f, f->error ? NULL : &f->sum, f->error ? "is damaged or not ours" : NULL);
	forget(f);
}

/* The bytes are the store's, and gone after the callback. */
static int keep_bytes(struct day_files *f, const struct store_result *r)
{
	f->bytes = malloc(r->length + 1);
	if (!f->bytes)
		return -ENOMEM;
	memcpy(f->bytes, r->bytes, r->length);
	f->length = r->length;
	aggregate_init(&f->sum);
	return 0;
}

static void got_file(void *context, const struct store_result *r)
{
	struct day_files *f = context;
	bool is_foreign = store_is_foreign(r->error), is_told = r->error == -ENOENT || is_foreign;

	f->is_asking = false;
	log_once(f->log, &f->last_error, r->name, store_step_name(r->step), is_told ? 0 : r->error);
	if (is_told) {
		answer(f, NULL, is_foreign ? store_foreign_text(r->error) : NULL);
	} else if (r->error || keep_bytes(f, r) < 0) {
		back_off(f);
	} else if (f->length <= AT_ONCE_BYTES || worker_start(f->worker, decode, f) < 0) {
		decode(f);
		take_decoded(f);
	} else {
		f->is_decoding = true;
	}
}

bool day_files_is_free(const struct day_files *f)
{
	return !f->is_asking && !f->is_decoding && *f->store && clock_monotonic_ns() >= f->next_ns;
}

void day_files_ask(struct day_files *f, const char *name, const struct day_key *key)
{
	f->key = *key;
	f->is_asking = store_get(*f->store, name, got_file, f) == 0;
	if (!f->is_asking)
		back_off(f);
}

void day_files_begin(struct day_files *f)
{
	f->backoff_seconds = 0;
	f->next_ns = 0;
}

void day_files_go_on(struct day_files *f)
{
	if (f->is_decoding && !worker_is_busy(f->worker))
		take_decoded(f);
}

bool day_files_is_decoding(const struct day_files *f)
{
	return f->is_decoding;
}

struct day_files *day_files_new(
    struct store *const *store, struct log *log, day_files_take_fn *take, void *context)
{
	struct day_files *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->store = store;
	f->log = log;
	f->take = take;
	f->context = context;
	f->worker = worker_new();
	if (f->worker)
		return f;
	free(f);
	return NULL;
}

void day_files_free(struct day_files *f)
{
	if (!f)
		return;
	worker_free(f->worker);
	forget(f);
	free(f);
}
