/*
 * tags.c: tags given as "key=value".
 */
#include "tags.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int cli_tags_make(
    struct cli_tags *t, const struct cli_program *program, const struct cli_list *list)
{
	t->count = 0;
	if (list->count > ORBUS_TAGS_MAX)
		return cli_usage_error(program, "--tag: at most %d tags", ORBUS_TAGS_MAX);
	while (t->count < list->count) {
		const char *text = list->items[t->count], *equals = strchr(text, '=');
		char *key;

		if (!equals || equals == text)
			return cli_usage_error(
			    program, "--tag: '%.200s' is not of the form key=value", text);
		key = strndup(text, (size_t)(equals - text));
		if (!key) {
			fprintf(stderr, "%s: out of memory\n", program->name);
			return CLI_FAILED;
		}
		t->items[t->count++] = (struct orbus_tag){key, equals + 1};
	}
	return CLI_PROCEED;
}

void cli_tags_free(struct cli_tags *t)
{
	while (t->count > 0)
		free((char *)(uintptr_t)t->items[--t->count].key);
}
