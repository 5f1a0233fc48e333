/*
 * template_parse.c: reading a template.
 *
 * It comes from a command line, which may have come from anywhere: it is checked as a whole before
 * the first line is printed. What a key cannot be shown as is refused, not guessed.
 */
#include "base/utf8.h"
#include "template.h"
#include "template_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const char *text, *at;
	char *error;
	size_t error_bytes;
};

bool template_is_meant(const char *text)
{
	return strchr(text, '{') != NULL;
}

__attribute__((format(printf, 2, 3))) static int refuse(
    const struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->error, p->error_bytes, format, args);
	va_end(args);
	return -EINVAL;
}

/* Where a byte of the template is, as a person counts. */
static int column(const struct parser *p, const char *at)
{
	int n = 1;

	for (const char *s = p->text; s < at; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static struct part *new_part(struct template *t)
{
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 8;
		struct part *parts = realloc(t->parts, capacity * sizeof(*parts));

		if (!parts)
			return NULL;
		t->parts = parts;
		t->capacity = capacity;
	}
	t->parts[t->count] = (struct part){.spec = {.fill = " ", .precision = NONE}};
	return &t->parts[t->count++];
}

/* A brace that stands for itself, or a backslash's n, t or backslash: its character, else 0. */
static char escaped(const char *at)
{
	if ((*at == '{' || *at == '}') && at[1] == *at)
		return *at;
	if (*at != '\\')
		return 0;
	return at[1] == 'n' ? '\n' : at[1] == 't' ? '\t' : at[1] == '\\' ? '\\' : 0;
}

/* What stands between fields. */
static int read_literal(struct parser *p, struct template *t)
{
	struct part *part = new_part(t);
	size_t used = 0;

	part = part && (part->literal = malloc(strlen(p->at) + 1)) ? part : NULL;
	if (!part)
		return -ENOMEM;
	for (char c; *p->at; p->at += c ? 2 : 1) {
		c = escaped(p->at);
		if (!c && *p->at == '{')
			break;
		if (!c && *p->at == '}')
			return refuse(p,
			    "the '}' at character %d closes nothing: write }} for a brace",
			    column(p, p->at));
		part->literal[used++] = c ? c : *p->at;
	}
	part->literal[used] = '\0';
	return 0;
}

static bool is_align(char c)
{
	return c == '<' || c == '>' || c == '^' || c == '=';
}

/* Length in bytes of the character there; the template is UTF-8. */
static size_t character_bytes(const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* [[fill]align][0] */
static int read_align(struct parser *p, const char **at, struct spec *spec)
{
	size_t n = **at ? character_bytes(*at) : 0;

	if (n > 0 && is_align((*at)[n])) {
		memcpy(spec->fill, *at, n);
		spec->fill[n] = '\0';
		if ((unsigned char)spec->fill[0] < ' ' || text_width(spec->fill) != 1)
			return refuse(
			    p, "'%s' cannot fill: it does not take one column", spec->fill);
		*at += n;
	}
	if (is_align(**at))
		spec->align = *(*at)++;
	if (**at == '0' && !spec->align) {
		strcpy(spec->fill, "0");
		spec->align = '=';
		(*at)++;
	}
	return 0;
}

static int read_number(struct parser *p, const char **at, const char *what, int *out)
{
	int n = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++) {
		n = n * 10 + (**at - '0');
		if (n > TEMPLATE_WIDTH_MAX)
			return refuse(p, "a %s beyond %d makes no sense", what, TEMPLATE_WIDTH_MAX);
	}
	*out = n;
	return 0;
}

/* strftime() prints what it does not know as it stands, which nobody means. */
static int check_time_format(const struct parser *p, const char *format)
{
	for (const char *s = strchr(format, '%'); s; s = strchr(s + 1, '%')) {
		s++;
		if (*s == 'E' || *s == 'O')
			s++;
		if (!*s || !strchr("aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%", *s))
			return refuse(p,
			    "'%%%.*s' is no conversion of strftime: %%H:%%M:%%S and %%Y-%%m-%%d are; "
			    "{time:.3} has decimals",
			    (int)(*s ? character_bytes(s) : 0), s);
	}
	return 0;
}

static int read_spec(struct parser *p, const char *at, struct spec *spec)
{
	int err = read_align(p, &at, spec);

	if (!err)
		err = read_number(p, &at, "width", &spec->width);
	if (!err && (*at == ',' || *at == '_'))
		spec->separator = *at++;
	if (!err && *at == '.') {
		at++;
		if (*at < '0' || *at > '9')
			return refuse(p, "a precision is missing after '.'");
		err = read_number(p, &at, "precision", &spec->precision);
	}
	if (err)
		return err;
	if (*at == '%') {
		spec->time_format = strdup(at);
		return spec->time_format ? check_time_format(p, at) : -ENOMEM;
	}
	if (*at && strchr("sdfeg", *at))
		spec->type = *at++;
	if (*at)
		return refuse(p,
		    "'%.*s' is not understood after ':': it is [[fill]align][0][width][,][.precision]"
		    "[type], with < > ^ for align and s d f e g for type",
		    (int)character_bytes(at), at);
	return 0;
}

/* Whether the key has what the spec asks for. */
static int check_spec(const struct parser *p, const struct part *part)
{
	static const char *const types[] = {
	    [KEY_TEXT] = "s", [KEY_COUNT] = "dfeg", [KEY_FIGURE] = "feg", [KEY_TIME] = "s"};
	static const char *const words[] = {[KEY_TEXT] = "a text",
	    [KEY_COUNT] = "a whole number",
	    [KEY_FIGURE] = "a figure with decimals",
	    [KEY_TIME] = "a time"};
	const char *name = key_name(&part->key);
	const struct spec *s = &part->spec;
	enum key_type type = key_type(&part->key);
	bool number = type == KEY_COUNT || type == KEY_FIGURE;

	if (s->type && !strchr(types[type], s->type))
		return refuse(p, "%s is %s, which has no type '%c'%s", name, words[type], s->type,
		    s->type == 'd' && number ? ": write .0f" : "");
	if (!number && s->align == '=')
		return refuse(p, "%s is %s, which nothing can fill with zeros", name, words[type]);
	if (!number && s->separator)
		return refuse(p, "%s is %s, which has no thousands", name, words[type]);
	if (number && s->align == '=' && s->separator)
		return refuse(p, "%s: zeros and thousands do not go together", name);
	if (type == KEY_COUNT && s->precision != NONE && (s->type == 0 || s->type == 'd'))
		return refuse(p, "%s is a whole number, which has no precision: write .%df", name,
		    s->precision);
	if (type != KEY_TIME && s->time_format)
		return refuse(p, "%s is %s, which has no '%%'", name, words[type]);
	if (type == KEY_TIME && s->precision != NONE &&
	    (s->precision > 9 || s->time_format || !key_time_format(&part->key)))
		return refuse(p, "%s has no such precision: {time:.3} has, up to .9", name);
	return 0;
}

/* Inside the braces: KEY[|DEFAULT][:SPEC], which end at `end`. */
static int read_inside(struct parser *p, const char *end, struct part *part)
{
	const char *start = p->at + 1, *name_end = start, *spec;
	char *text;
	int err;

	while (name_end < end && *name_end != '|' && *name_end != ':')
		name_end++;
	if (name_end == start)
		return refuse(p, "the braces at character %d hold no key: write one, as in {model}",
		    column(p, p->at));
	err = key_find(start, (size_t)(name_end - start), &part->key, p->error, p->error_bytes);
	if (err)
		return err;
	spec = memchr(name_end, ':', (size_t)(end - name_end));
	if (*name_end == '|')
		part->missing = strndup(name_end + 1, (size_t)((spec ? spec : end) - name_end) - 1);
	else
		part->missing = strdup("-");
	if (!part->missing)
		return -ENOMEM;
	if (!spec)
		return 0;
	text = strndup(spec + 1, (size_t)(end - spec) - 1);
	if (!text)
		return -ENOMEM;
	err = read_spec(p, text, &part->spec);
	free(text);
	return err ? err : check_spec(p, part);
}

static int read_field(struct parser *p, struct template *t)
{
	struct part *part = new_part(t);
	const char *end = strpbrk(p->at + 1, "{}");
	int err;

	if (!part)
		return -ENOMEM;
	if (!end || *end == '{')
		return refuse(p,
		    "the '{' at character %d is not closed: write {KEY}, or {{ for a brace",
		    column(p, p->at));
	err = read_inside(p, end, part);
	p->at = end + 1;
	return err;
}

/* Tabs and line ends may be typed as they are; other control characters may not. */
static int check_text(const struct parser *p)
{
	char safe[8];

	if (!utf8_is_valid(p->text, strlen(p->text)))
		return refuse(p, "it is not valid UTF-8");
	for (const char *s = p->text; *s; s += character_bytes(s)) {
		char one[8] = "";

		memcpy(one, s, character_bytes(s));
		text_sanitise(safe, sizeof(safe), one);
		if (*s != '\n' && *s != '\t' && strcmp(safe, one) != 0)
			return refuse(p,
			    "character %d is a control character: only \\n and \\t may be there",
			    column(p, s));
	}
	return 0;
}

static int read_template(struct parser *p, struct template *t)
{
	bool has_field = false;
	int err = check_text(p);

	while (!err && *p->at) {
		bool field = *p->at == '{' && p->at[1] != '{';

		err = field ? read_field(p, t) : read_literal(p, t);
		has_field |= field;
	}
	if (!err && !has_field)
		return refuse(p, "it names no key: {{ is a brace, {model} is the model");
	return err;
}

int template_parse(const char *text, struct template **out, char *error, size_t error_bytes)
{
	struct parser p = {text, text, error, error_bytes};
	struct template *t = calloc(1, sizeof(*t));
	int err = t ? read_template(&p, t) : -ENOMEM;

	if (err) {
		template_free(t);
		return err;
	}
	*out = t;
	return 0;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		free(t->parts[i].literal);
		free(t->parts[i].missing);
		free(t->parts[i].spec.time_format);
		key_free(&t->parts[i].key);
	}
	free(t->parts);
	free(t);
}
