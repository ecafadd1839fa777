import { openBackend } from "../backend/open";
import { compileForLens, compileForSteps } from "../backend/simt/compile";
import { Device } from "../runtime/device";

const open = new Map<string, Promise<Device>>();

/**
 * The device that traced launches run on: a CPU device of one worker in a process of its own, kept for the next launch.
 *
 * What a traced kernel breaks is this process; the notebook's device, its tensors and its variables never notice.
 * With `steps` its kernels tell every statement too.
 */
export function lensDevice(timeLimit: number, steps = false): Promise<Device> {
  const key = `${timeLimit}${steps ? " steps" : ""}`;
  let device = open.get(key);
  if (!device) {
    device = start(timeLimit, steps);
    open.set(key, device);
    device.catch(() => open.delete(key));
  }
  return device;
}

async function start(timeLimit: number, steps: boolean): Promise<Device> {
  const backend = await openBackend("cpu", { workers: 1, timeLimit, isolated: true });
  return new Device({ ...backend, compile: steps ? compileForSteps : compileForLens });
}
