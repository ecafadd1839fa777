import assert from "node:assert/strict";
import { test } from "node:test";
import { loadAddon } from "kernel-lab/dist/backend/binding";
import { isolated } from "kernel-lab/dist/backend/client";
import { Connection } from "kernel-lab/dist/backend/connection";
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
