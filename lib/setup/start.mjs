/**
 * `npm start`: set-up, the walkthroughs headless on the best device, one HTML report, a short table.
 *
 * Node only: notebooks run on the same session as in Jupyter, each in a process of its own.
 */

import { mkdirSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { inRoot, report, requireFromLib, runMain, SetupError, since } from "./project.mjs";
import { setup } from "./setup.mjs";

const built = (module) => requireFromLib(`./dist/${module}.js`);

/** Seconds a walkthrough may take: far above what one takes, so that only an endless one meets it. */
const NOTEBOOK_LIMIT = 900;

async function pickDevice() {
  const { open } = built("runtime/open");
  const device = await open();
  const { kind, info } = device;
  const note =
    kind === "cpu"
      ? "the CPU device, for want of a GPU (npx lab doctor): its times are not GPU times"
      : info.arch;
  report("ok", "Device", `${info.name}, ${note}`);
  await device.close();
  return info;
}

/** A line that rewrites itself on a terminal and stays silent elsewhere. */
function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[2K     ${text}`);
}

async function runWalkthrough(path) {
  const { runNotebook } = built("notebook/runner");
  const name = relative(inRoot("notebooks"), path).replace(/\.ipynb$/, "");
  const start = performance.now();
  const bar = (done, total) =>
    `${"#".repeat(Math.round((done / total) * 20)).padEnd(20, ".")} ${done}/${total} cells`;
  progress(`${name}  starting`);
  const run = await runNotebook(path, {
    timeLimit: NOTEBOOK_LIMIT,
    onCell: (_, done, total) => progress(`${name}  ${bar(done, total)}  ${since(start)}`),
  });
  progress("");
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[2K");
  const failed = run.cells.find((cell) => cell.failure && !cell.expected);
  if (failed) {
    report("fail", name, `cell ${failed.index}:\n${failed.failure.traceback.join("\n")}`);
    return false;
  }
  report("ok", name, `${run.cells.length} cells in ${since(start)}`);
  return true;
}

/** Result files by path; what a run adds is what was not there before. */
function resultFiles() {
  const folder = inRoot("results");
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => readdirSync(join(folder, entry.name)).map((file) => join(folder, entry.name, file)))
    .filter((file) => file.endsWith(".json"));
}

/** The fastest setting of every implementation in each case this run measured. */
function printTable(files) {
  const { readRun, recordsOf, caseKey } = built("record/store");
  const { formatSeconds, formatByteRate, formatFlopRate } = built("show/format");
  const best = new Map();
  for (const record of recordsOf(files.map((file) => readRun(file)))) {
    const key = `${caseKey(record)} ${record.implementation.id}`;
    const held = best.get(key);
    if (!held || record.statistics.median < held.statistics.median) best.set(key, record);
  }
  const rows = [...best.values()].map(({ case: what, implementation, statistics, rates, check }) => ({
    suite: what.suite,
    case: `${what.name} ${what.dtype}`,
    implementation: implementation.name,
    median: formatSeconds(statistics.median),
    "bytes/s": rates.bytesPerSecond ? formatByteRate(rates.bytesPerSecond) : "",
    "FLOP/s": rates.flopsPerSecond ? formatFlopRate(rates.flopsPerSecond) : "",
    correct: check === null ? "" : check.passed ? "yes" : "NO",
  }));
  if (rows.length > 0) console.log(`\n${built("show/table").tableOf(rows).text}`);
}

await runMain(async () => {
  const start = performance.now();
  await setup();
  mkdirSync(inRoot("results"), { recursive: true });
  const before = new Set(resultFiles());
  // Those that measure and take seconds; 00 explains, 04 takes minutes: both are for reading in JupyterLab.
  const walkthroughs = readdirSync(inRoot("notebooks"))
    .filter((file) => /^0[1-3]-.*\.ipynb$/.test(file))
    .sort();
  await pickDevice();
  let failures = 0;
  // One at a time, or they would measure each other.
  for (const file of walkthroughs) {
    if (!(await runWalkthrough(inRoot("notebooks", file)))) failures += 1;
  }
  const added = resultFiles().filter((file) => !before.has(file));
  const page = await built("cli/report").writeReport();
  for (const warning of page.warnings) report("skip", "Result", warning);
  printTable(added);
  console.log("");
  for (const file of added) report("ok", "Result", relative(process.cwd(), file));
  report("ok", "Report", page.html);
  report("ok", "Time", since(start));
  if (failures > 0)
    throw new SetupError(`${failures} of ${walkthroughs.length} walkthroughs failed; see above.`);
  console.log(
    "\nNext: npm run notebooks opens them in JupyterLab; npx lab doctor tells what this machine has.",
  );
});
