// What a reader of a report relies on, in a real browser. CHROMIUM is the browser, RUNS
// the folder with the runs that check.sh has made; screenshots go beside it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { contrasts, inks, outline } from "./page.mjs";

const runs = process.env.RUNS;
const pictures = join(runs, "..", "pictures");
mkdirSync(pictures, { recursive: true });

const all = ["static", "failures", "hello", "http", "interrupted", "many", "hundred-thousand"];
const report = (run) => join(runs, run, "report.html");
const result = (run) => JSON.parse(readFileSync(join(runs, run, "result.json"), "utf8"));
const english = "static", chinese = join(runs, "static-zh.html");

let browser;
before(async () => { browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] }); });
after(() => browser?.close());

// open opens a page from disk. Whatever it asks any network for, and whatever it
// complains of, fails the test that closes it.
async function open(t, file, { width = 1280, height = 900, ...options } = {}) {
	const context = await browser.newContext({ viewport: { width, height }, ...options });
	const page = await context.newPage();
	const wrong = [];
	await context.route("**/*", (route) => {
		const url = route.request().url();
		if (url === pathToFileURL(file).href) return route.continue();
		wrong.push("asked for " + url);
		return route.abort();
	});
	page.on("console", (m) => { if (["error", "warning"].includes(m.type())) wrong.push(`${m.type()}: ${m.text()}`); });
	page.on("pageerror", (e) => wrong.push("exception: " + e.message));
	await page.goto(pathToFileURL(file).href);
	t.after(async () => {
		await context.close();
		assert.deepEqual(wrong, []);
	});
	return page;
}

// seen makes everything be laid out, also what is far below.
const seen = (page) => page.addStyleTag({ content: "section.case{content-visibility:visible!important}html{scroll-behavior:auto!important}" });

// everything draws all charts and shows all tables.
async function everything(page) {
	const found = await page.evaluate(() => ({
		empty: [...document.querySelectorAll("figure")].filter((f) => {
			const marks = [...f.querySelectorAll("svg.chart .series :is(path, circle)")];
			return !marks.some((m) => { const b = m.getBBox(); return b.width > 0 || b.height > 0; });
		}).map((f) => f.id),
		flat: [...document.querySelectorAll("svg.chart")].filter((s) => { const b = s.getBoundingClientRect(); return b.width < 200 || b.height < 40; }).length,
		hidden: [...document.querySelectorAll("section > .box table, section > .figures")].filter((e) => e.getBoundingClientRect().height < 10).length,
		figures: document.querySelectorAll("figure").length,
		tables: document.querySelectorAll("table").length,
	}));
	assert.deepEqual([found.empty, found.flat, found.hidden], [[], 0, 0], "empty figures, flat charts, hidden tables");
	return found;
}

for (const run of all) {
	test(`${run}: everything is drawn, and stays within the page`, async (t) => {
		const page = await open(t, report(run));
		await seen(page);
		const { figures, tables } = await everything(page);
		assert.ok(tables > 3, "tables");
		if (run !== "hello") assert.ok(figures > 2, `${figures} figures`);
		assert.equal(await page.locator("section.case").count(), result(run).cases.length);
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 1280);
		for (const problem of await page.evaluate(outline)) assert.fail(problem);
	});
	test(`${run}: 360 pixels are enough`, async (t) => {
		const page = await open(t, report(run), { width: 360, height: 740, isMobile: true, hasTouch: true });
		await seen(page);
		await everything(page);
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
		await page.screenshot({ path: join(pictures, run + "-phone.png") });
	});
	test(`${run}: without a script everything is there`, async (t) => {
		const page = await open(t, report(run), { javaScriptEnabled: false });
		assert.equal(await page.locator(".scripted:visible").count(), 0, "controls that do nothing");
		await everything(page);
		for (const name of ["overview", "glossary"]) assert.ok(await page.locator("#" + name).isVisible(), name);
		// What is folded opens by itself, and terms lead to their definitions.
		for (const s of (await page.locator("main details > summary").all()).slice(0, 3)) {
			await s.click();
			assert.ok(await s.locator("xpath=following-sibling::*[1]").isVisible(), "a folded part stays closed");
		}
		const term = page.locator("a.term").first();
		await term.click();
		assert.match(page.url(), /#term-/);
	});
}

test("what comes from a run is text", async (t) => {
	const page = await open(t, report("failures"));
	const name = result("failures").cases[0].name;
	assert.equal(await page.title(), "failures – weir report");
	assert.ok((await page.locator("section.case h2").first().textContent()).includes(name), "the name of the case");
	assert.equal(await page.locator("img").count(), 0);
	assert.equal(await page.locator("script").count(), 1);
	assert.ok((await page.locator(".tags").first().textContent()).includes(`</td>"'&amp;`), "its tag");
	const handlers = await page.evaluate(() => [...document.querySelectorAll("*")].filter((e) => e.getAttributeNames().some((n) => n.startsWith("on"))).length);
	assert.equal(handlers, 0, "inline handlers");
	const kept = await page.locator("#overview td").allTextContents();
	assert.ok(kept.some((c) => c === "✗ ttft p(99)<1") && kept.some((c) => c === "✓ ttft avg<60000"), "thresholds");
});

test("nothing of a page may load anything", async (t) => {
	const page = await open(t, report(english));
	const policy = await page.locator("meta[http-equiv=Content-Security-Policy]").getAttribute("content");
	assert.match(policy, /default-src 'none'/);
	assert.match(policy, /script-src 'sha256-/);
	assert.doesNotMatch(policy, /https?:|unsafe-eval|script-src[^;]*unsafe-inline/);
	assert.doesNotMatch(readFileSync(report(english), "utf8"), /<(?:link|script|img|iframe)[^>]+(?:src|href)="(?!data:,)/);
});

// at moves the pointer to a share of the width of a chart's data.
async function at(page, figure, share) {
	const svg = page.locator(`${figure} svg.chart`);
	await svg.scrollIntoViewIfNeeded();
	const [, , , p0, p1] = (await svg.getAttribute("data-x")).split(",").map(Number);
	const width = Number((await svg.getAttribute("viewBox")).split(" ")[2]);
	const box = await svg.boundingBox();
	await page.mouse.move(box.x + (p0 + (p1 - p0) * share) / width * box.width, box.y + box.height / 2);
}

const milliseconds = (text) => {
	const [, n, unit] = /([\d.,]+)\s*(µs|ms|s)?/.exec(text);
	return Number(n.replace(/,/g, "")) * { "µs": 0.001, s: 1000 }[unit ?? "ms"] || Number(n.replace(/,/g, ""));
};

test("hovering over a distribution shows its percentiles", async (t) => {
	const page = await open(t, report(english));
	await seen(page);
	const metric = result(english).cases[2].metrics.itl;
	const figure = "#case-3-cdf";
	const svg = page.locator(`${figure} svg.chart`);
	const [scale, v0, v1] = (await svg.getAttribute("data-x")).split(",").map((v, i) => i ? Number(v) : v);
	assert.equal(scale, "log");
	const share = (v) => Math.log(v / v0) / Math.log(v1 / v0);
	for (const [p, value] of [[50, metric.p50], [90, metric.p90]]) {
		await at(page, figure, share(value));
		const tip = page.locator("#tip");
		await tip.waitFor({ state: "visible" });
		const x = milliseconds(await tip.locator("b").textContent());
		assert.ok(Math.abs(x - value) <= 0.02 * value, `the cursor is at ${x} ms, and p${p} is ${value} ms`);
		const row = await tip.locator("tr", { hasText: "ITL" }).textContent();
		const y = Number(/ITL\s*([\d.]+)/.exec(row)[1]);
		// A pixel is worth more where the line is steep.
		assert.ok(Math.abs(y - p) < 20, `ITL is ${y} % at its p${p}`);
		assert.equal(await page.locator(".cursor").count(), 1);
	}
	await page.keyboard.press("Escape");
	assert.ok(await page.locator("#tip").isHidden());
});

test("hovering over the time line shows all of it", async (t) => {
	const page = await open(t, report(english));
	await seen(page);
	await at(page, "#case-3-in-flight", 0.5);
	const tip = page.locator("#tip");
	await tip.waitFor({ state: "visible" });
	const inFlight = Number(/([\d.]+)\s*\D*$/.exec(await tip.locator("tr").first().textContent())[1]);
	assert.ok(inFlight > 0 && inFlight <= 16, `${inFlight} requests in flight of 16 at most`);
	assert.ok(await page.locator(".cursor").count() > 1, "the charts of a time line share the cursor");
	await at(page, "#case-3-requests", 0.5);
	assert.match(await tip.textContent(), /requests in flight/i, "over the bars");
	// By keyboard, too.
	await at(page, "#case-3-in-flight", 0.5);
	const before = await tip.locator("b").textContent();
	await page.locator("#case-3-in-flight .chart-box").focus();
	for (let i = 0; i < 9; i++) await page.keyboard.press("ArrowRight");
	assert.notEqual(await tip.locator("b").textContent(), before);
});

test("a legend switches its series", async (t) => {
	const page = await open(t, report(english));
	await seen(page);
	const item = page.locator("#case-3-cdf .legend button", { hasText: "E2EL" });
	const number = await item.locator("xpath=..").getAttribute("data-series");
	const series = page.locator(`#case-3-cdf .series[data-series="${number}"]`).first();
	assert.ok(await series.isVisible());
	await item.click();
	assert.equal(await item.getAttribute("aria-pressed"), "false");
	assert.ok(!(await series.isVisible()), "the series is still there");
	await at(page, "#case-3-cdf", 0.98);
	assert.equal(await page.locator("#tip tr", { hasText: "E2EL" }).count(), 0, "its value is still shown");
	await item.focus();
	await page.keyboard.press("Enter");
	assert.ok(await series.isVisible(), "the keyboard does not bring it back");
});

test("tables are searched and sorted", async (t) => {
	const page = await open(t, report("failures"));
	await seen(page);
	const box = page.locator("section.case .box[data-search]").first();
	const rows = box.locator("tbody tr:visible");
	const every = await rows.count();
	await box.locator("input[type=search]").fill("http_status");
	const some = await rows.count();
	assert.ok(some > 0 && some < every, `${some} of ${every} rows`);
	for (const text of await rows.allTextContents()) assert.match(text, /http_status/);
	assert.match(await box.locator("output").textContent(), new RegExp(`\\b${some}\\b.*\\b${every}\\b`));
	await box.locator("input[type=search]").fill("no such request");
	assert.equal(await rows.count(), 0);
	await box.locator("input[type=search]").fill("");
	assert.equal(await rows.count(), every);

	const heads = await box.locator("thead tr:last-child th").allTextContents();
	const column = heads.findIndex((h) => h.startsWith("E2EL"));
	const button = box.locator("thead tr:last-child th").nth(column).locator("button");
	const values = async () => (await box.locator(`tbody td:nth-child(${column + 1})`).allTextContents()).map((v) => Number(v.replace(/,/g, "")));
	for (const [sort, sign] of [["ascending", 1], ["descending", -1]]) {
		await button.click();
		assert.equal(await box.locator("thead tr:last-child th").nth(column).getAttribute("aria-sort"), sort);
		const sorted = await values();
		const known = sorted.filter((v) => !isNaN(v));
		assert.ok(known.length > 2);
		assert.deepEqual(known, known.toSorted((a, b) => sign * (a - b)));
		assert.ok(sorted.slice(known.length).every(isNaN), "what is absent is last");
	}
});

test("a term says what it means", async (t) => {
	const page = await open(t, report(english));
	const term = page.locator("#overview a.term[href='#term-ttft']").first();
	await term.hover();
	const tip = page.locator("#tip");
	assert.match(await tip.textContent(), /^Time to first token/);
	await page.mouse.move(2, 2);
	assert.ok(await tip.isHidden());
	await page.locator("#overview a.term[href='#term-itl']").first().focus();
	await page.keyboard.press("Tab");
	await page.keyboard.press("Shift+Tab");
	assert.match(await tip.textContent(), /^Inter-token latency/);
	const phone = await open(t, report(english), { width: 360, height: 740, isMobile: true, hasTouch: true });
	await phone.locator("#overview a.term[href='#term-throughput']").first().tap();
	assert.match(await phone.locator("#tip").textContent(), /^Totals of completed/);
	const box = await phone.locator("#tip").boundingBox();
	assert.ok(box.x >= 0 && box.x + box.width <= 360, "the tip is off the screen");
});

for (const scheme of ["light", "dark"]) {
	test(`${scheme}: everything can be told from the paper`, async (t) => {
		const page = await open(t, report("failures"), { colorScheme: scheme });
		await seen(page);
		const weak = await page.evaluate(contrasts);
		assert.deepEqual(weak, [], "text with a contrast of less than 4.5 : 1");
		assert.deepEqual(await page.evaluate(inks), [], "colours with a contrast of less than 3 : 1");
		await page.screenshot({ path: join(pictures, `failures-${scheme}.png`), fullPage: true });
		const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		const was = await paper();
		await page.locator("button.theme").click();
		assert.notEqual(await paper(), was, "the button changes nothing");
		assert.deepEqual(await page.evaluate(contrasts), []);
	});
}

test("on paper there are no controls, and tables are whole", async (t) => {
	const page = await open(t, report(english), { colorScheme: "dark" });
	await page.emulateMedia({ media: "print", colorScheme: "dark" });
	for (const controls of ["button", "input", "nav", "#tip"]) {
		for (const c of await page.locator(controls + ":not(.legend button, th button)").all()) assert.ok(!(await c.isVisible()), controls + " is printed");
	}
	assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
	const folded = await page.evaluate(() => [...document.querySelectorAll("section > details, section.part > details")].filter((d) => d.getBoundingClientRect().height < 40).length);
	assert.equal(folded, 0, "folded parts");
	// A4 across, less the margins.
	await page.setViewportSize({ width: Math.floor((297 - 22) / 25.4 * 96), height: 700 });
	const cut = await page.evaluate(() => [...document.querySelectorAll("table")].map((t) => t.getBoundingClientRect().right - document.documentElement.clientWidth).filter((over) => over > 1));
	assert.deepEqual(cut, [], "tables that are wider than the paper");
	const pdf = await page.pdf({ path: join(pictures, "static.pdf"), preferCSSPageSize: true, printBackground: true });
	assert.ok(pdf.length > 50_000);
});

test("the Chinese page is Chinese", async (t) => {
	const page = await open(t, chinese);
	await seen(page);
	await everything(page);
	assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
	for (const words of ["总览", "吞吐", "首Token时延", "增量时延"]) assert.ok((await page.locator("body").textContent()).includes(words), words);
	// Titles, heads and buttons have Chinese in them, or are names that stay.
	const foreign = await page.evaluate(() => [...document.querySelectorAll("h2, h3, th, button, figcaption p, summary, .key .label, dl.facts dt")]
		.filter((e) => !e.closest("section.part, section.case h2, .legend") && !e.matches(".case h2"))
		.map((e) => e.textContent.trim())
		.filter((text) => text && !/\p{Script=Han}/u.test(text) && !/^(?:[A-Z0-9 ]+(?: \(?ms\)?)?|n|(?:avg|min|max|std|p[\d.]+)(?: ms)?|(?:[\d.]+ )?%|tokens\/s|Prefill|weir|host|running|waiting|[a-z_]+_(?:pct|mib|w|c)|◐|~|±|GOMAXPROCS)$/.test(text)));
	assert.deepEqual([...new Set(foreign)], []);
	await page.screenshot({ path: join(pictures, "static-zh.png"), fullPage: true });
	assert.equal(await (await open(t, report("many"))).locator("html").getAttribute("lang"), "zh-CN");
});

test("a report of 100,000 requests is small and opens at once", async (t) => {
	assert.equal(result("hundred-thousand").cases[0].counts.requests, 100_000);
	const size = statSync(report("hundred-thousand")).size;
	assert.ok(size < 5_000_000, `${size} bytes`);
	const page = await open(t, report("hundred-thousand"));
	const { ready, painted } = await page.evaluate(() => {
		const [timing] = performance.getEntriesByType("navigation");
		return { ready: timing.domContentLoadedEventEnd, painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime };
	});
	t.diagnostic(`${(size / 1e6).toFixed(2)} MB, ready after ${ready.toFixed(0)} ms, painted after ${painted?.toFixed(0)} ms`);
	assert.ok(ready < 3000, `ready after ${ready} ms`); // a busy machine is slow; above is what it took
});
