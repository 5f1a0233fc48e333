/*
 * schema_list.h: schema.def as a list of keys, for what tells people of them and for the test that
 * the writer keeps to it. It is not for readers, whose tables know where a value lies (doc_read.c).
 */
#ifndef ORBUS_DOC_SCHEMA_LIST_H
#define ORBUS_DOC_SCHEMA_LIST_H

#include <stdbool.h>
#include <stddef.h>

enum schema_shape {
	SHAPE_COUNT,
	SHAPE_INTEGER,
	SHAPE_FIGURE, /* or null */
	SHAPE_NUMBER,
	SHAPE_TEXT,
	SHAPE_TEXT_OR_NULL,
	SHAPE_TIME,
	SHAPE_BOOL,
	SHAPE_OBJECT,      /* of another table */
	SHAPE_LIST,        /* an array of such */
	SHAPE_EACH,        /* an object of such by name */
	SHAPE_LIST_COUNT,  /* an array of counts */
	SHAPE_EACH_COUNT,  /* an object of counts by name */
	SHAPE_EACH_NUMBER, /* of figures */
	SHAPE_EACH_INTEGER
};

struct schema_key {
	const char *object; /* an object begins here, of this name: "document"; NULL: a key of it */
	const char *key;
	enum schema_shape shape;
	const char *of; /* of SHAPE_OBJECT, LIST and EACH: that object */
	const char *unit, *help;
	unsigned flags; /* enum schema_flags */
};

/* The flags of schema.def: what they say of a key that is written. */
enum schema_flags {
	MAY = 1,      /* not in every document */
	WHOLE = 1,    /* in files alone */
	NULLABLE = 2, /* it may be null, though its type does not say so */
	MUST = 0,
	MODELS = 0,
	BOTS = 0,
	PROVIDERS = 0,
	REST = 0,
	PERIOD = 0,
	TRENDS = 0,
	OLD = 0,
	DERIVED = 0,
	LOCAL = 0,
	BOTH = 0,
	ANY = 0,
};

#define SCHEMA_COUNT         SHAPE_COUNT, NULL
#define SCHEMA_INTEGER       SHAPE_INTEGER, NULL
#define SCHEMA_FIGURE        SHAPE_FIGURE, NULL
#define SCHEMA_NUMBER        SHAPE_NUMBER, NULL
#define SCHEMA_TEXT_OR_NULL  SHAPE_TEXT_OR_NULL, NULL
#define SCHEMA_TEXT          SHAPE_TEXT, NULL
#define SCHEMA_LIST_COUNT    SHAPE_LIST_COUNT, NULL
#define SCHEMA_EACH_COUNT    SHAPE_EACH_COUNT, NULL
#define SCHEMA_EACH_NUMBER   SHAPE_EACH_NUMBER, NULL
#define SCHEMA_EACH_INTEGER  SHAPE_EACH_INTEGER, NULL
#define SCHEMA_OBJECT_OF(o)  SHAPE_OBJECT, #o
#define SCHEMA_LIST_OF(o, n) SHAPE_LIST, #o
#define SCHEMA_EACH_OF(o)    SHAPE_EACH, #o

static const struct schema_key schema_keys[] = {
#define OBJECT(name) {#name, NULL, SHAPE_OBJECT, NULL, "", "", 0},
#define END(name)
#define KEY(k, shape, of, unit, flags, help)       {NULL, #k, shape, of, unit, help, flags},
#define COUNT(k, member, view, flags, help)        KEY(k, SHAPE_COUNT, NULL, "", flags, help)
#define INTEGER(k, member, view, flags, help)      KEY(k, SHAPE_INTEGER, NULL, "", flags, help)
#define FIGURE(k, member, view, unit, flags, help) KEY(k, SHAPE_FIGURE, NULL, unit, flags, help)
#define SIGNED(k, member, view, unit, flags, help) KEY(k, SHAPE_FIGURE, NULL, unit, flags, help)
#define NUMBER(k, member, view, unit, flags, help) KEY(k, SHAPE_NUMBER, NULL, unit, flags, help)
#define SUM(k, member, view, unit, flags, help)       \
	KEY(k, SHAPE_FIGURE, NULL, unit, flags, help) \
	KEY(k##_rest, SHAPE_INTEGER, NULL, "", MAY,   \
	    "what the exact sum has beyond it, in trillionths")
#define TIME(k, member, view, flags, help)            KEY(k, SHAPE_TIME, NULL, "", flags, help)
#define BOOL(k, member, view, flags, help)            KEY(k, SHAPE_BOOL, NULL, "", flags, help)
#define IN(k, o, member, view, flags, help)           KEY(k, SHAPE_OBJECT, #o, "", flags, help)
#define SAME(k, o, flags, help)                       KEY(k, SHAPE_OBJECT, #o, "", flags, help)
#define OWN(k, take, put, m, view, type, flags, help) {NULL, #k, SCHEMA_##type, "", help, flags},
#define CALC(k, put, m, view, type, unit, help)       {NULL, #k, SCHEMA_##type, unit, help, 0},
#define OPTION(k, put, m, view, type, unit, help)     {NULL, #k, SCHEMA_##type, unit, help, MAY},
#include "schema.def"
#undef OBJECT
#undef END
#undef KEY
#undef COUNT
#undef INTEGER
#undef FIGURE
#undef SIGNED
#undef NUMBER
#undef SUM
#undef TIME
#undef BOOL
#undef IN
#undef SAME
#undef OWN
#undef CALC
#undef OPTION
};

#define SCHEMA_KEYS (sizeof(schema_keys) / sizeof(schema_keys[0]))

#endif
