/*
 * conditions.c: conditions on a sample's keys.
 *
 * What a sample does not have equals nothing and is neither less nor more than anything.
 */
#include "conditions.h"
#include "base/ere.h"
#include "base/nearest.h"
#include "base/parse.h"
#include "keys.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum comparison { IS, IS_NOT, MATCHES, MATCHES_NOT, LESS, AT_MOST, MORE, AT_LEAST };

struct condition {
	struct sample_key key;
	enum comparison comparison;
	const char *pattern; /* of a text, and where it is empty: absent */
	struct ere *ere;     /* of MATCHES and MATCHES_NOT */
	double figure;
};

/* Longer signs before those that they begin with. */
static const struct {
	const char *sign;
	enum comparison comparison;
} comparisons[] = {{"!=", IS_NOT}, {"=~", MATCHES}, {"!~", MATCHES_NOT}, {"==", IS},
    {"<=", AT_MOST}, {">=", AT_LEAST}, {"=", IS}, {"<", LESS}, {">", MORE}};

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

static int out_of_memory(const struct cli_program *p)
{
	fprintf(stderr, "%s: out of memory\n", p->name);
	return CLI_FAILED;
}

static int refuse(
    const struct cli_program *p, const char *option, const char *text, const char *why)
{
	return cli_usage_error(p, "--%s: '%.200s': %s", option, text, why);
}

static bool is_regular(const struct condition *c)
{
	return c->comparison == MATCHES || c->comparison == MATCHES_NOT;
}

static bool text_fits(const struct condition *c, const char *text)
{
	return c->ere ? ere_matches(c->ere, text) : fnmatch(c->pattern, text, 0) == 0;
}

/* Whether any value that the key may have fits: else the condition would hide or show all. */
static bool any_choice_fits(const struct condition *c, const char *choices)
{
	while (*choices) {
		size_t length = strcspn(choices, "|");
		char choice[32];

		snprintf(choice, sizeof(choice), "%.*s", (int)length, choices);
		if (text_fits(c, choice))
			return true;
		choices += length + (choices[length] == '|');
	}
	return false;
}

static int check_choices(
    const struct cli_program *p, const char *option, const char *text, const struct condition *c)
{
	const char *choices = key_choices(&c->key), *meant;
	size_t length;

	if (!choices || any_choice_fits(c, choices))
		return CLI_PROCEED;
	meant = nearest_choice(c->pattern, choices, &length);
	return cli_usage_error(p, "--%s: '%.200s': %s is one of %s%s%.*s%s", option, text,
	    key_name(&c->key), choices, meant ? " (did you mean " : "", meant ? (int)length : 0,
	    meant ? meant : "", meant ? "?)" : "");
}

static int read_regular(const struct cli_program *p, const char *option, const char *text,
    const char *value, struct condition *c)
{
	char why[256];
	int err;

	if (key_type(&c->key) != KEY_TEXT)
		return refuse(p, option, text,
		    "=~ and !~ are for texts: a number is compared by "
		    "= != < <= > or >=");
	if (!*value)
		return refuse(p, option, text, "a regular expression must follow");
	err = ere_new(value, &c->ere, why, sizeof(why));
	if (err == -ENOMEM)
		return out_of_memory(p);
	if (err)
		return cli_usage_error(
		    p, "--%s: '%.200s' is no regular expression: %s", option, value, why);
	return check_choices(p, option, text, c);
}

static int read_text(const struct cli_program *p, const char *option, const char *text,
    const char *value, const struct condition *c)
{
	if (c->comparison != IS && c->comparison != IS_NOT)
		return refuse(p, option, text, "a text is compared by = or !=, =~ or !~");
	if (*value == '<' || *value == '>')
		return refuse(p, option, text, "write <= or >= for a number, and = for a text");
	return check_choices(p, option, text, c);
}

static int read_value(const struct cli_program *p, const char *option, const char *text,
    const char *value, struct condition *c)
{
	bool is_signed = strcmp(key_name(&c->key), "value") == 0;

	c->pattern = value;
	if (key_type(&c->key) == KEY_TIME)
		return refuse(
		    p, option, text, "a time cannot be compared here: see --since and --until");
	if (is_regular(c))
		return read_regular(p, option, text, value, c);
	if (!*value && (c->comparison == IS || c->comparison == IS_NOT))
		return CLI_PROCEED;
	if (key_type(&c->key) == KEY_TEXT)
		return read_text(p, option, text, value, c);
	if ((is_signed ? parse_signed_figure : parse_figure)(value, &c->figure) < 0)
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
		    "no condition: write one such as ttft_ms>3000, tags.user=ann* or model=~^openai/");
	err = key_find(text, length, &c->key, why, sizeof(why));
	if (err == -ENOMEM)
		return out_of_memory(p);
	if (err)
		return cli_usage_error(p, "--%s: %s", option, why);
	return read_value(p, option, text, value, c);
}

int conditions_make(struct conditions *c, const struct cli_program *program, const char *option,
    const struct cli_list *list)
{
	int status = CLI_PROCEED;

	*c = (struct conditions){.items = calloc(list->count + 1, sizeof(*c->items))};
	if (!c->items)
		return out_of_memory(program);
	while (status == CLI_PROCEED && c->count < list->count) {
		status =
		    read_condition(program, option, list->items[c->count], &c->items[c->count]);
		c->count++;
	}
	return status;
}

void conditions_free(struct conditions *c)
{
	while (c->count > 0) {
		c->count--;
		key_free(&c->items[c->count].key);
		ere_free(c->items[c->count].ere);
	}
	free(c->items);
	c->items = NULL;
}

static bool figure_holds(const struct condition *c, double figure)
{
	switch (c->comparison) {
	case IS: return figure == c->figure;
	case IS_NOT: return figure != c->figure;
	case MATCHES:
	case MATCHES_NOT: break; /* of texts */
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

	bool is_not = c->comparison == IS_NOT || c->comparison == MATCHES_NOT;

	if (!*c->pattern)
		return present == is_not;
	if (!present)
		return is_not;
	if (key_type(&c->key) == KEY_TEXT)
		return text_fits(c, v.text) != is_not;
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
