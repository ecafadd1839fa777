import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceInfo, KernelAttributes } from "kernel-lab/dist/backend/contract";
import { LabError } from "kernel-lab/dist/core/error";
import { checkLaunch, type LaunchConfig } from "kernel-lab/dist/runtime/launch";

const info = {
  name: "Test",
  maxThreadsPerBlock: 1024,
  maxBlockDim: [1024, 1024, 64],
  maxGridDim: [2 ** 31 - 1, 65535, 65535],
  sharedPerBlockOptin: 232448,
  clusters: true,
} as unknown as DeviceInfo;
const attributes = { staticShared: 1024, maxThreadsPerBlock: 512 } as KernelAttributes;

test("checkLaunch() fills extents left out", () => {
  assert.deepEqual(checkLaunch("k", { grid: 3, block: [4, 5] }, info, attributes), {
    grid: [3, 1, 1],
    block: [4, 5, 1],
    shared: 0,
    cluster: null,
  });
  assert.deepEqual(
    checkLaunch("k", { grid: [4, 2], block: 32, cluster: 2 }, info, attributes).cluster,
    [2, 1, 1],
  );
});

const bad: [string, LaunchConfig, RegExp][] = [
  ["a zero grid", { grid: 0, block: 1 }, /grid\.x from 1 to 2147483647 but received number 0/],
  ["a NaN grid", { grid: [1, Number.NaN], block: 1 }, /grid\.y/],
  ["an oversized grid", { grid: [1, 65536], block: 1 }, /grid\.y from 1 to 65535/],
  ["a negative block", { grid: 1, block: -32 }, /block\.x/],
  ["a fractional block", { grid: 1, block: 1.5 }, /block\.x/],
  ["an oversized block", { grid: 1, block: 1025 }, /block\.x from 1 to 1024/],
  ["a block over the kernel's bound", { grid: 1, block: [32, 32] }, /1024 threads and the limit is 512/],
  ["an empty grid", { grid: [], block: 1 }, /grid/],
  ["a missing grid", { block: 1 } as unknown as LaunchConfig, /grid/],
  ["too much shared memory", { grid: 1, block: 1, shared: 232448 }, /from 0 to 231424 bytes/],
  ["NaN shared memory", { grid: 1, block: 1, shared: Number.NaN }, /shared/],
  ["a cluster that does not divide the grid", { grid: 3, block: 1, cluster: 2 }, /does not divide/],
];
for (const [what, config, message] of bad) {
  test(`checkLaunch() refuses ${what}`, () => {
    assert.throws(
      () => checkLaunch("k", config, info, attributes),
      (e) => LabError.is(e, "invalid-launch") && message.test(e.what) && e.advice !== "",
    );
  });
}

test("checkLaunch() refuses clusters on a device without them", () => {
  assert.throws(
    () => checkLaunch("k", { grid: 2, block: 1, cluster: 2 }, { ...info, clusters: false }, attributes),
    /clusters/,
  );
});
