/*
 * page.h: a page in one file: the static parts of this folder, and data for its script.
 *
 * The parts are page.html, page.css, uPlot and the modules of the script (*.mjs), as the files in
 * this folder have them. C writes no HTML: names come from samples, and anybody who can publish can
 * name a model "<script>". The data is JSON without '<', '>' and '&', so nothing in it can end its
 * element; the script puts it on the page as text, never as HTML; and the page's policy runs only
 * the scripts that bear a random number of this very page, and loads nothing from anywhere.
 */
#ifndef ORBUS_ORREPORT_PAGE_PAGE_H
#define ORBUS_ORREPORT_PAGE_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Prints the page. Takes over `data`, which may be NULL. False: out of memory. */
bool page_print(FILE *out, json_t *data);

#endif
