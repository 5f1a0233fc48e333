/*
 * fuzz_sample.c: any bytes in a slot are a valid sample or none; a valid one survives being encoded
 * and decoded again, and can be shown as JSON.
 */
#include "doc/sample_json.h"
#include "must.h"
#include "sample/sample.h"

#include <string.h>

#define SLOT_BYTES 65536

static char arena[2 * SLOT_BYTES + 4096], arena_again[2 * SLOT_BYTES + 4096], buffer[SLOT_BYTES];

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_figure(double a, double b)
{
	return a == b || (a != a && b != b);
}

static void must_survive(const struct orbus_sample *s)
{
	struct sample_storage storage = {.arena = arena_again};
	struct orbus_sample again;
	int length = sample_encode(s, s->ts, NULL, buffer, sizeof(buffer));

	MUST(length > 0);
	MUST(sample_decode(buffer, (size_t)length, &storage, &again) == 0);
	MUST(again.kind == s->kind && again.ts == s->ts);
	MUST(s->kind != ORBUS_KIND_REQUEST || again.status == s->status);
	MUST(same_text(again.bot, s->bot) && same_text(again.model, s->model));
	MUST(same_text(again.request_id, s->request_id) && same_text(again.name, s->name));
	MUST(same_figure(again.response_ms, s->response_ms) && same_figure(again.value, s->value));
	MUST(again.prompt_tokens == s->prompt_tokens && again.tag_count == s->tag_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample_storage storage = {.arena = arena};
	struct orbus_sample s;
	json_t *object;

	if (size > SLOT_BYTES)
		return 0;
	MUST(sample_arena_bytes(size) <= sizeof(arena));
	if (sample_decode(data, size, &storage, &s) != 0)
		return 0;
	object = sample_to_json(&s);
	MUST(object);
	json_decref(object);
	if (sample_validate(&s) == 0)
		must_survive(&s);
	return 0;
}
