import assert from "node:assert/strict";
import { test } from "node:test";
import { writeOutShorthand } from "kernel-lab/dist/notebook/shorthand";

test("writeOutShorthand() writes shorthand properties out, in literals and patterns, and nothing else", () => {
  const cases: [string, string][] = [
    ["f({ a, b: 1, ...c, d })", "f({ a: a, b: 1, ...c, d: d })"],
    ["({ a, b = 2 } = o);", "({ a: a, b: b = 2 } = o);"],
    ["const { a, b } = o;", "const { a, b } = o;"],
    ['const s = "{ a }"; // { b }', 'const s = "{ a }"; // { b }'],
    ["function g() { a }", "function g() { a }"],
  ];
  for (const [code, written] of cases) assert.equal(writeOutShorthand(code).code, written);
});

test("writeOutShorthand() leads positions back to what was typed", () => {
  const typed = "1;\nf({ a, bb }, wrong)";
  const { code, original } = writeOutShorthand(typed);
  const column = (text: string): number => text.split("\n")[1].indexOf("wrong") + 1;
  assert.deepEqual(original(2, column(code)), { line: 2, column: column(typed) });
  assert.deepEqual(original(2, 5), { line: 2, column: 5 });
  assert.deepEqual(original(1, 1), { line: 1, column: 1 });
});

test("writeOutShorthand() leaves a cell that does not parse for the compiler to tell", () => {
  assert.equal(writeOutShorthand("const = {").code, "const = {");
});
