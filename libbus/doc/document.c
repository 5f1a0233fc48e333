/*
 * document.c: an aggregate as the document that files and the board hold: by the tables of
 * schema.def.
 */
#include "document.h"

#include "doc_tables.h"
#include "doc_write.h"

void document_write(
    struct writer *w, const char *key, const struct aggregate *a, const struct document_context *c)
{
	doc_write_object(
	    &(struct doc_writer){.to = w, .context = c, .sum = a}, key, &doc_document, a);
}

void document_write_lifetime(struct writer *w, const char *key, const struct document_context *c)
{
	doc_write_object(&(struct doc_writer){.to = w,
			     .context = c,
			     .sum = c->lifetime,
			     .is_lifetime = true,
			     .has_breakdown = true},
	    key, &doc_lifetime, c->lifetime);
}

void document_write_trends(struct writer *w, const char *key, const struct trends *trends)
{
	static const struct document_context none;

	if (trends)
		doc_write_object(
		    &(struct doc_writer){.to = w, .context = &none}, key, &doc_trends, trends);
	else
		writer_null(w, key);
}

void document_write_stats(struct writer *w, const char *key, const struct name_table *stats)
{
	static const struct document_context none;
	struct doc_writer to = {.to = w, .context = &none};

	writer_object(w, key);
	for (uint32_t i = 0; i < stats->count; i++)
		doc_write_object(&to, stats->entries[i].name, &doc_stats, stats->entries[i].value);
	writer_end(w);
}

json_t *document_from_aggregate(const struct aggregate *a, const struct document_context *c)
{
	struct tree_writer t;

	tree_writer_init(&t);
	document_write(&t.writer, NULL, a, c);
	return tree_writer_take(&t);
}
