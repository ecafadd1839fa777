import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readNotebook } from "kernel-lab/dist/notebook/document";
import { KERNEL_NAME, writeKernelSpec } from "kernel-lab/dist/notebook/kernelspec";

function inTemporary<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-test-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("readNotebook() reads cells, tags and the kernel's name", () => {
  inTemporary((folder) => {
    const path = join(folder, "a.ipynb");
    const cells = [
      { cell_type: "markdown", metadata: {}, source: ["# A\n", "text"] },
      {
        cell_type: "code",
        metadata: { tags: ["raises-exception"] },
        source: "1",
        outputs: [{}],
        execution_count: 3,
      },
    ];
    writeFileSync(
      path,
      JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name: "tslab" } }, cells }),
    );
    const notebook = readNotebook(path);
    assert.equal(notebook.kernel, "tslab");
    assert.deepEqual(
      notebook.cells.map(({ type, source, mayFail, storedOutputs }) => [
        type,
        source,
        mayFail,
        storedOutputs,
      ]),
      [
        ["markdown", "# A\ntext", false, 0],
        ["code", "1", true, 1],
      ],
    );
  });
});

test("readNotebook() names the file and the reason when it cannot", () => {
  inTemporary((folder) => {
    const path = join(folder, "b.ipynb");
    for (const content of [
      '{"nbformat": 4, "cells": [',
      '{"nbformat": 3}',
      "[]",
      '{"nbformat": 4, "cells": [{"cell_type": "sql"}]}',
    ]) {
      writeFileSync(path, content);
      assert.throws(() => readNotebook(path), { code: "bad-notebook", message: /b\.ipynb/ });
    }
    assert.throws(() => readNotebook(join(folder, "absent.ipynb")), { code: "bad-notebook" });
  });
});

test("writeKernelSpec() registers this Node and the built launcher, whole", () => {
  inTemporary((folder) => {
    const file = writeKernelSpec(folder);
    assert.equal(file, join(folder, "kernels", KERNEL_NAME, "kernel.json"));
    const spec = JSON.parse(readFileSync(file, "utf8")) as { argv: string[]; display_name: string };
    assert.equal(spec.argv[0], process.execPath);
    assert.ok(existsSync(spec.argv[1]));
    assert.equal(spec.argv[2], "{connection_file}");
    assert.match(spec.display_name, /Kernel Lab/);
  });
});
