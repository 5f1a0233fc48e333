/*
 * doc_take_board.c: of the board, what no line of board.def can say.
 */
#include "doc_take.h"

#include <stdlib.h>
#include <string.h>

void take_alert_rule(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct doc_text text;
	char *rule;

	(void)f;
	doc_text(&r->source, &text);
	if (failed(r))
		return;
	rule = malloc(text.length + 1);
	if (rule && doc_text_cut(&text, rule, text.length + 1)) {
		*(char **)at = rule;
		return;
	}
	refuse(r, rule ? -EBADMSG : -ENOMEM);
	free(rule);
}

void take_alert_state(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct doc_text text;

	(void)f;
	doc_text(&r->source, &text);
	*(bool *)at = doc_text_is(&text, "firing");
}

/* Only the one that is wanted is read. */
void take_windows(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct doc_text key;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		if (r->window && doc_text_is(&key, r->window))
			r->has_window |= doc_show_object(r, f->of, at);
		else
			doc_skip(&r->source);
	}
}

/* It is asked for like a window. */
void take_lifetime(struct doc_reader *r, const struct doc_field *f, void *at)
{
	if (!r->window || strcmp(r->window, f->key) != 0) {
		doc_skip(&r->source);
		return;
	}
	r->has_window |= doc_show_object(r, f->of, at);
}
