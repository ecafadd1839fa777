import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Replay,
  type ReplayBuffer,
  type ReplayLaunch,
  type ReplayMap,
  replayFile,
} from "../backend/replay";
import { LabError } from "../core/error";
import type { Kernel } from "./kernel";
import type { LaunchConfig } from "./launch";
import type { Module } from "./module";
import type { KernelArg, StructArg } from "./pack";
import type { Storage } from "./storage";
import { Tensor } from "./tensor";
import { TensorMap } from "./tensorMap";
import { variableNames } from "./variables";

/** One launch of a kernel: what `kernel.launch` is given. */
export interface KernelLaunch {
  readonly kernel: Kernel;
  readonly config: LaunchConfig;
  readonly args: readonly KernelArg[];
}

/** How launches are written. */
export interface ReplayOptions {
  /** Memory whose contents are left out, with the name that it goes by in the replay. */
  readonly named?: ReadonlyMap<Storage, string>;
}

/**
 * Writes launches into a folder, with their modules, the memory their arguments reach and the modules' variables as they
 * are now, so that another process can repeat them. Nothing is launched. Errors: "wrong-argument-type" and the like for arguments that do not
 * fit, "wrong-device" for launches of different devices.
 */
export async function saveReplay(
  folder: string,
  launches: readonly KernelLaunch[],
  options: ReplayOptions = {},
): Promise<Replay> {
  const replay = await new ReplayWriter(folder, launches, options).write();
  writeFileSync(join(folder, replayFile), JSON.stringify(replay));
  return replay;
}

class ReplayWriter {
  readonly #folder: string;
  readonly #launches: readonly KernelLaunch[];
  readonly #named: ReadonlyMap<Storage, string>;
  readonly #modules: Module[] = [];
  readonly #storages: Storage[] = [];
  readonly #maps: TensorMap[] = [];

  constructor(folder: string, launches: readonly KernelLaunch[], { named = new Map() }: ReplayOptions) {
    this.#folder = folder;
    this.#launches = launches;
    this.#named = named;
  }

  async write(): Promise<Replay> {
    mkdirSync(this.#folder, { recursive: true });
    const device = this.#launches[0]?.kernel.device;
    if (!device) throw new LabError("no-launches", "There are no launches to replay.");
    const launches = this.#launches.map((launch) => {
      if (launch.kernel.device !== device) {
        throw new LabError("wrong-device", "The launches of one replay must be on one device.");
      }
      return this.#launch(launch);
    });
    return {
      kind: device.kind,
      modules: this.#modules.map(({ loaded: { image } }, i) => {
        const file = `module-${i}`;
        // A copy, so that a cache cleaned meanwhile does no harm.
        copyFileSync(image.path, join(this.#folder, file));
        return { file, entries: image.entries };
      }),
      buffers: [...(await this.#buffers()), ...(await this.#variables())],
      maps: this.#maps.map(({ command }): ReplayMap => {
        const { map: _, ...rest } = command;
        return { ...rest, buffer: this.#storages.findIndex(({ handle }) => handle === command.buffer) };
      }),
      launches,
    };
  }

  #launch({ kernel, config, args }: KernelLaunch): ReplayLaunch {
    for (const arg of args) this.#collect(arg);
    const { command, entry } = kernel.prepare(config, args);
    const { grid, block, cluster, dynamicShared, flags, patches } = command;
    return {
      module: indexIn(this.#modules, kernel.module),
      entry,
      grid,
      block,
      cluster,
      dynamicShared,
      flags,
      args: Buffer.from(command.args).toString("base64"),
      patches: patches.map(({ offset, kind, handle, delta }) => ({
        offset,
        kind,
        index:
          kind === "buffer"
            ? this.#storages.findIndex((storage) => storage.handle === handle)
            : this.#maps.findIndex((map) => map.command.map === handle),
        delta,
      })),
    };
  }

  /** Notes the memory and tensor maps that an argument reaches. */
  #collect(arg: KernelArg): void {
    if (arg instanceof Tensor) indexIn(this.#storages, arg.storage);
    else if (arg instanceof TensorMap) {
      indexIn(this.#maps, arg);
      indexIn(this.#storages, arg.tensor.storage);
    } else if (Array.isArray(arg)) for (const item of arg) this.#collect(item as KernelArg);
    else if (typeof arg === "object" && arg !== null) {
      for (const field of Object.values(arg as StructArg)) this.#collect(field);
    }
  }

  async #buffers(): Promise<ReplayBuffer[]> {
    const buffers: ReplayBuffer[] = [];
    for (const [i, storage] of this.#storages.entries()) {
      const name = this.#named.get(storage) ?? null;
      if (name !== null) {
        buffers.push({ file: null, name, bytes: storage.bytes, variable: null });
        continue;
      }
      const file = `buffer-${i}`;
      const bytes = new Uint8Array(storage.bytes);
      await storage.connection.download(storage.handle, 0, bytes, 0);
      writeFileSync(join(this.#folder, file), bytes);
      buffers.push({ file, name, bytes: storage.bytes, variable: null });
    }
    return buffers;
  }

  async #variables(): Promise<ReplayBuffer[]> {
    const variables: ReplayBuffer[] = [];
    for (const [index, module] of this.#modules.entries()) {
      for (const name of variableNames(module.source)) {
        // Left out by the preprocessor, or by a compiler that had no use for it: nothing to carry.
        const tensor = await module.symbol(name, "u8").catch(() => null);
        if (!tensor) continue;
        const file = `variable-${index}-${name}`;
        writeFileSync(join(this.#folder, file), await tensor.readRaw());
        variables.push({ file, name: null, bytes: tensor.nbytes, variable: { module: index, name } });
      }
    }
    return variables;
  }
}

/** The place of an item in a list, appended when it is new. */
function indexIn<T>(list: T[], item: T): number {
  const at = list.indexOf(item);
  return at >= 0 ? at : list.push(item) - 1;
}
