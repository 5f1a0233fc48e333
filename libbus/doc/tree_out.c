/*
 * tree_out.c: a document as a JSON tree.
 */
#include "writer.h"

static void attach(struct writer *w, const char *key, json_t *value)
{
	struct tree_writer *t = (struct tree_writer *)w;
	json_t *within = w->depth ? t->open[w->depth - 1] : NULL;

	if (!within) {
		w->failed |= !value;
		t->root = value;
	} else if (key) {
		w->failed |= json_object_set_new_nocheck(within, key, value) < 0;
	} else {
		w->failed |= json_array_append_new(within, value) < 0;
	}
}

static void tree_open(struct writer *w, const char *key, bool is_array)
{
	json_t *value = is_array ? json_array() : json_object();

	((struct tree_writer *)w)->open[w->depth] = value;
	attach(w, key, value);
}

static void tree_close(struct writer *w)
{
	(void)w;
}

static json_t *integer(struct tree_writer *t, int64_t n)
{
	if (n < 0 || n >= TREE_SHARED_COUNTS)
		return json_integer(n);
	if (!t->counts[n])
		t->counts[n] = json_integer(n);
	return json_incref(t->counts[n]);
}

static json_t *to_json(struct tree_writer *t, const struct writer_value *v)
{
	switch (v->type) {
	case WRITER_BOOLEAN: return json_boolean(v->boolean);
	case WRITER_INTEGER: return integer(t, v->integer);
	case WRITER_REAL: return json_real(v->real);
	case WRITER_TEXT: return json_stringn_nocheck(v->text.bytes, v->text.length);
	case WRITER_NULL: break;
	}
	return json_null();
}

static void tree_value(struct writer *w, const char *key, const struct writer_value *value)
{
	attach(w, key, to_json((struct tree_writer *)w, value));
}

static const struct writer_form form = {tree_open, tree_close, tree_value};

void tree_writer_init(struct tree_writer *t)
{
	*t = (struct tree_writer){.writer.form = &form};
}

json_t *tree_writer_take(struct tree_writer *t)
{
	for (int i = 0; i < TREE_SHARED_COUNTS; i++)
		json_decref(t->counts[i]);
	if (!t->writer.failed)
		return t->root;
	json_decref(t->root);
	return NULL;
}
