/*
 * schemadoc.c: prints the keys of documents, out of the schema, for orbus-files(5). It runs while
 * orbus is built and is not installed.
 */
#include "doc/schema_list.h"

#include <stdio.h>
#include <string.h>

static const char *const shapes[] = {
    [SHAPE_COUNT] = "count",
    [SHAPE_INTEGER] = "integer",
    [SHAPE_FIGURE] = "number or null",
    [SHAPE_NUMBER] = "number",
    [SHAPE_TEXT] = "text",
    [SHAPE_TEXT_OR_NULL] = "text or null",
    [SHAPE_TIME] = "time",
    [SHAPE_BOOL] = "true or false",
    [SHAPE_OBJECT] = "",
    [SHAPE_LIST] = "array of ",
    [SHAPE_EACH] = "by name: ",
    [SHAPE_LIST_COUNT] = "array of counts",
    [SHAPE_EACH_COUNT] = "by name: count",
    [SHAPE_EACH_NUMBER] = "by name: number",
    [SHAPE_EACH_INTEGER] = "by name: integer",
};

/* Text with the characters that scdoc gives a meaning escaped. */
static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\[]|#<>`", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void print_key(const struct schema_key *k)
{
	putchar('*');
	print_escaped(k->key);
	fputs("* (", stdout);
	print_escaped(shapes[k->shape]);
	if (k->of) {
		putchar('_');
		print_escaped(k->of);
		putchar('_');
	}
	if (*k->unit)
		printf(", %s", k->unit);
	fputs(")\n\t", stdout);
	print_escaped(k->help);
	fputs(".\n\n", stdout);
}

static void print_object(size_t first)
{
	printf("## ");
	print_escaped(schema_keys[first].object);
	fputs("\n\n", stdout);
	for (size_t i = first + 1; i < SCHEMA_KEYS && !schema_keys[i].object; i++)
		print_key(&schema_keys[i]);
}

/* The whole first; then what it is made of, in the order of the schema. */
int main(void)
{
	for (int whole = 1; whole >= 0; whole--)
		for (size_t i = 0; i < SCHEMA_KEYS; i++)
			if (schema_keys[i].object &&
			    (strcmp(schema_keys[i].object, "document") == 0) == whole)
				print_object(i);
	return 0;
}
