/** Builds the fake libcuda and opens the cuda backend on it, for tests on machines with no GPU. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAddon, type NativeDevice } from "kernel-lab/dist/backend/binding";
import { CommandEncoder, type LaunchCommand } from "kernel-lab/dist/backend/commands";
import type { KernelAttributes } from "kernel-lab/dist/backend/contract";
import { homePath } from "kernel-lab/dist/core/paths";

/** A folder that holds the fake as libcuda.so.1; the caller removes it. */
export function buildFakeDriver(): string {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-fake-"));
  const source = homePath("test", "native", "fake_cuda.c");
  const compiler = ["-x", "c", "-O1", "-shared", "-fPIC", source, "-o", join(folder, "libcuda.so.1")];
  execFileSync(process.env.CXX ?? "g++", compiler, { stdio: ["ignore", "ignore", "inherit"] });
  return folder;
}

/** A device on the fake driver, with a staging segment of 1 MiB and the calls the driver saw. */
export class FakeDevice {
  readonly native: NativeDevice;
  readonly staging = new Uint8Array(1 << 20);
  readonly encoder = new CommandEncoder();
  readonly #folder: string;
  #modules = 0;

  constructor(folder: string, options: { faultPage?: ArrayBuffer } = {}) {
    this.#folder = folder;
    process.env.FAKE_CUDA_LOG = join(folder, "calls.log");
    this.native = loadAddon().openDevice("cuda", { ...options, searchPaths: [folder] });
    this.native.attachStaging(this.staging.buffer as ArrayBuffer);
    this.calls();
  }

  /** Loads a module with kernels of these names. */
  load(...names: string[]): KernelAttributes[] {
    const path = join(this.#folder, "module.cubin");
    writeFileSync(path, Buffer.concat([Buffer.from("\x7fELF", "latin1"), Buffer.alloc(128)]));
    const entries = names.map((name) => ({ name, symbol: name }));
    return this.native.loadModule(++this.#modules, path, entries);
  }

  /** Sends what was encoded. */
  submit(): void {
    this.native.submit(this.encoder.take());
  }

  /** Lines of driver calls since the last look. */
  calls(): string[] {
    const log = join(this.#folder, "calls.log");
    if (!existsSync(log)) return [];
    const lines = readFileSync(log, "utf8").trim().split("\n");
    rmSync(log);
    return lines;
  }
}

/** A launch of one block of 32 threads with arguments (pointer to buffer 1, int 42), changed as asked. */
export function launchOf(kernel: number, changes: Partial<LaunchCommand> = {}): LaunchCommand {
  const args = new Uint8Array(12);
  new DataView(args.buffer).setInt32(8, 42, true);
  return {
    kernel,
    stream: 0,
    grid: [1, 1, 1],
    block: [32, 1, 1],
    cluster: null,
    dynamicShared: 0,
    flags: 0,
    args,
    patches: [{ kind: "buffer", offset: 0, handle: 1, delta: 16 }],
    ...changes,
  };
}
