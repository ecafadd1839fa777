import { openBackend } from "../backend/open";
import { compileForLens } from "../backend/simt/compile";
import { Device } from "../runtime/device";

const open = new Map<number, Promise<Device>>();

/**
 * The device that traced launches run on: a CPU device of one worker in a process of its own, kept for the next launch.
 *
 * What a traced kernel breaks is this process; the notebook's device, its tensors and its variables never notice.
 */
export function lensDevice(timeLimit: number): Promise<Device> {
  let device = open.get(timeLimit);
  if (!device) {
    device = start(timeLimit);
    open.set(timeLimit, device);
    device.catch(() => open.delete(timeLimit));
  }
  return device;
}

async function start(timeLimit: number): Promise<Device> {
  const backend = await openBackend("cpu", { workers: 1, timeLimit, isolated: true });
  return new Device({ ...backend, compile: compileForLens });
}
