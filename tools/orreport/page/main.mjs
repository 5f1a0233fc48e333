/* main.mjs: shows the data of the page (data.h says what it holds). */
import {el} from "./dom.mjs";
import {moment} from "./format.mjs";
import {draw, keep} from "./chart.mjs";
import {notes, report, report_title} from "./report.mjs";
import {comparison, comparison_title} from "./comparison.mjs";

function nothing(data, main) {
	main.append(el("div", {class: "empty"}, el("p", null, el("b", null, "Nothing to report. "), data.why + "."),
		data.remedy && el("p", null, "To do: " + data.remedy + ".")));
	main.append(...[notes(data.notes)].filter(Boolean));
	return [];
}

const PAGES = {report: [report, report_title], comparison: [comparison, comparison_title],
	nothing: [nothing, () => "nothing to report"]};

function show() {
	const data = JSON.parse(document.getElementById("data").textContent);
	const main = document.querySelector("main"), [page, title] = PAGES[data.kind];
	document.title = el("title", null, "orbus, " + title(data)).textContent;
	document.querySelector("header").append(el("p", null, title(data)), el("p", {class: "created"}, "created ",
		el("time", {datetime: data.created}, moment(data.created))));
	document.querySelector("footer").append(el("p", {class: "dim"}, "orreport, orbus " + data.version));
	const plots = page(data, main);
	const drawn = plots.map(([place, plot]) => draw(place, plot));
	keep(main, drawn);
	document.documentElement.dataset.drawn = drawn.length;
}

show();
