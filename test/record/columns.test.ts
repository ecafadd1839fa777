import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parquetReadObjects } from "hyparquet";
import { type Column, csvText, recordColumns, sampleColumns } from "kernel-lab/dist/record/columns";
import { parquetBytes } from "kernel-lab/dist/record/parquet";
import { fixtureRecord } from "./fixtures";

const records = [
  fixtureRecord({ params: { rows: 7, mode: "wide" } }),
  fixtureRecord({
    id: 'torch, "eager"',
    kind: "baseline",
    params: { cols: 3 },
    flops: 5e12,
    verdict: "ambiguous",
  }),
];
const column = (columns: readonly Column[], name: string) => columns.find((c) => c.name === name)?.values;

test("recordColumns() has a row a record, SI units, and a column a parameter of the case", () => {
  const columns = recordColumns(records);
  assert.ok(columns.every((c) => c.values.length === 2));
  assert.deepEqual(
    column(columns, "median_s"),
    records.map((r) => r.statistics.median),
  );
  assert.deepEqual(column(columns, "flops"), [null, 5e12]);
  assert.deepEqual(column(columns, "case_rows"), [7, null]);
  assert.deepEqual(column(columns, "case_mode"), ["wide", null]);
  assert.deepEqual(column(columns, "correct"), [null, null]);
  assert.deepEqual(column(columns, "reasons"), ["", "a fixture"]);
  assert.equal(new Set(columns.map((c) => c.name)).size, columns.length);
});

test("sampleColumns() has a row a sample, in order and in full precision", () => {
  const columns = sampleColumns(records);
  assert.deepEqual(
    column(columns, "seconds"),
    records.flatMap((r) => r.samples),
  );
  assert.deepEqual(column(columns, "sample")?.slice(49, 51), [49, 0]);
});

test("csvText() quotes what holds a comma, a quote or a line break, and leaves null empty", () => {
  const text = csvText([
    { name: "a,b", values: ['say "hi"', null] },
    { name: "n", values: [0.1 + 0.2, true] },
    { name: "t", values: ["two\nlines", "plain"] },
  ]);
  assert.equal(text, '"a,b",n,t\r\n"say ""hi""",0.30000000000000004,"two\nlines"\r\n,true,plain\r\n');
});

test("parquetBytes() reads back as it was, nulls and mixed columns included", async () => {
  const columns: Column[] = [
    { name: "text", values: ['é, "x"', null, ""] },
    { name: "number", values: [1e-300, null, 2 ** 60] },
    { name: "truth", values: [true, false, null] },
    { name: "mixed", values: [1, "two", true] },
    { name: "empty", values: [null, null, null] },
  ];
  const bytes = parquetBytes(columns);
  const rows = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer });
  const back = columns.map(({ name }) => ({ name, values: rows.map((row) => row[name] ?? null) }));
  assert.deepEqual(back, [
    columns[0],
    columns[1],
    columns[2],
    { name: "mixed", values: ["1", "two", "true"] },
    columns[4],
  ]);
});

const python = ["pyarrow", "duckdb"].filter(
  (name) => spawnSync("python3", ["-c", `import ${name}`]).status === 0,
);

test("other programs read the Parquet file", {
  skip:
    python.length > 0
      ? false
      : "python3 has neither pyarrow nor duckdb; install one: python3 -m pip install pyarrow",
}, (context) => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-parquet-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "records.parquet");
  writeFileSync(file, parquetBytes(recordColumns(records)));
  const programs: Record<string, string> = {
    pyarrow: `import sys, pyarrow.parquet as p; print(p.read_table(sys.argv[1]).to_pylist()[1]["flops"])`,
    duckdb: `import sys, duckdb; print(duckdb.sql(f"select flops from '{sys.argv[1]}' where kind = 'baseline'").fetchall()[0][0])`,
  };
  for (const name of python) {
    const { stdout, stderr } = spawnSync("python3", ["-c", programs[name], file], { encoding: "utf8" });
    assert.equal(Number(stdout), 5e12, `${name}: ${stderr}`);
  }
});
