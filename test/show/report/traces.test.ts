import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Device, lens, open, step } from "kernel-lab";
import { loadSource } from "kernel-lab/dist/cli/source";
import { LabError } from "kernel-lab/dist/core/error";
import { packBundle, readBundle } from "kernel-lab/dist/record/bundle";
import { runDocument } from "kernel-lab/dist/record/document";
import { readRun, saveRun } from "kernel-lab/dist/record/store";
import { readTrace, saveTrace, traceEnding, tracesBeside } from "kernel-lab/dist/record/traceFile";
import { report } from "kernel-lab/dist/show/report/report";
import { lensRows } from "kernel-lab/dist/show/report/traces";
import { fixtureRecord } from "../../record/fixtures";

const source = `
extern "C" __global__ void apart(const float* x, float* y) {
  __shared__ float tile[32 * 32];
  tile[threadIdx.x * 32] = x[threadIdx.x * 64];
  __syncthreads();
  if (threadIdx.x < 16) y[threadIdx.x] = tile[threadIdx.x * 32];
}`;

const folder = mkdtempSync(join(tmpdir(), "kernel-lab-traces-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const run = saveRun(runDocument("softmax", [fixtureRecord()]), folder);

let device: Device;
before(async () => {
  device = await open("cpu");
  const kernel = await device.compile(source, { name: "apart" });
  const args = [device.zeros([2048]), device.zeros([32])];
  saveTrace(await lens(kernel, { grid: 1, block: 32 }, ...args), run);
  saveTrace(await step(kernel, { grid: 1, block: 32 }, args, { show: false }), run, "one <block>");
});
after(() => device.close());

const kept = async () => (await loadSource({ from: [run] })).traces;

test("saveTrace() keeps traces beside the run, each under a name of its own", async () => {
  const files = tracesBeside(run);
  assert.equal(files.length, 2);
  assert.ok(files.every((file) => file.endsWith(traceEnding)));
  assert.deepEqual((await kept()).map((t) => [t.of, t.title]).sort(), [
    ["lens", "apart"],
    ["steps", "one <block>"],
  ]);
  assert.equal(readdirSync(join(folder, "softmax")).length, 3);
});

test("lensRows() tells what every access to memory cost", async () => {
  const [lensed] = (await kept()).filter((t) => t.of === "lens");
  assert.ok(lensed.of === "lens");
  const rows = lensRows(lensed.trace);
  const load = rows.find((row) => row.access === "ld global x");
  assert.deepEqual([load?.moved, load?.["least possible"]], ["32 sectors", 4]);
  const store = rows.find((row) => /^st shared/.test(String(row.access)));
  assert.deepEqual([store?.moved, store?.["least possible"]], ["32 wavefronts", 1]);
});

test("report() draws kept traces, and a bundle draws them the same on another machine", async () => {
  const bundle = join(folder, "bundle.zip");
  writeFileSync(bundle, packBundle({ results: [{ run: readRun(run), path: run }], baselines: [] }));
  const date = "2026-01-01T00:00:00.000Z";
  const here = report({ runs: [readRun(run)], traces: await kept(), date });
  const unpacked = readBundle(bundle);
  const there = report({ runs: unpacked.runs, traces: unpacked.traces, date });
  assert.equal(there.html, here.html);
  assert.equal(there.markdown, here.markdown);
  for (const text of [here.html, here.markdown]) {
    assert.match(text, /Recorded launches/);
    assert.match(text, /32 sectors/);
  }
  assert.match(here.html, /one request of a warp to x/);
  assert.match(here.html, /sandbox="allow-scripts"/);
  assert.match(here.html, /one &#60;block&#62;/);
});

test("saveTrace() refuses what is no trace, readTrace() names what is damaged", async () => {
  assert.throws(
    () => saveTrace({ kernel: "k", lines: 3 }, run),
    (e) => LabError.is(e, "bad-trace"),
  );
  const wrong = { kind: "kernel-lab-trace", version: 1, title: "t", of: "steps", trace: { kernel: "k" } };
  for (const bytes of [new Uint8Array([1, 2]), gzipSync("{"), gzipSync(JSON.stringify(wrong))]) {
    assert.throws(
      () => readTrace(bytes, "some.trace.json.gz"),
      (e) => LabError.is(e, "bad-trace-file") && e.message.includes("some.trace.json.gz"),
    );
  }
  const torn = join(folder, "softmax", `${run.split("/").at(-1)?.replace(".json", "")}.torn${traceEnding}`);
  writeFileSync(torn, "x");
  const { traces, warnings } = await loadSource({ from: [run] });
  rmSync(torn);
  assert.equal(traces.length, 2);
  assert.match(warnings.join(), /torn\.trace/);
});
