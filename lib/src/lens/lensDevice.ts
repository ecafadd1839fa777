import { openBackend } from "../backend/open";
import { compileForChecks, compileForLens, compileForSteps } from "../backend/simt/compile";
import { Device } from "../runtime/device";

const open = new Map<string, Promise<Device>>();

/** What is looked for: what a launch costs, what it does wrong, or every statement that it runs. */
export type Purpose = "metrics" | "hazards" | "steps";

const compilers = { metrics: compileForLens, hazards: compileForChecks, steps: compileForSteps };

/**
 * The device that traced launches run on: a CPU device of one worker in a process of its own, kept for the next launch.
 *
 * What a traced kernel breaks is this process; the notebook's device, its tensors and its variables never notice.
 * The purpose decides how its kernels are compiled.
 */
export function lensDevice(timeLimit: number, purpose: Purpose): Promise<Device> {
  const key = `${timeLimit} ${purpose}`;
  let device = open.get(key);
  if (!device) {
    device = start(timeLimit, purpose);
    open.set(key, device);
    device.catch(() => open.delete(key));
  }
  return device;
}

async function start(timeLimit: number, purpose: Purpose): Promise<Device> {
  const backend = await openBackend("cpu", { workers: 1, timeLimit, isolated: true });
  return new Device({ ...backend, compile: compilers[purpose] });
}
