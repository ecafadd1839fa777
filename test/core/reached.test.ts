import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { reachedFiles } from "kernel-lab/dist/core/reached";

test("reachedFiles() finds headers beside their includer before the folders, each file once", () => {
  const root = mkdtempSync(join(tmpdir(), "lab-reached-"));
  try {
    mkdirSync(join(root, "a/deep"), { recursive: true });
    mkdirSync(join(root, "b"));
    writeFileSync(join(root, "a/one.h"), '#include "deep/two.h"\n#include <vector>\n#include "missing.h"\n');
    writeFileSync(
      join(root, "a/deep/two.h"),
      '#include "same.h"\n#include "../one.h"\n#include "../../b/up.h"\n',
    );
    writeFileSync(join(root, "a/deep/same.h"), "// beside\n");
    writeFileSync(join(root, "b/same.h"), "// of the folder\n");
    writeFileSync(join(root, "b/up.h"), "// up\n");
    const found = reachedFiles('#include "one.h"\n#include "b/../one.h"\n', [
      join(root, "a"),
      join(root, "b"),
    ]);
    assert.deepEqual(
      found.map(({ name, path }) => [name, path.slice(root.length + 1)]),
      [
        ["one.h", "a/one.h"],
        ["deep/two.h", "a/deep/two.h"],
        ["same.h", "a/deep/same.h"],
        ["../../b/up.h", "b/up.h"],
      ],
    );
    assert.equal(found[2]!.text, "// beside\n");
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
