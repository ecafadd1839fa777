import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { homePath } from "kernel-lab/dist/core/paths";
import { targetDocuments } from "kernel-lab/dist/targets/load";

// The documents are no part of the repository; where a checkout has them beside it, every number is read again.
const folder = homePath("..", "shared", "seeds");
const skip = existsSync(folder) ? false : "the seed documents are not beside this checkout (../shared/seeds)";

interface Line {
  readonly section: readonly string[];
  readonly text: string;
}

function linesOf(file: string): Line[] {
  const path: { depth: number; title: string }[] = [];
  let code = false;
  return readFileSync(`${folder}/${file}`, "utf8")
    .split("\n")
    .map((text) => {
      if (text.startsWith("```")) code = !code;
      const heading = code ? null : /^(#+) (.*)$/.exec(text);
      if (heading) {
        while (path.length > 0 && path[path.length - 1]!.depth >= heading[1]!.length) path.pop();
        path.push({ depth: heading[1]!.length, title: heading[2]!.trim() });
      }
      return { section: path.map((p) => p.title), text };
    });
}

const plain = (text: string) => text.replace(/\*\*|`/g, "").trim();
const cellsOf = (row: string) =>
  row
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map(plain);

/** Markdown tables of a file, by the section they stand in. */
function tablesOf(file: string): Map<string, string[][]> {
  const tables = new Map<string, string[][]>();
  for (const { section, text } of linesOf(file)) {
    if (!text.startsWith("|") || /^[|\s:-]+$/.test(text)) continue;
    const key = JSON.stringify(section);
    tables.set(key, [...(tables.get(key) ?? []), cellsOf(text)]);
  }
  return tables;
}

/** A number as a person reads it: "538K tokens/s" is 538000, "~40-50" is 40 and 50. */
function numbersIn(text: string): number[] {
  return [...text.matchAll(/(\d[\d,]*\.?\d*(?:e-?\d+)?)\s*([KM]\b)?/g)].map(
    ([, digits, power]) =>
      Number(digits!.replace(/,/g, "")) * (power === "K" ? 1e3 : power === "M" ? 1e6 : 1),
  );
}

test("every table of every seed stands in data/targets, cell by cell", { skip }, () => {
  let compared = 0;
  for (const { source, tables } of targetDocuments()) {
    for (const file of source.files) {
      const published = tablesOf(file);
      for (const table of tables.filter((t) => t.form === "table")) {
        const found = published.get(JSON.stringify(table.section));
        assert.ok(found, `${file} has no table under ${table.section.join(" > ")}`);
        const [head, ...rows] = found;
        assert.deepEqual(
          head,
          table.columns.map((c) => c.label),
          table.id,
        );
        const ours = table.rows.map((row) => table.columns.map((c) => row.cells[c.key]?.text));
        assert.deepEqual(ours, rows, table.id);
        compared += rows.length * head!.length;
      }
    }
  }
  assert.ok(compared > 400, `${compared} cells`);
});

test("no table of a seed was left out", { skip }, () => {
  const documents = targetDocuments();
  const files = new Set(documents.flatMap((d) => d.source.files));
  assert.equal(files.size, 5);
  for (const file of files) {
    const ours = new Set(
      documents
        .filter((d) => d.source.files.includes(file))
        .flatMap((d) => d.tables.filter((t) => t.form === "table").map((t) => JSON.stringify(t.section))),
    );
    assert.deepEqual(
      [...tablesOf(file).keys()].filter((key) => !ours.has(key)),
      [],
      file,
    );
  }
});

test("every figure from a list or a block of formulas stands in its section", { skip }, () => {
  for (const { source, tables } of targetDocuments()) {
    for (const table of tables.filter((t) => t.form !== "table")) {
      for (const file of source.files) {
        const lines = linesOf(file)
          .filter((line) => JSON.stringify(line.section) === JSON.stringify(table.section))
          .map((line) => plain(line.text));
        for (const row of table.rows) {
          const texts = Object.values(row.cells).map((cell) => cell.text);
          const held = lines.some((line) => texts.every((text) => line.includes(text)));
          assert.ok(held, `${file}, ${table.id}: no line holds ${texts.join(" and ")}`);
        }
      }
    }
  }
});

test("the numbers of the cells are those a person reads in their text", () => {
  let read = 0;
  for (const { tables } of targetDocuments()) {
    for (const table of tables) {
      for (const row of table.rows) {
        for (const [key, { text, value }] of Object.entries(row.cells)) {
          if (value === undefined) continue;
          const expected = numbersIn(text).slice(0, typeof value === "number" ? 1 : 2);
          assert.deepEqual([value].flat(), expected, `${table.id}, ${key}: ${text}`);
          read++;
        }
      }
    }
  }
  assert.ok(read > 250, `${read} numbers`);
});
