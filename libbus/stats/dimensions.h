/*
 * dimensions.h: by what requests are counted apart, stated once.
 *
 * From this list come the options and their completions, headings, headers of CSV, keys of
 * documents and of the live screen. A line more here is a dimension more in all of them; its
 * numbers need a table in struct aggregate (by_<name>) and lines in doc/schema.def.
 */
#ifndef ORBUS_STATS_DIMENSIONS_H
#define ORBUS_STATS_DIMENSIONS_H

/* X(ID, name, letter): `letter` stands for it where one key chooses. */
#define DIMENSIONS_LIST(X)   \
	X(MODEL, model, 'm') \
	X(BOT, bot, 'b')     \
	X(PROVIDER, provider, 'p')

#define DIMENSION_ENUM(ID, name, letter) DIMENSION_##ID,
enum dimension { DIMENSIONS_LIST(DIMENSION_ENUM) DIMENSIONS };
#undef DIMENSION_ENUM

/* "model|bot|provider", for the choices of an option. */
#define DIMENSION_CHOICE(ID, name, letter) "|" #name
#define DIMENSION_CHOICES                  (&(DIMENSIONS_LIST(DIMENSION_CHOICE))[1])
/* "model, bot, provider", for sentences. */
#define DIMENSION_WORD(ID, name, letter) ", " #name
#define DIMENSION_WORDS                  (&(DIMENSIONS_LIST(DIMENSION_WORD))[2])

struct dimension_names {
	const char *name;    /* "model" */
	const char *heading; /* "MODEL" */
	const char *key;     /* "by_model", in documents */
};

extern const struct dimension_names dimension_names[DIMENSIONS];

struct aggregate;
struct name_table;

/* The table of an aggregate, of struct request_stats. */
const struct name_table *dimension_table(const struct aggregate *a, enum dimension by);

#endif
