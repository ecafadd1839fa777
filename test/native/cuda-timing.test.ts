import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import type { TimingRequest } from "kernel-lab/dist/backend/contract";
import { buildFakeDriver, FakeDevice, launchOf } from "./cuda-fake";

let folder: string;
let device: FakeDevice;
let kernel: number;

before(() => {
  folder = buildFakeDriver();
  device = new FakeDevice(folder);
  device.encoder.alloc(1, 1024);
  device.encoder.alloc(2, 4096);
  device.submit();
  kernel = device.load("store")[0].kernel;
  device.calls();
});

after(() => {
  device?.native.close();
  rmSync(folder, { recursive: true, force: true });
});

const none = new Uint8Array();

/** The commands that `write` encodes. */
function batch(write: () => void): Uint8Array {
  write();
  return device.encoder.take().slice();
}

function request(change: Partial<TimingRequest> = {}): TimingRequest {
  const work = batch(() => device.encoder.launch(launchOf(kernel)));
  const poison = batch(() => device.encoder.fillPattern(1, 1, 0, 1024, 255n, 0));
  return {
    works: [{ sets: [work], before: [poison], keep: none, keepAt: 0 }],
    warmup: 1,
    samples: 3,
    batch: 1,
    refresh: none,
    refreshAt: 0,
    warmSeconds: 0,
    sustained: false,
    graph: false,
    flush: batch(() => device.encoder.fillPattern(2, 1, 0, 4096, 0x5an, 0)),
    ...change,
  };
}

test("time() takes a sample alone: poison, persisting lines reset, flush, event, work, event, whole device waited for", () => {
  device.calls();
  const result = device.native.time(request());
  const calls = device.calls().filter((line) => !/^args/.test(line));
  const one = [
    "memset8 1024",
    "reset persisting",
    "memset8 4096",
    "record on (nil)",
    "launch store grid 1,1,1 block 32,1,1 shared 0 stream (nil)",
    "record on (nil)",
    "sync all",
  ];
  const first = calls.indexOf("reset persisting") - 1;
  assert.deepEqual(calls.slice(first, first + 21), [...one, ...one, ...one]);
  assert.deepEqual(
    result.seconds.map((series) => series.map((s) => s.toFixed(9))),
    [["0.002500000", "0.002500000", "0.002500000"]],
  );
  assert.equal(result.unfinished[0].length, 3);
  assert.equal(result.overhead.length, 21);
  assert.equal(result.persistingReset, true);
  assert.ok(result.hostSpan > 0);
  assert.ok(result.state.length >= 2);
});

test("time() sustained runs back to back: nothing but events between two launches", () => {
  device.calls();
  device.native.time(request({ sustained: true, samples: 4, flush: none }));
  const calls = device.calls().filter((line) => !/^args/.test(line));
  const launches = calls.flatMap((line, i) => (line.startsWith("launch") ? [i] : []));
  const [from, to] = [launches.at(-3)!, launches.at(-1)!];
  assert.ok(
    calls.slice(from, to).every((line) => /^(launch|record)/.test(line)),
    calls.join("\n"),
  );
});

test("time() in turns goes round the works and each one's address sets", () => {
  const at = (delta: number) =>
    batch(() =>
      device.encoder.launch(launchOf(kernel, { patches: [{ kind: "buffer", offset: 0, handle: 1, delta }] })),
    );
  const store = (delta: number) => ({ sets: [at(delta), at(delta + 8)], before: [], keep: none, keepAt: 0 });
  const result = device.native.time(request({ works: [store(0), store(64)], samples: 4, flush: none }));
  assert.deepEqual(
    result.seconds.map((s) => s.length),
    [4, 4],
  );
  device.encoder.download(1, 0, 0, 80, 0);
  device.submit();
  const words = new Int32Array(device.staging.slice(0, 80).buffer);
  // 42 at every set's own address.
  assert.deepEqual([words[0], words[2], words[16], words[18]], [42, 42, 42, 42]);
});

test("time() refreshes once before the sample named, and keeps outputs once after theirs", () => {
  const mark = (value: bigint) => batch(() => device.encoder.fillPattern(2, 2, 0, 8, value, 0));
  const keep = batch(() => device.encoder.fillPattern(2, 1, 0, 7, 1n, 0));
  device.calls();
  const [work] = request().works;
  device.native.time(
    request({ works: [{ ...work, keep, keepAt: 1 }], refresh: mark(7n), refreshAt: 2, flush: none }),
  );
  const calls = device.calls();
  assert.equal(calls.filter((line) => line === "memset8 7").length, 1);
});

test("time() of a graph captures each set once with the whole batch in it, and launches that", () => {
  device.calls();
  device.native.time(request({ graph: true, batch: 3, warmup: 0, samples: 2 }));
  const calls = device.calls();
  const captured = calls.slice(
    calls.findIndex((l) => l.startsWith("begin capture")),
    calls.findIndex((l) => l.startsWith("end capture")),
  );
  assert.equal(captured.filter((line) => line.startsWith("launch store")).length, 3);
  assert.equal(calls.filter((line) => line.startsWith("launch store")).length, 3);
  assert.equal(calls.filter((line) => line.startsWith("graph launch")).length, 2);
  assert.ok(calls.includes("destroy graph"));
});

test("time() refuses what cannot be repeated, and a graph that strays to another stream", () => {
  const bad = (error: unknown) => (error as { code: string }).code === "bad-options";
  const works = (write: () => void) => [{ sets: [batch(write)], before: [], keep: none, keepAt: 0 }];
  assert.throws(() => device.native.time(request({ works: works(() => device.encoder.alloc(9, 8)) })), bad);
  assert.throws(() => device.native.time(request({ works: [] })), bad);
  device.encoder.streamCreate(5);
  device.submit();
  const strayed = works(() => device.encoder.launch(launchOf(kernel, { stream: 5 })));
  assert.throws(() => device.native.time(request({ works: strayed, graph: true })), bad);
  device.native.time(request({ works: strayed }));
  device.native.synchronize(0, true);
});

test("time() hands out an error of the work once", () => {
  const missing = [
    { sets: [batch(() => device.encoder.launch(launchOf(999)))], before: [], keep: none, keepAt: 0 },
  ];
  assert.throws(
    () => device.native.time(request({ works: missing })),
    (error: unknown) => (error as { code: string }).code === "invalid-launch",
  );
  device.native.synchronize(0, true);
});
