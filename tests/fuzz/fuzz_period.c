/*
 * fuzz_period.c: any document in a period's file is a period or none; what is restored and written
 * again restores to the same totals. The input is msgpack, in which most mutations still are a
 * document; reading JSON is jansson's work.
 */
#include "doc/document.h"
#include "doc/msgpack_tree.h"
#include "must.h"

#define DEPTH 16

static void must_restore_again(const struct aggregate *a, const struct trends *trends)
{
	struct document_context context = {.period_kind = "hourly",
	    .end_ns = UINT64_C(3600000000000),
	    .trends = trends,
	    .restorable = true};
	struct aggregate again;
	json_t *document = document_from_aggregate(a, &context);

	MUST(document);
	aggregate_init(&again);
	MUST(document_to_aggregate(document, &again, NULL) == 0);
	MUST(again.requests.total == a->requests.total && again.requests.ok == a->requests.ok);
	MUST(again.requests.tokens.total == a->requests.tokens.total);
	MUST(again.by_model.count == a->by_model.count && again.lost == a->lost);
	MUST(again.requests.response_ms.count == a->requests.response_ms.count);
	aggregate_free(&again);
	json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *document = json_from_msgpack(data, size, DEPTH);
	struct trends trends = {0};
	struct aggregate a;

	if (!document)
		return 0;
	aggregate_init(&a);
	if (document_to_aggregate(document, &a, &trends) == 0)
		must_restore_again(&a, &trends);
	aggregate_free(&a);
	json_decref(document);
	return 0;
}
