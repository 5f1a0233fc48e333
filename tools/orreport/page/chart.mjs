/*
 * chart.mjs: a plot with a legend that shows values, and its figures as a table. Draws with uPlot.
 *
 * A plot: {title, unit, kind: "lines", "bars" or "stack", x, series}
 *   x        {count, text(i): what a point is called, all: what the summaries are of, sync: name of the
 *            plots that share a cursor, at: [the points' places on a logarithmic scale] or `ticks(room,
 *            low, high)`: [{at, text}] of points at equal distances}
 *   series   {name, values, summary: the figure of all points, summary_unit: where it is another, colour:
 *            0 to 8, dash: 0 to 2}
 */
import {el} from "./dom.mjs";
import {format, isKnown, short} from "./format.mjs";
import {log_ticks, value_ticks} from "./scales.mjs";
import {table} from "./tables.mjs";

const HEIGHT = 210, X_AXIS = 32;
const DASHES = [undefined, [8, 4], [2, 4]];

function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/* What stands on one another: each is drawn from the sum of those before it. */
function stacked(series) {
	const sums = [];
	return series.map(s => s.values.map((v, i) => {
		sums[i] = (sums[i] || 0) + (v || 0);
		return v == null ? null : sums[i];
	}));
}

/* True where there is anything to see. */
export function has_values(plot) {
	return plot.series.some(s => s.values.some(v => isKnown(v) && v !== 0));
}

function of_all(plot, series) {
	return isKnown(series.summary) ? format(series.summary, series.summary_unit || plot.unit) : "no data";
}

/* --- The legend: what each series is under the cursor, or of all ------------------------------- */

function legend_of(plot, toggle) {
	const at = el("span", {class: "at"}), figures = [];
	const items = plot.series.map((s, i) => {
		const figure = el("b");
		const button = el("button", {type: "button", "aria-pressed": "true", title: "show or hide " + s.name},
			el("span", {class: `swatch k${s.colour} d${s.dash || 0}`}), el("span", {class: "name"}, s.name), figure);
		button.addEventListener("click", () => {
			const shown = button.getAttribute("aria-pressed") !== "true";
			button.setAttribute("aria-pressed", shown);
			toggle(i, shown);
		});
		figures.push(figure);
		return el("li", null, button);
	});
	function show(point) {
		at.textContent = point == null ? plot.x.all : plot.x.text(point);
		plot.series.forEach((s, i) => {
			figures[i].textContent = point == null ? of_all(plot, s)
				: isKnown(s.values[point]) ? format(s.values[point], plot.unit) : "no data";
		});
	}
	show(null);
	return {at, list: el("ul", {class: "legend"}, ...items), show};
}

/* --- The plot ---------------------------------------------------------------------------------- */

function x_axis(plot, axis) {
	if (plot.x.at)
		return {...axis, splits: (u, i, low, high) =>
			log_ticks(10 ** low, 10 ** high, u.bbox.width / devicePixelRatio).map(Math.log10),
			values: (u, ticks) => ticks.map(t => short(+(10 ** t).toPrecision(6), plot.x.unit))};
	let texts = new Map();
	return {...axis, splits: (u, i, low, high) => {
		const ticks = plot.x.ticks(u.bbox.width / devicePixelRatio, low, high);
		texts = new Map(ticks.map(t => [t.at, t.text]));
		return ticks.map(t => t.at);
	}, values: (u, ticks) => ticks.map(t => texts.get(t))};
}

function y_axis(plot, axis) {
	/* Times are drawn in milliseconds and read in seconds, which 1,000 times a round step is too. */
	return {...axis, size: 58, values: (u, ticks) => ticks.map(t => short(t, plot.unit)),
		splits: (u, i, low, high) => y_ticks(plot, high)};
}

/* The axis ends at a tick: of that tick as the highest value the ticks are the same. */
function y_ticks(plot, high) {
	return value_ticks(high, HEIGHT - X_AXIS, plot.unit === "count");
}

/* All of it, or the part that is zoomed to; uPlot asks for more where there is one point. */
function x_range(x, half) {
	return (u, low, high) => {
		const [first, last] = [Math.max(low, x[0]), Math.min(high, x.at(-1))];
		return first === last && !half ? [first - 0.1, last + 0.1] : [first - half, last + half];
	};
}

/* A point between two gaps is no line. */
function lone_points(values) {
	return () => values.map((v, i) => i).filter(i => values[i] != null && values[i - 1] == null && values[i + 1] == null);
}

function options(plot, x, order, width, on_cursor) {
	const bars = plot.kind !== "lines", half = plot.x.at ? 0 : 0.5;
	const grid = {stroke: () => colour("edge"), width: 1};
	const axis = {stroke: () => colour("dim"), grid, ticks: grid, font: "12px system-ui, sans-serif"};
	return {
		width, height: HEIGHT, legend: {show: false}, hooks: {setCursor: [on_cursor]},
		cursor: {sync: plot.x.sync ? {key: plot.x.sync} : undefined, drag: {x: true, y: false},
			points: {show: !bars}},
		scales: {x: {time: false, range: x_range(x, half)},
			y: {range: (u, low, high) => [0, y_ticks(plot, high).at(-1)]}},
		axes: [{...x_axis(plot, axis), size: X_AXIS}, y_axis(plot, axis)],
		series: [{}, ...order.map(i => {
			const s = plot.series[i];
			return {
				stroke: () => colour("c" + s.colour), fill: bars ? () => colour("c" + s.colour) : undefined,
				width: bars ? 0 : 2, dash: DASHES[s.dash || 0], spanGaps: false,
				paths: bars ? uPlot.paths.bars({size: [0.8, 60]}) : undefined,
				points: bars ? {show: false} : {show: true, size: 7, filter: lone_points(s.values)},
			};
		})],
	};
}

/* Arrow keys move the cursor; Escape leaves the plot as it was. */
function on_key(u, x, event) {
	const now = u.cursor.idx, last = x.length - 1;
	const next = {ArrowLeft: now == null ? last : Math.max(now - 1, 0),
		ArrowRight: now == null ? 0 : Math.min(now + 1, last), Home: 0, End: last}[event.key];
	if (event.key === "Escape") {
		u.setScale("x", {min: x[0], max: x[last]});
		u.setCursor({left: -10, top: -10}, true, true);
	} else if (next !== undefined) {
		u.setCursor({left: u.valToPos(x[next], "x"), top: HEIGHT / 3}, true, true);
		event.preventDefault();
	}
}

/* The figures behind a plot, made when they are first looked at. */
function figures_of(plot) {
	const details = el("details", {class: "figures"}, el("summary", null, "Table"));
	details.addEventListener("toggle", () => {
		if (details.querySelector("table"))
			return;
		details.append(table(plot.title, [{name: plot.x.name || ""}, ...plot.series.map(s => ({name: s.name, number: true}))],
			Array.from({length: plot.x.count}, (x, i) => [plot.x.text(i),
				...plot.series.map(s => format(s.values[i], plot.unit))])));
	});
	return details;
}

/* Draws into `place`; returns what fit() and redraw() take. */
export function draw(place, plot) {
	const x = plot.x.at ? plot.x.at.map(Math.log10) : Array.from({length: plot.x.count}, (v, i) => i);
	/* What is behind is drawn first. */
	const order = plot.series.map((s, i) => plot.kind === "stack" ? plot.series.length - 1 - i : i);
	const values = plot.kind === "stack" ? stacked(plot.series) : plot.series.map(s => s.values);
	let u;
	const legend = legend_of(plot, (i, shown) => u.setSeries(order.indexOf(i) + 1, {show: shown}));
	const box = el("div", {class: "canvas", tabindex: "0", role: "img", "aria-label": plot.title + ": " +
		plot.series.map(s => s.name + " " + of_all(plot, s)).join(", ") + ". Arrow keys show the figures."});
	place.append(el("figure", {class: "plot"}, el("figcaption", null, el("h3", null, plot.title), legend.at),
		legend.list, box, figures_of(plot)));
	u = new uPlot(options(plot, x, order, box.clientWidth, self => legend.show(self.cursor.idx)),
		[x, ...order.map(i => values[i])], box);
	box.addEventListener("keydown", event => on_key(u, x, event));
	return {u, box};
}

/* Keeps plots as wide as their boxes, and in the colours of the page. */
export function keep(place, drawn) {
	function fit() {
		for (const {u, box} of drawn)
			if (box.clientWidth && box.clientWidth !== u.width)
				u.setSize({width: box.clientWidth, height: HEIGHT});
	}
	function again() {
		fit();
		for (const {u} of drawn)
			u.redraw(false, true);
	}
	new ResizeObserver(fit).observe(place);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
	matchMedia("print").addEventListener("change", again);
}
