/* Draws the plots of a report with uPlot: data from #data, colours from the style sheet. */
(function () {
	"use strict";
	const data = JSON.parse(document.getElementById("data").textContent);
	const place = document.getElementById("plots");
	const drawn = [];

	function colour(name) {
		return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
	}

	function unit_of(text, unit) {
		return unit === "$" ? "$" + text : unit === "%" ? text + " %" : text + unit;
	}

	/* On an axis: 5k, 20M. */
	function short(value, unit) {
		const [by, letter] = value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
		return unit_of(+(value / by).toPrecision(4) + letter, unit);
	}

	/* In a legend. */
	function full(value, unit) {
		if (value == null)
			return "-";
		return unit_of(value >= 1000 ? Math.round(value).toLocaleString("en") : +value.toPrecision(4), unit);
	}

	/* Bars that stand on one another: each series is drawn from the sum of those before it. */
	function stacked(series) {
		const sums = [];
		return series.map(s => s.values.map((v, i) => {
			sums[i] = (sums[i] || 0) + (v || 0);
			return v == null ? null : sums[i];
		}));
	}

	function colour_of(plot, i) {
		if (plot.kind === "stack")
			return colour(["c0", "c4", "c8"][i]);
		return colour(plot.labels && i === 0 ? "c8" : "c" + (plot.labels ? i - 1 : i));
	}

	function options(plot, labels, width) {
		const bars = plot.kind !== "lines";
		const paths = bars ? uPlot.paths.bars({size: [0.8, 60]}) : undefined;
		const grid = {stroke: colour("edge"), width: 1};
		const axis = {stroke: () => colour("dim"), grid, ticks: grid, font: "12px system-ui"};
		return {
			width, height: 240,
			cursor: {sync: plot.labels ? undefined : {key: "rows"}, drag: {x: true, y: false}},
			scales: {x: {time: false, range: (u, min, max) => [min - 0.5, Math.min(max, labels.length - 1) + 0.5]},
				y: {range: (u, min, max) => [0, (max || 1) * 1.08]}},
			axes: [
				{...axis, space: 125, incrs: [1, 2, 3, 4, 6, 7, 12, 14, 24, 28, 48, 72, 96, 120, 168, 336],
					values: (u, ticks) => ticks.map(t => labels[t] === undefined ? "" : labels[t])},
				{...axis, size: 62, values: (u, ticks) => ticks.map(t => short(t, plot.unit))},
			],
			series: [{label: plot.labels ? "Time" : "Period",
				value: (u, v) => v == null || labels[v] === undefined ? "-" : labels[v]}].concat(
				plot.series.map((s, i) => ({
					label: s.name,
					stroke: () => colour_of(plot, i),
					fill: bars ? () => colour_of(plot, i) : undefined,
					width: bars ? 0 : 2,
					paths,
					points: {show: !bars && labels.length < 3},
					spanGaps: false,
					value: (u, v, si, at) => at == null ? "-" : full(s.values[at], plot.unit),
				}))),
		};
	}

	function draw(plot) {
		const labels = plot.labels || data.labels;
		const box = document.createElement("div");
		const title = document.createElement("h2");
		box.className = "plot";
		title.textContent = plot.title;
		box.appendChild(title);
		place.appendChild(box);
		const values = plot.kind === "stack" ? stacked(plot.series) : plot.series.map(s => s.values);
		/* What is behind is drawn first. */
		const order = plot.series.map((s, i) => plot.kind === "stack" ? plot.series.length - 1 - i : i);
		const x = labels.map((label, i) => i);
		const o = options(plot, labels, box.clientWidth - 26);
		o.series = [o.series[0]].concat(order.map(i => o.series[i + 1]));
		const u = new uPlot(o, [x].concat(order.map(i => values[i])), box);
		drawn.push({u, box});
	}

	function fit() {
		for (const {u, box} of drawn)
			u.setSize({width: box.clientWidth - 26, height: 240});
	}

	function again() {
		fit();
		for (const {u} of drawn)
			u.redraw(false);
	}

	for (const plot of data.plots)
		if (plot.series.some(s => s.values.some(v => v != null)))
			draw(plot);
	new ResizeObserver(fit).observe(place);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
	matchMedia("print").addEventListener("change", again);
	document.documentElement.dataset.drawn = drawn.length;
})();
