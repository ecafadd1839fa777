import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import * as lab from "kernel-lab";
import { stepFrame } from "kernel-lab/dist/show/steps/page";
import type { Page } from "playwright-core";
import { totalTrace } from "../show/stepFixture";
import { launchBrowser, noBrowser, picturePath } from "./support";

const MOST_BYTES = 5e6;

/** A rung of each kind with a block of 256 threads. */
async function recordings(dev: lab.Device): Promise<lab.StepTrace[]> {
  const softmax = lab.softmax.makeCase({ rows: 4, cols: 1000 });
  const matmul = lab.matmul.makeCase({ m: 64, n: 64, k: 32 });
  const tile = { BM: 64, BN: 64, BK: 8, TM: 4, TN: 4 };
  const prepared = [
    await lab.prepare(dev, lab.softmax.variant("02_block"), softmax, { parameters: { block: 256 } }),
    await lab.prepare(dev, lab.softmax.variant("04_online"), softmax, { parameters: { block: 256 } }),
    await lab.prepare(dev, lab.matmul.variant("03_shared"), matmul, { parameters: { TILE: 16 } }),
    await lab.prepare(dev, lab.matmul.variant("04_register"), matmul, { parameters: tile }),
  ];
  const traces: lab.StepTrace[] = [];
  for (const { launches } of prepared) {
    const [{ kernel, config, args }] = launches;
    traces.push(await lab.step(kernel, config, args));
  }
  return traces;
}

function listen(page: Page): { complaints: string[]; requests: string[] } {
  const heard = { complaints: [] as string[], requests: [] as string[] };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") heard.complaints.push(message.text());
  });
  page.on("pageerror", (error) => heard.complaints.push(error.message));
  page.on("request", (request) => {
    if (!/^(file|data|blob|about):/.test(request.url())) heard.requests.push(request.url());
  });
  return heard;
}

const textAt = async (page: Page, selector: string) =>
  (await page.locator(selector).first().textContent()) ?? "";
const place = (page: Page) => textAt(page, ".place");
const onLine = (page: Page) => textAt(page, ".warp .what");

test("step pages", { skip: noBrowser }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-test-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const browser = await launchBrowser();
  context.after(() => browser.close());
  const open = async (html: string, options = {}): Promise<Page> => {
    const file = join(folder, "page.html");
    writeFileSync(file, html);
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
    const heard = listen(page);
    page.on("close", () => assert.deepEqual(heard, { complaints: [], requests: [] }));
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector(".warp");
    return page;
  };

  await context.test("the keyboard steps, jumps to barriers, plays and chooses a warp", async () => {
    const trace = totalTrace();
    const page = await open(lab.stepPage(trace));
    const last = trace.blocks[0].ticks;
    assert.match(await place(page), new RegExp(`^step 1 of ${last}`));
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.match(await place(page), /^step 3 of/);
    assert.equal(await onLine(page), "line 5");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await onLine(page), "line 4");
    await page.keyboard.press("b");
    assert.match(
      await place(page),
      new RegExp(`^step ${trace.blocks[0].barriers[0] + 1} of .* after barrier 1 of 7`),
    );
    await page.keyboard.press("End");
    assert.match(await place(page), new RegExp(`^step ${last} of`));
    await page.keyboard.press("Home");
    await page.keyboard.press(" ");
    await page.waitForFunction(`document.querySelector(".place").textContent.startsWith("step 4")`);
    await page.keyboard.press(" ");
    await page.keyboard.press("ArrowDown");
    assert.equal(await textAt(page, '.warp[aria-pressed="true"] .chip'), "1");
    await page.keyboard.press("f");
    assert.equal(await page.locator(".source .chip").count(), 1);
    await page.close();
  });

  await context.test("hovering a cell of shared memory tells who wrote it", async () => {
    const page = await open(lab.stepPage(totalTrace()));
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
    await page.locator('canvas[aria-label="values of part"]').hover({ position: { x: 5, y: 5 } });
    assert.match(await textAt(page, ".tip"), /^part\[0\] = 0\nwritten by thread 0 \(warp 0\), line 4/);
    await page.close();
  });

  await context.test("buttons have names and keyboard focus is seen", async () => {
    const page = await open(lab.stepPage(totalTrace()));
    const nameless = await page
      .locator("button, select, input, canvas")
      .evaluateAll(
        (all) =>
          all.filter(
            (one) => !one.getAttribute("aria-label") && !one.textContent?.trim() && !one.closest("label"),
          ).length,
      );
    assert.equal(nameless, 0);
    await page.getByRole("button", { name: "Step forward" }).focus();
    await page.keyboard.press("Enter");
    assert.match(await place(page), /^step 2 of/);
    await page.close();
  });

  await context.test("fits a phone, light and dark", async () => {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(lab.stepPage(totalTrace()), {
        viewport: { width: 390, height: 844 },
        colorScheme,
      });
      const wide = (await page.evaluate("document.documentElement.scrollWidth")) as number;
      assert.ok(wide <= 390, `${wide} wide`);
      await page.screenshot({ path: picturePath(`step-phone-${colorScheme}.png`) });
      await page.close();
    }
  });

  await context.test("two frames stand on one page, as in a notebook", async () => {
    const file = join(folder, "two.html");
    writeFileSync(file, `<!doctype html><body>${stepFrame(totalTrace())}${stepFrame(totalTrace())}</body>`);
    const page = await browser.newPage({ viewport: { width: 1440, height: 1800 } });
    const heard = listen(page);
    await page.goto(pathToFileURL(file).href);
    for (const frame of [page.frameLocator("iframe").nth(0), page.frameLocator("iframe").nth(1)]) {
      await frame.locator(".warp").first().waitFor();
    }
    assert.deepEqual(heard, { complaints: [], requests: [] });
    await page.close();
  });

  await context.test("a frame is as dark as the notebook around it", async () => {
    const file = join(folder, "theme.html");
    for (const [body, dark] of [
      ["", 0],
      ['data-jp-theme-light="false"', 1],
      ['data-jp-theme-light="true"', 0],
      ['class="vscode-dark"', 1],
      ['class="vscode-light"', 0],
      ['class="vscode-high-contrast"', 1],
      ['class="vscode-high-contrast vscode-high-contrast-light"', 0],
    ] as const) {
      writeFileSync(file, `<!doctype html><body ${body}>${stepFrame(totalTrace())}</body>`);
      // No emulation: it would override what the frame is told in some of its updates.
      const page = await browser.newPage({ colorScheme: null });
      await page.goto(pathToFileURL(file).href);
      await page.frameLocator("iframe").locator(".warp").first().waitFor();
      await page
        .frames()[1]!
        .waitForFunction(
          `getComputedStyle(document.documentElement).getPropertyValue("--dark").trim() === "${dark}"`,
        );
      await page.close();
    }
  });

  await context.test("256 threads of the softmax and matmul rungs: under 5 MB, shown at once", async () => {
    const dev = await lab.open("cpu");
    try {
      for (const trace of await recordings(dev)) {
        assert.equal(trace.block[0] * trace.block[1], 256);
        const html = lab.stepPage(trace);
        assert.ok(html.length < MOST_BYTES, `${trace.kernel}: ${html.length} bytes`);
        const page = await open(html);
        const seconds = (await page.evaluate("performance.now()")) as number;
        assert.ok(seconds < 3000, `${trace.kernel}: shown after ${seconds} ms`);
        await page.keyboard.press("b");
        await page.keyboard.press("ArrowRight");
        await page.screenshot({ path: picturePath(`step-${trace.kernel.replace(/\W+/g, "-")}.png`) });
        await page.close();
      }
    } finally {
      await dev.close();
    }
  });
});
