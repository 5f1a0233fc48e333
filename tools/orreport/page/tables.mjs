/* tables.mjs: tables, which scroll sideways where they are wider than the page. */
import {el} from "./dom.mjs";

/* A cell is text, or {text, tone, small, title}. The first of a row is its heading. */
function cell_of(cell, column, first) {
	const c = cell !== null && typeof cell === "object" ? cell : {text: cell};
	return el(first ? "th" : "td", {scope: first && "row", title: c.title || null,
		class: [column && column.number ? "n" : "", c.tone || ""].join(" ").trim() || null}, c.text,
		c.small && el("small", null, " " + c.small));
}

/* Columns are {name, number}; `foot` is one more row, set apart. */
export function table(name, columns, rows, foot) {
	const line = row => el("tr", null, ...row.map((cell, i) => cell_of(cell, columns[i], i === 0)));
	const head = el("tr", null, ...columns.map(c => el("th", {scope: "col", class: c.number ? "n" : null}, c.name)));
	return el("div", {class: "scroll", role: "region", "aria-label": name, tabindex: "0"},
		el("table", null, el("thead", null, head), el("tbody", null, ...rows.map(line)),
			foot && el("tfoot", null, line(foot))));
}
