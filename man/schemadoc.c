/*
 * schemadoc.c: prints the keys of documents, out of the schema: for orbus-files(5), and as types
 * for the bindings' index.d.ts and _orbus.pyi. It runs while orbus is built and is not installed.
 */
#include "doc/schema_list.h"

#include <ctype.h>
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
static void print_scdoc(void)
{
	for (int whole = 1; whole >= 0; whole--)
		for (size_t i = 0; i < SCHEMA_KEYS; i++)
			if (schema_keys[i].object &&
			    (strcmp(schema_keys[i].object, "document") == 0) == whole)
				print_object(i);
}

/* --- TypeScript ------------------------------------------------------------------------------- */

/* Document, Summary, DocumentTokenUsage, ... */
static void print_type(const char *object)
{
	bool is_start = true;

	if (strcmp(object, "document") != 0 && strcmp(object, "summary") != 0)
		fputs("Document", stdout);
	for (; *object; object++) {
		if (*object != '_')
			putchar(is_start ? toupper((unsigned char)*object) : *object);
		is_start = *object == '_';
	}
}

static void print_member(const struct schema_key *k)
{
	static const char *const types[] = {
	    [SHAPE_COUNT] = "number",
	    [SHAPE_INTEGER] = "number",
	    [SHAPE_FIGURE] = "number | null",
	    [SHAPE_NUMBER] = "number",
	    [SHAPE_TEXT] = "string",
	    [SHAPE_TEXT_OR_NULL] = "string | null",
	    [SHAPE_TIME] = "string",
	    [SHAPE_BOOL] = "boolean",
	    [SHAPE_LIST_COUNT] = "number[]",
	    [SHAPE_EACH_COUNT] = "Record<string, number>",
	    [SHAPE_EACH_NUMBER] = "Record<string, number>",
	    [SHAPE_EACH_INTEGER] = "Record<string, number>",
	};

	printf("  /** %s", k->help);
	printf(*k->unit ? ", in %s */\n" : " */\n", k->unit);
	printf("  %s%s: ", k->key, k->flags & MAY ? "?" : "");
	if (k->shape == SHAPE_EACH)
		fputs("Record<string, ", stdout);
	if (k->of)
		print_type(k->of);
	else
		fputs(types[k->shape], stdout);
	fputs(k->shape == SHAPE_EACH ? ">" : k->shape == SHAPE_LIST ? "[]" : "", stdout);
	puts(k->of && k->flags & NULLABLE ? " | null" : "");
}

static void print_typescript(void)
{
	for (size_t i = 0; i < SCHEMA_KEYS; i++) {
		if (!schema_keys[i].object)
			continue;
		fputs(i ? "\nexport interface " : "export interface ", stdout);
		print_type(schema_keys[i].object);
		puts(" {");
		for (size_t k = i + 1; k < SCHEMA_KEYS && !schema_keys[k].object; k++)
			print_member(&schema_keys[k]);
		/* Files of the system that orbus grew from are documents too. */
		if (strcmp(schema_keys[i].object, "document") == 0)
			puts("  [key: string]: any");
		puts("}");
	}
}

/* --- Python ----------------------------------------------------------------------------------- */

static void print_python_member(const struct schema_key *k)
{
	static const char *const types[] = {
	    [SHAPE_COUNT] = "int",
	    [SHAPE_INTEGER] = "int",
	    [SHAPE_FIGURE] = "float | None",
	    [SHAPE_NUMBER] = "float",
	    [SHAPE_TEXT] = "str",
	    [SHAPE_TEXT_OR_NULL] = "str | None",
	    [SHAPE_TIME] = "str",
	    [SHAPE_BOOL] = "bool",
	    [SHAPE_LIST_COUNT] = "list[int]",
	    [SHAPE_EACH_COUNT] = "dict[str, int]",
	    [SHAPE_EACH_NUMBER] = "dict[str, float]",
	    [SHAPE_EACH_INTEGER] = "dict[str, int]",
	};
	bool may = k->flags & MAY;

	printf("    # %s", k->help);
	printf(*k->unit ? ", in %s\n" : "\n", k->unit);
	printf("    %s: %s", k->key, may ? "NotRequired[" : "");
	fputs(k->shape == SHAPE_EACH   ? "dict[str, "
	      : k->shape == SHAPE_LIST ? "list["
				       : "",
	    stdout);
	if (k->of)
		print_type(k->of);
	else
		fputs(types[k->shape], stdout);
	fputs(k->shape == SHAPE_EACH || k->shape == SHAPE_LIST ? "]" : "", stdout);
	fputs(k->of && k->flags & NULLABLE ? " | None" : "", stdout);
	puts(may ? "]" : "");
}

static void print_python(void)
{
	for (size_t i = 0; i < SCHEMA_KEYS; i++) {
		if (!schema_keys[i].object)
			continue;
		fputs(i ? "\nclass " : "class ", stdout);
		print_type(schema_keys[i].object);
		puts("(TypedDict):");
		for (size_t k = i + 1; k < SCHEMA_KEYS && !schema_keys[k].object; k++)
			print_python_member(&schema_keys[k]);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "scdoc") == 0)
		print_scdoc();
	else if (argc == 2 && strcmp(argv[1], "typescript") == 0)
		print_typescript();
	else if (argc == 2 && strcmp(argv[1], "python") == 0)
		print_python();
	else
		return 2;
	return 0;
}
