import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { hostCompiler } from "kernel-lab/dist/backend/simt/compiler";
import { homePath } from "kernel-lab/dist/core/paths";

/** An addon of an older library: it loads, and speaks command version 0. */
const stale = `
#include <node_api.h>
NAPI_MODULE_INIT() {
  napi_value version;
  napi_create_uint32(env, 0, &version);
  napi_set_named_property(env, exports, "commandVersion", version);
  return exports;
}`;

test("loadAddon() rebuilds an addon of another command version and uses the new one in the same process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-stale-"));
  const build = join(folder, "native", "build");
  mkdirSync(build, { recursive: true });
  writeFileSync(join(folder, "stale.cc"), stale);
  const headers = join(dirname(require.resolve("node-api-headers")), "include");
  const binary = join(build, "kernel_lab.node");
  const compile = ["-shared", "-fPIC", `-I${headers}`, join(folder, "stale.cc"), "-o", binary];
  execFileSync((await hostCompiler()).path, compile);
  copyFileSync(homePath("native", "build", "kernel_lab.node"), join(build, "good.node"));
  const rename = `import { renameSync } from "node:fs";
    renameSync(${JSON.stringify(join(build, "good.node"))}, ${JSON.stringify(binary)});`;
  writeFileSync(join(folder, "native", "build.mjs"), rename);
  const ask = `const { loadAddon } = require(${JSON.stringify(require.resolve("kernel-lab/dist/backend/binding"))});
    console.log(loadAddon().commandVersion > 0 && typeof loadAddon().openDevice);`;
  const env = { ...process.env, KERNEL_LAB_HOME: folder };
  assert.equal(execFileSync(process.execPath, ["-e", ask], { env, encoding: "utf8" }).trim(), "function");
  rmSync(folder, { recursive: true });
});
