/*
 * fuzz_period.c: any msgpack as a period's document is read or refused, and the same document as
 * JSON text likewise. A document that is restored and written again restores to the same totals.
 */
#include "doc/doc_read.h"
#include "doc/msgpack_tree.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 16

static char *written(const struct aggregate *a, const struct trends *trends, size_t *length)
{
	struct document_context context = {.period_kind = "hourly",
	    .end_ns = UINT64_C(3600000000000),
	    .trends = trends,
	    .restorable = true};
	struct msgpack_writer m;
	char *bytes;

	msgpack_writer_init(&m);
	document_write(&m.writer, NULL, a, &context);
	bytes = msgpack_writer_take(&m, length);
	MUST(bytes);
	return bytes;
}

/* Their documents are the same, with all that an aggregate holds. */
static void must_be_equal(const struct aggregate *a, const struct aggregate *b)
{
	size_t a_length, b_length;
	char *one = written(a, NULL, &a_length), *other = written(b, NULL, &b_length);

	MUST(a_length == b_length && memcmp(one, other, a_length) == 0);
	free(one);
	free(other);
}

static void must_restore_again(const struct aggregate *a, const struct trends *trends)
{
	struct aggregate again;
	struct trends hours;
	size_t length;
	char *bytes = written(a, trends, &length);

	aggregate_init(&again);
	MUST(document_from_msgpack(bytes, length, DOCUMENT_ALL, NULL, &hours, &again) == 0);
	MUST(again.requests.total == a->requests.total && again.requests.ok == a->requests.ok);
	MUST(again.requests.tokens.total == a->requests.tokens.total);
	MUST(again.by_model.count == a->by_model.count && again.lost == a->lost);
	MUST(again.requests.response_ms.count == a->requests.response_ms.count);
	MUST(memcmp(&hours, trends, sizeof(hours)) == 0);
	aggregate_free(&again);
	free(bytes);
}

/* As a tree it has each key once, so both forms say the same. */
static void must_be_the_same_as_text(const json_t *document)
{
	char *text = json_dumps(document, JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY), *bytes;
	struct document_period periods[2];
	struct msgpack_writer m;
	struct aggregate a, b;
	size_t length;
	int err;

	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, document);
	bytes = msgpack_writer_take(&m, &length);
	MUST(text && bytes);
	aggregate_init(&a);
	aggregate_init(&b);
	err = document_from_text(text, strlen(text), DOCUMENT_ALL, &periods[0], NULL, &a);
	MUST(document_from_msgpack(bytes, length, DOCUMENT_ALL, &periods[1], NULL, &b) == err);
	if (err == 0) {
		MUST(memcmp(&periods[0], &periods[1], sizeof(periods[0])) == 0);
		must_be_equal(&a, &b);
	}
	aggregate_free(&a);
	aggregate_free(&b);
	free(text);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *document = json_from_msgpack(data, size, DEPTH);
	struct trends trends;
	struct aggregate a;

	aggregate_init(&a);
	if (document_from_msgpack(data, size, DOCUMENT_ALL, NULL, &trends, &a) == 0)
		must_restore_again(&a, &trends);
	aggregate_free(&a);
	if (document)
		must_be_the_same_as_text(document);
	json_decref(document);
	return 0;
}
