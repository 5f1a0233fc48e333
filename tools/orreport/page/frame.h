/*
 * frame.h: the frame of a page: head, style, scripts and data, and how text gets into it.
 *
 * Names come from samples, and whoever can publish can name a model "<script>". All text is escaped
 * where it is written; and the page's policy lets only the scripts run that bear a random number of
 * this very page, and lets nothing be loaded from anywhere.
 */
#ifndef ORBUS_ORREPORT_PAGE_FRAME_H
#define ORBUS_ORREPORT_PAGE_FRAME_H

#include "common/print.h"

struct page {
	FILE *out;
	char nonce[33];
};

/* Starts a page with a title, and what stands beside it; both are plain text. */
void page_start(struct page *p, FILE *out, const char *title, const char *beside);

/* Ends it with what its script draws, which is taken over. False: out of memory. */
bool page_end(struct page *p, json_t *plots);

/* Text between tags: as a terminal would see it, with what HTML gives a meaning escaped. */
void page_text(FILE *out, const char *text);

/* The class of the style sheet that a tone is. */
const char *page_tone(enum tone tone);

#endif
