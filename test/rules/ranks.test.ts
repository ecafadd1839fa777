import assert from "node:assert/strict";
import { test } from "node:test";
import { folderOf, importsOf, librarySources } from "./source";

/** A folder imports folders of lower rank, and itself. CONTRIBUTING.md shows the same table. */
const RANKS: Readonly<Record<string, number>> = {
  core: 0,
  backend: 1,
  record: 1,
  targets: 1,
  runtime: 2,
  show: 2,
  notebook: 2,
  ops: 3,
  lens: 3,
  audit: 3,
  bench: 4,
  baselines: 4,
  lessons: 4,
  grade: 5,
  duel: 5,
  cli: 6,
};

/** Folders of a rank that their content must not know, though the number would allow it. */
const APART: Readonly<Record<string, readonly string[]>> = {
  show: ["backend", "runtime"],
  runtime: ["record", "show"],
};

const sources = librarySources();

test("every folder of lib/src has a rank", () => {
  const unknown = [...new Set(sources.map(folderOf))].filter((folder) => folder !== "" && !(folder in RANKS));
  assert.deepEqual(unknown, []);
});

test("a folder imports only folders of lower rank", () => {
  const wrong = sources.flatMap(importsOf).filter(({ from, to }) => {
    const [a, b] = [folderOf(from), folderOf(to)];
    return a !== "" && b !== "" && a !== b && (RANKS[b] ?? 99) >= (RANKS[a] ?? -1);
  });
  assert.deepEqual(
    wrong.map(({ from, to, line }) => `${from}:${line} imports ${to}`),
    [],
  );
});

test("records and pictures know nothing of devices, devices nothing of records", () => {
  const wrong = sources
    .flatMap(importsOf)
    .filter(({ from, to }) => APART[folderOf(from)]?.includes(folderOf(to)));
  assert.deepEqual(
    wrong.map(({ from, to, line }) => `${from}:${line} imports ${to}`),
    [],
  );
});

test("index.ts is imported by nothing inside the library", () => {
  const wrong = sources.flatMap(importsOf).filter(({ to }) => to === "lib/src/index.ts");
  assert.deepEqual(
    wrong.map(({ from, line }) => `${from}:${line}`),
    [],
  );
});

test("imports make no circle", () => {
  const graph = new Map(
    sources.map((file) => [
      file,
      importsOf(file)
        .filter((found) => !found.typeOnly)
        .map((found) => found.to),
    ]),
  );
  assert.deepEqual(findCircle(graph), []);
});

test("findCircle() finds a circle where there is one", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["b"]],
  ]);
  assert.deepEqual(findCircle(graph), ["b", "c", "b"]);
});

function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next);
      if (circle.length > 0) return circle;
    }
    path.pop();
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const circle = visit(file);
    if (circle.length > 0) return circle;
  }
  return [];
}
