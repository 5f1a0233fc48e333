/*
 * writer.h: a document as it is written, value by value, whatever becomes of it.
 *
 * What a document says is written once; a form makes of it a JSON tree (tree_out.c), or, without
 * one, msgpack (msgpack_out.c) or a file's text (json_out.c). A step that fails fails the
 * whole, which is not there then: no step needs a check. The keys of an object must differ; within
 * an array, and for the whole, the key is NULL. All text is UTF-8.
 */
#ifndef ORBUS_DOC_WRITER_H
#define ORBUS_DOC_WRITER_H

#include "base/buffer.h"
#include "base/data_limits.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum writer_type { WRITER_NULL, WRITER_BOOLEAN, WRITER_INTEGER, WRITER_REAL, WRITER_TEXT };

struct writer_value {
	enum writer_type type;
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct {
			const char *bytes;
			size_t length;
		} text;
	};
};

struct writer;

/* What a form does with each step. */
struct writer_form {
	void (*open)(struct writer *w, const char *key, bool is_array);
	void (*close)(struct writer *w);
	void (*value)(struct writer *w, const char *key, const struct writer_value *value);
};

struct writer {
	const struct writer_form *form;
	unsigned depth; /* objects and arrays that are open */
	bool failed;
	bool too_deep; /* that is why */
};

void writer_object(struct writer *w, const char *key);
void writer_array(struct writer *w, const char *key);
/* Ends the object or array that was begun last. */
void writer_end(struct writer *w);

void writer_null(struct writer *w, const char *key);
void writer_boolean(struct writer *w, const char *key, bool value);
void writer_integer(struct writer *w, const char *key, int64_t value);
/* NULL is null. */
void writer_text(struct writer *w, const char *key, const char *text);
void writer_bytes(struct writer *w, const char *key, const char *text, size_t length);
/* Counts beyond COUNT_MAX stay there. */
void writer_count(struct writer *w, const char *key, uint64_t n);
/* A figure that is not known (NaN) is null, never 0. Those beyond FIGURE_MAX stay there. */
void writer_figure(struct writer *w, const char *key, double value);
/* A JSON value with all that it holds; NULL, a part that failed, fails the whole. */
void writer_json(struct writer *w, const char *key, const json_t *value);

/* --- As a JSON tree --------------------------------------------------------------------------- */

/* Most counts of a histogram's hundreds are small: each value is made once, and shared. */
#define TREE_SHARED_COUNTS 64

struct tree_writer {
	struct writer writer;
	json_t *root;
	json_t *open[DOCUMENT_DEPTH_MAX];
	json_t *counts[TREE_SHARED_COUNTS];
};

void tree_writer_init(struct tree_writer *t);
/* A new reference, NULL after any failure; the writer is done with. */
json_t *tree_writer_take(struct tree_writer *t);

/* --- As msgpack ------------------------------------------------------------------------------- */

struct msgpack_writer {
	struct writer writer;
	struct buffer packed;
	struct {
		size_t at;      /* of the count, which is known at the end */
		uint32_t count; /* members, or items */
	} open[DOCUMENT_DEPTH_MAX];
};

void msgpack_writer_init(struct msgpack_writer *m);
/* The same after a head, which is not msgpack. */
void msgpack_writer_init_after(struct msgpack_writer *m, const void *head, size_t length);
/* Another writer's msgpack as a value of this one. */
void msgpack_writer_splice(
    struct msgpack_writer *m, const char *key, const char *bytes, size_t length);
/* malloc'ed bytes; NULL after any failure; the writer is done with. */
char *msgpack_writer_take(struct msgpack_writer *m, size_t *length);

/* --- As a file's text ------------------------------------------------------------------------- */

/* What would be longer than DOCUMENT_BYTES_MAX is not written: no reader would take it. */
struct text_writer {
	struct writer writer;
	struct buffer text;
	bool too_large; /* that is why it is failed */
	struct {
		bool is_array, any;
	} open[DOCUMENT_DEPTH_MAX];
};

void text_writer_init(struct text_writer *t);
/* malloc'ed, with a NUL beyond its length; NULL after any failure; the writer is done with. */
char *text_writer_take(struct text_writer *t, size_t *length);

#endif
