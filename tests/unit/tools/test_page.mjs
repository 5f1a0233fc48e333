/* The page's ticks and figures: round values and times, for any range and any width. */
import assert from "node:assert";
import test from "node:test";
import {change, compact, fixed, format, moment, plural, rate, short} from "../../../tools/orreport/page/format.mjs";
import {log_ticks, round_step, time_ticks, value_ticks, wall_time} from "../../../tools/orreport/page/scales.mjs";

function is_round(step) {
	return /^(1|2|2\.5|5)e/.test(step.toExponential());
}

test("ticks of values are multiples of a round step, and end at or above the highest value", () => {
	for (const whole of [false, true])
		for (const room of [20, 60, 178, 500])
			for (let exponent = -9; exponent <= 15; exponent += 0.037) {
				const top = 10 ** exponent;
				const ticks = value_ticks(top, room, whole), step = ticks[1];
				assert.ok(is_round(step), `${top}: a step of ${step}`);
				assert.ok(!whole || Number.isInteger(step), `${top}: a step of ${step}`);
				assert.equal(ticks[0], 0);
				assert.ok(ticks.at(-1) >= top * (1 - 1e-9) && ticks.at(-1) - step < top, `${top}: ${ticks}`);
				assert.ok(ticks.length - 1 <= Math.max(2, room / 38), `${top}: ${ticks} in ${room}`);
				for (const [i, tick] of ticks.entries())
					assert.ok(Math.abs(tick - i * step) <= 1e-9 * tick, `${top}: ${ticks}`);
				/* An axis that ends at its last tick has the same ticks. */
				assert.deepEqual(value_ticks(ticks.at(-1), room, whole), ticks);
			}
	assert.deepEqual(value_ticks(0, 178, true), [0, 1]);
	assert.deepEqual(value_ticks(1, 178, true), [0, 1]);
	assert.deepEqual(value_ticks(null, 178, false).at(-1), 1);
	assert.equal(round_step(100, 4, false), 25);
});

function hours(start, count, each = 1) {
	const first = Date.parse(start);
	return Array.from({length: count}, (x, i) => wall_time(new Date(first + i * each * 3600e3).toISOString()));
}

test("ticks of hours are at hours that divide a day, of longer stretches at days, Mondays and months", () => {
	const texts = (times, per, room) => time_ticks(times, per, room, 0, times.length - 1).map(t => t.text);
	assert.deepEqual(texts(hours("2026-11-24T00:00:00Z", 48), "hour", 320), ["Tue 11-24", "12:00", "Wed 11-25", "12:00"]);
	assert.deepEqual(texts(hours("2026-11-24T05:00:00Z", 24), "hour", 320), ["06:00", "12:00", "18:00", "Wed 11-25"]);
	assert.deepEqual(texts(hours("2026-11-24T13:00:00Z", 2), "hour", 300), ["13:00", "14:00"]);
	assert.deepEqual(texts(hours("2026-11-24T13:00:00Z", 1), "hour", 300), ["13:00"]);
	const days = n => hours("2026-11-01T00:00:00Z", n, 24);
	assert.deepEqual(texts(days(3), "day", 300), ["Sun 11-01", "Mon 11-02", "Tue 11-03"]);
	assert.deepEqual(texts(days(30), "day", 400), ["Mon 11-02", "Mon 11-09", "Mon 11-16", "Mon 11-23", "Mon 11-30"]);
	assert.deepEqual(texts(days(200), "day", 500), ["2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04",
		"2027-05"]);
	assert.deepEqual(texts(days(3 * 365), "day", 300), ["2027-01", "2028-01", "2029-01"]);
	assert.deepEqual(texts([], "day", 300), []);
	for (const per of ["hour", "day"])
		for (let n = 1; n < 1500; n += 1 + (n >> 2))
			for (const room of [0, 100, 300, 900]) {
				const times = per === "hour" ? hours("2026-03-03T07:00:00Z", n) : days(n);
				const found = time_ticks(times, per, room, 0, n - 1);
				assert.ok(found.length >= 1 && found.length * 60 <= Math.max(room, 120), `${n} ${per}s in ${room}: ${found.length}`);
				assert.ok(found.every(t => t.text && t.at >= 0 && t.at < n));
			}
	/* Only what is zoomed to. */
	assert.deepEqual(time_ticks(days(30), "day", 400, 14.5, 17.5).map(t => t.at), [15, 16, 17]);
});

test("ticks of a logarithmic axis are 1, 2 and 5 times powers of ten", () => {
	assert.deepEqual(log_ticks(450, 12000, 600), [500, 1000, 2000, 5000, 10000]);
	assert.deepEqual(log_ticks(0.2, 90, 100), [0.2, 90]);
	assert.deepEqual(log_ticks(0.2, 900, 200), [1, 10, 100]);
	assert.deepEqual(log_ticks(3000, 3000, 200), [3000, 3000]);
});

test("figures are read as people write them, and what is unknown is a dash", () => {
	for (const unit of ["count", "ms", "tps", "per_hour", "usd", "percent"])
		for (const value of [null, undefined, NaN, Infinity])
			assert.equal(format(value, unit), "–");
	assert.equal(format(0, "count"), "0");
	assert.equal(format(1234567, "count"), "1,234,567");
	assert.equal(compact(267059167, "count"), "267.1 M");
	assert.equal(compact(9999999, "count"), "9,999,999");
	assert.equal(compact(null, "count"), "–");
	assert.equal(format(5031.9, "ms"), "5.03 s");
	assert.equal(format(15500, "ms"), "15.5 s");
	assert.equal(format(0, "ms"), "0.00 s");
	assert.equal(format(0.0000123, "usd"), "$0.000012");
	assert.equal(format(3269.789, "usd"), "$3,269.79");
	assert.equal(format(0.791, "percent"), "0.79 %");
	assert.equal(format(2.48, "percent"), "2.5 %");
	assert.equal(short(1500000, "count"), "1.5M");
	assert.equal(short(500, "ms"), "0.5 s");
	assert.equal(short(20, "usd"), "$20");
	assert.equal(change(0.042, "ms"), "+4.2 %");
	assert.equal(change(-0.3, "percent"), "−0.30 pt");
	assert.equal(change(-0.0001, "ms"), "±0.0 %");
	assert.equal(change(null, "ms"), "–");
	assert.equal(fixed(null, 2), "–");
	assert.equal(plural(1, "file"), "1 file");
	assert.equal(plural(2, "file"), "2 files");
	assert.equal(moment("2026-11-24T08:47:26.123456789+01:00"), "2026-11-24 08:47 +01:00");
	assert.equal(moment("2026-11-24T08:47:26Z"), "2026-11-24 08:47 UTC");
	assert.equal(moment("<b>"), "<b>");
});

test("a figure has the rating of the first step whose bound it keeps", () => {
	const steps = (...list) => list.map(([bound, inclusive, word]) => ({bound, inclusive, word}));
	const lower = {higher_is_better: false, steps: steps([2000, false, "excellent"], [5000, true, "good"], [null, false, "slow"])};
	const higher = {higher_is_better: true, steps: steps([50, false, "excellent"], [20, true, "good"], [null, false, "slow"])};
	for (const [scale, value, word] of [[lower, 1999.9, "excellent"], [lower, 2000, "good"], [lower, 5000, "good"],
		[lower, 5000.1, "slow"], [lower, 0, "excellent"], [higher, 50.1, "excellent"], [higher, 50, "good"],
		[higher, 20, "good"], [higher, 19.9, "slow"], [higher, null, ""]])
		assert.equal(rate(scale, value).word, word, `${value}`);
});
