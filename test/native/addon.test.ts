import assert from "node:assert/strict";
import { chmodSync, existsSync, rmSync, statSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { loadAddon, type NativeDevice } from "kernel-lab/dist/backend/binding";
import { CommandEncoder } from "kernel-lab/dist/backend/commands";
import { compileForCpu } from "kernel-lab/dist/backend/simt/compile";

const addon = loadAddon();
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "none";
};

test("shmCreate() makes a zeroed segment of mode 0600 that another mapping shares", () => {
  const { path, buffer } = addon.shmCreate(10_000);
  try {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.ok(new Uint8Array(buffer).every((byte) => byte === 0));
    const other = new Uint8Array(addon.shmOpen(path, 10_000));
    other[9_999] = 7;
    assert.equal(new Uint8Array(buffer)[9_999], 7);
  } finally {
    addon.shmUnlink(path);
  }
  assert.equal(existsSync(path), false);
  addon.shmUnlink(path);
});

test("shmOpen() refuses a segment that is open to others, too small, a link, or gone", () => {
  const { path } = addon.shmCreate(4096);
  const link = `${path}-link`;
  try {
    assert.equal(
      codeOf(() => addon.shmOpen(path, 4097)),
      "shared-memory",
    );
    symlinkSync(path, link);
    assert.equal(
      codeOf(() => addon.shmOpen(link, 4096)),
      "shared-memory",
    );
    chmodSync(path, 0o644);
    assert.equal(
      codeOf(() => addon.shmOpen(path, 4096)),
      "shared-memory",
    );
  } finally {
    addon.shmUnlink(path);
    rmSync(link, { force: true });
  }
  assert.equal(
    codeOf(() => addon.shmOpen(path, 4096)),
    "shared-memory",
  );
});

test("shmUnlink() removes nothing that is not the lab's", () => {
  assert.equal(
    codeOf(() => addon.shmUnlink(__filename)),
    "invalid-argument",
  );
  assert.ok(existsSync(__filename));
});

test("wrong arguments are named, never read", () => {
  const wrong = addon as unknown as Record<string, (...args: unknown[]) => unknown>;
  const calls: [string, unknown[]][] = [
    ["shmCreate", []],
    ["shmCreate", [-1]],
    ["shmCreate", [Number.NaN]],
    ["shmCreate", [1.5]],
    ["shmOpen", [5, 5]],
    ["openDevice", ["tpu", {}]],
    ["openDevice", ["cpu"]],
    ["openDevice", ["cpu", { faultPage: new ArrayBuffer(8) }]],
    ["openDevice", ["cpu", { faultPage: {} }]],
    ["openDevice", ["cpu", { workers: Number.NaN }]],
    ["openDevice", ["cpu", { workers: 1e30 }]],
    ["openDevice", ["cpu", { workers: "2" }]],
    ["openDevice", ["cpu", { ordinal: -1 }]],
    ["openDevice", ["cpu", { memoryLimit: Number.POSITIVE_INFINITY }]],
    ["openDevice", ["cpu", { stackBytes: 2 ** 60 }]],
    ["openDevice", ["cpu", { timeLimitSeconds: 1e300 }]],
    ["probe", [null]],
    ["nvrtcCompile", []],
    ["fillRandomHost", [0, 8]],
    ["fillRandomHost", [99, 8, 1, 0, 0, 1, 0, 1]],
    ["fillRandomHost", [0, -8, 1, 0, 0, 1, 0, 1]],
    ["fillRandomHost", [0, 8, 1, 0, Number.NaN, 1, 0, 1]],
    ["fillRandomHost", [0, 8, 1, 2, 5, 5, 0, 1]],
    ["fillRandomHost", [0, 8, 1, 0, 0, 1, 2, 1]],
  ];
  for (const [name, args] of calls) {
    assert.equal(
      codeOf(() => wrong[name]!(...args)),
      "invalid-argument",
      `${name}(${args})`,
    );
  }
});

test("a closed device says so", () => {
  const device = addon.openDevice("cpu", { workers: 1, searchPaths: [] });
  device.close();
  device.close();
  for (const work of [
    () => device.submit(new Uint8Array(8)),
    () => device.memory(),
    () => device.synchronize(0, true),
  ]) {
    assert.equal(codeOf(work), "device-closed");
  }
});

test("a module's handle that is taken is refused, and the module that has it goes on", async () => {
  const compiled = await compileForCpu({
    source: `extern "C" __global__ void five(int* x) { x[threadIdx.x] = 5; }`,
    fileName: "five.cu",
    names: ["five"],
    defines: {},
    includes: [],
    options: [],
  });
  const device = addon.openDevice("cpu", { workers: 1, searchPaths: [] });
  const [five] = device.loadModule(7, compiled.binary, compiled.entries);
  assert.equal(five!.name, "five");
  assert.equal(
    codeOf(() => device.loadModule(7, compiled.binary, compiled.entries)),
    "invalid-command",
  );
  device.unloadModule(7);
  assert.equal(device.loadModule(7, compiled.binary, compiled.entries).length, 1);
  device.close();
});

/** xorshift32: the same garbage at every run. */
function garbage(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

function fuzzDevice(): NativeDevice {
  const device = addon.openDevice("cpu", { workers: 1, memoryLimit: 1 << 24, searchPaths: [] });
  device.attachStaging(new ArrayBuffer(4096));
  return device;
}

test("a batch cut anywhere is an error or a shorter batch, and the device goes on", () => {
  const device = fuzzDevice();
  const encoder = new CommandEncoder();
  encoder.alloc(1, 256);
  encoder.fillPattern(1, 4, 0, 64, 5n, 0);
  encoder.download(1, 0, 0, 256, 0);
  encoder.free(1);
  const whole = encoder.take().slice();
  for (let cut = 0; cut < whole.length; cut++) {
    device.submit(whole.subarray(0, cut));
    const ends = [0, 24, 24 + 48, 24 + 48 + 40];
    const code = codeOf(() => device.synchronize(0, true));
    assert.equal(code, ends.includes(cut) ? "none" : "invalid-command", `cut at ${cut}`);
    const rest = new CommandEncoder();
    rest.free(1);
    device.submit(rest.take());
    codeOf(() => device.synchronize(0, true));
  }
  assert.equal(device.memory().used, 0);
  device.close();
});

test("thousands of random batches give errors, never more", () => {
  const device = fuzzDevice();
  const next = garbage(20_24);
  const sizes = [24, 16, 48, 80, 40, 40, 48, 72, 16, 16, 16, 16, 16, 16, 16, 16, 160, 16];
  let errors = 0;
  for (let round = 0; round < 4000; round++) {
    const op = 1 + (next() % 20);
    const bytes = next() % 4 === 0 ? (next() % 32) * 8 : (sizes[op - 1] ?? 16);
    const batch = new Uint32Array(Math.max(4, bytes / 4));
    // Words are small, huge or anything, so that checks of ranges meet their edges.
    for (let i = 0; i < batch.length; i++)
      batch[i] = [next() % 4, 0xffffffff - (next() % 9), next()][next() % 3]!;
    batch[0] = op;
    batch[1] = next() % 8 === 0 ? next() : bytes;
    device.submit(new Uint8Array(batch.buffer, 0, Math.min(bytes || 8, batch.byteLength)));
    if (codeOf(() => device.synchronize(0, true)) !== "none") errors++;
  }
  assert.ok(errors > 2000, `${errors} of 4000 were refused`);
  assert.equal(
    codeOf(() => device.synchronize(0, true)),
    "none",
  );
  device.close();
});
