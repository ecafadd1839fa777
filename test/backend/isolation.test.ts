import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { alive, hostsOf } from "./hosts";

/** Waits until none of the processes lives. */
async function gone(pids: readonly number[]): Promise<boolean> {
  for (let i = 0; i < 40 && pids.some(alive); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  return !pids.some(alive);
}

const script = (body: string): string[] => [
  "-e",
  `const lab = require("kernel-lab"); (async () => { const dev = await lab.open("cpu"); const x = dev.randn([1000]); await x.read(); ${body} })();`,
];

test("a script ends by itself with the device open, and takes its host along", async () => {
  const child = spawn(process.execPath, script('console.log("end"); setTimeout(() => {}, 300);'), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const pids = hostsOf(child.pid!);
  assert.equal(pids.length, 1);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 0);
  assert.ok(await gone(pids), "the host is still there");
});

test("a host in an endless kernel ends with its killed parent", async () => {
  const endless = `const k = await dev.compile("__global__ void forever(volatile int* x) { while (x[0] == 0) { } }");
    k.enqueue({ grid: 1, block: 1 }, dev.zeros([1], { dtype: "i32" }));
    setTimeout(() => console.log("running"), 300); setTimeout(() => {}, 60000);`;
  const child = spawn(process.execPath, script(endless), { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const pids = hostsOf(child.pid!);
  assert.equal(pids.length, 1);
  child.kill("SIGKILL");
  assert.ok(await gone(pids), "the host is still there");
});

test("a killed script leaves no host behind", async () => {
  const child = spawn(
    process.execPath,
    script('console.log("ready"); await new Promise((r) => setTimeout(r, 60000));'),
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const pids = hostsOf(child.pid!);
  assert.equal(pids.length, 1);
  child.kill("SIGKILL");
  assert.ok(await gone(pids), "the host is still there");
});

test("the staging segment has no name once it is mapped", async () => {
  const dev = await lab.open("cpu");
  await dev.sync();
  const maps = readFileSync("/proc/self/maps", "utf8");
  const segments = maps.split("\n").filter((line) => line.includes("/kernel-lab-"));
  await dev.close();
  assert.ok(segments.length >= 2);
  for (const segment of segments) assert.match(segment, /\(deleted\)$/);
});

test("when a device's host is killed, waits reject, tensors are lost, and the device reopens by itself", async () => {
  const dev = await lab.open("cpu");
  const x = dev.randn([100]);
  await dev.sync();
  const [host] = hostsOf(process.pid);
  process.kill(host!, "SIGKILL");
  await assert.rejects(
    x.read(),
    // Where the system does not tell what it ended itself, both are named.
    (e) => lab.LabError.is(e, "device-lost") && /SIGKILL.*somebody killed it/.test(e.what),
  );
  await assert.rejects(x.read(), (e) => lab.LabError.is(e, "device-lost") && /lost/.test(e.what));
  const y = dev.full([3], 2);
  assert.deepEqual([...((await y.read()) as Float32Array)], [2, 2, 2]);
  assert.notEqual(hostsOf(process.pid)[0], host);
  await dev.close();
});

test("two devices work at once and refuse each other's tensors", async () => {
  const [a, b] = await Promise.all([lab.open("cpu"), lab.open("cpu", { isolated: false })]);
  const x = a.randn([1000], { seed: 5 });
  const y = b.randn([1000], { seed: 5 });
  assert.deepEqual(await x.read(), await y.read());
  assert.throws(
    () => x.copyFrom(y),
    (e) => lab.LabError.is(e, "wrong-device"),
  );
  await Promise.all([a.close(), b.close()]);
});

test("a closed device says so", async () => {
  const dev = await lab.open("cpu");
  const x = dev.zeros([1]);
  await dev.close();
  await dev.close();
  assert.throws(
    () => dev.zeros([1]),
    (e) => lab.LabError.is(e, "device-closed"),
  );
  await assert.rejects(x.read(), (e) => lab.LabError.is(e, "device-closed"));
});

test("open() refuses what it cannot open, and says why there is no GPU", async (t) => {
  await assert.rejects(lab.open("tpu" as "cpu"), (e) => lab.LabError.is(e, "no-such-device"));
  await assert.rejects(lab.open("cpu", { workers: -1 }), (e) => lab.LabError.is(e, "invalid-option"));
  const dev = await lab.open();
  if (dev.kind === "cuda") {
    t.diagnostic("this machine has a GPU");
  } else {
    assert.match(dev.why, /CUDA driver|GPU/);
    await assert.rejects(
      lab.open("cuda"),
      (e) => lab.LabError.is(e, "no-driver") && /lab\.open\("cpu"\)/.test(e.advice),
    );
  }
  await dev.close();
});
