import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { projectFiles, textOf } from "./source";

/** Rungs: kernels/<topic>/NN_name.cu. Headers and probes have other forms. */
const rungs = projectFiles().filter((file) => /^kernels\/(?!include|probes)\w+\/[^/]+\.cu$/.test(file));

/** The comment a file opens with, without the comment marks. */
function opening(file: string): string {
  const lines = textOf(file).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n");
}

/** Names of the __global__ functions, launch bounds and line breaks skipped. */
function kernelNames(file: string): string[] {
  const code = textOf(file).replace(/\/\/.*$/gm, "");
  const entry =
    /__global__\s+void\s+(?:__launch_bounds__\s*(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))\s*)?(\w+)\s*\(/g;
  return [...code.matchAll(entry)].map((match) => match[2] ?? "");
}

test("there are rungs to look at, named NN_name.cu", () => {
  assert.ok(rungs.length >= 15, `found ${rungs.length}`);
  assert.deepEqual(
    rungs.filter((file) => !/^\d\d_[a-z0-9_]+\.cu$/.test(basename(file))),
    [],
  );
});

test("a rung opens with its idea, what moves or changes, and how it is launched", () => {
  const wrong = rungs.flatMap((file) => {
    const text = opening(file);
    const number = basename(file).slice(0, 2);
    const wants: [string, RegExp][] = [
      [`a first line "Topic, rung ${number}: ..."`, new RegExp(`^.+, (rung|step) ${number}: .+`)],
      ['"Idea:"', /^Idea: \S/m],
      ['"Traffic:", "Cost:" or "Changes from NN:"', /^(Traffic|Cost|Changes from \d\d): \S/m],
      ['"Launch:"', /^Launch: \S/m],
    ];
    return wants.filter(([, pattern]) => !pattern.test(text)).map(([what]) => `${file}: wants ${what}`);
  });
  assert.deepEqual(wrong, []);
});

test("a rung's kernels are called after its file", () => {
  const wrong = rungs.flatMap((file) => {
    const stem = `${basename(dirname(file))}_${basename(file, ".cu")}`;
    const names = kernelNames(file);
    if (names.length === 0) return [`${file}: no __global__ function found`];
    return names
      .filter((name) => name !== stem && !name.startsWith(`${stem}_`))
      .map((name) => `${file}: ${name} should be ${stem} or ${stem}_...`);
  });
  assert.deepEqual(wrong, []);
});
