"use strict";
(() => {
const words = JSON.parse(document.body.dataset.words);
const $ = (selector, from = document) => [...from.querySelectorAll(selector)];
const make = (tag, props = {}, ...children) => {
	const e = Object.assign(document.createElement(tag), props);
	e.append(...children);
	return e;
};
for (const e of $(".scripted")) e.hidden = false;

// Light, dark, or as the system has it. A page from disk may have nothing to remember it in.
const root = document.documentElement;
const store = (theme) => { try { theme === undefined ? 0 : localStorage.setItem("weir-theme", theme); return localStorage.getItem("weir-theme"); } catch { return null; } };
const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const themed = store();
if (themed === "dark" || themed === "light") root.dataset.theme = themed;
for (const b of $(".theme")) b.addEventListener("click", () => { store(root.dataset.theme = dark() ? "light" : "dark"); });

for (const b of $(".copy")) b.addEventListener("click", async () => {
	const pre = b.parentElement.querySelector("pre");
	try { await navigator.clipboard.writeText(pre.textContent); }
	catch { getSelection().selectAllChildren(pre); document.execCommand("copy"); }
	b.textContent = words.copied;
	setTimeout(() => { b.textContent = words.copy; }, 1500);
});

// One tip for everything: of a term on hover, focus and tap, of a chart at the pointer.
const tip = make("div", { className: "tip", id: "tip", hidden: true });
tip.setAttribute("role", "tooltip");
document.body.append(tip);
let owner = null;
const show = (of, x, y) => {
	owner = of;
	tip.hidden = false;
	const width = root.clientWidth, box = tip.getBoundingClientRect();
	const left = x + 14 + box.width > width ? x - 14 - box.width : x + 14;
	tip.style.left = Math.max(6, Math.min(left, width - box.width - 6)) + scrollX + "px";
	tip.style.top = (y + 16 + box.height > innerHeight && y - 12 - box.height > 0 ? y - 12 - box.height : y + 16) + scrollY + "px";
};
const hide = () => { tip.hidden = true; owner = null; for (const e of $(".cursor")) e.remove(); };
addEventListener("keydown", (e) => { if (e.key === "Escape") hide(); });

for (const t of $("a.term")) {
	const text = document.getElementById(t.hash.slice(1)).lastElementChild.textContent;
	t.removeAttribute("title");
	t.setAttribute("aria-describedby", t.hash.slice(1));
	const open = () => {
		tip.textContent = text;
		const box = t.getBoundingClientRect();
		show(t, box.left - 14, box.bottom - 8);
	};
	let touch = false;
	t.addEventListener("pointerdown", (e) => { touch = e.pointerType !== "mouse"; });
	t.addEventListener("click", (e) => { if (touch) { e.preventDefault(); owner === t ? hide() : open(); } else hide(); });
	t.addEventListener("pointerenter", (e) => { if (e.pointerType === "mouse") open(); });
	t.addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") hide(); });
	t.addEventListener("focus", () => { if (!touch && t.matches(":focus-visible")) open(); });
	t.addEventListener("blur", hide);
}
// There may be thousands of percentiles of too few samples: one listener tells of them all.
const vague = document.getElementById("term-thin");
if (vague) {
	const cell = (e) => e.target.closest?.("td.thin");
	document.addEventListener("pointerover", (e) => {
		const td = cell(e);
		if (!td || owner === td) return;
		tip.textContent = vague.lastElementChild.textContent;
		show(td, td.getBoundingClientRect().left, td.getBoundingClientRect().bottom - 8);
	});
	document.addEventListener("pointerout", (e) => { if (e.pointerType === "mouse" && cell(e)) hide(); });
}
addEventListener("pointerdown", (e) => { if (owner && !owner.contains(e.target)) hide(); });

// Charts. What is drawn are the values: data-x and data-y say how.
const axis = (text) => {
	if (!text) return null;
	const [scale, ...n] = text.split(",");
	const [v0, v1, p0, p1] = n.map(Number);
	const log = scale === "log", a = log ? Math.log(v0) : v0, b = log ? Math.log(v1) : v1;
	return (px) => { const v = a + (px - p0) / (p1 - p0) * (b - a); return log ? Math.exp(v) : v; };
};
// The corners of a path, of which absolute M, L, H and V are drawn.
const corners = (d) => {
	const out = [];
	let x = 0, y = 0;
	for (const [, command, rest] of d.matchAll(/([MLHVZ])([^MLHVZ]*)/g)) {
		const n = (rest.match(/-?[\d.]+(?:e-?\d+)?/g) || []).map(Number);
		if (command === "H") for (x of n) out.push([x, y]);
		else if (command === "V") for (y of n) out.push([x, y]);
		else for (let i = 0; i + 1 < n.length; i += 2) out.push([x = n[i], y = n[i + 1]]);
	}
	return out;
};
const format = (v, unit) => {
	const a = Math.abs(v), digits = a >= 1000 ? 0 : a >= 100 ? 1 : a >= 10 ? 2 : 3;
	return v.toLocaleString("en", { maximumFractionDigits: a && a < 0.01 ? 6 : digits }) + (unit ? " " + unit : "");
};
const clock = (s) => s < 60 ? format(s, "s") : Math.floor(s / 60) + ":" + (s % 60).toFixed(1).padStart(4, "0");

const groups = {};
const ink = (e) => e && (/--[\w-]+/.exec(e.getAttribute("stroke") || "") || [])[0];
for (const box of $(".chart-box")) {
	const svg = box.querySelector("svg.chart"), figure = box.closest("figure");
	if (!svg) continue;
	for (const item of $(".legend li[data-series]", figure)) {
		const button = make("button", { type: "button" }, ...item.childNodes);
		button.setAttribute("aria-pressed", "true");
		button.addEventListener("click", () => {
			const on = button.getAttribute("aria-pressed") !== "true";
			button.setAttribute("aria-pressed", on);
			for (const g of $(`.series[data-series="${item.dataset.series}"]`, svg)) g.toggleAttribute("hidden", !on);
			hide();
		});
		item.append(button);
	}
	// Points tell of themselves, lines of their values at x.
	const marks = $(".series g", svg).filter((g) => g.querySelector("title")).map((g) => {
		const title = g.querySelector("title"), text = title.textContent;
		title.remove();
		return { group: g.closest(".series"), box: g.getBBox(), text };
	});
	const toX = axis(svg.dataset.x), toY = axis(svg.dataset.y);
	if (!toX) continue;
	const wide = svg.viewBox.baseVal.width, unit = figure.dataset;
	const [, , , start, end] = svg.dataset.x.split(",").map(Number);
	let series = null;
	const read = () => series ||= !toY ? [] : $(".series[data-name]", svg).map((group) => {
		const lines = $("path[fill=none]", group).filter((p) => p.parentElement === group);
		return { group, name: group.dataset.name, ink: ink(lines[0]), runs: lines.map((p) => corners(p.getAttribute("d"))).filter((r) => r.length > 1) };
	}).filter((s) => s.runs.length);
	// The y of a line at x: steps hold, lines go straight from point to point.
	const at = (runs, x) => {
		for (const points of runs) {
			let low = 0, high = points.length - 1;
			if (x < points[0][0] - 1 || x > points[high][0] + 1) continue;
			while (high - low > 1) { const m = (low + high) >> 1; points[m][0] <= x ? low = m : high = m; }
			const [x0, y0] = points[low], [x1, y1] = points[high];
			return x <= x0 ? y0 : x >= x1 ? y1 : y0 + (y1 - y0) * (x - x0) / (x1 - x0);
		}
		return null;
	};
	const values = (px) => read().filter((s) => !s.group.hasAttribute("hidden")).map((s) => [s, at(s.runs, px)])
		.filter(([, y]) => y !== null).map(([s, y]) => [s, format(toY(y), unit.unitY)]);
	const group = groups[unit.group || figure.id] ||= [];
	group.push([box, values, !figure.querySelector(".legend") && figure.querySelector("h3").textContent]);
	const label = (x) => unit.clock === undefined ? format(x, unit.unitX) : clock(x);
	let last = (start + end) / 2;
	// Shows what is at a place of the picture.
	const point = (px, py, clientX, clientY) => {
		hide();
		const near = marks.filter((m) => !m.group.hasAttribute("hidden"))
			.map((m) => [Math.hypot(m.box.x + m.box.width / 2 - px, m.box.y + m.box.height / 2 - py), m]).sort(([a], [b]) => a - b)[0];
		if (near && near[0] < 24) {
			tip.textContent = near[1].text;
			return show(box, clientX, clientY);
		}
		const table = make("table");
		let rows = marks.length ? [] : values(px);
		// Bars have no values: those of the other charts.
		if (!toY) rows = group.flatMap(([, its, title]) => its(px).map(([s, text]) => [s, text, title]));
		for (const [s, text, title] of rows) {
			const key = make("i");
			key.style.background = `var(${s.ink})`;
			table.append(make("tr", {}, make("td", {}, key, title || s.name), make("td", {}, text)));
		}
		if (!table.rows.length) return;
		// Charts below each other with the same x axis share the cursor.
		for (const [other] of group) {
			const its = other.querySelector("svg.chart"), frame = its.getBoundingClientRect();
			const line = make("div", { className: "cursor" });
			line.style.left = px * frame.width / wide + "px";
			line.style.height = frame.height + "px";
			other.append(line);
		}
		tip.replaceChildren(make("b", { textContent: label(toX(px)) }), table);
		show(box, clientX, clientY);
	};
	const move = (e) => {
		const frame = svg.getBoundingClientRect(), scale = wide / frame.width;
		const x = (e.clientX - frame.left) * scale;
		if (x < start - 4 || x > end + 4) return hide();
		point(last = Math.max(start, Math.min(end, x)), (e.clientY - frame.top) * scale, e.clientX, e.clientY);
	};
	box.addEventListener("pointermove", move);
	box.addEventListener("pointerdown", move);
	box.addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") hide(); });
	box.tabIndex = 0;
	const focused = () => {
		const frame = svg.getBoundingClientRect();
		point(last, -100, frame.left + last * frame.width / wide, frame.top + 10);
	};
	box.addEventListener("focus", () => { if (box.matches(":focus-visible")) focused(); });
	box.addEventListener("blur", hide);
	box.addEventListener("keydown", (e) => {
		const step = { ArrowLeft: -3, ArrowRight: 3 }[e.key];
		if (!step) return;
		e.preventDefault();
		last = Math.max(start, Math.min(end, last + step * (e.shiftKey ? 8 : 1)));
		focused();
	});
}

// Tables: sorted by a column, searched for words.
const number = (text) => { const m = text.replace(/,/g, "").match(/^[^\d-]{0,2}(-?\d+(\.\d+)?(e[-+]?\d+)?)/); return m ? Number(m[1]) : NaN; };
for (const box of $(".box[data-sort]")) {
	const body = box.querySelector("tbody"), heads = $("thead tr:last-child th", box);
	heads.forEach((th, column) => {
		const button = make("button", { type: "button" }, ...th.childNodes);
		th.append(button);
		button.addEventListener("click", () => {
			const up = th.getAttribute("aria-sort") !== "ascending", numeric = !th.classList.contains("l");
			for (const h of heads) h.removeAttribute("aria-sort");
			th.setAttribute("aria-sort", up ? "ascending" : "descending");
			const rows = [...body.rows].map((row) => { const text = row.cells[column].textContent.trim(); return [row, numeric ? number(text) : text]; });
			rows.sort(([, a], [, b]) => {
				if (!numeric) return (up ? 1 : -1) * a.localeCompare(b, undefined, { numeric: true });
				return isNaN(a) - isNaN(b) || (up ? a - b : b - a); // what is absent is last
			});
			body.append(...rows.map(([row]) => row));
		});
	});
}
for (const box of $(".box[data-search]")) {
	const rows = [...box.querySelector("tbody").rows];
	const field = make("input", { type: "search", placeholder: words.search });
	field.setAttribute("aria-label", words.search);
	const shown = make("output", { textContent: words.rows.replace("%d", rows.length).replace("%d", rows.length) });
	field.addEventListener("input", () => {
		const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
		let n = 0;
		for (const row of rows) {
			const text = row.textContent.toLowerCase();
			row.hidden = !wanted.every((w) => text.includes(w));
			n += !row.hidden;
		}
		shown.textContent = words.rows.replace("%d", n).replace("%d", rows.length);
	});
	box.prepend(make("div", { className: "search scripted" }, field, shown));
}
})();
