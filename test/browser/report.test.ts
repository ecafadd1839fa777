import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { loadRuns, recordedRuns, report } from "kernel-lab";
import { launchBrowser, noBrowser, picturePath } from "./support";

const WIDTHS = { laptop: 1280, phone: 390 } as const;

/** What the page says of itself, measured in the browser. */
interface Layout {
  readonly scrollWidth: number;
  readonly background: string;
  readonly text: string;
  readonly svgs: readonly { width: number; height: number; marks: number }[];
  readonly tables: number;
}

const MEASURE = `(() => ({
  scrollWidth: document.documentElement.scrollWidth,
  background: getComputedStyle(document.body).backgroundColor,
  text: getComputedStyle(document.body).color,
  svgs: [...document.querySelectorAll("svg")].map(svg => ({
    width: svg.getBoundingClientRect().width,
    height: svg.getBoundingClientRect().height,
    marks: svg.querySelectorAll("rect, path, circle, line").length,
  })),
  tables: document.querySelectorAll("table").length,
}))()`;

/** What has the focus: its place among all elements, and its outline. */
const FOCUSED = `(() => {
  const element = document.activeElement;
  const index = element === document.body ? -1 : [...document.querySelectorAll("*")].indexOf(element);
  return { index, outline: getComputedStyle(element).outlineStyle };
})()`;

/** How many elements a reader has to reach: links, folded parts, and what scrolls by itself. */
const FOCUSABLE = `[...document.querySelectorAll("a[href], summary, [tabindex='0']")]
  .filter(e => !e.closest("details:not([open])") || e.tagName === "SUMMARY").length`;

/** What is wider than an A4 page between its margins. */
const TOO_WIDE = `[...document.querySelectorAll("table, svg, p, h1, h2, h3, h4")]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility())
  .map(e => e.tagName + " " + e.getBoundingClientRect().right + " " + e.textContent.slice(0, 60))`;

/** Relative luminance of "rgb(r, g, b)", 0..1, near enough to tell light from dark. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

test("the report reads well on a laptop and a phone, light and dark", {
  skip: noBrowser,
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-test-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "report.html");
  writeFileSync(file, report({ runs: loadRuns().runs, baselines: recordedRuns().runs }).html);
  const browser = await launchBrowser();
  context.after(() => browser.close());

  for (const [device, width] of Object.entries(WIDTHS)) {
    for (const colorScheme of ["light", "dark"] as const) {
      await context.test(`${device}, ${colorScheme}`, async () => {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
        const complaints: string[] = [];
        const requests: string[] = [];
        page.on("console", (message) => {
          if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(error.message));
        page.on("request", (request) => requests.push(request.url()));
        await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
        const layout = (await page.evaluate(MEASURE)) as Layout;
        await page.screenshot({ path: picturePath(`report-${device}-${colorScheme}.png`), fullPage: false });
        await page.close();

        assert.deepEqual(complaints, []);
        assert.deepEqual(
          requests.filter((url) => !/^(file|data|blob):/.test(url)),
          [],
          "self-contained",
        );
        assert.ok(
          layout.scrollWidth <= width,
          `the page is ${layout.scrollWidth} wide in a window of ${width}`,
        );
        assert.ok(layout.tables >= 1);
        const plots = layout.svgs.filter((svg) => svg.width > 150 && svg.height > 80 && svg.marks > 5);
        assert.ok(plots.length >= 1, JSON.stringify(layout.svgs));
        const [paper, ink] = [luminance(layout.background), luminance(layout.text)];
        assert.ok(
          colorScheme === "dark" ? paper < 0.25 && ink > 0.6 : paper > 0.75 && ink < 0.4,
          `${paper} ${ink}`,
        );
      });
    }
  }

  await context.test("every part is reached by the keyboard, and what is reached shows it", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
    const reached = new Set<string>();
    for (let i = 0; i < 400; i++) {
      await page.keyboard.press("Tab");
      const at = (await page.evaluate(FOCUSED)) as { index: number; outline: string };
      if (at.index < 0 || reached.has(String(at.index))) break;
      reached.add(String(at.index));
      assert.notEqual(at.outline, "none", `element ${at.index} shows no focus`);
    }
    const wanted = (await page.evaluate(FOCUSABLE)) as number;
    await page.close();
    assert.ok(wanted > 10);
    assert.equal(reached.size, Math.min(wanted, 400));
  });

  await context.test("on paper nothing is cut off at the edge, in light colours", async () => {
    const page = await browser.newPage({ viewport: { width: 703, height: 1000 }, colorScheme: "dark" });
    await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
    await page.emulateMedia({ media: "print" });
    const wide = (await page.evaluate(TOO_WIDE)) as string[];
    const layout = (await page.evaluate(MEASURE)) as Layout;
    const pdf = await page.pdf({ path: picturePath("report.pdf"), format: "A4" });
    await page.close();
    assert.deepEqual(wide, []);
    assert.ok(luminance(layout.background) > 0.9 && luminance(layout.text) < 0.1);
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  });
});
