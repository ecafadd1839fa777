import type * as lab from "kernel-lab";
import { Kernel } from "kernel-lab/dist/runtime/kernel";
import { Tensor } from "kernel-lab/dist/runtime/tensor";

/** A launch with copies of its tensors, as they were before it. */
export interface Launched {
  readonly kernel: lab.Kernel;
  readonly config: lab.LaunchConfig;
  readonly args: readonly lab.KernelArg[];
}

/** Runs `work` and answers the first launch of every kernel that it made, its tensors copied just before. */
export async function launchesOf(work: () => Promise<unknown>): Promise<Launched[]> {
  const found = new Map<string, Launched>();
  const enqueue = Kernel.prototype.enqueue;
  Kernel.prototype.enqueue = function (this: Kernel, config, ...args) {
    const name = `${this.module.request.fileName} ${this.name}`;
    if (!found.has(name)) found.set(name, { kernel: this, config, args: args.map(copied) });
    enqueue.call(this, config, ...args);
  };
  try {
    await work();
  } finally {
    Kernel.prototype.enqueue = enqueue;
  }
  return [...found.values()];
}

/** The whole memory behind a tensor, since a kernel may look beyond a view. */
function copied(value: lab.KernelArg): lab.KernelArg {
  if (!(value instanceof Tensor)) return value;
  const { device, storage } = value;
  const copy = device.empty([storage.bytes], { dtype: "u8" });
  storage.connection.commands.copy(copy.storage.handle, 0, storage.handle, 0, storage.bytes, 0);
  copy.storage.written = storage.written;
  return new Tensor(device, copy.storage, value.dtype, value.shape, value.strides, value.offset);
}
