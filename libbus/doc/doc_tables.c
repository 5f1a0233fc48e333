/*
 * doc_tables.c: the tables that schema.def and board.def make. Only here do keys, places and
 * functions meet: those who walk the tables, and the functions in them, get each table by the field
 * that leads to it.
 */
#include "doc_tables.h"
#include "doc_put.h"
#include "doc_take.h"
#include "stats/snapshot.h"

#include <assert.h>

/*
 * The place in the view, as three members of struct doc_field. A word that SHOWN_ is put before is
 * replaced by four, of which the last three are taken; else those of AT() are.
 */
#define PLACE(view)                         PICK(SHOWN_##view, AT(view), ~)
#define PICK(...)                           PICK_(__VA_ARGS__)
#define PICK_(word, place, bytes, has, ...) place, bytes, has
#define AT(view)                            offsetof(VIEW, view), sizeof(((VIEW *)0)->view), 0
#define SHOWN_NONE                          ~, DOC_NOWHERE, 0, 0
#define SHOWN_SELF                          ~, 0, 0, 0
#define SHOWN_HAS(flag)                     ~, 0, 0, offsetof(struct snapshot, flag)
#define SHOWN_WITH(view, flag) \
	~, offsetof(VIEW, view), sizeof(((VIEW *)0)->view), offsetof(struct snapshot, flag)

#define IS_COUNT           DOC_COUNT, 0, NULL
#define IS_INTEGER         DOC_INTEGER, 0, NULL
#define IS_FIGURE          DOC_FIGURE, 0, NULL
#define IS_NUMBER          DOC_NUMBER, 0, NULL
#define IS_TEXT            DOC_TEXT, 0, NULL
#define IS_BOOL            DOC_BOOL, 0, NULL
#define IS_TIME            DOC_TIME, 0, NULL
#define IS_TEXT_OR_NULL    DOC_TEXT_OR_NULL, 0, NULL
#define IS_OBJECT_OF(o)    DOC_OBJECT, 0, &doc_##o
#define IS_LIST_OF(o, n)   DOC_LIST, n, &doc_##o
#define IS_EACH_OF(o)      DOC_EACH, NAME_TABLE_NAMES_MAX, &doc_##o
#define IS_EACH_EACH_OF(o) DOC_EACH_EACH, NAME_TABLE_NAMES_MAX, &doc_##o
#define IS_EACH_COUNT      DOC_EACH_COUNT, NAME_TABLE_NAMES_MAX, NULL
#define IS_LIST_COUNT      DOC_LIST_COUNT, 0, NULL
#define IS_EACH_NUMBER     DOC_EACH_NUMBER, 0, NULL
#define IS_EACH_INTEGER    DOC_EACH_INTEGER, 0, NULL

#define FIELD(k, flags, member, view, take, put, ...) \
	{#k, sizeof(#k) - 1, flags, offsetof(TYPE, member), PLACE(view), take, put, __VA_ARGS__},
#define PLAIN(k, type, member, view, unit, flags, help) \
	FIELD(k, flags, member, view, NULL, NULL, type, 0, NULL, unit, help)

#define OBJECT(name)                          static const struct doc_field name##_fields[] = {
#define COUNT(k, member, view, flags, help)   PLAIN(k, DOC_COUNT, member, view, "", flags, help)
#define INTEGER(k, member, view, flags, help) PLAIN(k, DOC_INTEGER, member, view, "", flags, help)
#define FIGURE(k, member, view, unit, flags, help) \
	PLAIN(k, DOC_FIGURE, member, view, unit, flags, help)
#define SIGNED(k, member, view, unit, flags, help) \
	PLAIN(k, DOC_SIGNED, member, view, unit, flags, help)
#define NUMBER(k, member, view, unit, flags, help) \
	PLAIN(k, DOC_NUMBER, member, view, unit, flags, help)
#define SUM(k, member, view, unit, flags, help)              \
	PLAIN(k, DOC_SUM, member, view, unit, flags, help)   \
	PLAIN(k##_rest, DOC_SUM_REST, member, NONE, "", MAY, \
	    "what the exact sum has beyond it, in trillionths")
#define TIME(k, member, view, flags, help) PLAIN(k, DOC_TIME, member, view, "", flags, help)
#define BOOL(k, member, view, flags, help) PLAIN(k, DOC_BOOL, member, view, "", flags, help)
#define TEXT(k, member, view, flags, help) PLAIN(k, DOC_TEXT, member, view, "", flags, help)
#define IN(k, object, member, view, flags, help) \
	FIELD(k, flags, member, view, NULL, NULL, IS_OBJECT_OF(object), "", help)
#define SAME(k, object, flags, help) \
	{#k, sizeof(#k) - 1, flags, 0, 0, 0, 0, NULL, NULL, IS_OBJECT_OF(object), "", help},
#define OWN(k, take, put, member, view, type, flags, help) \
	FIELD(k, flags, member, view, take, put, IS_##type, "", help)
#define CALC(k, put, member, view, type, unit, help) \
	FIELD(k, DERIVED, member, view, NULL, put, IS_##type, unit, help)
#define OPTION(k, put, member, view, type, unit, help) \
	FIELD(k, DERIVED | MAY, member, view, NULL, put, IS_##type, unit, help)
#define END(name)                                                                                \
	}                                                                                        \
	;                                                                                        \
	static_assert(sizeof(name##_fields) / sizeof(name##_fields[0]) <= 64, "bits of `seen`"); \
	extern const struct doc_object doc_##name;                                               \
	const struct doc_object doc_##name = {                                                   \
	    #name, name##_fields, sizeof(name##_fields) / sizeof(name##_fields[0]), sizeof(VIEW)};

#include "schema.def"

#include "board.def"
