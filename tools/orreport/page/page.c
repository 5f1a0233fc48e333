/*
 * page.c: a page out of its template and its parts.
 */
#include "page.h"

#include <string.h>
#include <sys/random.h>

/* page/assets.S */
extern const char asset_page_html[], asset_page_css[], asset_page_js[];
extern const char asset_uplot_css[], asset_uplot_js[], asset_uplot_license[];

#define NONCE_BYTES 33

/* JSON of a script element: '<', '>' and '&' stand within strings alone, where \u003c says the
 * same.
 */
static int print_json_part(const char *bytes, size_t length, void *context)
{
	FILE *out = context;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '<' || bytes[i] == '>' || bytes[i] == '&')
			fprintf(out, "\\u%04x", (unsigned)bytes[i]);
		else
			putc(bytes[i], out);
	}
	return 0;
}

/* A page that has none is as safe as its script, which writes text and no HTML. */
static void make_nonce(char out[NONCE_BYTES])
{
	unsigned char bytes[16] = {0};

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		bytes[0] = 1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* What stands for a placeholder of the template, {{NAME}}. The data is NULL. */
static const char *part_of(const char *name, size_t length, const char *nonce)
{
	const struct {
		const char *name, *text;
	} parts[] = {{"nonce", nonce}, {"page.css", asset_page_css}, {"page.js", asset_page_js},
	    {"uPlot.css", asset_uplot_css}, {"uPlot.js", asset_uplot_js},
	    {"uPlot.LICENSE", asset_uplot_license}};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0)
			return parts[i].text;
	return NULL;
}

bool page_print(FILE *out, json_t *data)
{
	const char *at = asset_page_html, *name, *end;
	char nonce[NONCE_BYTES];
	bool fine = data;

	make_nonce(nonce);
	while (fine && (name = strstr(at, "{{")) != NULL && (end = strstr(name, "}}")) != NULL) {
		const char *part = part_of(name + 2, (size_t)(end - name - 2), nonce);

		fwrite(at, 1, (size_t)(name - at), out);
		if (part)
			fputs(part, out);
		else
			fine = json_dump_callback(data, print_json_part, out,
				   JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6)) == 0;
		at = end + 2;
	}
	if (fine)
		fputs(at, out);
	json_decref(data);
	return fine;
}
