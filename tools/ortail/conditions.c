/*
 * conditions.c: conditions on a sample's keys.
 *
 * What a sample does not have equals nothing and is neither less nor more than anything.
 */
#include "conditions.h"
#include "base/parse.h"
#include "keys.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum comparison { IS, IS_NOT, LESS, AT_MOST, MORE, AT_LEAST };

struct condition {
	struct sample_key key;
	enum comparison comparison;
	const char *pattern; /* of a text, and where it is empty: absent */
	double figure;
};

/* Longer signs before those that they begin with. */
static const struct {
	const char *sign;
	enum comparison comparison;
} comparisons[] = {
    {"!=", IS_NOT}, {"<=", AT_MOST}, {">=", AT_LEAST}, {"=", IS}, {"<", LESS}, {">", MORE}};

/* Cuts the sign off the text's front; NULL where there is none. */
static const char *read_sign(const char *text, enum comparison *out)
{
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
		size_t length = strlen(comparisons[i].sign);

		if (strncmp(text, comparisons[i].sign, length) == 0) {
			*out = comparisons[i].comparison;
			return text + length;
		}
	}
	return NULL;
}

static int refuse(
    const struct cli_program *p, const char *option, const char *text, const char *why)
{
	return cli_usage_error(p, "--%s: '%.200s': %s", option, text, why);
}

static int read_value(const struct cli_program *p, const char *option, const char *text,
    const char *value, struct condition *c)
{
	bool ordered = c->comparison != IS && c->comparison != IS_NOT;

	c->pattern = value;
	if (key_type(&c->key) == KEY_TIME)
		return refuse(p, option, text, "a time cannot be compared here");
	if (!*value && !ordered)
		return CLI_PROCEED;
	if (key_type(&c->key) == KEY_TEXT)
		return ordered ? refuse(p, option, text, "a text is compared by = or !=")
		               : CLI_PROCEED;
	if (parse_figure(value, &c->figure) < 0)
		return refuse(p, option, text, "a number must follow, such as 3000");
	return CLI_PROCEED;
}

static int read_condition(
    const struct cli_program *p, const char *option, const char *text, struct condition *c)
{
	size_t length = strcspn(text, "=!<>");
	const char *value = read_sign(text + length, &c->comparison);
	char why[768];
	int err;

	if (!value || length == 0)
		return refuse(p, option, text,
		    "no condition: write one such as ttft_ms>3000 or tags.user=ann*");
	err = key_find(text, length, &c->key, why, sizeof(why));
	if (err == -ENOMEM) {
		fprintf(stderr, "%s: out of memory\n", p->name);
		return CLI_FAILED;
	}
	if (err)
		return cli_usage_error(p, "--%s: %s", option, why);
	return read_value(p, option, text, value, c);
}

int conditions_make(struct conditions *c, const struct cli_program *program, const char *option,
    const struct cli_list *list)
{
	int status = CLI_PROCEED;

	*c = (struct conditions){.items = calloc(list->count + 1, sizeof(*c->items))};
	if (!c->items) {
		fprintf(stderr, "%s: out of memory\n", program->name);
		return CLI_FAILED;
	}
	while (status == CLI_PROCEED && c->count < list->count) {
		status =
		    read_condition(program, option, list->items[c->count], &c->items[c->count]);
		c->count++;
	}
	return status;
}

void conditions_free(struct conditions *c)
{
	while (c->count > 0)
		key_free(&c->items[--c->count].key);
	free(c->items);
	c->items = NULL;
}

static bool figure_holds(const struct condition *c, double figure)
{
	switch (c->comparison) {
	case IS: return figure == c->figure;
	case IS_NOT: return figure != c->figure;
	case LESS: return figure < c->figure;
	case AT_MOST: return figure <= c->figure;
	case MORE: return figure > c->figure;
	case AT_LEAST: return figure >= c->figure;
	}
	return false;
}

static bool holds(const struct condition *c, const struct orbus_sample *s)
{
	struct key_value v;
	bool present = key_read(&c->key, s, &v);

	if (!*c->pattern)
		return present == (c->comparison == IS_NOT);
	if (!present)
		return c->comparison == IS_NOT;
	if (key_type(&c->key) == KEY_TEXT)
		return (fnmatch(c->pattern, v.text, 0) == 0) == (c->comparison == IS);
	return figure_holds(c, key_type(&c->key) == KEY_COUNT ? (double)v.count : v.figure);
}

bool conditions_all(const struct conditions *c, const struct orbus_sample *s)
{
	for (size_t i = 0; i < c->count; i++)
		if (!holds(&c->items[i], s))
			return false;
	return true;
}

bool conditions_any(const struct conditions *c, const struct orbus_sample *s)
{
	for (size_t i = 0; i < c->count; i++)
		if (holds(&c->items[i], s))
			return true;
	return false;
}
