import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { loadAddon } from "kernel-lab/dist/backend/binding";
import { isolated } from "kernel-lab/dist/backend/client";
import { Connection } from "kernel-lab/dist/backend/connection";
import type { TransportEvents } from "kernel-lab/dist/backend/transport";
import { LabError } from "kernel-lab/dist/core/error";
import { hostsOf } from "./hosts";

const native = { searchPaths: [] as string[] };

function ownHost(): number {
  return hostsOf(process.pid)[0]!;
}

test("a device that does not answer within the time limit is ended, and the next use gets a fresh one", async () => {
  const connection = new Connection(isolated("cpu", native), { timeLimit: 0.3 });
  await connection.open();
  const { generation } = connection;
  process.kill(ownHost(), "SIGSTOP");
  await assert.rejects(
    connection.synchronize(),
    (e) => LabError.is(e, "time-limit") && /0\.3 s/.test(e.what),
  );
  assert.equal(connection.generation, generation + 1);
  assert.ok(LabError.is(connection.lost, "time-limit"));
  await connection.synchronize();
  assert.equal(connection.lost, null);
  await connection.close();
});

test("a device that cannot be opened rejects with its reason, every time it is tried", async (t) => {
  if (loadAddon().probe([]).driver.found) return t.skip("this machine has a CUDA driver");
  const connection = new Connection(isolated("cuda", native));
  await assert.rejects(connection.open(), (e) => LabError.is(e, "no-driver"));
  await assert.rejects(connection.synchronize(), (e) => LabError.is(e, "no-driver"));
  await connection.close();
});

test("a broken batch is an error at the next synchronisation, and only there", async () => {
  const connection = new Connection(isolated("cpu", native));
  await connection.open();
  connection.commands.free(12345);
  await assert.rejects(connection.synchronize(), (e) => LabError.is(e, "invalid-command"));
  await connection.synchronize();
  await connection.close();
});

test("requests that wait when the device is closed are told", async () => {
  const connection = new Connection(isolated("cpu", native));
  await connection.open();
  process.kill(ownHost(), "SIGSTOP");
  const waiting = assert.rejects(connection.synchronize(), (e) => LabError.is(e, "device-closed"));
  await connection.close();
  await waiting;
});

test("a process that cannot be started is told, at opening and at reopening, and a later use tries again", async () => {
  const connection = new Connection(isolated("cpu", native));
  await connection.open();
  const { execPath } = process;
  process.kill(ownHost(), "SIGKILL");
  await assert.rejects(connection.synchronize(), (e) => LabError.is(e, "device-lost"));
  process.execPath = "/nonexistent/node";
  try {
    for (let i = 0; i < 2; i++) {
      await assert.rejects(
        connection.synchronize(),
        (e) =>
          LabError.is(e, "device-lost") && /nonexistent\/node\) could not be started: .*ENOENT/.test(e.what),
      );
    }
    await assert.rejects(new Connection(isolated("cpu", native)).open(), /could not be started/);
  } finally {
    process.execPath = execPath;
  }
  await connection.synchronize();
  await connection.close();
});

test("a device that cannot be opened again stays lost, and is opened as soon as it can be", async () => {
  let room = true;
  const open = isolated("cpu", native);
  const connection = new Connection((events) => {
    if (room) return open(events);
    throw new LabError("shared-memory", "There is no room.");
  });
  await connection.open();
  process.kill(ownHost(), "SIGKILL");
  await assert.rejects(connection.synchronize(), (e) => LabError.is(e, "device-lost"));
  room = false;
  for (let i = 0; i < 2; i++) {
    await assert.rejects(connection.synchronize(), (e) => LabError.is(e, "shared-memory"));
  }
  room = true;
  await connection.synchronize();
  await connection.close();
});

test("what a lost device had still sent does not reach the next one's staging segment", async () => {
  const events: TransportEvents[] = [];
  const open = isolated("cpu", native);
  const connection = new Connection((given) => {
    events.push(given);
    return open(given);
  });
  await connection.open();
  process.kill(ownHost(), "SIGKILL");
  await assert.rejects(connection.synchronize(), (e) => LabError.is(e, "device-lost"));
  await connection.synchronize();
  const buffer = connection.handle();
  const data = new Uint8Array(2 ** 20).map((_, i) => i % 251);
  connection.commands.alloc(buffer, data.length);
  await connection.upload(buffer, 0, data, 0, false);
  const into = new Uint8Array(data.length);
  const read = connection.download(buffer, 0, into, 0);
  // Taken for the new device's, it would end the download before anything was copied.
  events[0]!.ack(2 ** 40);
  await read;
  assert.deepEqual(into, data);
  await connection.close();
});

test("a limit longer than a timer can run is no limit of a millisecond", async () => {
  const connection = new Connection(isolated("cpu", native), { timeLimit: 1e8 });
  await connection.open();
  process.kill(ownHost(), "SIGSTOP");
  const stopped = ownHost();
  setTimeout(() => process.kill(stopped, "SIGCONT"), 100);
  await connection.synchronize();
  await connection.close();
});

/** Runs a script in a process whose shell has set a limit, and answers what it printed. */
function limited(limit: string, body: string): string {
  const script = `const lab = require("kernel-lab"); (async () => { ${body} })().catch((e) => console.log(e.name, e.code, e.message));`;
  const { stdout, stderr } = spawnSync(
    "bash",
    ["-c", `${limit}; exec "$0" -e "$1"`, process.execPath, script],
    {
      encoding: "utf8",
    },
  );
  return stdout + stderr;
}

test("where no shared memory is to be had, that is a LabError, and no segment stays behind", () => {
  const said = limited("ulimit -f 4096", 'await lab.open("cpu", { workers: 1 });');
  assert.match(said, /^LabError shared-memory Reserving 16777216 bytes in .*File too large/);
  // The small segment fits, the large one does not: it is made last here.
  const half = limited(
    "ulimit -f 4096",
    `const { loadAddon } = require("kernel-lab/dist/backend/binding"); const addon = loadAddon(); const create = addon.shmCreate;
     let made;
     Object.defineProperty(addon, "shmCreate", { value: (bytes) => made ? create(2 ** 24) : (made = create(65536)) });
     await lab.open("cpu", { workers: 1 }).catch((e) => console.log(e.code, require("node:fs").existsSync(made.path)));`,
  );
  assert.equal(half, "shared-memory false\n");
});

test("where the host has no room for all workers, those there are do the work", () => {
  const said = limited(
    "ulimit -v 9000000",
    `const dev = await lab.open("cpu", { workers: 64 });
     const k = await dev.compile("__global__ void k(int* x) { x[blockIdx.x] = blockIdx.x; }");
     const x = dev.zeros([256], { dtype: "i32" });
     await k.launch({ grid: 256, block: 1 }, x);
     console.log((await x.read())[255]); await dev.close();`,
  );
  assert.equal(said, "255\n");
});

test("a number of workers in the environment that is none is told by its name", async () => {
  process.env.KERNEL_LAB_WORKERS = "many";
  try {
    await assert.rejects(
      lab.open("cpu"),
      (e) => LabError.is(e, "invalid-option") && /KERNEL_LAB_WORKERS is "many"/.test(e.what),
    );
  } finally {
    delete process.env.KERNEL_LAB_WORKERS;
  }
});
