import assert from "node:assert/strict";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { nvrtcVersion } from "kernel-lab/dist/backend/cuda/compile";

const found = reasonOf(nvrtcVersion);

/** Null where NVRTC answers, else the reason to skip. */
async function reasonOf(ask: () => Promise<string>): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const uses: Record<string, string> = {
  cassert: "assert(x[0] > 0);",
  cstdint: "x[0] = int(std::uint32_t(3)) + INT32_MAX;",
  limits: "x[0] = std::numeric_limits<int>::max();",
  type_traits: "static_assert(std::is_same_v<int, int>);",
  algorithm: "x[0] = std::min(x[1], x[2]);",
  cfloat: "x[0] = int(FLT_EPSILON);",
  climits: "x[0] = INT_MAX;",
  cstdio: 'printf("%d", x[0]);',
  cstring: "memcpy(x, x + 1, 4);",
  cmath: "x[0] = int(sqrtf(x[1]));",
};

test("a kernel's standard headers compile on both devices", async (t) => {
  const reason = await found;
  if (reason) return t.skip(reason);
  const dev = await lab.open("cpu");
  for (const [header, use] of Object.entries(uses)) {
    const source = `#include <${header}>\n__global__ void uses(int* x) { ${use} }`;
    const { kernels } = await lab.compileCuda(source, { arch: "sm_90a" });
    assert.ok("uses" in kernels, header);
    assert.equal((await dev.compile(source)).name, "uses", header);
  }
  await dev.close();
});
