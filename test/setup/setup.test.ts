import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

interface SetupModule {
  checkNode(version?: string): void;
  checkCompiler(candidates?: (string | undefined)[]): { command: string; version: string };
}

const file = resolve(__dirname, "..", "..", "..", "lib", "setup", "setup.mjs");
const { checkNode, checkCompiler } = require(file) as SetupModule;

function fakeCompiler(text: string, use: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-test-"));
  try {
    const path = join(folder, "c++");
    writeFileSync(path, `#!/bin/sh\necho '${text}'\n`);
    chmodSync(path, 0o755);
    use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("checkNode() refuses an old Node and says which is needed", () => {
  assert.throws(() => checkNode("18.20.4"), /needs Node 20\.19 or newer; this is 18\.20\.4/);
  assert.throws(() => checkNode("20.18.3"), /20\.19/);
  for (const version of ["20.19.0", "22.0.0", process.versions.node]) checkNode(version);
});

test("checkCompiler() names the command that installs one when there is none", () => {
  assert.throws(
    () => checkCompiler([undefined, "no-such-compiler"]),
    /g\+\+ >= 11.*\n.*\n\s+Debian, Ubuntu:\s+apt-get install g\+\+/,
  );
});

test("checkCompiler() refuses a compiler that is too old and takes one that is not", () => {
  fakeCompiler("g++ (Debian 9.4.0-1) 9.4.0", (path) => {
    assert.throws(() => checkCompiler([path]), /gcc 9, which is too old/);
  });
  fakeCompiler("Debian clang version 14.0.6", (path) => {
    assert.equal(checkCompiler(["no-such-compiler", path]).command, path);
  });
});
