/*
 * frame.c: the frame of a page.
 */
#include "frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* report/assets.S */
extern const char asset_page_css[], asset_page_js[];
extern const char asset_uplot_css[], asset_uplot_js[], asset_uplot_license[];

void page_text(FILE *out, const char *text)
{
	char safe[8192];

	text_sanitise(safe, sizeof(safe), text);
	for (const char *c = safe; *c; c++) {
		switch (*c) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		case '\'': fputs("&#39;", out); break;
		default: fputc(*c, out);
		}
	}
}

/*
 * JSON within a script element. In JSON '<', '>' and '&' stand within strings alone, where an
 * escape says the same; without them nothing there can end the element.
 */
static bool print_data(FILE *out, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));

	if (!text)
		return false;
	for (const char *c = text; *c; c++) {
		if (strchr("<>&", *c))
			fprintf(out, "\\u%04x", (unsigned)*c);
		else
			fputc(*c, out);
	}
	free(text);
	return true;
}

const char *page_tone(enum tone tone)
{
	static const char *const classes[] = {"", "good", "fair", "poor", "bad", "dim", ""};

	return classes[tone];
}

/* A page that has none is as safe as its escaping. */
static void make_nonce(char out[33])
{
	unsigned char bytes[16] = {0};

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		bytes[0] = 1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void page_start(struct page *p, FILE *out, const char *title, const char *beside)
{
	*p = (struct page){.out = out};
	make_nonce(p->nonce);
	fprintf(out,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
	    "'nonce-%s'; style-src 'nonce-%s'; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>orbus, ",
	    p->nonce, p->nonce);
	page_text(out, title);
	fprintf(out, "</title>\n<style nonce=\"%s\">%s\n%s</style>\n</head><body>\n", p->nonce,
	    asset_uplot_css, asset_page_css);
	fputs("<header><h1>orbus</h1><p>", out);
	page_text(out, beside);
	fputs("</p></header>\n<main>\n", out);
}

bool page_end(struct page *p, json_t *plots)
{
	bool fine;

	fprintf(p->out, "</main>\n<script nonce=\"%s\" type=\"application/json\" id=\"data\">",
	    p->nonce);
	fine = plots && print_data(p->out, plots);
	json_decref(plots);
	fprintf(p->out, "</script>\n<script nonce=\"%s\">/*\n%s*/\n%s</script>\n", p->nonce,
	    asset_uplot_license, asset_uplot_js);
	fprintf(
	    p->out, "<script nonce=\"%s\">%s</script>\n</body></html>\n", p->nonce, asset_page_js);
	return fine;
}
