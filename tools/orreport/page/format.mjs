/* format.mjs: figures as people read them. What is not known (null) is a dash, never 0. */

export const UNKNOWN = "–";

export function isKnown(value) {
	return typeof value === "number" && isFinite(value);
}

/* 1234.5, 1 -> "1,234.5" */
export function fixed(value, digits) {
	return isKnown(value)
		? value.toLocaleString("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits}) : UNKNOWN;
}

/* Three digits at least, two after the point at most: 0.42, 12.3, 1,234. */
function rounded(value) {
	return fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

function with_unit(value, text) {
	return isKnown(value) ? text : UNKNOWN;
}

/* What a figure of each unit is called. Those of times are in milliseconds. */
const FORMATS = {
	count: v => fixed(v, 0),
	ms: v => rounded(v / 1000) + " s",
	tps: v => fixed(v, 1),
	per_hour: v => fixed(v, 1),
	usd: v => "$" + fixed(v, v === 0 || v >= 1 ? 2 : v >= 0.01 ? 4 : 6),
	percent: v => fixed(v, v !== 0 && Math.abs(v) < 1 ? 2 : 1) + " %",
};

export function format(value, unit) {
	return with_unit(value, isKnown(value) ? FORMATS[unit](value) : "");
}

/* The same where there is little room: 267.1 M. */
export function compact(value, unit) {
	const [by, letter] = value >= 1e9 ? [1e9, " G"] : [1e6, " M"];
	return unit === "count" && value >= 1e7 ? fixed(value / by, 1) + letter : format(value, unit);
}

/* Seconds without their unit, for a column that says it. */
export function seconds(ms) {
	return isKnown(ms) ? fixed(ms / 1000, 2) : UNKNOWN;
}

/* On an axis, where values are round: 5k, 20M, 0.5 s. */
export function short(value, unit) {
	const figure = unit === "ms" ? value / 1000 : value;
	const [by, letter] = figure >= 1e9 ? [1e9, "G"] : figure >= 1e6 ? [1e6, "M"] : figure >= 1e3 ? [1e3, "k"] : [1, ""];
	const text = +(figure / by).toPrecision(6) + letter;
	return unit === "ms" ? text + " s" : unit === "usd" ? "$" + text : unit === "percent" ? text + " %" : text;
}

/* A change of 0.042 is "+4.2 %"; of a figure in percent it is in points: "+0.30 pt". */
export function change(value, unit) {
	if (!isKnown(value))
		return UNKNOWN;
	const [figure, digits, suffix] = unit === "percent" ? [value, 2, " pt"] : [100 * value, 1, " %"];
	const text = fixed(Math.abs(figure), digits);
	const sign = /[1-9]/.test(text) ? figure < 0 ? "−" : "+" : "±";
	return sign + text + suffix;
}

/* "1 file", "2 files" */
export function plural(n, one, many) {
	return fixed(n, 0) + " " + (n === 1 ? one : many || one + "s");
}

/* "2026-11-20 13:05 +01:00" of an RFC 3339 time: in the zone it is written in, not the reader's. */
export function moment(text) {
	const [, date, clock, zone] = /^(\S{10})T(\d\d:\d\d)\S*?(Z|[+-]\d\d:\d\d)$/.exec(text) || [];
	return date ? date + " " + clock + " " + (zone === "Z" || zone === "+00:00" ? "UTC" : zone) : text;
}

/* A figure's rating on a scale of base/ratings.h: {word, tone}. */
export function rate(scale, value) {
	if (!isKnown(value))
		return {word: "", tone: ""};
	return scale.steps.find(s => !isKnown(s.bound) || (s.inclusive && value === s.bound) ||
		(scale.higher_is_better ? value > s.bound : value < s.bound));
}
