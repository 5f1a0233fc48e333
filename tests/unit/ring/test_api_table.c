/*
 * test_api_table.c: the table in orbus.h, read from there and walked: each function in each
 * situation answers as the table says, and each function that the library exports has a row.
 */
#include "orbus.h"
#include "ring/handle.h"
#include "testing.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum situation { IS_NULL, IS_CLOSED, IS_IN_USE, IN_HANDLER, IN_CHILD, SITUATIONS };

#define WORD_BYTES 32
#define HEADER     "libbus/include/orbus.h"

struct row {
	char name[64];
	char answers[SITUATIONS][WORD_BYTES];
};

/* What the functions are called with. */
struct arguments {
	const char *bus;
	struct orbus_producer *p;
	struct orbus_reader *r;
	struct orbus_request *request;
	const struct orbus_sample *sample;
	bool with_places; /* of results */
};

/* --- Each function, and its answer in a word of the table --------------------------------------
 */

static const char *word_of(int result)
{
	switch (result) {
	case -EINVAL: return "EINVAL";
	case -EALREADY: return "EALREADY";
	default: return result >= 0 ? "works" : "another error";
	}
}

static const char *word_of_count(uint64_t n)
{
	return n == 0 ? "0" : "works";
}

static const char *ask_init(struct arguments *a)
{
	struct orbus_sample s;

	orbus_sample_init(a->with_places ? &s : NULL);
	return a->with_places ? "works" : "nothing";
}

static const char *ask_tps(struct arguments *a)
{
	return isnan(orbus_sample_tps(a->sample)) ? "NaN" : "works";
}

static const char *ask_decode_tps(struct arguments *a)
{
	return isnan(orbus_sample_decode_tps(a->sample)) ? "NaN" : "works";
}

static const char *ask_kind_name(struct arguments *a)
{
	(void)a;
	return orbus_kind_name((enum orbus_kind) - 1) || !orbus_kind_name(ORBUS_KIND_COUNT)
	           ? "wrong"
	           : "works";
}

static const char *ask_status_name(struct arguments *a)
{
	(void)a;
	return orbus_status_name((enum orbus_status)99) || !orbus_status_name(ORBUS_STATUS_OK)
	           ? "wrong"
	           : "works";
}

static const char *ask_strerror(struct arguments *a)
{
	(void)a;
	return orbus_strerror(-EALREADY) && orbus_strerror(123456) ? "works" : "wrong";
}

static const char *ask_version(struct arguments *a)
{
	(void)a;
	return orbus_version() ? "works" : "wrong";
}

/* NULL is the bus of $ORBUS, which is ours. */
static const char *ask_create(struct arguments *a)
{
	return word_of(orbus_create(a->bus, NULL));
}

static const char *ask_inspect(struct arguments *a)
{
	struct orbus_bus_info info;

	return word_of(orbus_inspect(a->bus, a->with_places ? &info : NULL));
}

static const char *ask_producer_open(struct arguments *a)
{
	struct orbus_producer *p = NULL;
	int err = orbus_producer_open(a->bus, "bot", a->with_places ? &p : NULL);

	orbus_producer_close(p);
	return word_of(err);
}

static const char *ask_publish(struct arguments *a)
{
	if (a->p && !a->with_places)
		assert_int_equal(orbus_publish(a->p, NULL), -EINVAL);
	return word_of(orbus_publish(a->p, a->sample));
}

static const char *ask_refused(struct arguments *a)
{
	struct orbus_sample none;
	uint64_t refused;

	if (orbus_producer_refused(a->p) == 0 && a->p) {
		orbus_sample_init(&none);
		none.kind = ORBUS_KIND_GAUGE; /* without a name */
		(void)orbus_publish(a->p, &none);
	}
	refused = orbus_producer_refused(a->p);
	return word_of_count(refused);
}

static const char *ask_producer_close(struct arguments *a)
{
	bool was_open = handle_is_open(a->p, HANDLE_PRODUCER);
	bool is_used = was_open && a->request; /* set by the code that prepared the situation */

	orbus_producer_close(a->p);
	if (handle_is_open(a->p, HANDLE_PRODUCER))
		return "still open";
	return !was_open ? "nothing" : is_used ? "later" : "works";
}

static const char *ask_begin(struct arguments *a)
{
	struct orbus_request request;

	return word_of(orbus_request_begin(a->p, a->with_places ? &request : NULL, "m", true));
}

static const char *ask_first_token(struct arguments *a)
{
	orbus_request_first_token(a->request);
	return !a->request ? "nothing" : a->request->first_token_ns ? "works" : "wrong";
}

static const char *ask_end(struct arguments *a)
{
	return word_of(orbus_request_end(a->request, ORBUS_STATUS_OK));
}

static const char *ask_reader_open(struct arguments *a)
{
	struct orbus_reader *r = NULL;
	int err = orbus_reader_open(a->bus, a->with_places ? &r : NULL);

	orbus_reader_close(r);
	return word_of(err);
}

static const char *ask_next(struct arguments *a)
{
	struct orbus_sample s;

	if (a->r && !a->with_places)
		assert_int_equal(orbus_reader_next(a->r, NULL), -EINVAL);
	return word_of(orbus_reader_next(a->r, &s));
}

static const char *ask_wait(struct arguments *a)
{
	return word_of(orbus_reader_wait(a->r, 0));
}

/* Whether it did something is seen by what can be read after it. */
static const char *ask_skip(struct arguments *a)
{
	struct orbus_sample s;

	orbus_reader_skip(a->r);
	return orbus_reader_next(a->r, &s) == 0 ? "works" : "nothing";
}

static const char *ask_lost(struct arguments *a)
{
	return word_of_count(orbus_reader_lost(a->r));
}

static const char *ask_rejected(struct arguments *a)
{
	return word_of_count(orbus_reader_rejected(a->r));
}

static const char *ask_reader_close(struct arguments *a)
{
	bool was_open = handle_is_open(a->r, HANDLE_READER);
	bool is_used = was_open && a->request;

	orbus_reader_close(a->r);
	if (handle_is_open(a->r, HANDLE_READER))
		return "still open";
	return !was_open ? "nothing" : is_used ? "later" : "works";
}

static const struct function {
	const char *name;
	const char *(*ask)(struct arguments *a);
} functions[] = {
    {"orbus_sample_init", ask_init},
    {"orbus_sample_tps", ask_tps},
    {"orbus_sample_decode_tps", ask_decode_tps},
    {"orbus_kind_name", ask_kind_name},
    {"orbus_status_name", ask_status_name},
    {"orbus_strerror", ask_strerror},
    {"orbus_version", ask_version},
    {"orbus_create", ask_create},
    {"orbus_inspect", ask_inspect},
    {"orbus_producer_open", ask_producer_open},
    {"orbus_publish", ask_publish},
    {"orbus_producer_refused", ask_refused},
    {"orbus_producer_close", ask_producer_close},
    {"orbus_request_begin", ask_begin},
    {"orbus_request_first_token", ask_first_token},
    {"orbus_request_end", ask_end},
    {"orbus_reader_open", ask_reader_open},
    {"orbus_reader_next", ask_next},
    {"orbus_reader_wait", ask_wait},
    {"orbus_reader_skip", ask_skip},
    {"orbus_reader_lost", ask_lost},
    {"orbus_reader_rejected", ask_rejected},
    {"orbus_reader_close", ask_reader_close},
};
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

/* --- The table in orbus.h ----------------------------------------------------------------------
 */

static FILE *open_source(const char *name)
{
	const char *folder = getenv("ORBUS_SOURCE_DIR");
	char path[4096];
	FILE *f;

	if (!folder)
		fail_msg("ORBUS_SOURCE_DIR is not set");
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s cannot be read", path);
	return f;
}

/* The table is all lines of a function's name and five words. */
static size_t read_table(const char *header, struct row *rows, size_t capacity)
{
	FILE *f = open_source(header);
	size_t count = 0;
	char line[512];

	while (fgets(line, sizeof(line), f) && count < capacity) {
		struct row *r = &rows[count];
		char more[2];

		count += sscanf(line, " * %63[a-z_] %31s %31s %31s %31s %31s %1s", r->name,
			     r->answers[0], r->answers[1], r->answers[2], r->answers[3],
			     r->answers[4], more) == 6 &&
		         strncmp(r->name, "orbus_", 6) == 0;
	}
	fclose(f);
	return count;
}

static const struct row *row_of(const struct row *rows, size_t count, const char *name)
{
	const struct row *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (found)
			fail_msg("%s has two rows", name);
		found = &rows[i];
	}
	return found;
}

static size_t check_exports(const char *map, const struct row *rows, size_t count)
{
	FILE *f = open_source(map);
	size_t exported = 0;
	char line[256], name[64];

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %63[a-z_];", name) != 1 || strncmp(name, "orbus_", 6) != 0)
			continue;
		exported++;
		if (!row_of(rows, count, name))
			fail_msg("%s has no row in the table of its header", name);
	}
	fclose(f);
	assert_int_equal(exported, count);
	return exported;
}

static void every_exported_function_has_a_row(void **state)
{
	static struct row rows[64];
	size_t count = read_table(HEADER, rows, 64);

	(void)state;
	assert_int_equal(check_exports("libbus/orbus.map", rows, count), FUNCTIONS);
	/* test_curl_attach.c walks this one. */
	count = read_table("bindings/curl/include/orbus_curl.h", rows, 64);
	assert_int_equal(check_exports("bindings/curl/orbus_curl.map", rows, count), 6);
}

/* --- The situations ----------------------------------------------------------------------------
 */

struct world {
	const char *bus;
	struct orbus_sample sample;
	struct orbus_producer *p;
	struct orbus_reader *r;
	struct orbus_request request;
};

/* A reader that has lost samples and rejected one, and has some to read. */
static void set_up(struct world *w, const char *bus)
{
	struct orbus_create_options options = {.slots = 64, .lanes = 8};
	struct orbus_sample s;

	assert_true(orbus_create(bus, &options) >= 0);
	w->bus = bus;
	orbus_sample_init(&w->sample);
	w->sample.response_ms = 1000;
	w->sample.ttft_ms = 100;
	w->sample.completion_tokens = 10;
	assert_int_equal(orbus_reader_open(bus, &w->r), 0);
	orbus_reader_skip(w->r);
	assert_int_equal(orbus_producer_open(bus, "bot", &w->p), 0);
	assert_int_equal(orbus_request_begin(w->p, &w->request, "m", true), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(orbus_publish(w->p, &w->sample), 0);
	assert_int_equal(orbus_reader_next(w->r, &s), 1);
	assert_true(orbus_reader_lost(w->r) > 0);
}

static void tear_down(struct world *w)
{
	orbus_producer_close(w->p);
	orbus_reader_close(w->r);
}

static struct arguments arguments_of(struct world *w)
{
	return (struct arguments){.bus = w->bus,
	    .p = w->p,
	    .r = w->r,
	    .request = &w->request,
	    .sample = &w->sample,
	    .with_places = true};
}

static const char *ask_with_null(const struct function *f, struct world *w)
{
	struct arguments none = {0}, places = arguments_of(w);
	const char *answer;

	/* Handles that are open, and no place for the result, no sample. */
	places.with_places = false;
	places.sample = NULL;
	places.request = NULL;
	places.p = NULL;
	places.r = NULL;
	answer = f->ask(&places);
	assert_string_equal(answer, f->ask(&none));
	if (f->ask == ask_begin || f->ask == ask_publish) {
		places.p = w->p;
		assert_string_equal(answer, f->ask(&places));
	} else if (f->ask == ask_next) {
		places.r = w->r;
		(void)f->ask(&places);
	}
	return answer;
}

/* Closed; of the other kind; a pointer to what is no handle, to nothing, and any number. */
static const char *ask_with_closed(const struct function *f, struct world *w)
{
	struct arguments a = arguments_of(w);
	const char *answer;
	uint64_t rubbish = 0x5a5a5a5a5a5a5a5b;

	orbus_producer_close(w->p);
	orbus_reader_close(w->r);
	answer = f->ask(&a);
	/* Another handle takes the place of the one that was closed: it is another handle. */
	assert_int_equal(orbus_producer_open(w->bus, "bot", &w->p), 0);
	assert_int_equal(orbus_reader_open(w->bus, &w->r), 0);
	assert_string_equal(answer, f->ask(&a));
	for (int i = 0; i < 60; i++) {
		a.p = i == 0   ? (struct orbus_producer *)w->r
		      : i == 1 ? (struct orbus_producer *)&rubbish
		               : (struct orbus_producer *)(uintptr_t)(rubbish << (i - 2) | 1);
		a.r = i == 0 ? (struct orbus_reader *)w->p : (struct orbus_reader *)a.p;
		assert_string_equal(answer, f->ask(&a));
	}
	return answer;
}

/* Holds both handles as a call in another thread does, until it is told to leave. */
struct other_call {
	struct world *w;
	pthread_barrier_t barrier;
};

static void *be_in_a_call(void *context)
{
	struct other_call *o = context;
	struct handle_cell *p = NULL, *r = NULL;

	assert_int_equal(handle_enter(o->w->p, HANDLE_PRODUCER, &p), 0);
	assert_int_equal(handle_enter(o->w->r, HANDLE_READER, &r), 0);
	pthread_barrier_wait(&o->barrier);
	pthread_barrier_wait(&o->barrier);
	handle_leave(p);
	handle_leave(r);
	return NULL;
}

static const char *ask_with_other_thread(const struct function *f, struct world *w)
{
	struct other_call o = {.w = w};
	struct arguments a = arguments_of(w);
	const char *answer;
	pthread_t thread;

	pthread_barrier_init(&o.barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, be_in_a_call, &o), 0);
	pthread_barrier_wait(&o.barrier);
	answer = f->ask(&a);
	pthread_barrier_wait(&o.barrier);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&o.barrier);
	return answer;
}

/* As a signal handler finds them. */
static const char *ask_within_a_call(const struct function *f, struct world *w)
{
	struct handle_cell *p = NULL, *r = NULL;
	struct arguments a = arguments_of(w);
	const char *answer;

	assert_int_equal(handle_enter(w->p, HANDLE_PRODUCER, &p), 0);
	assert_int_equal(handle_enter(w->r, HANDLE_READER, &r), 0);
	answer = f->ask(&a);
	handle_leave(p);
	handle_leave(r);
	return answer;
}

static const char *ask_in_use(const struct function *f, struct world *w)
{
	const char *answer = ask_within_a_call(f, w);

	tear_down(w);
	set_up(w, w->bus);
	assert_string_equal(answer, ask_with_other_thread(f, w));
	return answer;
}

static const char *ask_in_child(const struct function *f, struct world *w)
{
	static char answer[WORD_BYTES];
	int ends[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct arguments a = arguments_of(w);
		const char *word;

		if (f->ask == ask_producer_close || f->ask == ask_reader_close)
			a.request = NULL;
		word = f->ask(&a);
		_exit(write(ends[1], word, strlen(word)) < 0);
	}
	close(ends[1]);
	n = read(ends[0], answer, sizeof(answer) - 1);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	answer[n > 0 ? n : 0] = '\0';
	/* The parent's handles are as they were. */
	assert_int_equal(orbus_publish(w->p, &w->sample), 0);
	assert_int_equal(orbus_reader_wait(w->r, 0), 1);
	return answer;
}

static const char *(*const situations[SITUATIONS])(const struct function *f, struct world *w) = {
    [IS_NULL] = ask_with_null,
    [IS_CLOSED] = ask_with_closed,
    [IS_IN_USE] = ask_in_use,
    /* IN_HANDLER: test_api_concurrent.c has real ones. */
    [IN_CHILD] = ask_in_child,
};

static const char *const situation_names[] = {"NULL", "closed", "in use", "handler", "child"};

static void check_row(const char *bus, const struct function *f, const struct row *row)
{
	for (int i = 0; i < SITUATIONS; i++) {
		const char *answer, *said = row->answers[i];
		struct world w;

		/* Nothing is rejected here: no sample of ours is bad. */
		if (strcmp(said, "-") == 0 || i == IN_HANDLER ||
		    (i == IN_CHILD && f->ask == ask_rejected))
			continue;
		set_up(&w, bus);
		answer = situations[i](f, &w);
		if (strcmp(answer, said) != 0)
			fail_msg("%s, %s: %s, and not %s as orbus.h has it", f->name,
			    situation_names[i], answer, said);
		tear_down(&w);
	}
}

static void each_function_answers_as_the_table_says(void **state)
{
	static struct row rows[64];
	size_t count = read_table(HEADER, rows, 64);

	setenv("ORBUS", *state, 1);
	for (size_t i = 0; i < FUNCTIONS; i++) {
		const struct row *row = row_of(rows, count, functions[i].name);

		if (!row)
			fail_msg("%s has no row in the table of orbus.h", functions[i].name);
		else
			check_row(*state, &functions[i], row);
	}
	unsetenv("ORBUS");
}

/* 16384 in all; and each is refused once it is closed, however often its place was used again. */
static void handles_are_limited_and_never_come_again(void **state)
{
	struct orbus_producer *p, *last = NULL;
	struct orbus_sample s;

	orbus_sample_init(&s);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
		assert_ptr_not_equal(p, last);
		assert_int_equal(orbus_publish(last, &s), -EINVAL);
		orbus_producer_close(last);
		assert_int_equal(orbus_publish(p, &s), 0);
		orbus_producer_close(p);
		last = p;
	}
}

static void there_is_an_end_of_handles(void **state)
{
	static struct handle_cell *cells[HANDLES_MAX + 1];
	struct orbus_producer *p;
	struct orbus_reader *r;
	uint32_t taken = 0;
	int err = 0;

	while (err == 0 && taken <= HANDLES_MAX) {
		cells[taken] = handle_take(&err);
		taken += cells[taken] != NULL;
	}
	assert_int_equal(taken, HANDLES_MAX);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), -ENOBUFS);
	assert_null(p);
	assert_int_equal(orbus_reader_open(*state, &r), -ENOBUFS);
	assert_null(r);
	assert_non_null(strstr(orbus_strerror(-ENOBUFS), "close some"));
	while (taken > 0)
		handle_drop(cells[--taken]);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	orbus_producer_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_exported_function_has_a_row),
	    bus_test(each_function_answers_as_the_table_says),
	    bus_test(handles_are_limited_and_never_come_again),
	    bus_test(there_is_an_end_of_handles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
