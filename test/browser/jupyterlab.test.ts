import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { type Lab, launchBrowser, noLab, picturePath, startLab } from "./support";

const NOTEBOOK = "01-online-softmax.ipynb";
const RUN_LIMIT_MS = 240_000;

/** Opens the walkthrough and waits for its own kernel to be ready; no dialog may ask for one. */
async function openNotebook(page: Page, lab: Lab): Promise<void> {
  await page.goto(`${lab.url}lab/tree/${NOTEBOOK}?token=${lab.token}`);
  await page.waitForSelector(".jp-Notebook .jp-CodeCell", { timeout: 60_000 });
  await page
    .locator(".jp-KernelName", { hasText: "TypeScript (Kernel Lab)" })
    .first()
    .waitFor({ timeout: 60_000 });
  await page.waitForSelector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', { timeout: 60_000 });
}

/** Waits until every code cell that holds code has a number, or one shows an error. */
async function allCellsRun(page: Page): Promise<void> {
  await page.waitForFunction(
    `(() => {
      const cells = [...document.querySelectorAll(".jp-CodeCell")].filter(cell => cell.querySelector(".cm-content").innerText.trim() !== "");
      const failed = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
      return failed || (cells.length > 0 && cells.every(cell => /\\[\\d+\\]:/.test(cell.querySelector(".jp-InputPrompt").innerText)));
    })()`,
    undefined,
    { timeout: RUN_LIMIT_MS, polling: 500 },
  );
}

test("the first walkthrough runs in JupyterLab in a real browser, and its plots are seen", {
  skip: noLab,
}, async (context) => {
  const lab = await startLab();
  context.after(() => lab.close());
  const browser = await launchBrowser();
  context.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });

  await openNotebook(page, lab);

  await page.getByRole("menuitem", { name: "Run", exact: true }).click();
  await page.locator('[data-command="runmenu:run-all"]').first().click();
  await allCellsRun(page);

  const errors = await page.locator('[data-mime-type="application/vnd.jupyter.error"]').allInnerTexts();
  assert.deepEqual(errors, []);
  const plots = page.locator(".jp-OutputArea-output svg");
  await plots.first().scrollIntoViewIfNeeded();
  const boxes = await plots.evaluateAll((all) =>
    all.map((svg) => ({
      width: svg.getBoundingClientRect().width,
      height: svg.getBoundingClientRect().height,
      marks: svg.querySelectorAll("rect, path, circle, line").length,
    })),
  );
  const seen = boxes.filter(({ width, height, marks }) => width > 200 && height > 100 && marks > 5);
  assert.ok(seen.length > 0, `no plot with an area and marks among ${JSON.stringify(boxes)}`);
  await page.screenshot({ path: picturePath("jupyterlab.png") });

  const steps = page.locator(".jp-OutputArea-output iframe.lab-steps").first();
  await steps.scrollIntoViewIfNeeded();
  await steps.contentFrame().locator(".warp").first().waitFor({ timeout: 20_000 });
  await steps.contentFrame().getByRole("button", { name: "Step forward" }).click();
  assert.match((await steps.contentFrame().locator(".place").textContent()) ?? "", /^step 2 of/);
  await page.screenshot({ path: picturePath("jupyterlab-steps.png") });
});

test("a cell in JupyterLab offers the members of a value", { skip: noLab }, async (context) => {
  const lab = await startLab();
  context.after(() => lab.close());
  const browser = await launchBrowser();
  context.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  await openNotebook(page, lab);

  await page.locator(".jp-CodeCell .cm-content").first().click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("[1, 2, 3].forE");
  await page.keyboard.press("Tab");
  // A single match is written at once; several are listed.
  await page.waitForFunction(
    `document.querySelector(".jp-CodeCell .cm-content").innerText.includes("forEach") || document.querySelector(".jp-Completer")?.innerText.includes("forEach")`,
    undefined,
    { timeout: 20_000 },
  );
});
