// What is computed inside a page: each function is sent there as a whole.

// contrasts are the texts that are hard to read by WCAG 2: less than 4.5 : 1, of large
// ones 3 : 1.
export function contrasts() {
	const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgba = (color) => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
	const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const paper = (e) => {
		const own = e ? rgba(getComputedStyle(e).backgroundColor) : [255, 255, 255, 1];
		return own[3] === 1 ? own : over(own, paper(e.parentElement));
	};
	const weak = new Set();
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest("script, style")) continue;
		const style = getComputedStyle(e), below = paper(e);
		const ink = over(rgba(e.closest("svg") ? style.fill : style.color), below);
		const [a, b] = [light(ink), light(below)].sort((x, y) => y - x);
		const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) weak.add(`${walker.currentNode.data.trim().slice(0, 40)} (${e.tagName} ${e.className.baseVal ?? e.className})`);
	}
	return [...weak];
}

// inks are the colours of charts that cannot be told from the paper: less than 3 : 1. What
// the client has not sent yet is faint on purpose: it lies before what happened.
export function inks() {
	const style = getComputedStyle(document.documentElement);
	const light = (name) => {
		const hex = style.getPropertyValue(name).trim().slice(1);
		const [r, g, b] = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const names = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => "--series-" + n).concat("--waiting", "--prefill", "--decode", "--failed", "--good", "--ink-soft");
	return names.filter((name) => {
		const [a, b] = [light(name), light("--paper")].sort((x, y) => y - x);
		return !((a + 0.05) / (b + 0.05) >= 3);
	});
}

// outline are the mistakes that keep a page from being read by ear: headings that skip a
// level, figures, tables and controls without a name.
export function outline() {
	const wrong = [];
	let level = 0;
	for (const h of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
		const its = Number(h.tagName[1]);
		if (its > level + 1) wrong.push(`${h.tagName} follows H${level}: ${h.textContent.trim().slice(0, 40)}`);
		level = its;
	}
	if (document.querySelectorAll("h1").length !== 1) wrong.push("there is not one h1");
	const named = (e) => {
		const label = e.getAttribute("aria-label") || (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join("");
		return (label || e.textContent || "").trim() !== "";
	};
	for (const e of document.querySelectorAll("figure, [role=region], [role=img]:not([role=img] *), nav, section, button, input")) {
		const its = e.matches("button") ? named(e) : (e.getAttribute("aria-label") || e.getAttribute("aria-labelledby")) && named(e);
		if (!its) wrong.push(`${e.tagName}.${e.className} has no name`);
	}
	for (const th of document.querySelectorAll("th")) if (!th.hasAttribute("scope")) wrong.push("a head without a scope: " + th.textContent);
	const ids = new Set();
	for (const e of document.querySelectorAll("[id]")) {
		if (ids.has(e.id)) wrong.push("the id " + e.id + " is there twice");
		ids.add(e.id);
	}
	for (const a of document.querySelectorAll("a[href^='#']")) if (!ids.has(decodeURIComponent(a.hash.slice(1)))) wrong.push("a link to nowhere: " + a.hash);
	if (!document.documentElement.lang) wrong.push("no language");
	return [...new Set(wrong)].slice(0, 20);
}
