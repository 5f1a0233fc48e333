/*
 * doc_reader.c: reads an object by its table.
 *
 * The document comes from a file that anyone may have edited or half destroyed, or from a board
 * that another process writes. Its keys may come in any order: what must be there is checked at the
 * end of each object.
 */
#include "doc_reader.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- To an aggregate ----------------------------------------------------------------------------
 */

bool doc_take_time(struct doc_reader *r, uint64_t *ns)
{
	struct doc_text text;
	char copy[64];

	doc_text(&r->source, &text);
	/* A longer one is no time, and does not become one by being cut. */
	return doc_text_cut(&text, copy, sizeof(copy)) && clock_parse_rfc3339(copy, ns);
}

static void take_figure(struct doc_reader *r, const struct doc_field *f, double *out)
{
	doc_figure(&r->source, out);
	if (f->type == DOC_FIGURE ? *out < 0 : isnan(*out) && !(f->flags & NULLABLE))
		refuse(r, -EBADMSG);
}

/*
 * A sum and its rest may come in either order: both are added modulo 2^128, and judged at the end
 * of their object. True: it is null.
 */
static bool take_sum(struct doc_reader *r, const struct doc_field *f, struct exact_sum *sum)
{
	double figure;

	doc_figure(&r->source, &figure);
	if (figure < 0 || (isnan(figure) && !(f->flags & NULLABLE)))
		refuse(r, -EBADMSG);
	sum->units += exact_of(figure).units;
	return isnan(figure);
}

static void take_rest(struct doc_reader *r, struct exact_sum *sum)
{
	int64_t rest;

	doc_integer(&r->source, &rest);
	sum->units += (exact_units)rest;
}

/* True: it is a sum, and null. */
static bool take_field(struct doc_reader *r, const struct doc_field *f, void *at)
{
	if (f->take) {
		f->take(r, f, at);
		return false;
	}
	switch ((enum doc_type)f->type) {
	case DOC_COUNT: doc_count(&r->source, at); break;
	case DOC_INTEGER: doc_integer(&r->source, at); break;
	case DOC_FIGURE:
	case DOC_SIGNED: take_figure(r, f, at); break;
	case DOC_SUM: return take_sum(r, f, at);
	case DOC_SUM_REST: take_rest(r, at); break;
	case DOC_TIME:
		if (!doc_take_time(r, at))
			refuse(r, -EBADMSG);
		break;
	case DOC_BOOL: doc_bool(&r->source, at); break;
	case DOC_OBJECT: doc_read_object(r, f->of, at); break;
	default: doc_skip(&r->source); /* only computed, or read by a function */
	}
	return false;
}

/* Where there is no sum, or null, there is nothing that a rest could be beside. */
static void settle_sum(struct doc_reader *r, bool is_known, struct exact_sum *sum)
{
	if (!is_known)
		sum->units = 0;
	else if (sum->units >> 127)
		refuse(r, -EBADMSG); /* the rest takes away more than there is */
	else if (sum->units > EXACT_UNITS_MAX)
		sum->units = EXACT_UNITS_MAX;
}

/* --- To a snapshot ------------------------------------------------------------------------------
 */

/* A figure is unknown until it is read. */
static void clear_figures(const struct doc_object *o, void *base)
{
	for (unsigned i = 0; i < o->count; i++) {
		const struct doc_field *f = &o->fields[i];
		void *at = (char *)base + f->shown;

		if (f->shown == DOC_NOWHERE || f->flags & BOTH)
			continue;
		if (f->type == DOC_OBJECT)
			clear_figures(f->of, at);
		else if (f->type == DOC_FIGURE || f->type == DOC_SIGNED || f->type == DOC_NUMBER ||
			 f->type == DOC_SUM)
			*(double *)at = NAN;
	}
}

/* Makes room for 8, 16, 32, ... elements, of which nothing is known. False: refused. */
static bool grow_list(
    struct doc_reader *r, const struct doc_field *f, size_t bytes, void **items, size_t count)
{
	size_t room = count ? 2 * count : 8;
	char *grown, *fresh;

	room = room < f->most ? room : f->most;
	grown = realloc(*items, room * bytes);
	if (!grown) {
		refuse(r, -ENOMEM);
		return false;
	}
	*items = grown;
	fresh = memset(grown + count * bytes, 0, bytes);
	if (f->of)
		clear_figures(f->of, fresh);
	for (size_t i = count + 1; i < room; i++)
		memcpy(grown + i * bytes, fresh, bytes);
	return true;
}

/* The next element of a list, {void *items; uint32_t count;}. NULL: refused. */
static void *add_element(struct doc_reader *r, const struct doc_field *f, size_t bytes, void *list)
{
	uint32_t *count = (uint32_t *)(void *)((char *)list + sizeof(void *)), n = *count;
	void *items;

	/* Every list begins with a pointer; its type differs. */
	memcpy(&items, list, sizeof(items));
	if (n == f->most) {
		refuse(r, -EBADMSG);
		return NULL;
	}
	if ((n == 0 || n >= 8) && (n & (n - 1)) == 0) {
		if (!grow_list(r, f, bytes, &items, n))
			return NULL;
		memcpy(list, &items, sizeof(items));
	}
	++*count;
	return (char *)items + n * bytes;
}

static void show_list(struct doc_reader *r, const struct doc_field *f, void *list)
{
	void *element;

	doc_open_array(&r->source);
	while (doc_item(&r->source) && (element = add_element(r, f, f->of->view_bytes, list)))
		(void)doc_show_object(r, f->of, element);
}

/* Each element begins with its name. */
void doc_show_each(struct doc_reader *r, const struct doc_field *f, void *list)
{
	struct doc_text key;
	void *element;

	doc_open(&r->source);
	while (doc_member(&r->source, &key) &&
	       (element = add_element(r, f, f->of->view_bytes, list)) &&
	       doc_take_name(r, &key, element))
		(void)doc_show_object(r, f->of, element);
}

static void show_each_count(struct doc_reader *r, const struct doc_field *f, void *list)
{
	struct named_count *element;
	struct doc_text key;

	doc_open(&r->source);
	while (doc_member(&r->source, &key) &&
	       (element = add_element(r, f, sizeof(*element), list)) &&
	       doc_take_name(r, &key, element->name)) {
		if (doc_kind(&r->source) == '0')
			(void)doc_any_count(&r->source, &element->count);
		else
			doc_skip(&r->source);
	}
}

static void show_text(struct doc_reader *r, const struct doc_field *f, char *at)
{
	struct doc_text text;

	doc_text(&r->source, &text);
	if (!doc_text_cut(&text, at, f->shown_bytes))
		refuse(r, -EBADMSG);
}

/* False: what is said is not known by it: a count that is no integer. */
static bool show_value(struct doc_reader *r, const struct doc_field *f, void *at)
{
	switch ((enum doc_type)f->type) {
	case DOC_COUNT: return doc_any_count(&r->source, at);
	case DOC_FIGURE:
	case DOC_SIGNED:
	case DOC_SUM:
	case DOC_NUMBER: doc_figure(&r->source, at); break;
	case DOC_TIME:
		if (!doc_take_time(r, at))
			*(uint64_t *)at = 0;
		break;
	case DOC_BOOL: doc_bool(&r->source, at); break;
	case DOC_TEXT:
	case DOC_TEXT_OR_NULL: show_text(r, f, at); break;
	case DOC_OBJECT: doc_read_object(r, f->of, at); break;
	case DOC_LIST: show_list(r, f, at); break;
	case DOC_EACH: doc_show_each(r, f, at); break;
	case DOC_EACH_COUNT: show_each_count(r, f, at); break;
	default: doc_skip(&r->source);
	}
	return true;
}

/* What is of another type is passed over, and unknown. */
static void show_field(struct doc_reader *r, const struct doc_field *f, void *at)
{
	static const char kinds[DOC_TYPES] = {[DOC_COUNT] = '0',
	    [DOC_FIGURE] = '0',
	    [DOC_SIGNED] = '0',
	    [DOC_NUMBER] = '0',
	    [DOC_SUM] = '0',
	    [DOC_TIME] = '"',
	    [DOC_BOOL] = 't',
	    [DOC_TEXT] = '"',
	    [DOC_TEXT_OR_NULL] = '"',
	    [DOC_OBJECT] = '{',
	    [DOC_LIST] = '[',
	    [DOC_EACH] = '{',
	    [DOC_EACH_EACH] = '{',
	    [DOC_EACH_COUNT] = '{',
	    [DOC_LIST_COUNT] = '['};

	bool fits = doc_kind(&r->source) == kinds[f->type];

	if (!fits)
		doc_skip(&r->source);
	else if (f->flags & BOTH)
		f->take(r, f, at);
	else
		fits = show_value(r, f, at);
	if (f->has && (fits || f->flags & ANY))
		*(bool *)((char *)r->view + f->has) = true;
}

bool doc_show_object(struct doc_reader *r, const struct doc_object *o, void *base)
{
	if (doc_kind(&r->source) == '{') {
		doc_read_object(r, o, base);
		return true;
	}
	doc_skip(&r->source);
	return false;
}

/* --- Walking a table ----------------------------------------------------------------------------
 */

static bool is_key(const struct doc_field *f, const struct doc_text *key)
{
	return f->key_length == key->length && memcmp(f->key, key->at, key->length) == 0;
}

/* The field of a key, o->count where there is none. As a rule it is the one after the last. */
static unsigned field_of(const struct doc_object *o, const struct doc_text *key, unsigned next)
{
	for (unsigned i = next; i < o->count; i++)
		if (is_key(&o->fields[i], key))
			return i;
	for (unsigned i = 0; i < next; i++)
		if (is_key(&o->fields[i], key))
			return i;
	return o->count;
}

static bool is_wanted(const struct doc_reader *r, const struct doc_field *f)
{
	if (r->view)
		return f->shown != DOC_NOWHERE;
	return (f->flags & (DERIVED | (PARTS & ~r->parts))) == 0;
}

static void settle_object(
    struct doc_reader *r, const struct doc_object *o, char *base, uint64_t seen, uint64_t null)
{
	for (unsigned i = 0; i < o->count; i++) {
		const struct doc_field *f = &o->fields[i];

		if (f->type == DOC_SUM)
			settle_sum(r, seen >> i & ~(null >> i) & 1, (void *)(base + f->offset));
		if (f->flags & MUST && !(seen >> i & 1) && is_wanted(r, f))
			refuse(r, -EBADMSG);
	}
}

void doc_read_object(struct doc_reader *r, const struct doc_object *o, void *base)
{
	uint64_t seen = 0, null = 0; /* by field */
	struct doc_text key;
	unsigned next = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		unsigned i = field_of(o, &key, next);
		const struct doc_field *f = &o->fields[i];

		if (i == o->count || !is_wanted(r, f)) {
			doc_skip(&r->source);
			next = i == o->count ? next : i + 1;
			continue;
		}
		next = i + 1;
		if (seen >> i & 1) {
			refuse(r, -EBADMSG);
			break;
		}
		seen |= UINT64_C(1) << i;
		if (r->view)
			show_field(r, f, (char *)base + f->shown);
		else
			null |= (uint64_t)take_field(r, f, (char *)base + f->offset) << i;
	}
	if (!r->view)
		settle_object(r, o, base, seen, null);
}

bool doc_take_name(struct doc_reader *r, const struct doc_text *key, char name[NAME_BYTES])
{
	if (doc_text_cut(key, name, NAME_BYTES))
		return true;
	refuse(r, -EBADMSG);
	return false;
}
