/* report.mjs: the page of a report: figures, plots, failures, names, advice, trend, notes. */
import {el, section} from "./dom.mjs";
import {UNKNOWN, change, compact, fixed, format, isKnown, moment, plural, rate, seconds} from "./format.mjs";
import {time_ticks, wall_time} from "./scales.mjs";
import {has_values} from "./chart.mjs";
import {table} from "./tables.mjs";

/* Percent of requests: what orstat --check warns of. */
const ERROR_RATE_BAD = 5;
const TYPES_MAX = 5;
const RECENT_MAX = 10;

function error_rate(figures) {
	return figures.requests.total ? 100 * figures.requests.failed / figures.requests.total : null;
}

/* --- Figures of all, and their change ---------------------------------------------------------- */

/*
 * of(total, hours) is the figure; `change_of` what its change is of, where not that; `key` the test of
 * it in before.figures.
 */
const CARDS = [
	{name: "Requests", unit: "count", of: t => t.requests.total, by_hour: true},
	{name: "Failed", unit: "percent", of: error_rate, key: "error_rate",
		tone: v => v >= ERROR_RATE_BAD ? {word: "", tone: "bad"} : null},
	{name: "Response avg", unit: "ms", of: t => t.response_times.avg, key: "response_times.avg", scale: "response_ms"},
	{name: "Response p95", unit: "ms", of: t => t.response_times.p95, key: "response_times.p95", scale: "response_ms"},
	{name: "First token avg", unit: "ms", of: t => t.ttft.avg, scale: "ttft_ms"},
	{name: "Tokens a second", unit: "tps", of: t => t.tps.avg, scale: "tps"},
	{name: "Tokens", unit: "count", of: t => t.token_usage.total_tokens, by_hour: true},
	{name: "Cost", unit: "usd", of: t => t.cost_usd, by_hour: true},
];

/* The change of a figure against the period before: {text, tone}, or null. Counts are compared by the hour. */
function card_change(data, card) {
	const before = data.before;
	if (!before || !before.total.requests || before.total.requests.total === 0)
		return null;
	const tested = card.key && before.figures.find(f => f.key === card.key);
	if (tested)
		return isKnown(tested.change) ? {text: change(tested.change, tested.unit) +
			(["better", "worse"].includes(tested.verdict) ? " " + tested.verdict : ""), tone: tested.tone,
		title: tested.verdict} : null;
	const figure = side => card.of(side) / (card.by_hour ? side.covered_hours : 1);
	const [a, b] = [figure(before.total), figure(data.total)];
	return isKnown(a) && isKnown(b) && a > 0 && card.of(data.total) != null && card.of(before.total) != null
		? {text: change(b / a - 1, card.unit === "percent" ? "percent" : ""), tone: ""} : null;
}

function card_element(data, card) {
	const value = card.of(data.total), moved = card_change(data, card);
	const rating = card.scale ? rate(data.ratings[card.scale], value) : card.tone && card.tone(value);
	return el("div", {class: "card"}, el("dt", null, card.name),
		el("dd", {class: "figure " + (card.scale ? "" : rating ? rating.tone : ""), title: format(value, card.unit)},
			compact(value, card.unit)),
		el("dd", {class: "rating"}, rating && rating.word && el("span", {class: rating.tone}, rating.word),
			moved && el("span", {class: "change " + (moved.tone || ""), title: moved.title || null}, moved.text)));
}

function before_text(data) {
	const before = data.before;
	if (!before || !before.total.requests || before.total.requests.total === 0)
		return before ? `No requests in the period before (${before.name}), so no change is shown.`
			: "No files of the period before, so no change is shown.";
	return `Change: against ${before.name} (${fixed(before.total.covered_hours, 0)} h of files; this report has ` +
		`${fixed(data.total.covered_hours, 0)} h). Requests, tokens and cost are compared by the hour.`;
}

/* --- What to look at first --------------------------------------------------------------------- */

function attention(data) {
	const found = severity => data.advice.findings.filter(f => f.severity === severity).length;
	const wrong = data.notes.filter(n => n.wrong).length;
	const items = [["critical", found("critical"), "critical finding", "#advice"],
		["warning", found("warning"), "warning", "#advice"], ["critical", wrong, "file problem", "#notes"]]
		.filter(([, n]) => n).map(([tone, n, word, to]) => el("a", {class: tone, href: to}, plural(n, word)));
	return items.length ? el("nav", {class: "attention", "aria-label": "Look at this first"}, ...items) : null;
}

/* --- Plots ------------------------------------------------------------------------------------- */

function rows_axis(data) {
	const times = data.periods.map(p => wall_time(p.start));
	return {count: data.periods.length, all: data.per === "day" ? "all days" : "all hours", sync: "rows", name: data.per === "day" ? "Day" : "Hour",
		text: i => data.periods[i].label + (data.periods[i].complete === false ? "*" : ""),
		ticks: (room, low, high) => time_ticks(times, data.per, room, low, high)};
}

/* One figure of each period that has files. */
function each(data, of) {
	return data.periods.map(p => p.files ? of(p) : null);
}

function row_plots(data) {
	const x = rows_axis(data), t = data.total;
	const one = (name, of, colour, dash) => ({name, values: each(data, of), summary: of(t), colour, dash});
	const quantile = (key, q, colour, dash) => one(q, p => p[key][q], colour, dash);
	return [
		{title: "Requests", unit: "count", kind: "stack", x, series: [one("answered", p => p.requests.ok, 0),
			one("failed", p => p.requests.failed, 4), one("cancelled", p => p.requests.cancelled, 8)]},
		{title: "Response time", unit: "ms", kind: "lines", x, series: [quantile("response_times", "p50", 0),
			quantile("response_times", "p95", 1, 1), quantile("response_times", "p99", 2, 2)]},
		{title: "Time to first token", unit: "ms", kind: "lines", x, series: [quantile("ttft", "p50", 0),
			quantile("ttft", "p95", 1, 1)]},
		{title: "Tokens a second", unit: "tps", kind: "lines", x, series: [quantile("tps", "p50", 0),
			quantile("tps", "p5", 1, 1)]},
		{title: "Tokens", unit: "count", kind: "bars", x, series: [one("tokens", p => p.token_usage.total_tokens, 0)]},
		{title: "Cost", unit: "usd", kind: "bars", x, series: [one("cost", p => p.cost_usd, 0)]},
	];
}

function name_plots(data) {
	const named = data.names.filter(n => n.p95);
	return [{title: "Response time p95 by " + data.by, unit: "ms", kind: "lines", x: rows_axis(data),
		series: named.map((n, i) => ({name: n.name, values: n.p95, summary: n.response_times.p95, colour: i,
			dash: i % 3}))}, ...data.distributions.map(d => distribution_plot(d))];
}

/* Curves of a distribution. "all" is grey, and names have the colours that they have in other plots. */
export function distribution_plot(d) {
	const named = d.series[0].name === "all";
	const series = d.series.map((s, i) => ({name: s.name, values: s.values, colour: named ? (i + 8) % 9 : i,
		dash: named ? (i ? (i - 1) % 3 : 0) : i, summary: s.p50, summary_unit: d.unit}));
	return {title: d.title, unit: "percent", kind: "lines", series,
		x: {count: d.at.length, at: d.at, unit: d.unit, all: "median", name: d.unit === "ms" ? "Time" : "Tokens a second",
			text: i => format(d.at[i], d.unit)}};
}

/* The types that failed most, in each period. */
function errors_plot(data, types) {
	const x = rows_axis(data), first = types.slice(0, TYPES_MAX), rest = types.slice(TYPES_MAX);
	const of = list => p => list.reduce((sum, [type]) =>
		sum + (Object.hasOwn(p.errors_by_type, type) ? p.errors_by_type[type] : 0), 0);
	const groups = first.map(t => [t[0], [t]]).concat(rest.length ? [["others", rest]] : []);
	return {title: "Failed requests by type", unit: "count", kind: "stack", x, series: groups.map(([name, list], i) =>
		({name, values: each(data, of(list)), summary: of(list)(data.total), colour: i < TYPES_MAX ? [4, 1, 2, 5, 6][i] : 8}))};
}

/* --- Failures ---------------------------------------------------------------------------------- */

function failures(data, drawn) {
	const t = data.total, failed = t.requests.failed;
	const types = Object.entries(t.errors_by_type).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
	const place = section("failures", "Failures");
	if (!failed && !types.length) {
		place.append(el("p", {class: "empty"}, t.requests.total ? `None of ${plural(t.requests.total, "request")} failed.`
			: "No requests, so none failed."));
		return place;
	}
	const share = (n, of) => of ? format(100 * n / of, "percent") : UNKNOWN;
	const side = el("div", {class: "side"}, table("Failed requests by type", [{name: "Type"}, {name: "Requests", number: true},
		{name: "Of failed", number: true}, {name: "Of all", number: true}],
	types.map(([type, n]) => [type, fixed(n, 0), share(n, failed), share(n, t.requests.total)]),
	["All failed", fixed(failed, 0), "", share(failed, t.requests.total)]));
	const plots = el("div", {class: "plots"});
	const plot = errors_plot(data, types);
	place.append(el("div", {class: "pair"}, plots, side));
	if (has_values(plot))
		drawn.push([plots, plot]);
	if (data.recent_errors.length)
		place.append(el("h3", null, "The latest"), table("The latest failures", [{name: "When"}, {name: "Type"}, {name: "Message"}],
			data.recent_errors.slice(0, RECENT_MAX).map(e => [moment(e.timestamp), e.type, e.message || ""])));
	return place;
}

/* --- Tables ------------------------------------------------------------------------------------ */

const COLUMNS = ["Requests", "Failed", "%", "Avg s", "p50 s", "p95 s", "p99 s", "TTFT s", "TTFT p95", "TPS", "Tokens", "Cost"];

function rated(data, scale, value, text, small) {
	const rating = rate(data.ratings[scale], value);
	return {text, tone: rating.tone, title: rating.word, small};
}

function cells(data, f) {
	const time = (scale, ms) => rated(data, scale, ms, seconds(ms));
	const percent = error_rate(f);
	return [fixed(f.requests.total, 0), fixed(f.requests.failed, 0),
		{text: isKnown(percent) ? fixed(percent, 1) : UNKNOWN, tone: percent >= ERROR_RATE_BAD ? "bad" : ""},
		...["avg", "p50", "p95", "p99"].map(q => time("response_ms", f.response_times[q])),
		...["avg", "p95"].map(q => time("ttft_ms", f.ttft[q])),
		rated(data, "tps", f.tps.avg, fixed(f.tps.avg, 1), isKnown(f.tps.avg) && fixed(f.tps.p5, 0) + "–" + fixed(f.tps.p95, 0)),
		fixed(f.token_usage.total_tokens, 0), format(f.cost_usd, "usd")];
}

function columns(first) {
	return [{name: first}, ...COLUMNS.map(name => ({name, number: true}))];
}

function capital(word) {
	return word[0].toUpperCase() + word.slice(1);
}

function names(data) {
	return section("names", "Performance by " + data.by, data.names.length
		? table("Performance by " + data.by, columns(capital(data.by)), data.names.map(n => [n.name, ...cells(data, n)]))
		: el("p", {class: "empty"}, `No request named its ${data.by}.`));
}

function trend(data) {
	const rows = data.periods.map(p => p.files
		? [p.label + (p.complete ? "" : "*") + (p.partial ? "~" : ""), ...cells(data, p)]
		: [p.label, {text: "no file", tone: "dim"}, ...COLUMNS.slice(1).map(() => "")]);
	return section("trend", "Trend", table("Trend", columns(data.per === "day" ? "Day" : "Hour"), rows,
		["All", ...cells(data, data.total)]),
	data.periods.some(p => p.complete === false) &&
		el("p", {class: "dim"}, "* not over yet, or its agent stopped before the end"),
	data.periods.some(p => p.partial) &&
		el("p", {class: "dim"}, "~ percentiles, TTFT and TPS are of the files with histograms alone"));
}

/* --- Words ------------------------------------------------------------------------------------- */

function advice(data) {
	const a = data.advice;
	return section("advice", "Advice", a.silence && el("p", {class: "empty"}, "Nothing to advise: " + a.silence),
		el("div", {class: "findings"}, ...a.findings.map(f => el("article", {class: f.severity}, el("h3", null, el("span", null, f.severity), " ",
			f.title + (f.subject ? ": " + f.subject : "")), el("p", null, f.evidence), el("p", {class: "remedy"}, f.remedy)))));
}

const LOSSES = {lost_samples: ["sample was", "samples were", "lost: the agent came too late to read them"],
	rejected_samples: ["sample was", "samples were", "rejected: no valid sample"],
	skewed_samples: ["sample had", "samples had", "a time that cannot be right"],
	journal_lost: ["request is", "requests are", "missing in the journal"]};

/* What a reader must know of how the figures came about; null where there is nothing. */
export function notes(list, losses) {
	const items = list.map(n => el("li", {class: n.wrong ? "bad" : null}, n.text));
	for (const [key, [one, many, what]] of Object.entries(losses ? LOSSES : {}))
		if (losses[key])
			items.push(el("li", {class: "poor"}, plural(losses[key], one, many) + " " + what + "."));
	return items.length ? section("notes", "Notes", el("ul", null, ...items)) : null;
}

function before_notes(data) {
	return data.before ? data.before.notes.filter(n => n.wrong)
		.map(n => ({...n, text: "Of the period before: " + n.text})) : [];
}

/* Shows it; returns what is to be drawn: [[place, plot], ...]. */
export function report(data, main) {
	const drawn = [], plots = el("div", {class: "plots"}), by_name = el("div", {class: "plots wide"});
	main.append(...[attention(data), el("dl", {class: "cards"}, ...CARDS.map(card => card_element(data, card))),
		el("p", {class: "dim", id: "before"}, before_text(data))].filter(Boolean));
	for (const [place, list] of [[plots, row_plots(data)], [by_name, name_plots(data)]])
		drawn.push(...list.filter(has_values).map(plot => [place, plot]));
	main.append(drawn.length ? el("section", {id: "plots", "aria-label": "Plots"}, plots, by_name)
		: el("p", {class: "empty"}, `No requests in this time. Its ${plural(data.total.files, "file")} cover ` +
			`${fixed(data.total.covered_hours, 1)} h in which an agent ran and no bot published.`));
	main.append(...[failures(data, drawn), names(data), advice(data), trend(data),
		notes([...data.notes, ...before_notes(data)], data.losses)].filter(Boolean));
	return drawn;
}

/* What stands beside the page's name. */
export function report_title(data) {
	return data.name + (data.utc ? " UTC" : "") + ", " + plural(data.total.files, "file");
}
