import assert from "node:assert/strict";
import { test } from "node:test";
import { projectFiles, textOf } from "./source";

const MOST_LINES = 400;

/** Longer files, each with its reason. */
const LONG: Readonly<Record<string, string>> = {
  "lib/src/backend/connection.ts":
    "one state machine: what is pending, lost and reopened; its transfers, modules and steps are files of their own",
};

const files = projectFiles();
const isText = (file: string): boolean =>
  /\.(ts|mjs|js|json|md|cc|h|S|cu|cuh|py|ipynb|yml|txt)$/.test(file) || !/\.\w+$/.test(file);
const isSource = (file: string): boolean => /\.(ts|mjs|cc|h|S|cu|cuh|py)$/.test(file);

test(`no source file is longer than ${MOST_LINES} lines without a reason`, () => {
  const long = files
    .filter((file) => isSource(file) && !(file in LONG))
    .map((file) => ({ file, lines: textOf(file).split("\n").length - 1 }))
    .filter(({ lines }) => lines > MOST_LINES);
  assert.deepEqual(long, []);
});

test("no file names a folder of one machine", () => {
  // Spelt in pieces, so that this file passes its own rule.
  const places = new RegExp(
    ["/wo", "rk/(main|shared)|/op", "t/nv\\b|/ho", "me/\\w+/|/Us", "ers/\\w+/"].join(""),
  );
  const found = files.filter((file) => isText(file) && places.test(textOf(file)));
  assert.deepEqual(found, []);
});

test("no file names a package registry's host", () => {
  const hosts = new RegExp(
    ["registry\\.npm", "js\\.org|py", "pi\\.org/simple|files\\.python", "hosted"].join(""),
  );
  const found = files.filter((file) => isText(file) && hosts.test(textOf(file)));
  assert.deepEqual(found, []);
});

test("the lock file tells versions and hashes, and no place to fetch them from", () => {
  const lock = JSON.parse(textOf("package-lock.json")) as {
    packages: Record<string, { resolved?: string; link?: boolean; integrity?: string; optional?: boolean }>;
  };
  const entries = Object.entries(lock.packages);
  assert.ok(entries.length > 50);
  const fetched = entries
    .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
    .map(([path]) => path);
  assert.deepEqual(fetched, []);
  // Binaries for other systems are never fetched where this lock file was made, so their hashes are not known.
  const unhashed = entries
    .filter(
      ([path, entry]) =>
        path.startsWith("node_modules/") && !entry.link && !entry.optional && !entry.integrity,
    )
    .map(([path]) => path);
  assert.deepEqual(unhashed, []);
});

test("notebooks carry no outputs, no counts, and name the lab's kernel", () => {
  const notebooks = files.filter((file) => file.endsWith(".ipynb"));
  assert.ok(notebooks.length >= 3, `expected the walkthroughs but found ${notebooks.length} notebooks`);
  for (const file of notebooks) {
    const notebook = JSON.parse(textOf(file)) as {
      cells: { cell_type: string; outputs?: unknown[]; execution_count?: number | null }[];
      metadata: { kernelspec?: { name?: string } };
    };
    assert.equal(notebook.metadata.kernelspec?.name, "tslab", `${file}: kernelspec`);
    for (const [index, cell] of notebook.cells.entries()) {
      if (cell.cell_type !== "code") continue;
      assert.deepEqual(cell.outputs, [], `${file}: cell ${index} carries outputs; clean the notebook`);
      assert.equal(cell.execution_count, null, `${file}: cell ${index} carries a count; clean the notebook`);
    }
  }
});
