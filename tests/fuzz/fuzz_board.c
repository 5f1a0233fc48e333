/*
 * fuzz_board.c: with any bytes on the board, orstat and its advice print at most 80 columns,
 * without a character that steers a terminal; so does the live screen, of any size.
 */
#include "board/agent_info.h"
#include "common/advice/advice.h"
#include "doc/snapshot_read.h"
#include "must.h"
#include "orstat/view.h"
#include "orstat/watch/screen.h"

#include <stdio.h>
#include <string.h>

static void must_be_harmless(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		MUST(c == '\n' || (c >= 0x20 && c != 0x7f));
		/* C1 controls in UTF-8. */
		MUST(c != 0xc2 || i + 1 == length || (unsigned char)text[i + 1] >= 0xa0);
	}
}

static void must_be_advised(const struct snapshot *snapshot, FILE *out)
{
	struct advice advice;
	json_t *o;

	MUST(advice_make(snapshot, "today", &advice) == 0);
	advice_print(out, &advice, false);
	o = advice_to_json(&advice);
	MUST(o);
	json_decref(o);
	advice_free(&advice);
}

static void must_be_harmless_cells(const struct canvas *c)
{
	for (int i = 0; i < c->rows * c->columns; i++)
		for (const wchar_t *w = c->cells[i].text; *w; w++)
			MUST(!is_unsafe_character((uint32_t)*w));
}

/* Every picture, sorted by every column, in a size that the bytes choose. */
static void draw_screens(struct snapshot *s, uint8_t rows, uint8_t columns)
{
	const struct orstat_settings settings = {.bus = "fuzz", .watch_ns = 1000000000};
	struct watch_data d = {.now_ns = UINT64_C(1764000000000000000),
	    .snapshot = s,
	    .health = {.state = AGENT_LIVE, .pid = 1}};
	struct watch_state state;
	struct canvas c;

	canvas_init(&c, true);
	state_init(&state, &settings);
	for (int i = 0; i < COLUMNS_COUNT; i++) {
		state.by = i % DIMENSIONS;
		state.sort = (enum column)i;
		state.picture = (enum picture)(i / 3 % PICTURE_COUNT);
		MUST(canvas_clear(&c, 1 + rows % 64, 1 + columns));
		screen_draw(&c, &settings, &d, &state);
		must_be_harmless_cells(&c);
	}
	canvas_free(&c);
}

/* A folder is a path from the root, or none. */
static void must_be_a_path(const uint8_t *data, size_t size)
{
	struct agent_info info = {0};

	(void)agent_info_take(data, size, &info);
	MUST(!*info.data_dir || info.data_dir[0] == '/');
	MUST(memchr(info.data_dir, '\0', sizeof(info.data_dir)));
	MUST(info.has_retention || info.retention_days == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *snapshot;
	char *text = NULL;
	size_t length;
	FILE *out;

	must_be_a_path(data, size);
	if (snapshot_from_msgpack(data, size, &snapshot) < 0)
		return 0;
	out = open_memstream(&text, &length);
	MUST(out);
	for (int by = 0; by < 3; by++) {
		struct orstat_settings settings = {.bus = "fuzz", .by = by};

		view_print(out, &settings, snapshot, false);
	}
	must_be_advised(snapshot, out);
	MUST(fclose(out) == 0);
	must_be_harmless(text, length);
	free(text);
	if (size >= 2)
		draw_screens(snapshot, data[size - 1], data[size - 2]);
	snapshot_unref(snapshot);
	return 0;
}
