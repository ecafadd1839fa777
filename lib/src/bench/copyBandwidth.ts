import { ceilDiv } from "../core/shape";
import { median } from "../record/statistics";
import type { Device } from "../runtime/device";
import { timeSamples } from "./clock";

const measured = new WeakMap<Device, Promise<number>>();

/**
 * Bytes a second of a copy kernel on this device, read and write counted; measured once and kept.
 *
 * @example console.log(await lab.copyBandwidth(dev)) // 4.18e12 on an H200
 */
export function copyBandwidth(device: Device): Promise<number> {
  const held = measured.get(device);
  if (held) return held;
  const reading = measureCopy(device);
  measured.set(device, reading);
  reading.catch(() => measured.delete(device));
  return reading;
}

async function measureCopy(device: Device): Promise<number> {
  // Eight times the cache at least, so that memory and not the cache is measured.
  const bytes =
    device.kind === "cuda" ? 2 ** 29 : Math.min(2 ** 28, Math.max(2 ** 26, 4 * device.info.l2Bytes));
  const kernel = await device.compileFile("probes/copy.cu", { name: "copy" });
  const from = device.full([bytes / 4], 1);
  const to = device.zeros([bytes / 4]);
  try {
    const config = { grid: ceilDiv(bytes / 16, 1024), block: 256 };
    const [samples] = await timeSamples(device, [() => kernel.enqueue(config, from, to, bytes / 16)], {
      warmup: 3,
      samples: device.kind === "cuda" ? 30 : 7,
    });
    return (2 * bytes) / median(samples!);
  } finally {
    from.free();
    to.free();
  }
}
