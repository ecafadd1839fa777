/**
 * The program of the lab's own processes: the device host, which owns a native device and serves commands and
 * requests, and the compiler, which owns NVRTC. Either may die by what it runs; its parent tells the notebook why.
 */
import { Worker } from "node:worker_threads";
import { loadAddon, type NativeAddon, type NativeDevice } from "./binding";
import { type FromHost, failureOf, type Role, type ToHost } from "./protocol";

/** Ends this process when its parent is gone, even while a kernel that never ends blocks the main thread. */
function dieWithParent(): void {
  const watch = `
    const parent = process.ppid;
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, "SIGKILL"); }, 250);`;
  new Worker(watch, { eval: true, execArgv: [], stdout: false }).unref();
  process.on("disconnect", () => process.exit(0));
}

function send(message: FromHost): void {
  process.send!(message);
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

function answer(
  target: object,
  message: { id: number; method: string; args: readonly unknown[] },
  before: () => void,
): void {
  try {
    const value = (target as Methods)[message.method]!(...message.args);
    before();
    send({ id: message.id, value });
  } catch (error) {
    before();
    send({ id: message.id, error: failureOf(error) });
  }
}

function openDevice(addon: NativeAddon, role: Extract<Role, { role: "device" }>): { device: NativeDevice } {
  const staging = addon.shmOpen(role.staging.path, role.staging.bytes);
  const faultPage = addon.shmOpen(role.faultPage.path, role.faultPage.bytes);
  send({ mapped: true });
  const device = addon.openDevice(role.kind, {
    ...role.options,
    faultPage,
    searchPaths: role.options.searchPaths as string[],
  });
  device.attachStaging(staging);
  return { device };
}

function serveDevice(addon: NativeAddon, role: Extract<Role, { role: "device" }>): void {
  let device: NativeDevice;
  try {
    ({ device } = openDevice(addon, role));
    send({ id: 0, value: device.info() });
  } catch (error) {
    send({ id: 0, error: failureOf(error) });
    process.disconnect();
    return;
  }
  const printed = (): void => {
    const text = device.takePrintf();
    if (text) send({ printf: text });
  };
  process.on("message", (message: ToHost) => {
    if (message instanceof Uint8Array) {
      device.submit(message);
    } else if ("batch" in message) {
      device.submit(message.batch);
      send({ ack: message.ack });
    } else {
      answer(device, message, printed);
    }
  });
}

function serveCompiler(addon: NativeAddon): void {
  send({ id: 0, value: addon.version });
  process.on("message", (message: ToHost) => {
    if (!(message instanceof Uint8Array) && "method" in message) answer(addon, message, () => {});
  });
}

function main(): void {
  dieWithParent();
  // The notebook's interrupt reaches the whole process group; the parent decides what it means.
  process.on("SIGINT", () => {});
  process.once("message", (role: Role) => {
    try {
      const addon = loadAddon();
      if (role.role === "device") serveDevice(addon, role);
      else serveCompiler(addon);
    } catch (error) {
      send({ id: 0, error: failureOf(error) });
      process.disconnect();
    }
  });
}

if (require.main === module && process.send) main();
