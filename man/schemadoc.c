/*
 * schemadoc.c: prints the keys of documents, out of their tables, for orbus-files(5) and Node's
 * types. It runs while orbus is built and is not installed.
 */
#include "doc/doc_tables.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --- The objects that a document is made of ----------------------------------------------------
 */

#define OBJECTS_MAX 64

static const struct doc_object *objects[OBJECTS_MAX];
static size_t object_count;

/* The document, and what each of its keys leads to, in their order. */
static void find_objects(const struct doc_object *o)
{
	for (size_t i = 0; i < object_count; i++)
		if (objects[i] == o)
			return;
	if (object_count == OBJECTS_MAX)
		return;
	objects[object_count++] = o;
	for (unsigned i = 0; i < o->count; i++)
		if (o->fields[i].of)
			find_objects(o->fields[i].of);
}

/* --- The man page ------------------------------------------------------------------------------
 */

static const char *const types[DOC_TYPES] = {
    [DOC_COUNT] = "count",
    [DOC_INTEGER] = "integer",
    [DOC_FIGURE] = "number or null",
    [DOC_SIGNED] = "number or null",
    [DOC_SUM] = "number or null",
    [DOC_SUM_REST] = "integer",
    [DOC_NUMBER] = "number",
    [DOC_TEXT] = "text",
    [DOC_TEXT_OR_NULL] = "text or null",
    [DOC_TIME] = "time",
    [DOC_BOOL] = "true or false",
    [DOC_OBJECT] = "",
    [DOC_LIST] = "array of ",
    [DOC_EACH] = "by name: ",
    [DOC_EACH_EACH] = "by name, and then by name: ",
    [DOC_LIST_COUNT] = "array of counts",
    [DOC_EACH_COUNT] = "by name: count",
    [DOC_EACH_NUMBER] = "by name: number",
    [DOC_EACH_INTEGER] = "by name: integer",
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

static void print_key(const struct doc_field *f)
{
	putchar('*');
	print_escaped(f->key);
	fputs("* (", stdout);
	print_escaped(types[f->type]);
	if (f->of) {
		putchar('_');
		print_escaped(f->of->name);
		putchar('_');
	}
	if (*f->unit)
		printf(", %s", f->unit);
	fputs(")\n\t", stdout);
	print_escaped(f->help);
	fputs(".\n\n", stdout);
}

static void print_scdoc(void)
{
	for (size_t i = 0; i < object_count; i++) {
		fputs("## ", stdout);
		print_escaped(objects[i]->name);
		fputs("\n\n", stdout);
		for (unsigned k = 0; k < objects[i]->count; k++)
			print_key(&objects[i]->fields[k]);
	}
}

/* --- TypeScript --------------------------------------------------------------------------------
 */

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

static void print_member(const struct doc_field *f)
{
	static const char *const names[DOC_TYPES] = {
	    [DOC_COUNT] = "number",
	    [DOC_INTEGER] = "number",
	    [DOC_FIGURE] = "number | null",
	    [DOC_SIGNED] = "number | null",
	    [DOC_SUM] = "number | null",
	    [DOC_SUM_REST] = "number",
	    [DOC_NUMBER] = "number",
	    [DOC_TEXT] = "string",
	    [DOC_TEXT_OR_NULL] = "string | null",
	    [DOC_TIME] = "string",
	    [DOC_BOOL] = "boolean",
	    [DOC_LIST_COUNT] = "number[]",
	    [DOC_EACH_COUNT] = "Record<string, number>",
	    [DOC_EACH_NUMBER] = "Record<string, number>",
	    [DOC_EACH_INTEGER] = "Record<string, number>",
	};

	printf("  /** %s", f->help);
	printf(*f->unit ? ", in %s */\n" : " */\n", f->unit);
	printf("  %s%s: ", f->key, f->flags & (MAY | WHOLE) ? "?" : "");
	if (f->type == DOC_EACH || f->type == DOC_EACH_EACH)
		fputs(f->type == DOC_EACH ? "Record<string, " : "Record<string, Record<string, ",
		    stdout);
	if (f->of)
		print_type(f->of->name);
	else
		fputs(names[f->type], stdout);
	fputs(f->type == DOC_EACH        ? ">"
	      : f->type == DOC_EACH_EACH ? ">>"
	      : f->type == DOC_LIST      ? "[]"
					 : "",
	    stdout);
	puts(f->of && f->flags & NULLABLE ? " | null" : "");
}

static void print_typescript(void)
{
	for (size_t i = 0; i < object_count; i++) {
		fputs(i ? "\nexport interface " : "export interface ", stdout);
		print_type(objects[i]->name);
		puts(" {");
		for (unsigned k = 0; k < objects[i]->count; k++)
			print_member(&objects[i]->fields[k]);
		/* Files of the system that orbus grew from are documents too. */
		if (objects[i] == &doc_document)
			puts("  [key: string]: any");
		puts("}");
	}
}

int main(int argc, char **argv)
{
	find_objects(&doc_document);
	if (argc == 2 && strcmp(argv[1], "scdoc") == 0)
		print_scdoc();
	else if (argc == 2 && strcmp(argv[1], "typescript") == 0)
		print_typescript();
	else
		return 2;
	return 0;
}
