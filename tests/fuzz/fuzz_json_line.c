/*
 * fuzz_json_line.c: any line given to orpub is a sample or an error that says why; what is taken
 * can be published, or is refused with a reason, and is the same sample when it comes back as JSON.
 */
#include "doc/sample_json.h"
#include "must.h"
#include "sample/sample.h"

#include <errno.h>
#include <string.h>

static char buffer[65536];

static void must_come_back(const struct orbus_sample *s)
{
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	struct orbus_sample again;
	char why[256];
	json_t *object = sample_to_json(s);

	MUST(object);
	MUST(sample_from_json(object, tags, &again, why, sizeof(why)) == 0);
	MUST(again.kind == s->kind && again.prompt_tokens == s->prompt_tokens);
	MUST(!s->model == !again.model && (!s->model || strcmp(s->model, again.model) == 0));
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	struct orbus_sample s;
	char why[256] = "";
	json_t *object = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	int err;

	if (!object)
		return 0;
	err = sample_from_json(object, tags, &s, why, sizeof(why));
	MUST(err == 0 || (why[0] && memchr(why, '\0', sizeof(why))));
	if (err == 0 && sample_validate(&s) == 0) {
		int length = sample_encode(&s, s.ts, "bot", buffer, sizeof(buffer));

		MUST(length > 0 || length == -EMSGSIZE);
		must_come_back(&s);
	}
	json_decref(object);
	return 0;
}
