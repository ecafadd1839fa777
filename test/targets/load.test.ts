import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LabError } from "kernel-lab/dist/core/error";
import { dataPath } from "kernel-lab/dist/core/paths";
import { targetsSchemaText } from "kernel-lab/dist/targets/jsonSchema";
import { type TargetFigure, targetDocuments, targetFigures } from "kernel-lab/dist/targets/load";
import { unitNamed } from "kernel-lab/dist/targets/units";

const documents = targetDocuments();
const figures = targetFigures(documents);
const of = (table: string): TargetFigure[] => figures.filter((f) => f.table === table);

test("data/targets/schema.json is the published form of the schema", () => {
  assert.equal(readFileSync(dataPath("targets", "schema.json"), "utf8"), targetsSchemaText());
});

test("targetDocuments() has every table with the rows its document has", () => {
  const rows = Object.fromEntries(
    documents.flatMap((d) => d.tables.map((t) => [`${d.name}/${t.id}`, t.rows.length])),
  );
  const expected: Record<string, number> = {
    "expected-results/flash-attention-b16-s2048": 4,
    "expected-results/flash-attention-b32-s4096": 4,
    "expected-results/attention-memory": 3,
    "expected-results/moe-layer": 3,
    "expected-results/expert-utilisation": 3,
    "expected-results/expert-gemm": 2,
    "expected-results/end-to-end-small": 3,
    "expected-results/end-to-end-medium": 3,
    "expected-results/end-to-end-large": 3,
    "expected-results/compute-utilisation": 4,
    "expected-results/bandwidth-utilisation": 4,
    "expected-results/launch-overhead": 3,
    "expected-results/numerical-criteria": 3,
    "expected-results/performance-gates": 3,
    "expected-results/grade-boundaries": 4,
    "llama-2-7b/llama-2-7b-attention": 4,
    "llama-2-7b/llama-2-7b-ffn": 4,
    "llama-2-7b/llama-2-7b-layer": 4,
    "llama-2-7b/llama-2-7b-config": 7,
    "inference-baseline/stub-prefill": 8,
    "inference-baseline/expected-qwen2.5-0.5b": 4,
    "inference-baseline/expected-phi-3-mini": 4,
    "inference-baseline/expected-gpt-2": 4,
    "rtx-3090-kernels/kernel-tests": 9,
    "rtx-3090-kernels/expected-by-size": 4,
    "rtx-3090-end-to-end/end-to-end-result": 3,
  };
  for (const [table, count] of Object.entries(expected)) assert.equal(rows[table], count, table);
});

test("every row fills every column and no other, every unit is known", () => {
  for (const { name, tables } of documents) {
    assert.equal(new Set(tables.map((t) => t.id)).size, tables.length, `${name} names a table twice`);
    for (const table of tables) {
      for (const row of table.rows) {
        assert.deepEqual(
          Object.keys(row.cells),
          table.columns.map((c) => c.key),
          table.id,
        );
        for (const [key, cell] of Object.entries(row.cells)) {
          const unit = cell.unit ?? table.columns.find((c) => c.key === key)!.unit;
          if (cell.value !== undefined && unit) assert.ok(unitNamed(unit), `${table.id}: ${unit}`);
        }
      }
    }
  }
});

test("targetFigures() answers SI values with the chip, the role and the work", () => {
  const [excellent] = of("expected-results/flash-attention-b16-s2048").filter(
    (f) => f.role === "excellent" && f.hardware === "NVIDIA H100",
  );
  assert.equal(excellent?.relation, "<");
  assert.ok(Math.abs(excellent!.hi - 3.8e-3) < 1e-12);
  assert.deepEqual(excellent?.work, { op: "attention", batch: 16, seq: 2048, heads: 16, dim: 64 });
  const [gpt2] = of("inference-baseline/expected-gpt-2").filter((f) => f.quantity === "memory");
  assert.equal(gpt2?.lo, 500e6);
  const [range] = of("rtx-3090-kernels/expected-by-size").filter((f) => f.text === "~40-50");
  assert.deepEqual([range?.lo, range?.hi, range?.quantity], [40, 50, "token-rate"]);
});

test("times fall where the work shrinks or the chip grows, and what is excellent beats the target", () => {
  for (const { name, tables } of documents.filter((d) => d.name === "expected-results")) {
    for (const table of tables.filter((t) => t.columns.some((c) => c.key === "h100"))) {
      for (const row of table.rows) {
        const [h100, a100, a10] = ["h100", "a100", "a10"].map((key) => Number(row.cells[key]?.value));
        assert.ok(h100! < a100! && a100! < a10!, `${name}/${table.id}: ${JSON.stringify(row.cells)}`);
      }
    }
  }
  for (const table of ["moe-layer", "end-to-end-small", "end-to-end-medium", "end-to-end-large"]) {
    const times = of(`expected-results/${table}`).filter((f) => f.column.key === "h100");
    assert.ok(
      times.every((f, i) => i === 0 || f.hi > times[i - 1]!.hi),
      table,
    );
  }
  for (const table of ["flash-attention-b16-s2048", "flash-attention-b32-s4096"]) {
    for (const chip of ["h100", "a100", "a10"]) {
      const order = ["reference", "excellent", "target", "baseline"].map(
        (role) => of(`expected-results/${table}`).find((f) => f.role === role && f.column.key === chip)!.hi,
      );
      assert.deepEqual(
        order,
        [...order].sort((a, b) => a - b),
        `${table} ${chip}`,
      );
    }
  }
});

test("the documents' own thresholds are where the grade and the gate look for them", () => {
  const boundaries = of("expected-results/grade-boundaries").map((f) => [f.row, f.lo]);
  assert.deepEqual(boundaries, [
    ["A", 0.8],
    ["B", 0.7],
    ["C", 0.6],
    ["D", 0.4],
  ]);
  const criteria = of("expected-results/numerical-criteria").map((f) => [f.row, f.role, f.lo]);
  assert.deepEqual(criteria, [
    ["Max absolute error", "acceptable", 1e-3],
    ["Max absolute error", "excellent", 1e-4],
    ["Mean absolute error", "acceptable", 1e-4],
    ["Mean absolute error", "excellent", 1e-5],
    ["Max relative error", "acceptable", 1e-2],
    ["Max relative error", "excellent", 1e-3],
  ]);
});

test("targetDocuments() names a damaged file and the field", () => {
  const folder = mkdtempSync(join(tmpdir(), "targets-"));
  writeFileSync(join(folder, "bad.json"), '{"kind": "kernel-lab-targets", "schemaVersion": 1}');
  assert.throws(
    () => targetDocuments(folder),
    (e) => LabError.is(e, "bad-targets") && /bad\.json/.test(e.message) && /source/.test(e.message),
  );
  writeFileSync(join(folder, "bad.json"), "{");
  assert.throws(
    () => targetDocuments(folder),
    (e) => LabError.is(e, "bad-targets"),
  );
});
