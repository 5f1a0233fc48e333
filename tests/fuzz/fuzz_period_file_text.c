/*
 * fuzz_period_file_text.c: any text in the place of a period's file is a period or none, whatever
 * parts are wanted; and what is taken of it as a whole can be written, and read again to the same.
 */
#include "doc/doc_read.h"
#include "doc/document.h"
#include "document_text.h"
#include "must.h"

#include <stdlib.h>

static char *written(const struct aggregate *a, size_t *length)
{
	const struct document_context context = {
	    .period_kind = "hourly", .end_ns = UINT64_C(3600000000000), .restorable = true};
	json_t *document = document_from_aggregate(a, &context);
	char *text;

	MUST(document);
	text = document_to_text(document, length);
	MUST(text);
	json_decref(document);
	return text;
}

static void must_read_again(const struct aggregate *a)
{
	struct document_period period;
	struct aggregate again;
	size_t length;
	char *text = written(a, &length);

	aggregate_init(&again);
	MUST(document_from_text(text, length, DOCUMENT_ALL, &period, NULL, &again) == 0);
	MUST(again.requests.total == a->requests.total && again.lost == a->lost);
	MUST(again.by_model.count == a->by_model.count && again.by_bot.count == a->by_bot.count);
	MUST(again.requests.response_ms.count == a->requests.response_ms.count);
	MUST(again.gauges.count == a->gauges.count);
	/* Sums to the last bit, with what doubles leave out; a cost that nobody reported is none.
	 */
	MUST(again.requests.response_ms.sum.units == a->requests.response_ms.sum.units);
	MUST(!a->requests.cost_known || again.requests.cost.units == a->requests.cost.units);
	for (uint32_t i = 0; i < a->counts.count; i++) {
		const struct name_table_entry *e = &a->counts.entries[i];
		const struct exact_sum *one = e->value,
				       *other = name_table_find(&again.counts, e->name);

		MUST(other && one->units == other->units);
	}
	aggregate_free(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document_period period;
	struct aggregate some, all;
	unsigned parts = size ? data[size - 1] % DOCUMENT_ALL : 0;

	aggregate_init(&some);
	aggregate_init(&all);
	(void)document_from_text((const char *)data, size, parts, &period, NULL, &some);
	if (document_from_text((const char *)data, size, DOCUMENT_ALL, &period, NULL, &all) == 0)
		must_read_again(&all);
	aggregate_free(&some);
	aggregate_free(&all);
	return 0;
}
