import type { Device } from "../runtime/device";
import type { Module } from "../runtime/module";
import type { KernelArg } from "../runtime/pack";
import { Storage } from "../runtime/storage";
import { Tensor } from "../runtime/tensor";
import { TensorMap } from "../runtime/tensorMap";
import { variableNames } from "../runtime/variables";

/**
 * Copies of a launch's tensors on another device, so that the launch can run there and leave the originals alone.
 *
 * Tensors that share memory share it in the copy too, and all of that memory is copied, as a kernel may look beyond a view.
 */
export class Mirror {
  readonly #device: Device;
  readonly #copies = new Map<Storage, Storage>();

  constructor(device: Device) {
    this.#device = device;
  }

  /** The same argument, with every tensor in it replaced by its copy. */
  async argument(value: KernelArg): Promise<KernelArg> {
    if (value instanceof Tensor) return this.#tensor(value);
    if (value instanceof TensorMap) return this.#tensorMap(value);
    if (Array.isArray(value)) return Promise.all(value.map((item: KernelArg) => this.argument(item)));
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value as Readonly<Record<string, KernelArg>>);
    return Object.fromEntries(
      await Promise.all(fields.map(async ([name, field]) => [name, await this.argument(field)])),
    );
  }

  /** Gives the copy of each module variable the value that the original has now. */
  async variables(from: Module, to: Module): Promise<void> {
    for (const name of variableNames(from.source)) {
      try {
        const [original, copy] = await Promise.all([from.symbol(name, "u8"), to.symbol(name, "u8")]);
        await copy.write(await original.readRaw());
      } catch {
        // Left out by the preprocessor, or by a compiler that had no use for it: nothing to copy.
      }
    }
  }

  /** Writes what the launch left in the copies back to the originals. */
  async writeBack(): Promise<void> {
    for (const [original, copy] of this.#copies) {
      const bytes = new Uint8Array(copy.bytes);
      await copy.connection.download(copy.handle, 0, bytes, 0);
      await original.connection.upload(original.handle, 0, bytes, 0, true);
    }
  }

  /** The bytes that the launch left in a tensor's copy. */
  async contents(tensor: Tensor): Promise<Uint8Array> {
    return (await this.#tensor(tensor)).readRaw();
  }

  /** Gives the copies' memory back. */
  free(): void {
    for (const copy of this.#copies.values()) copy.free();
    this.#copies.clear();
  }

  async #tensor(tensor: Tensor): Promise<Tensor> {
    const storage = await this.#storage(tensor);
    return new Tensor(this.#device, storage, tensor.dtype, tensor.shape, tensor.strides, tensor.offset);
  }

  async #tensorMap(map: TensorMap): Promise<TensorMap> {
    const tensor = await this.#tensor(map.tensor);
    const { connection, handle } = tensor.storage;
    const command = { ...map.command, map: connection.handle(), buffer: handle };
    connection.commands.tensorMap(command);
    return new TensorMap(tensor, command);
  }

  async #storage(tensor: Tensor): Promise<Storage> {
    const original = tensor.storage;
    const known = this.#copies.get(original);
    if (known) return known;
    original.check(original.connection, `A tensor given to lab.lens (${tensor})`);
    const copy = Storage.allocate(this.#device.connection, original.bytes);
    this.#copies.set(original, copy);
    // Memory that nothing has written stays so in the copy, where reading it is told.
    if (original.bytes > 0 && original.written) {
      const bytes = new Uint8Array(original.bytes);
      await original.connection.download(original.handle, 0, bytes, 0);
      await this.#device.connection.upload(copy.handle, 0, bytes, 0, true);
    }
    return copy;
  }
}
