/* dom.mjs: elements of the page. All text gets onto it here, as text: nothing is ever parsed as HTML. */

/* As base/text_safe.h: characters that steer, or make text look like other text. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/* Text that came from others, with its unsafe characters spelled: \x1b, \u202e. */
export function safe(text) {
	return String(text).replace(UNSAFE, character => {
		const hex = character.codePointAt(0).toString(16);
		return hex.length < 3 ? "\\x" + hex.padStart(2, "0") : "\\u" + hex.padStart(4, "0");
	});
}

/* el("p", {class: "dim"}, "text", element, ...): a child that is null or false is left out. */
export function el(tag, attributes, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {}))
		if (value != null && value !== false)
			element.setAttribute(name, value === true ? "" : safe(value));
	add(element, ...children);
	return element;
}

export function add(element, ...children) {
	for (const child of children)
		if (child instanceof Node)
			element.append(child);
		else if (child != null && child !== false)
			element.append(safe(child));
}

/* A section with its heading. */
export function section(id, title, ...children) {
	return el("section", {id, "aria-labelledby": id + "-title"}, el("h2", {id: id + "-title"}, title), ...children);
}
