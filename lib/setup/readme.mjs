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

/** GPU records of whole operators grouped by case, in the order suites are taught. */
function groupsOf(records) {
  const groups = new Map();
  for (const record of records.filter((record) => !record.case.name.includes("each step"))) {
    const { suite, name, dtype } = record.case;
    const key = `${record.environment.device.name} ${suite} ${name} ${dtype}`;
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const order = ["softmax", "matmul", "moe", "attention"];
  const rank = (group) => order.indexOf(group[0].case.suite);
  return [...groups.values()].filter((group) => rank(group) >= 0).sort((a, b) => rank(a) - rank(b));
}

function row(group, lab) {
  const ours = fastest(group.filter((record) => record.implementation.kind === "ours"));
  const theirs = fastest(group.filter((record) => record.implementation.kind === "baseline"));
  if (!ours) return null;
  const { case: what, environment } = ours;
  const named = (record) => `${record.implementation.name}, ${lab.formatSeconds(record.statistics.median)}`;
  const ratio = theirs ? `${(theirs.statistics.median / ours.statistics.median).toFixed(2)}x` : "";
  return `| ${environment.device.name} | ${what.suite} ${what.name} ${what.dtype} | ${named(ours)} | ${theirs ? named(theirs) : "not recorded"} | ${ratio} |`;
}

await runMain(async () => {
  const lab = requireFromLib("./dist/index.js");
  const runs = [...lab.loadRuns().runs, ...lab.recordedRuns().runs];
  const records = lab.latestRecords(lab.recordsOf(runs, { deviceKind: "cuda" }));
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

  const rows = groupsOf(records)
    .map((group) => row(group, lab))
    .filter((line) => line !== null);
  const table = [
    "| device | case | fastest rung, median | fastest other, median | ratio |",
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
