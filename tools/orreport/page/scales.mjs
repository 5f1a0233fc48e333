/* scales.mjs: where an axis has its ticks: at round values and times, as many as there is room for. */

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

function two(n) {
	return String(n).padStart(2, "0");
}

/* The parts of a local time as it is written: "2026-11-20T13:00:00+01:00". */
export function wall_time(text) {
	const [year, month, day, hour] = text.split(/[-T:]/).map(Number);
	return {year, month, day, hour, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay()};
}

function date_text(t) {
	return WEEKDAYS[t.weekday] + " " + two(t.month) + "-" + two(t.day);
}

/* From fine to coarse: which times have a tick, and how wide its text is in pixels. */
const TIME_STEPS = [
	...[1, 2, 3, 6, 12].map(n => ({per: "hour", wide: 60, has: t => t.hour % n === 0})),
	{wide: 64, has: t => t.hour === 0},
	{wide: 64, has: t => t.hour === 0 && t.weekday === 1},
	{wide: 64, month: true, has: t => t.hour === 0 && t.day === 1},
	{wide: 64, month: true, has: t => t.hour === 0 && t.day === 1 && t.month % 3 === 1},
	{wide: 64, month: true, has: t => t.hour === 0 && t.day === 1 && t.month === 1},
];

/*
 * Ticks for periods that start at `times` (of wall_time()) and follow one another: [{at, text}], `at`
 * being the index of a period, from `low` to `high`. `per` is "hour" or "day", `room` the axis's pixels.
 */
export function time_ticks(times, per, room, low, high) {
	const within = times.map((t, at) => ({t, at})).filter(x => x.at >= low && x.at <= high);
	for (const step of TIME_STEPS) {
		if (step.per && step.per !== per)
			continue;
		const found = within.filter(x => step.has(x.t));
		if (found.length * step.wide > room || found.length < Math.min(within.length, 2))
			continue;
		return found.map(({t, at}) => ({at, text: step.month ? t.year + "-" + two(t.month)
			: t.hour === 0 ? date_text(t) : two(t.hour) + ":00"}));
	}
	/* No round time in sight, or no room: some at equal distances. */
	const each = Math.max(1, Math.ceil(within.length * 64 / Math.max(room, 64)));
	return within.filter((x, i) => i % each === 0).map(({t, at}) =>
		({at, text: per === "hour" && t.hour !== 0 ? two(t.hour) + ":00" : date_text(t)}));
}

/* Ticks of a logarithmic axis: the values 1, 2, 5, 10, ... from `low` to `high`; with less room fewer. */
export function log_ticks(low, high, room) {
	for (const digits of [[1, 2, 5], [1, 3], [1]]) {
		const found = [];
		for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
			for (const digit of digits) {
				const value = +(digit + "e" + power);
				if (value >= low && value <= high)
					found.push(value);
			}
		if (found.length * 56 <= room && found.length > 1)
			return found;
	}
	return [low, high];
}

/* The least of 1, 2, 2.5 and 5 times a power of ten that divides `top` into at most `most` steps. */
export function round_step(top, most, whole) {
	/* Of a top that is a multiple of the step, a rounding error must not ask for the next one. */
	const least = Math.max(top / most * (1 - 1e-9), Number.MIN_VALUE);
	for (let power = Math.floor(Math.log10(least)); ; power++)
		for (const digit of [1, 2, 2.5, 5]) {
			const step = +(digit + "e" + power);
			if (step >= least && (!whole || Number.isInteger(step)))
				return step;
		}
}

/* Ticks from 0 to the round value at or above `top`, for an axis of `room` pixels. */
export function value_ticks(top, room, whole) {
	const step = round_step(top > 0 ? top : 1, Math.max(2, Math.floor(room / 38)), whole);
	const count = Math.max(1, Math.ceil((top > 0 ? top : 1) / step - 1e-9));
	return Array.from({length: count + 1}, (x, i) => +(i * step).toPrecision(12));
}
