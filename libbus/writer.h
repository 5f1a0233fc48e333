/*
 * writer.h: a document as it is written, value by value, whatever becomes of it.
 *
 * What a document says is written once; a form makes of it a JSON tree (writer_tree.c) or msgpack
 * (writer_msgpack.c) without a tree. A step that fails spoils the whole, which is not there then:
 * no step needs a check. The keys of an object must differ; within an array, and for the whole,
 * the key is NULL. All text is UTF-8.
 */
#ifndef ORBUS_WRITER_H
#define ORBUS_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Objects and arrays within each other. */
#define WRITER_DEPTH 32

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
	bool spoilt;
};

void writer_object(struct writer *w, const char *key);
void writer_array(struct writer *w, const char *key);
/* Ends the object or array that was begun last. */
void writer_end(struct writer *w);

void writer_null(struct writer *w, const char *key);
void writer_boolean(struct writer *w, const char *key, bool value);
void writer_integer(struct writer *w, const char *key, int64_t value);
void writer_text(struct writer *w, const char *key, const char *text);
/* Counts beyond INT64_MAX stay there. */
void writer_count(struct writer *w, const char *key, uint64_t n);
/* A figure that is not finite is null: unknown is never 0. */
void writer_figure(struct writer *w, const char *key, double value);
/* A JSON value with all that it holds; NULL, a part that failed, spoils the whole. */
void writer_json(struct writer *w, const char *key, const json_t *value);

/* --- As a JSON tree --------------------------------------------------------------------------- */

/* Most counts of a histogram's hundreds are small: each value is made once, and shared. */
#define TREE_SHARED_COUNTS 64

struct tree_writer {
	struct writer writer;
	json_t *root;
	json_t *open[WRITER_DEPTH];
	json_t *counts[TREE_SHARED_COUNTS];
};

void tree_writer_init(struct tree_writer *t);
/* A new reference, NULL after any failure; the writer is done with. */
json_t *tree_writer_take(struct tree_writer *t);

/* --- As msgpack ------------------------------------------------------------------------------- */

struct msgpack_writer {
	struct writer writer;
	char *bytes;
	size_t length, capacity;
	struct {
		size_t at;      /* of the count, which is known at the end */
		uint32_t count; /* members, or items */
	} open[WRITER_DEPTH];
};

void msgpack_writer_init(struct msgpack_writer *m);
/* malloc'ed bytes; NULL after any failure; the writer is done with. */
char *msgpack_writer_take(struct msgpack_writer *m, size_t *length);

#endif
