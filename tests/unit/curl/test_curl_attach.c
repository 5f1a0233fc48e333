/*
 * test_curl_attach.c: an attach that fails, at any step, changes nothing of the handle; errno is
 * left as it was.
 */
#include "orbus_curl.h"
#include "testing.h"

#include <errno.h>

static int until_failure = -1; /* allocations that still succeed; negative: all do */
static int options_set;
static curl_write_callback write_set; /* on the handle, the last one */

static bool fails(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

/* By the linker's --wrap these take the place of those that the binding calls. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...);

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return fails() ? NULL : __real_realloc(old, bytes);
}

CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	CURLcode result;
	va_list arguments;

	va_start(arguments, option);
	if (option == CURLOPT_WRITEFUNCTION) {
		va_list again;

		va_copy(again, arguments);
		write_set = va_arg(again, curl_write_callback);
		va_end(again);
	}
	result = option < CURLOPTTYPE_OBJECTPOINT
	             ? __real_curl_easy_setopt(easy, option, va_arg(arguments, long))
	             : __real_curl_easy_setopt(easy, option, va_arg(arguments, void *));
	va_end(arguments);
	options_set++;
	return result;
}

static int errno_seen;

/* The only one: a slot stays with its function, and a test below needs all of them. */
static size_t on_data(char *bytes, size_t size, size_t count, void *data)
{
	(void)bytes, (void)data;
	errno_seen = errno;
	errno = ENOSPC;
	return size * count;
}

static const struct orbus_curl_options options = {.request = "{\"model\":\"m\",\"messages\":[]}",
    .connect_timeout_ms = 1000,
    .idle_timeout_ms = 1000,
    .total_timeout_ms = 5000};

static void nothing_is_set_where_an_allocation_fails(void **state)
{
	struct orbus_producer *p;
	CURL *easy = curl_easy_init();
	struct orbus_curl *call = NULL;
	int steps = 0, err;

	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	for (;; steps++) {
		until_failure = steps;
		options_set = 0;
		err = orbus_curl_attach(p, easy, on_data, NULL, &options, &call);
		until_failure = -1;
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_null(call);
		assert_int_equal(options_set, 0);
		call = (struct orbus_curl *)easy; /* a failure must say NULL */
	}
	assert_true(steps >= 2);
	assert_true(options_set > 0);
	assert_int_equal(orbus_curl_detach(call, CURLE_ABORTED_BY_CALLBACK), 0);
	curl_easy_cleanup(easy);
	orbus_producer_close(p);
}

static void nothing_is_set_where_no_slot_is_free(void **state)
{
	enum { MOST = 4096 };
	struct orbus_curl **calls = calloc(MOST, sizeof(struct orbus_curl *)), *one_more;
	CURL *easy = curl_easy_init();
	struct orbus_producer *p;

	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	for (int i = 0; i < MOST; i++)
		assert_int_equal(orbus_curl_attach(p, easy, on_data, NULL, NULL, &calls[i]), 0);
	options_set = 0;
	assert_int_equal(orbus_curl_attach(p, easy, on_data, NULL, &options, &one_more), -EBUSY);
	assert_null(one_more);
	assert_int_equal(options_set, 0);
	for (int i = 0; i < MOST; i++)
		assert_int_equal(orbus_curl_detach(calls[i], CURLE_ABORTED_BY_CALLBACK), 0);
	assert_int_equal(orbus_curl_attach(p, easy, on_data, NULL, &options, &one_more), 0);
	assert_int_equal(orbus_curl_detach(one_more, CURLE_OK), 0);
	free(calls);
	curl_easy_cleanup(easy);
	orbus_producer_close(p);
}

static int detached_by_itself;

static void detach_within(void *data, const struct orbus_sample *sample)
{
	struct orbus_curl *const *call = data;

	(void)sample;
	assert_int_equal(orbus_curl_error_code(*call), 0);
	detached_by_itself = orbus_curl_detach(*call, CURLE_OK);
}

static void is_no_call(struct orbus_curl *call)
{
	assert_int_equal(orbus_curl_timeout_ms(call), -1);
	assert_false(orbus_curl_is_answered(call));
	assert_int_equal(orbus_curl_error_code(call), 0);
	assert_null(orbus_curl_unread(call));
	assert_int_equal(orbus_curl_detach(call, CURLE_OK), call ? -EINVAL : 0);
}

/* The table in orbus_curl.h. Reading it is test_api_table.c's. */
static void misuse_is_refused(void **state)
{
	struct orbus_producer *p, *closed;
	struct orbus_curl *call = NULL, *again;
	struct orbus_curl_options o = options;
	CURL *easy = curl_easy_init();

	o.sample_function = detach_within;
	o.sample_data = &call;
	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	assert_int_equal(orbus_producer_open(*state, "bot", &closed), 0);
	orbus_producer_close(closed);
	options_set = 0;
	assert_int_equal(orbus_curl_attach(NULL, easy, on_data, NULL, &o, &call), -EINVAL);
	assert_int_equal(orbus_curl_attach(closed, easy, on_data, NULL, &o, &call), -EINVAL);
	assert_int_equal(orbus_curl_attach(p, NULL, on_data, NULL, &o, &call), -EINVAL);
	assert_int_equal(orbus_curl_attach(p, easy, on_data, NULL, &o, NULL), -EINVAL);
	assert_int_equal(options_set, 0);
	is_no_call(NULL);
	is_no_call((struct orbus_curl *)p);
	is_no_call((struct orbus_curl *)easy);
	is_no_call((struct orbus_curl *)(uintptr_t)0x5a5a5a5a5a5a5a5b);

	assert_int_equal(orbus_curl_attach(p, easy, on_data, NULL, &o, &call), 0);
	assert_int_equal(orbus_curl_detach(call, CURLE_OK), 0);
	assert_int_equal(detached_by_itself, -EALREADY);
	is_no_call(call);
	assert_int_equal(orbus_curl_attach(p, easy, on_data, NULL, &options, &again), 0);
	is_no_call(call);
	orbus_producer_close(p);
	assert_int_equal(orbus_curl_detach(again, CURLE_OK), -EINVAL);
	is_no_call(again);
	curl_easy_cleanup(easy);
}

static void errno_is_the_programs(void **state)
{
	struct orbus_producer *p;
	CURL *easy = curl_easy_init();
	struct orbus_curl *call;
	char bytes[] = "data: {}\n\n";

	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	errno = EDOM;
	assert_int_equal(orbus_curl_attach(p, easy, on_data, easy, &options, &call), 0);
	assert_int_equal(errno, EDOM);
	assert_int_equal(write_set(bytes, 1, sizeof(bytes) - 1, easy), sizeof(bytes) - 1);
	assert_int_equal(errno_seen, EDOM);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(orbus_curl_detach(call, CURLE_OK), 0);
	assert_int_equal(errno, ENOSPC);
	curl_easy_cleanup(easy);
	orbus_producer_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(nothing_is_set_where_an_allocation_fails),
	    bus_test(errno_is_the_programs),
	    bus_test(nothing_is_set_where_no_slot_is_free),
	    bus_test(misuse_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
