/* comparison.mjs: the page of two periods compared. */
import {add, el, section} from "./dom.mjs";
import {change, format, fixed} from "./format.mjs";
import {has_values} from "./chart.mjs";
import {distribution_plot, notes} from "./report.mjs";
import {table} from "./tables.mjs";

function figures_table(name, figures) {
	return table(name, [{name: "Figure"}, {name: "A", number: true}, {name: "B", number: true}, {name: "Change", number: true},
		{name: "Verdict"}], figures.map(f => [f.name, format(f.a, f.unit), format(f.b, f.unit), change(f.change, f.unit),
		{text: f.verdict, tone: f.tone}]));
}

/* The figures that certainly changed, in a line each way. */
function verdicts(figures) {
	return ["worse", "better"].map(verdict => {
		const found = figures.filter(f => f.verdict === verdict);
		return el("p", {class: "verdict"}, el("b", {class: verdict === "worse" ? "bad" : "good"}, verdict[0].toUpperCase() +
			verdict.slice(1)), ": ", found.map(f => `${f.name} (${change(f.change, f.unit)})`).join(", ") || "nothing");
	});
}

function side(letter, s) {
	return el("p", null, el("b", null, letter), `: ${s.name}${s.total.complete === false ? "*" : ""} `,
		el("span", {class: "dim"}, `${fixed(s.total.covered_hours, 1)} h of files`));
}

/* Shows it; returns what is to be drawn. */
export function comparison(data, main) {
	const plots = el("section", {id: "plots", class: "plots", "aria-label": "Plots"});
	add(main, el("div", {class: "sides"}, side("A", data.a), side("B", data.b)), ...verdicts(data.figures),
		figures_table("A and B", data.figures),
		el("p", {class: "dim"}, "better, worse: certain at 1 %, and beyond the histograms' error. no clear change: chance " +
			"may do as much. too few: the samples are too small to tell. counted: no sample, all of it."),
		(data.a.total.complete === false || data.b.total.complete === false) &&
			el("p", {class: "dim"}, "* not over yet, or its agent stopped before the end: look at figures an hour"), plots);
	data.names.forEach((n, i) => main.append(section("name-" + i, n.name, figures_table(n.name, n.figures))));
	add(main, notes([...data.a.notes, ...data.b.notes]));
	return data.distributions.map(distribution_plot).filter(has_values).map(plot => [plots, plot]);
}

export function comparison_title(data) {
	const mark = s => s.name + (s.total.complete === false ? "*" : "");
	return `A: ${mark(data.a)}, B: ${mark(data.b)}${data.utc ? " UTC" : ""}`;
}
