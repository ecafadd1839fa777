import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { buildFakeDriver, FakeDevice, launchOf } from "./cuda-fake";

let folder: string;
let device: FakeDevice;

before(() => {
  folder = buildFakeDriver();
  device = new FakeDevice(folder);
  device.encoder.alloc(1, 1024);
  device.submit();
  device.calls();
});

after(() => {
  device?.native.close();
  rmSync(folder, { recursive: true, force: true });
});

const code = (expected: string, message?: RegExp) => (error: unknown) => {
  assert.equal((error as { code: string }).code, expected, String(error));
  if (message) assert.match((error as Error).message, message);
  return true;
};
const synchronize = () => device.native.synchronize(0, true);

test("info() reads the driver's attributes", () => {
  const info = device.native.info();
  assert.equal(info.name, "Fake H200");
  assert.equal(info.arch, "sm_90a");
  assert.equal(info.multiprocessors, 132);
  assert.equal(info.sharedPerBlockOptin, 232448);
  assert.equal(info.runtimeVersion, "13.0");
  assert.equal(info.uuid, "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f");
  assert.deepEqual(info.maxBlockDim, [1024, 1024, 64]);
});

test("memory() counts live allocations", () => {
  const before = device.native.memory().used;
  device.encoder.alloc(50, 4096);
  device.submit();
  assert.equal(device.native.memory().used, before + 4096);
  device.encoder.free(50);
  device.submit();
  assert.equal(device.native.memory().used, before);
});

test("an allocation past the memory is an error that passes", () => {
  device.encoder.alloc(51, 2 ** 40);
  device.encoder.fillPattern(51, 4, 0, 1, 0n, 0);
  device.submit();
  assert.throws(synchronize, code("out-of-memory", /1099511627776 bytes/));
  device.encoder.free(51);
  device.submit();
  synchronize();
});

test("uploads and downloads carry bytes, and have left the staging memory when submit returns", () => {
  for (const bytes of [1, 100, 64 * 1024, 300_000]) {
    const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + bytes) & 255);
    device.staging.set(data, 8);
    device.encoder.alloc(60, bytes);
    device.encoder.upload(60, 0, 8, bytes, 0);
    device.submit();
    device.staging.fill(0);
    device.encoder.download(60, 0, 16, bytes, 0);
    device.encoder.free(60);
    device.submit();
    assert.deepEqual(device.staging.slice(16, 16 + bytes), data);
  }
  synchronize();
});

test("fills of every width write the pattern", () => {
  const patterns = [0x12n, 0x1234n, 0x12345678n, 0x3ff1234500000001n];
  for (const [i, width] of [1, 2, 4, 8].entries()) {
    const count = 20_000 + i;
    device.encoder.alloc(61, count * width);
    device.encoder.fillPattern(61, width, 0, count, patterns[i]!, 0);
    device.encoder.download(61, 0, 0, count * width, 0);
    device.encoder.free(61);
    device.submit();
    const view = new DataView(device.staging.buffer);
    for (const at of [0, 1, 4095, 4096, 9999, count - 1]) {
      const low = width === 8 ? view.getBigUint64(at * 8, true) : undefined;
      const value =
        low ?? BigInt([view.getUint8(at), view.getUint16(at * 2, true), view.getUint32(at * 4, true)][i]!);
      assert.equal(value, patterns[i]);
    }
  }
  synchronize();
});

test("a launch passes its packed arguments, the buffer's address patched in", () => {
  const [store] = device.load("store");
  assert.equal(store.registers, 40);
  assert.deepEqual(store.params, [
    [0, 8],
    [8, 4],
  ]);
  device.encoder.launch(launchOf(store.kernel, { grid: [3, 2, 1], block: [64, 2, 1] }));
  device.encoder.download(1, 16, 0, 4, 0);
  device.submit();
  synchronize();
  const calls = device.calls();
  assert.ok(calls.includes("launch store grid 3,2,1 block 64,2,1 shared 0 stream (nil)"), calls.join("\n"));
  assert.ok(calls.includes("args 12 after the pointer: 2a000000"));
  assert.equal(new DataView(device.staging.buffer).getInt32(0, true), 42);
});

test("more than 48 KB of shared memory is allowed once, less needs nothing", () => {
  const [tiled] = device.load("tiled");
  device.encoder.launch(launchOf(tiled.kernel, { dynamicShared: 49152 - 4096 }));
  for (let i = 0; i < 2; i++) device.encoder.launch(launchOf(tiled.kernel, { dynamicShared: 100_000 }));
  device.submit();
  synchronize();
  const attributes = device.calls().filter((line) => line.startsWith("attribute"));
  assert.deepEqual(attributes, [`attribute 8 of tiled = ${232448 - 4096}`]);
});

test("clusters, cooperative and programmatic launches set their attributes", () => {
  const [kernel] = device.load("clustered");
  device.encoder.launch(launchOf(kernel.kernel, { grid: [8, 1, 1], cluster: [2, 1, 1] }));
  device.encoder.launch(launchOf(kernel.kernel, { grid: [32, 1, 1], cluster: [16, 1, 1], flags: 2 }));
  device.encoder.launch(launchOf(kernel.kernel, { flags: 1 }));
  device.submit();
  synchronize();
  const calls = device.calls();
  assert.deepEqual(
    calls.filter((line) => /^(launchEx|attribute)/.test(line)),
    [
      "launchEx clustered grid 8,1,1 cluster 2,1,1",
      "attribute 14 of clustered = 1",
      "launchEx clustered grid 32,1,1 cluster 16,1,1 attribute 6=1",
      "launchEx clustered grid 1,1,1 attribute 2=1",
    ],
  );
});

test("a wrong launch is refused before the driver sees it, and the device goes on", () => {
  const [tiled, narrow] = device.load("tiled", "narrow");
  const wrong: [number, Parameters<typeof launchOf>[1], RegExp][] = [
    [tiled.kernel, { grid: [0, 1, 1] }, /grid/],
    [tiled.kernel, { grid: [1, 70_000, 1] }, /1x70000x1/],
    [tiled.kernel, { block: [1024, 2, 1] }, /1 to 1024 threads/],
    [tiled.kernel, { block: [1, 1, 65] }, /block/],
    [tiled.kernel, { block: [0, 1, 1] }, /block/],
    [narrow.kernel, { block: [128, 1, 1] }, /1 to 64 threads/],
    [tiled.kernel, { dynamicShared: 232448 }, /232448 bytes of shared memory/],
    [tiled.kernel, { grid: [3, 1, 1], cluster: [2, 1, 1] }, /divides the grid/],
    [tiled.kernel, { grid: [32, 1, 1], cluster: [32, 1, 1] }, /at most 16 blocks/],
    [tiled.kernel, { args: new Uint8Array(8), patches: [] }, /12 bytes of arguments/],
    [999, {}, /does not exist/],
  ];
  device.calls();
  for (const [kernel, changes, message] of wrong) {
    device.encoder.launch(launchOf(kernel, changes));
    device.submit();
    assert.throws(synchronize, code("invalid-launch", message));
  }
  assert.deepEqual(
    device.calls().filter((line) => line.startsWith("launch")),
    [],
  );
});

test("a graph is captured on a stream of its own and replayed", () => {
  const [kernel] = device.load("captured");
  device.encoder.graphBegin(0);
  device.encoder.launch(launchOf(kernel.kernel));
  device.encoder.graphEnd(5, 0);
  device.encoder.graphLaunch(5, 0);
  device.encoder.graphDestroy(5);
  device.submit();
  synchronize();
  const calls = device.calls().filter((line) => !line.startsWith("args"));
  const stream = /begin capture (0x\w+) mode 2/.exec(calls.join("\n"))?.[1];
  assert.ok(stream);
  assert.deepEqual(calls.slice(calls.indexOf(`begin capture ${stream} mode 2`)), [
    `begin capture ${stream} mode 2`,
    `launch captured grid 1,1,1 block 32,1,1 shared 0 stream ${stream}`,
    `end capture ${stream}`,
    "instantiate",
    "graph launch on (nil)",
    "destroy graph",
    "sync all",
  ]);
});

test("host transfers and waits inside a capture are refused", () => {
  device.encoder.graphBegin(0);
  device.encoder.upload(1, 0, 0, 8, 0);
  device.submit();
  assert.throws(synchronize, code("invalid-graph"));
  device.encoder.graphEnd(6, 0);
  device.encoder.graphDestroy(6);
  device.submit();
  synchronize();
  device.encoder.graphEnd(7, 0);
  device.submit();
  assert.throws(synchronize, code("invalid-graph", /none was begun/));
});

test("streams and events reach the driver; elapsed answers seconds", () => {
  device.calls();
  device.encoder.streamCreate(3);
  device.encoder.eventRecord(1, 3);
  device.encoder.streamWait(0, 1);
  device.encoder.eventRecord(2, 0);
  device.submit();
  const calls = device.calls();
  assert.match(calls[0]!, /stream 0x\w+ flags 0/);
  assert.deepEqual(calls.slice(2), ["wait on (nil)", "record on (nil)"]);
  assert.deepEqual(device.native.elapsed([[1, 2]]), [0.0025]);
  assert.throws(() => device.native.elapsed([[1, 99]]), code("invalid-event"));
  assert.equal(device.native.query(3), true);
  device.encoder.streamDestroy(3);
  device.encoder.eventRecord(1, 3);
  device.submit();
  assert.throws(synchronize, code("invalid-command", /stream 3/));
});

test("a module's variable becomes a buffer; a missing kernel or variable is named", () => {
  device.load("any");
  assert.deepEqual(device.native.bindSymbol(1, "table", 77), { bytes: 64 });
  device.staging[0] = 99;
  device.encoder.upload(77, 63, 0, 1, 0);
  device.encoder.download(77, 63, 5, 1, 0);
  device.submit();
  synchronize();
  assert.equal(device.staging[5], 99);
  assert.throws(() => device.native.bindSymbol(1, "nothing", 78), code("missing-symbol", /nothing/));
  assert.throws(() => device.load("absent"), code("missing-kernel", /absent/));
  assert.throws(() => device.native.loadModule(70, "/dev/null", []), code("invalid-module"));
  device.native.unloadModule(1);
  device.encoder.upload(77, 0, 0, 1, 0);
  device.submit();
  assert.throws(synchronize, code("freed-tensor"));
});

test("occupancy counts blocks and warps of a multiprocessor", () => {
  const [kernel] = device.load("occupied");
  assert.deepEqual(device.native.occupancy(kernel.kernel, 256, 0), {
    blocksPerMultiprocessor: 8,
    warpsPerMultiprocessor: 64,
    fraction: 1,
  });
  assert.equal(device.native.maxCooperativeBlocks(kernel.kernel, 1024, 0), 2 * 132);
  assert.equal(device.native.occupancy(kernel.kernel, 2048, 0).blocksPerMultiprocessor, 0);
});

test("a tensor map is encoded aligned and copied into the arguments", () => {
  const [kernel] = device.load("mapped");
  device.encoder.tensorMap({
    map: 1,
    buffer: 1,
    offset: 0,
    dataType: 6,
    dims: [64, 32],
    strides: [128],
    box: [64, 16],
    elementStrides: [1, 1],
    interleave: 0,
    swizzle: 3,
    l2Promotion: 2,
    oobFill: 0,
  });
  const args = new Uint8Array(128);
  device.encoder.launch(
    launchOf(kernel.kernel, { args, patches: [{ kind: "tensorMap", offset: 0, handle: 1, delta: 0 }] }),
  );
  device.calls();
  device.submit();
  synchronize();
  const calls = device.calls();
  assert.equal(calls[0], "tensor map type 6 rank 2 dims 64,32 stride 128 box 64,16 enums 0 3 2 0 aligned 1");
  assert.equal(
    calls.find((line) => line.startsWith("args")),
    "args 12 after the pointer: abababab",
  );
});
