/*
 * test_watch.c: the live screen without a terminal: what keys do, what is drawn, and where.
 */
#include "base/clock.h"
#include "doc/snapshot_read.h"
#include "orstat/watch/bars.h"
#include "orstat/watch/head.h"
#include "orstat/watch/screen.h"
#include "orstat/watch/sparks.h"
#include "orstat/watch/table.h"
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define NOW_NS (UINT64_C(1764000000) * NS_PER_SECOND)

/* --- History ---------------------------------------------------------------------------------- */

static void add(struct history *h, uint64_t ts_ns, enum orbus_status status, double response_ms)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = ts_ns;
	s.status = status;
	s.response_ms = response_ms;
	s.completion_tokens = 100;
	assert_true(history_add(h, &s, NOW_NS));
}

static void a_sample_counts_in_the_interval_of_its_time(void **state)
{
	struct history *h = history_new(NS_PER_SECOND);
	struct history_point p[HISTORY_INTERVALS];

	(void)state;
	assert_non_null(h);
	add(h, NOW_NS - 1, ORBUS_STATUS_OK, 1000);
	add(h, NOW_NS - 2, ORBUS_STATUS_OK, 2000);
	add(h, NOW_NS - 3, ORBUS_STATUS_OK, 3000);
	add(h, NOW_NS - 4, ORBUS_STATUS_TIMEOUT, 180000);
	add(h, NOW_NS - 60 * NS_PER_SECOND, ORBUS_STATUS_ERROR, NAN);
	add(h, NOW_NS - 61 * NS_PER_SECOND, ORBUS_STATUS_OK, 5000); /* too old */
	add(h, NOW_NS, ORBUS_STATUS_OK, 5000);                      /* not over yet */
	history_get(h, NOW_NS, p);
	assert_int_equal(p[59].requests, 4);
	assert_int_equal(p[59].failed, 1);
	assert_true(fabs(p[59].response_ms - 2000) < 25);
	assert_true(fabs(p[59].tps - (100.0 + 50 + 100.0 / 3) / 3) < 0.01);
	assert_true(isnan(p[59].ttft_ms));
	assert_int_equal(p[0].requests, 1);
	assert_int_equal(p[0].failed, 1);
	assert_true(isnan(p[0].response_ms));
	for (int i = 1; i < 59; i++)
		assert_int_equal(p[i].requests, 0);
	history_get(h, NOW_NS + 60 * NS_PER_SECOND, p);
	assert_int_equal(p[0].requests, 1);
	assert_true(fabs(p[0].response_ms - 5000) < 60);
	history_free(h);
}

static void an_interval_is_used_again_for_the_next_round(void **state)
{
	struct history *h = history_new(NS_PER_SECOND);
	struct history_point p[HISTORY_INTERVALS];
	struct orbus_sample s;

	(void)state;
	assert_non_null(h);
	add(h, NOW_NS - 1, ORBUS_STATUS_OK, 1000);
	orbus_sample_init(&s);
	s.ts = NOW_NS + 61 * NS_PER_SECOND - 1; /* the same place, a round later */
	assert_true(history_add(h, &s, s.ts));
	history_get(h, NOW_NS + 61 * NS_PER_SECOND, p);
	assert_int_equal(p[59].requests, 1);
	assert_true(isnan(p[59].response_ms));
	/* The clock was set back: what lies ahead now is not shown as the past. */
	history_get(h, NOW_NS, p);
	assert_int_equal(p[59].requests, 0);
	history_free(h);
}

static void a_sample_from_the_future_counts_now(void **state)
{
	struct history *h = history_new(NS_PER_SECOND);
	struct history_point p[HISTORY_INTERVALS];

	(void)state;
	assert_non_null(h);
	add(h, NOW_NS + 3600 * NS_PER_SECOND, ORBUS_STATUS_OK, 1000);
	history_get(h, NOW_NS + NS_PER_SECOND, p);
	assert_int_equal(p[59].requests, 1);
	history_free(h);
}

static void levels_are_in_proportion_and_little_still_shows(void **state)
{
	(void)state;
	assert_int_equal(history_level(NAN, 10, 8), -1);
	assert_int_equal(history_level(0, 10, 8), 0);
	assert_int_equal(history_level(0.001, 10, 8), 1);
	assert_int_equal(history_level(5, 10, 8), 5);
	assert_int_equal(history_level(10, 10, 8), 8);
	assert_int_equal(history_level(10, 10, 16), 16);
	assert_int_equal(history_level(11, 10, 8), 8);
	for (double v = 0, last = 0; v <= 10; v += 0.01) {
		int level = history_level(v, 10, 8);

		assert_true(level >= last);
		last = level;
	}
}

/* --- Canvas ----------------------------------------------------------------------------------- */

static void assert_row(const struct canvas *c, int row, const char *expected)
{
	char *text = canvas_row(c, row);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void text_is_cut_to_its_place(void **state)
{
	struct canvas c;

	(void)state;
	canvas_init(&c, true);
	assert_true(canvas_clear(&c, 6, 10));
	assert_int_equal(canvas_text(&c, 0, 0, 10, TONE_PLAIN, "0123456789"), 10);
	assert_int_equal(canvas_text(&c, 1, 0, 10, TONE_PLAIN, "0123456789a"), 10);
	assert_int_equal(canvas_text(&c, 2, 7, 99, TONE_PLAIN, "abcdef"), 3);
	assert_int_equal(canvas_text(&c, 9, 0, 10, TONE_PLAIN, "nowhere"), 0);
	assert_int_equal(canvas_text(&c, 0, -1, 10, TONE_PLAIN, "nowhere"), 0);
	assert_int_equal(canvas_text(&c, 0, 10, 10, TONE_PLAIN, "nowhere"), 0);
	canvas_text_right(&c, 3, 2, 6, TONE_PLAIN, "ab");
	canvas_text(&c, 4, 0, 5, TONE_PLAIN, "\u4f60\u597d\u4e16\u754c");
	canvas_text(&c, 5, 0, 9, TONE_PLAIN, "e\u0301\x1b[2J\n");
	assert_row(&c, 0, "0123456789");
	assert_row(&c, 1, "012345678\u2026");
	assert_row(&c, 2, "       ab\u2026");
	assert_row(&c, 3, "      ab");
	assert_row(&c, 4, "\u4f60\u597d\u2026");
	assert_row(&c, 5, "e\u0301\\x1b[2J\u2026");
	canvas_free(&c);
}

static void without_utf8_all_is_ascii(void **state)
{
	struct canvas c;

	(void)state;
	canvas_init(&c, false);
	assert_true(canvas_clear(&c, 3, 20));
	canvas_text(&c, 0, 0, 8, TONE_PLAIN, "caf\u00e9 \u4f60\u597d, far too long");
	for (int i = 0; i <= 8; i++)
		canvas_bar_up(&c, 1, i, 1, i, TONE_PLAIN);
	canvas_bar_right(&c, 2, 0, 20, TONE_PLAIN);
	assert_row(&c, 0, "caf? ??~");
	assert_row(&c, 1, "_.-:=+*#@");
	assert_row(&c, 2, "###");
	canvas_free(&c);
}

static void bars_grow_in_eighths(void **state)
{
	struct canvas c;

	(void)state;
	canvas_init(&c, true);
	assert_true(canvas_clear(&c, 3, 20));
	canvas_bar_up(&c, 1, 0, 2, 12, TONE_PLAIN);
	canvas_bar_up(&c, 1, 1, 2, 16, TONE_PLAIN);
	canvas_bar_up(&c, 1, 2, 2, 3, TONE_PLAIN);
	canvas_bar_right(&c, 2, 0, 17, TONE_PLAIN);
	assert_row(&c, 0, "\u2584\u2588");
	assert_row(&c, 1, "\u2588\u2588\u2583");
	assert_row(&c, 2, "\u2588\u2588\u258f");
	canvas_free(&c);
}

static void a_piece_that_does_not_fit_is_left_out_with_all_after_it(void **state)
{
	struct canvas c;
	struct line l;

	(void)state;
	canvas_init(&c, true);
	assert_true(canvas_clear(&c, 1, 10));
	l = (struct line){&c, 0, 0, 10};
	assert_true(line_add(&l, TONE_PLAIN, "%s", "four"));
	assert_false(line_add(&l, TONE_PLAIN, "%s", "seven77"));
	assert_false(line_add(&l, TONE_PLAIN, "%s", "x"));
	assert_row(&c, 0, "four");
	canvas_free(&c);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static struct watch_state fresh_state(void)
{
	const struct orstat_settings settings = {.window = STAT_1H};
	struct watch_state s;

	state_init(&s, &settings);
	return s;
}

static void type(struct watch_state *s, const char *keys)
{
	for (; *keys; keys++)
		state_key(s, (uint32_t)*keys);
}

static void keys_choose_the_table(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	assert_int_equal(state_key(&s, 'b'), EFFECT_DRAW);
	assert_int_equal(s.by, DIMENSION_BOT);
	type(&s, "\t");
	assert_int_equal(s.by, DIMENSION_PROVIDER);
	type(&s, "\t");
	assert_int_equal(s.by, DIMENSION_MODEL);
	state_key(&s, WATCH_KEY_BACK_TAB);
	assert_int_equal(s.by, DIMENSION_PROVIDER);
	type(&s, "m");
	assert_int_equal(s.by, DIMENSION_MODEL);
}

/* What the table of keys must keep: its rows are drawn and documented without another look. */
static void each_key_does_one_thing_and_its_row_fits_the_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < watch_key_row_count; i++) {
		const struct watch_key_row *row = &watch_key_rows[i];
		char label[WATCH_LABEL_BYTES];
		int keys = 0;

		for (const struct watch_key_use *use = row->keys; use->key; use++, keys++)
			assert_ptr_equal(watch_key_find(use->key), use);
		assert_in_range(keys, 1, WATCH_KEYS_IN_ROW);
		assert_in_range(row->help_keys, 1, keys);
		assert_in_range(row->foot_keys, row->foot ? 1 : 0, row->foot ? keys : 0);
		watch_key_label(row, row->help_keys, label);
		assert_in_range(strlen(label), 1, 10);
		assert_in_range(strlen(row->help), 1, OUTPUT_COLUMNS - 12);
		assert_int_equal(row->details[strlen(row->details) - 1], '.');
	}
	/* With its three words and a blank row, the help fits below the head of 24 rows. */
	assert_in_range(watch_key_row_count, 1, 24 - layout_of(24).head - layout_of(24).foot - 4);
}

static void each_window_and_dimension_has_a_key(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	for (int i = 0; i < STAT_WINDOWS; i++) {
		assert_int_equal(state_key(&s, (uint32_t)('1' + i)), EFFECT_READ);
		assert_int_equal(s.window, i);
	}
	for (int i = 0; i < DIMENSIONS; i++) {
		state_key(&s, (uint32_t)*dimension_names[i].name);
		assert_int_equal(s.by, i);
	}
}

static void keys_choose_the_window_unless_it_stands_still(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	assert_int_equal(state_key(&s, '5'), EFFECT_READ);
	assert_int_equal(s.window, STAT_START);
	assert_int_equal(state_key(&s, 'w'), EFFECT_READ);
	assert_int_equal(s.window, STAT_1M);
	assert_int_equal(state_key(&s, ' '), EFFECT_DRAW);
	assert_true(s.paused);
	assert_int_equal(state_key(&s, '3'), EFFECT_DRAW);
	assert_int_equal(s.window, STAT_1M);
	assert_non_null(s.notice);
	assert_int_equal(state_key(&s, ' '), EFFECT_RESUME);
	assert_false(s.paused);
	assert_null(s.notice);
}

static void sorting_goes_round_the_columns_that_are_shown(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	s.columns_shown =
	    1u << COLUMN_NAME | 1u << COLUMN_REQUESTS | 1u << COLUMN_AVG | 1u << COLUMN_TPS;
	assert_int_equal(s.sort, COLUMN_REQUESTS);
	type(&s, "s");
	assert_int_equal(s.sort, COLUMN_AVG);
	type(&s, ">");
	assert_int_equal(s.sort, COLUMN_TPS);
	assert_false(s.ascending);
	type(&s, "s");
	assert_int_equal(s.sort, COLUMN_NAME);
	assert_true(s.ascending);
	type(&s, "r");
	assert_false(s.ascending);
	type(&s, "<");
	assert_int_equal(s.sort, COLUMN_TPS);
	state_key(&s, WATCH_KEY_LEFT);
	assert_int_equal(s.sort, COLUMN_AVG);
}

static void a_filter_is_typed_kept_cancelled_and_cleared(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	type(&s, "/gpq");
	state_key(&s, WATCH_KEY_BACKSPACE);
	type(&s, "t");
	assert_string_equal(s.draft, "gpt");
	assert_true(state_matches(&s, "openai/GPT-4"));
	assert_false(state_matches(&s, "claude"));
	type(&s, "q"); /* a letter like any other */
	type(&s, "\x7f\n");
	assert_string_equal(s.filter, "gpt");
	assert_false(s.editing);
	type(&s, "/");
	state_key(&s, WATCH_KEY_CLEAR);
	assert_string_equal(s.draft, "");
	state_key(&s, WATCH_KEY_ESCAPE);
	assert_string_equal(s.filter, "gpt");
	state_key(&s, WATCH_KEY_ESCAPE);
	assert_string_equal(s.filter, "");
	assert_true(state_matches(&s, "claude"));
}

static void a_filter_holds_whole_characters_and_has_an_end(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	type(&s, "/");
	state_key(&s, 0x4f60);
	state_key(&s, 0xe9);
	state_key(&s, 0x1f600);
	state_key(&s, 0xd800); /* half of a character */
	assert_string_equal(s.draft, "\u4f60\u00e9\U0001f600");
	state_key(&s, WATCH_KEY_BACKSPACE);
	state_key(&s, WATCH_KEY_BACKSPACE);
	assert_string_equal(s.draft, "\u4f60");
	for (int i = 0; i < 2 * FILTER_BYTES; i++)
		state_key(&s, 0x1f600);
	assert_true(strlen(s.draft) < FILTER_BYTES);
	assert_int_equal(strlen(s.draft) % 4, 3);
}

static void scrolling_stays_within_the_table(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	s.rows = 12;
	s.rows_shown = 5;
	type(&s, "k");
	assert_int_equal(s.scroll, 0);
	type(&s, "jj");
	assert_int_equal(s.scroll, 2);
	state_key(&s, WATCH_KEY_PAGE_DOWN);
	assert_int_equal(s.scroll, 7);
	state_key(&s, WATCH_KEY_PAGE_DOWN);
	assert_int_equal(s.scroll, 7);
	state_key(&s, WATCH_KEY_HOME);
	assert_int_equal(s.scroll, 0);
	state_key(&s, WATCH_KEY_END);
	assert_int_equal(s.scroll, 7);
	type(&s, "b");
	assert_int_equal(s.scroll, 0);
}

static void help_and_histograms_come_and_go(void **state)
{
	struct watch_state s = fresh_state();

	(void)state;
	type(&s, "?");
	assert_true(s.help);
	type(&s, "b"); /* any key closes it, and does no more */
	assert_false(s.help);
	assert_int_equal(s.by, DIMENSION_MODEL);
	type(&s, "hh");
	assert_int_equal(s.picture, PICTURE_TTFT);
	type(&s, "hh");
	assert_int_equal(s.picture, PICTURE_FIGURES);
	type(&s, "h");
	state_key(&s, WATCH_KEY_ESCAPE);
	assert_int_equal(s.picture, PICTURE_FIGURES);
	type(&s, "?");
	assert_int_equal(state_key(&s, 'q'), EFFECT_QUIT);
	assert_int_equal(state_key(&s, WATCH_KEY_REPAINT), EFFECT_REPAINT);
}

/* --- Table ------------------------------------------------------------------------------------ */

/* Takes over the document. */
static struct snapshot *snapshot_of(json_t *document)
{
	struct snapshot *s;

	assert_non_null(document);
	assert_int_equal(snapshot_from_document(document, &s), 0);
	json_decref(document);
	return s;
}

static struct snapshot *stats(void)
{
	return snapshot_of(json_pack(
	    "{s:{s:i},s:{s:f,s:f,s:f,s:f,s:i},s:{s:{s:i,s:i,s:{s:f,s:f,s:i}},s:{s:i,s:i,s:{s:f,s:f,"
	    "s:i}},s:{s:i,s:i,s:{s:n}}}}",
	    "requests", "total", 60, "response_times", "avg", 3000.0, "p50", 2900.0, "p95", 9000.0,
	    "p99", 12000.0, "count", 60, "by_model", "beta", "requests", 30, "errors", 3,
	    "response_times", "avg", 2000.0, "p99", 4000.0, "count", 27, "alpha", "requests", 30,
	    "errors", 0, "response_times", "avg", 5000.0, "p99", 40000.0, "count", 19,
	    "\x1b[31mgamma", "requests", 0, "errors", 0, "response_times", "avg"));
}

static void assert_order(const struct snapshot *d, const struct watch_state *s, const char *a,
    const char *b, const char *c)
{
	const char *expected[] = {a, b, c};
	size_t count;
	struct table_row *rows = table_rows(d, s, &count);

	assert_non_null(rows);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(rows[i].name, expected[i]);
	assert_true(count == 3 || expected[count] == NULL);
	free(rows);
}

static void rows_are_sorted_and_filtered(void **state)
{
	static const char gamma[] = "\x1b[31mgamma";
	struct watch_state s = fresh_state();
	struct snapshot *d = stats();

	(void)state;
	assert_order(d, &s, "alpha", "beta", gamma); /* alike in requests: by name */
	s.sort = COLUMN_AVG;
	assert_order(d, &s, "alpha", "beta", gamma);
	s.ascending = true;
	assert_order(d, &s, "beta", "alpha", gamma); /* unknown stays last */
	s.sort = COLUMN_NAME;
	assert_order(d, &s, gamma, "alpha", "beta");
	s.sort = COLUMN_ERRORS;
	s.ascending = false;
	assert_order(d, &s, "beta", gamma, "alpha");
	strcpy(s.filter, "TA");
	assert_order(d, &s, "beta", NULL, NULL);
	s.by = DIMENSION_BOT;
	assert_order(d, &s, NULL, NULL, NULL);
	snapshot_unref(d);
}

static void columns_fit_and_the_important_ones_stay(void **state)
{
	(void)state;
	for (int columns = 1; columns <= 300; columns++) {
		static const int widths[COLUMNS_COUNT] = {0, 10, 8, 8, 8, 8, 7, 7, 8, 7, 14, 11};
		int name, used = 0;
		uint32_t shown = table_columns(columns, &name);

		for (int i = 0; i < COLUMNS_COUNT; i++)
			used += shown & 1u << i ? widths[i] : 0;
		assert_true(shown & 1u << COLUMN_NAME);
		if (columns < 40)
			continue;
		assert_true(name >= 14 && used + name <= columns);
		assert_true(shown & 1u << COLUMN_REQUESTS && shown & 1u << COLUMN_AVG);
		if (columns >= 80)
			assert_int_equal(shown & 0x1ff,
			    1u << COLUMN_NAME | 1u << COLUMN_REQUESTS | 1u << COLUMN_AVG |
				1u << COLUMN_P95 | 1u << COLUMN_TTFT | 1u << COLUMN_TPS |
				1u << COLUMN_ERRORS | (columns >= 100 ? shown & 0x28 : 0));
	}
}

/* --- Histograms ------------------------------------------------------------------------------- */

static struct snapshot *with_histogram(json_t *histogram)
{
	return snapshot_of(json_pack("{s:{s:o}}", "histograms", "ttft", histogram));
}

static void buckets_are_joined_until_they_fit(void **state)
{
	struct snapshot *s = with_histogram(json_pack(
	    "{s:i,s:[i,i,i,i,i,i,i]}", "offset", -3, "bucket_counts", 0, 1, 2, 3, 4, 5, 0));
	const struct histogram *h = &s->histograms[SUMMARY_TTFT];
	size_t count;
	struct bar *bars = bars_of(h, 100, &count);

	(void)state;
	assert_int_equal(count, 5);
	assert_true(fabs(bars[0].low - exp2(-2.0 / 32)) < 1e-9);
	assert_true(fabs(bars[4].high - exp2(3.0 / 32)) < 1e-9);
	assert_int_equal(bars[0].count, 1);
	assert_int_equal(bars[4].count, 5);
	free(bars);
	bars = bars_of(h, 3, &count);
	assert_int_equal(count, 3);
	assert_int_equal(bars[0].count + bars[1].count + bars[2].count, 15);
	assert_int_equal(bars[0].count, 3); /* below 1: (2^-2/32, 1] */
	assert_true(bars[0].high == 1 && bars[1].low == 1);
	free(bars);
	bars = bars_of(h, 1, &count);
	assert_int_equal(count, 0);
	free(bars);
	snapshot_unref(s);
}

static void a_damaged_histogram_is_none(void **state)
{
	static const char *const damaged[] = {"{}", "{\"offset\": 0}", "[]",
	    "{\"offset\": 99999999, \"bucket_counts\": [1]}",
	    "{\"offset\": -99999999, \"bucket_counts\": [1]}",
	    "{\"offset\": 0, \"bucket_counts\": {}}",
	    "{\"offset\": 0, \"bucket_counts\": [-1, \"x\"]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct snapshot *s = with_histogram(json_loads(damaged[i], 0, NULL));
		size_t count = 1;
		struct bar *bars = bars_of(&s->histograms[SUMMARY_TTFT], 10, &count);

		assert_non_null(bars);
		assert_int_equal(count, 0);
		free(bars);
		snapshot_unref(s);
	}
}

/* --- The agent -------------------------------------------------------------------------------- */

static void an_agent_comes_is_lost_and_is_replaced(void **state)
{
	struct board_snapshot live = {.pid = 7, .is_live = true, .heartbeat_ns = 5};
	struct board_snapshot stale = {.pid = 7, .heartbeat_ns = 6};
	struct health h = {0};

	(void)state;
	assert_false(health_note(&h, -ENOENT, &stale, 1));
	assert_int_equal(h.state, AGENT_NONE);
	assert_true(health_note(&h, 0, &live, 2));
	assert_int_equal(h.state, AGENT_LIVE);
	assert_int_equal(h.restarted_ns, 0);
	health_note_uptime(&h, 100, 3);
	assert_false(health_note(&h, 0, &live, 4));
	assert_true(health_note(&h, 0, &stale, 5));
	assert_int_equal(h.state, AGENT_LOST);
	assert_int_equal(h.heartbeat_ns, 6);
	assert_false(health_note(&h, -ENOENT, &stale, 6));
	/* It only slept. */
	assert_true(health_note(&h, 0, &live, 7));
	health_note_uptime(&h, 104, 7);
	assert_int_equal(h.restarted_ns, 0);
	live.pid = 8;
	assert_true(health_note(&h, 0, &live, 8));
	assert_int_equal(h.restarted_ns, 8);
	health_note_uptime(&h, 3, 9);
	assert_int_equal(h.restarted_ns, 8);
	/* In a container the next one often has the same process id. */
	health_note_uptime(&h, 1, 10);
	assert_int_equal(h.restarted_ns, 10);
}

static void a_board_that_nobody_keeps_tells_who_did(void **state)
{
	struct board_snapshot stale = {.pid = 7, .heartbeat_ns = 6};
	struct health h = {0};

	(void)state;
	assert_true(health_note(&h, 0, &stale, 5));
	assert_int_equal(h.state, AGENT_LOST);
	assert_int_equal(h.pid, 7);
}

/* --- Requests in flight ----------------------------------------------------------------------- */

static enum pace pace_of(const struct watch_data *d, const char *model, double age_s)
{
	struct flight f = {.ts = d->now_ns - (uint64_t)(age_s * 1e9)};
	double p99_ms;

	strcpy(f.model, model);
	return flight_pace(d, &f, &p99_ms);
}

static void what_is_slow_and_what_is_stalled(void **state)
{
	struct watch_data d = {.now_ns = NOW_NS, .snapshot = stats()};

	(void)state;
	/* p99 of 4 s, from 27 requests */
	assert_int_equal(pace_of(&d, "beta", 3.9), PACE_USUAL);
	assert_int_equal(pace_of(&d, "beta", 4.1), PACE_SLOW);
	assert_int_equal(pace_of(&d, "beta", 30.1), PACE_STALLED);
	/* from 19 requests, which tell nothing yet */
	assert_int_equal(pace_of(&d, "alpha", 29.9), PACE_USUAL);
	assert_int_equal(pace_of(&d, "alpha", 30.1), PACE_STALLED);
	assert_int_equal(pace_of(&d, "unknown", 29.9), PACE_USUAL);
	assert_int_equal(pace_of(&d, "unknown", 30.1), PACE_STALLED);
	assert_int_equal(pace_of(&d, "unknown", -5), PACE_USUAL);
	watch_data_free(&d);
}

static void failures_are_kept_newest_first(void **state)
{
	static struct failures f;
	struct seen_request r = {0};

	(void)state;
	for (uint64_t i = 0; i < 2 * FAILURES_MAX; i++) {
		r.ts = 1 + i * 7 % (2 * FAILURES_MAX);
		failures_add(&f, &r);
	}
	assert_int_equal(f.count, FAILURES_MAX);
	for (size_t i = 0; i < FAILURES_MAX; i++)
		assert_int_equal(f.items[i].ts, 2 * FAILURES_MAX - i);
}

static void ages_are_short(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} ages[] = {{0, "0.0s"}, {9.94, "9.9s"}, {12, "12s"}, {192, "3m 12s"}, {7500, "2h 5m"},
	    {273600, "3d 4h"}};

	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		char text[AGE_BYTES];

		format_age((uint64_t)(ages[i].seconds * 1e9), text);
		assert_string_equal(text, ages[i].text);
	}
}

/* --- The whole screen ------------------------------------------------------------------------- */

static void the_parts_fill_the_screen_whatever_its_height(void **state)
{
	(void)state;
	for (int rows = 1; rows <= 200; rows++) {
		struct layout l = layout_of(rows);

		assert_true(l.head >= 1 && l.table >= 0 && l.flights >= 0 && l.failures >= 0);
		assert_int_equal(l.head + l.spark_count * l.spark_height + l.table + l.flights +
				     l.failures + l.foot,
		    rows);
		if (rows >= 10)
			assert_true(l.table >= 4 && l.spark_count >= 2);
		if (rows >= 24)
			assert_true(l.spark_count == SPARKS_COUNT && l.flights >= 4 &&
				    l.failures >= 4 && l.table >= 7);
	}
}

static void fill(struct watch_data *d)
{
	*d = (struct watch_data){.now_ns = NOW_NS,
	    .snapshot = stats(),
	    .stats_ns = NOW_NS - 60 * NS_PER_SECOND,
	    .health = {.state = AGENT_LOST, .pid = 1234, .heartbeat_ns = NOW_NS - 9000000000},
	    .gone_ns = NOW_NS - NS_PER_SECOND,
	    .missed = 3,
	    .failures.count = 2,
	    .flight_count = 2};
	for (int i = 0; i < HISTORY_INTERVALS; i++)
		d->points[i] = (struct history_point){
		    (uint64_t)i, i == 7, 100.0 * i, i % 2 ? 500.0 : NAN, 3.0 * i};
	d->flights = calloc(2, sizeof(*d->flights));
	assert_non_null(d->flights);
	d->flights[0].ts = NOW_NS - 45 * NS_PER_SECOND;
	d->flights[1].ts = NOW_NS - NS_PER_SECOND;
	strcpy(d->flights[0].model, "beta");
	strcpy(d->flights[0].bot, "\u4f60\u597d-bot");
	d->last = (struct seen_request){.ts = NOW_NS - NS_PER_SECOND,
	    .response_ms = 3450,
	    .ttft_ms = 870,
	    .tps = 83.2,
	    .model = "openai/gpt-4",
	    .bot = "acore"};
	d->failures.items[0] = (struct seen_request){.ts = NOW_NS - 2 * NS_PER_SECOND,
	    .status = ORBUS_STATUS_ERROR,
	    .error_type = "rate_limited",
	    .model = "beta",
	    .error_message = "slow down"};
}

static void assert_harmless(const struct canvas *c)
{
	for (int i = 0; i < c->rows * c->columns; i++)
		for (const wchar_t *w = c->cells[i].text; *w; w++)
			assert_true(!is_unsafe_character((uint32_t)*w) && (c->utf8 || *w < 0x80));
}

static void every_size_of_screen_is_drawn_on(void **state)
{
	const struct orstat_settings settings = {.bus = "test", .watch_ns = NS_PER_SECOND};
	struct watch_state s = fresh_state();
	struct watch_data d;
	struct canvas c;

	(void)state;
	fill(&d);
	canvas_init(&c, true);
	for (int rows = 1; rows <= 60; rows += rows < 26 ? 1 : 7) {
		for (int columns = 1; columns <= 200; columns += columns < 42 ? 1 : 13) {
			assert_true(canvas_clear(&c, rows, columns));
			c.utf8 = columns % 2;
			s.help = columns % 7 == 0;
			s.editing = columns % 5 == 0;
			s.picture = (enum picture)(columns % 3 % PICTURE_COUNT);
			screen_draw(&c, &settings, &d, &s);
			assert_harmless(&c);
		}
	}
	canvas_free(&c);
	watch_data_free(&d);
}

static char *whole(const struct canvas *c)
{
	char *all = calloc(1, (size_t)c->rows * ((size_t)c->columns * 16 + 2));

	assert_non_null(all);
	for (int i = 0; i < c->rows; i++) {
		char *row = canvas_row(c, i);

		assert_non_null(row);
		strcat(strcat(all, row), "\n");
		free(row);
	}
	return all;
}

static void all_is_there_in_80_by_24(void **state)
{
	static const char *const words[] = {"orbus  bus test", "bus removed 1.0s ago",
	    "agent 1234 lost", "Last  3.45s good  TTFT 0.87s excellent  TPS 83.2 excellent",
	    "gpt-4", "Requests  ", "Response  ", "TTFT      ", "TPS       ", "Errors    ", "MODEL",
	    "\u25bcREQUESTS", "all ", "alpha ", "beta ", "\\x1b[31mgamma", "In flight 2, 1 stalled",
	    "45s  beta", "stalled, p99 4.0s", "Last errors", "rate_limited", "slow down", "q quit",
	    "h histogram"};
	const struct orstat_settings settings = {.bus = "test", .watch_ns = NS_PER_SECOND};
	struct watch_state s = fresh_state();
	struct watch_data d;
	struct canvas c;
	char *all;

	(void)state;
	fill(&d);
	canvas_init(&c, true);
	assert_true(canvas_clear(&c, 24, 80));
	screen_draw(&c, &settings, &d, &s);
	all = whole(&c);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strstr(all, words[i]))
			fail_msg("'%s' is not on the screen:\n%s", words[i], all);
	free(all);
	canvas_free(&c);
	watch_data_free(&d);
}

static int set_up(void **state)
{
	(void)state;
	output_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sample_counts_in_the_interval_of_its_time),
	    cmocka_unit_test(an_interval_is_used_again_for_the_next_round),
	    cmocka_unit_test(a_sample_from_the_future_counts_now),
	    cmocka_unit_test(levels_are_in_proportion_and_little_still_shows),
	    cmocka_unit_test(text_is_cut_to_its_place),
	    cmocka_unit_test(without_utf8_all_is_ascii),
	    cmocka_unit_test(bars_grow_in_eighths),
	    cmocka_unit_test(a_piece_that_does_not_fit_is_left_out_with_all_after_it),
	    cmocka_unit_test(keys_choose_the_table),
	    cmocka_unit_test(each_key_does_one_thing_and_its_row_fits_the_help),
	    cmocka_unit_test(each_window_and_dimension_has_a_key),
	    cmocka_unit_test(keys_choose_the_window_unless_it_stands_still),
	    cmocka_unit_test(sorting_goes_round_the_columns_that_are_shown),
	    cmocka_unit_test(a_filter_is_typed_kept_cancelled_and_cleared),
	    cmocka_unit_test(a_filter_holds_whole_characters_and_has_an_end),
	    cmocka_unit_test(scrolling_stays_within_the_table),
	    cmocka_unit_test(help_and_histograms_come_and_go),
	    cmocka_unit_test(rows_are_sorted_and_filtered),
	    cmocka_unit_test(columns_fit_and_the_important_ones_stay),
	    cmocka_unit_test(buckets_are_joined_until_they_fit),
	    cmocka_unit_test(a_damaged_histogram_is_none),
	    cmocka_unit_test(an_agent_comes_is_lost_and_is_replaced),
	    cmocka_unit_test(a_board_that_nobody_keeps_tells_who_did),
	    cmocka_unit_test(what_is_slow_and_what_is_stalled),
	    cmocka_unit_test(failures_are_kept_newest_first),
	    cmocka_unit_test(ages_are_short),
	    cmocka_unit_test(the_parts_fill_the_screen_whatever_its_height),
	    cmocka_unit_test(every_size_of_screen_is_drawn_on),
	    cmocka_unit_test(all_is_there_in_80_by_24),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
