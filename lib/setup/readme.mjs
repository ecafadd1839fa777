/**
 * Remakes the README's picture and table from the recorded GPU results: `node lib/setup/readme.mjs`.
 *
 * The picture goes to results/overview.svg, the table between the README's two markers. No number is typed by hand.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { inRoot, report, requireFromLib, runMain, SetupError } from "./project.mjs";

const MARKS = ["<!-- table: node lib/setup/readme.mjs -->", "<!-- end of table -->"];

/** The case in the picture: the one the first walkthrough works towards. */
const PICTURED = { suite: "softmax", rows: 65536, cols: 4096, dtype: "f16" };

const fastest = (records) =>
  records.reduce(
    (best, record) => (!best || record.statistics.median < best.statistics.median ? record : best),
    null,
  );

/** The fastest setting of every implementation. */
function bestOfEach(records) {
  const best = new Map();
  for (const record of records) {
    best.set(record.implementation.id, fastest([record, best.get(record.implementation.id)].filter(Boolean)));
  }
  return [...best.values()];
}

/** In the order suites are taught. */
const SUITES = ["softmax", "matmul", "moe", "attention"];

/** The standing's rows of the GPUs' whole operators. */
function standingsOf(runs, lab) {
  const whole = lab.standingOf(runs).filter((row) => row.kind === "cuda" && SUITES.includes(row.suite));
  return whole.sort((a, b) => SUITES.indexOf(a.suite) - SUITES.indexOf(b.suite));
}

/** A ratio only where both sides were measured in one run: what a device does differs from run to run. */
function row({ device, suite, case: name, ours, best, ratio, sameRun }, lab) {
  if (!ours) return null;
  const named = (s) =>
    `${s.implementation}, ${lab.formatSeconds(s.seconds)}${s.verdict === "trusted" ? "" : " (ambiguous)"}`;
  const compared = ratio && (sameRun ? `${ratio.value.toFixed(2)}x` : "two runs");
  return `| ${device} | ${suite} ${name} | ${named(ours)} | ${best ? named(best) : "not recorded"} | ${compared ?? ""} |`;
}

await runMain(async () => {
  const lab = requireFromLib("./dist/index.js");
  const runs = [...lab.loadRuns().runs, ...lab.recordedRuns().runs];
  const records = lab.comparableRecords(lab.recordsOf(runs, { deviceKind: "cuda" }));
  const pictured = records.filter(
    ({ case: { suite, dtype, params } }) =>
      suite === PICTURED.suite &&
      dtype === PICTURED.dtype &&
      params.rows === PICTURED.rows &&
      params.cols === PICTURED.cols,
  );
  if (pictured.length === 0)
    throw new SetupError(
      "There is no recorded GPU result of the pictured case.",
      "Record one on a GPU: lab bench softmax",
    );
  const title = `Softmax ${PICTURED.rows}x${PICTURED.cols} fp16 on ${pictured[0].environment.device.name}`;
  // A page may be dark behind an image, whose ink stays dark: give it its own paper.
  const svg = lab.barPlot(bestOfEach(pictured), { title }).svg.replace("background:none", "background:#fff");
  writeFileSync(inRoot("results", "overview.svg"), `${svg}\n`);
  report("ok", "Picture", `results/overview.svg, ${bestOfEach(pictured).length} implementations`);

  const rows = standingsOf(runs, lab)
    .map((standing) => row(standing, lab))
    .filter((line) => line !== null);
  const table = [
    "| device | case | best rung, median | fastest other, median | ratio |",
    "|---|---|---|---|---|",
    ...rows,
  ];
  const readme = readFileSync(inRoot("README.md"), "utf8");
  const [from, to] = MARKS.map((mark) => readme.indexOf(mark));
  if (from < 0 || to < from) throw new SetupError(`README.md has lost its markers ${MARKS.join(" and ")}.`);
  const body = rows.length > 0 ? table.join("\n") : "No GPU run of the ladders is recorded yet.";
  writeFileSync(
    inRoot("README.md"),
    `${readme.slice(0, from + MARKS[0].length)}\n${body}\n${readme.slice(to)}`,
  );
  report("ok", "Table", `${rows.length} rows`);
});
