import { LabError } from "../core/error";
import type { LensRequest } from "./binding";
import { batchBytes, CommandEncoder, kernelOffset, type LaunchCommand } from "./commands";
import type {
  DeviceInfo,
  DeviceRequests,
  DeviceState,
  KernelAttributes,
  MemoryReading,
  ModuleImage,
  Occupancy,
  SymbolInfo,
  TimingRequest,
  TimingResult,
} from "./contract";
import { type LoadedModule, Modules } from "./modules";
import { type Step, Steps } from "./steps";
import { Transfers } from "./transfers";
import type { OpenTransport, Transport } from "./transport";

/** Options of a connection. */
export interface ConnectionOptions {
  /** Seconds that one wait for the device may take before its process is ended; none by default. */
  readonly timeLimit?: number;
  /** Receives what kernels print; the default writes to process.stdout. */
  readonly onPrintf?: (text: string) => void;
}

/** Milliseconds beyond which Node would run a timer at once. */
const longestTimer = 2 ** 31 - 1;

interface Fixup {
  readonly at: number;
  readonly module: LoadedModule;
  readonly entry: number;
}

/**
 * The device contract over a transport: one ordered stream of commands, transfers and requests, reopened by itself
 * when the device is lost.
 *
 * `generation` grows by one with each lost device; whatever lived on it must compare generations before use.
 */
export class Connection implements DeviceRequests {
  readonly commands: CommandEncoder;
  readonly #open: OpenTransport;
  readonly #options: ConnectionOptions;
  readonly #transfers = new Transfers(() => this.#transport!);
  readonly #modules = new Modules((id) => this.#unloadLater(id));
  #transport: Transport | null = null;
  #info: DeviceInfo | null = null;
  #generation = 1;
  #lost: LabError | null = null;
  #unreported: LabError | null = null;
  #closed = false;
  readonly #steps = new Steps();
  readonly #captures = new Set<Set<object>>();
  #preparing = false;
  #recording = false;
  #strayed: LabError | null = null;
  #flushing = false;
  #fixups: Fixup[] = [];
  #waits = 0;
  #calls = 0;
  #handles = 1;
  #recent = new Set<string>();

  constructor(open: OpenTransport, options: ConnectionOptions = {}) {
    this.#open = open;
    this.#options = options;
    this.commands = new CommandEncoder((pending) => {
      if (this.#recording) return;
      if (pending >= batchBytes) this.flush();
      else if (!this.#flushing) this.#flushSoon();
    });
  }

  /** Opens the device for the first time. */
  async open(): Promise<DeviceInfo> {
    this.#start();
    await this.#request(() => Promise.resolve());
    return this.#info!;
  }

  /** Number of the device's current life, from 1. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes of device memory; 0 before the device is open. */
  get totalMemory(): number {
    return this.#info?.totalMemory ?? 0;
  }

  /** Why the device was lost last, or null while it lives. */
  get lost(): LabError | null {
    return this.#lost;
  }

  /** A new handle of any kind; one number space serves them all. */
  handle(): number {
    return this.#handles++;
  }

  /** Makes the device usable: throws once what ended it if nobody was told, then opens a fresh one. */
  ensure(): void {
    if (this.#closed) {
      throw new LabError("device-closed", "The device was closed.", {
        advice: "Open another one with lab.open().",
      });
    }
    if (!this.#lost) return;
    const unreported = this.#unreported;
    this.#unreported = null;
    if (unreported) throw unreported;
    this.#start();
  }

  /**
   * The commands that `work` writes, not sent: to be timed, many times over. Everything it uses must exist by then, so
   * run it once before. Throws "bad-options" when it transfers or waits.
   */
  record(work: () => void): Uint8Array {
    this.ensure();
    this.flush();
    this.#recording = true;
    this.#strayed = null;
    try {
      work();
      // Told even where the work itself left the failed promise unheard.
      if (this.#strayed) throw this.#strayed;
      return this.commands.take().slice();
    } finally {
      this.#recording = false;
      this.commands.clear();
      this.#fixups = [];
    }
  }

  /** Throws "bad-options" where `record` is under way: what cannot be repeated must not be timed. */
  refuseWhileRecording(what: string): void {
    if (!this.#recording) return;
    this.#strayed = new LabError(
      "bad-options",
      `Timing work: expected launches, fills and copies, received ${what}.`,
      { advice: "Make tensors, write to them, read them and wait outside the function that is timed." },
    );
    throw this.#strayed;
  }

  /** Sends the commands written so far. */
  flush(): void {
    if (this.#recording) return;
    if (this.commands.pending === 0 || !this.#transport) return;
    if (this.#steps.waiting) {
      const bytes = this.commands.take().slice();
      const fixups = this.#fixups;
      this.#fixups = [];
      this.#steps.push({
        run: () => {
          const words = new Uint32Array(bytes.buffer);
          for (const fixup of fixups) words[fixup.at >> 2] = handleOf(fixup);
          this.#transport!.post(bytes, 0);
        },
        reject: () => {},
      });
      return;
    }
    for (const fixup of this.#fixups) this.commands.setWord(fixup.at, handleOf(fixup));
    this.#fixups.length = 0;
    this.#transport.post(this.commands.take(), 0);
  }

  /** The handle of a kernel for a launch about to be written; 0 while its module is being reloaded. */
  kernelHandle(module: LoadedModule, entry: number): number {
    if (module.generation === this.#generation) return module.attributes[entry]!.kernel;
    if (this.#preparing) return 0;
    throw new LabError(
      "module-lost",
      `The module ${module.image.path} could not be loaded again after the device was lost.`,
      {
        advice: "Compile the kernel again.",
      },
    );
  }

  /** Keeps what work uses alive as long as the graphs that are being captured. */
  use(object: object): void {
    for (const used of this.#captures) used.add(object);
  }

  /** From here until `endCapture` everything used goes into `used`. */
  beginCapture(used: Set<object>): void {
    this.#captures.add(used);
  }

  endCapture(used: Set<object>): void {
    this.#captures.delete(used);
  }

  /** Writes a launch; where the module is still being reloaded, its handle is filled in before sending. */
  launch(command: LaunchCommand, name: string, module: LoadedModule, entry: number): void {
    // The name lets an error that cannot say which kernel it was name the candidates.
    if (this.#recent.size < 8) this.#recent.add(name);
    this.use(module);
    if (command.kernel === 0) this.#fixups.push({ at: this.commands.pending + kernelOffset, module, entry });
    this.commands.launch(command);
  }

  /** Resolves when more commands may be enqueued without piling up. */
  async drained(): Promise<void> {
    await this.#transport?.drained();
  }

  /** Resolves when the device is open, reopening it if it was lost. */
  async reopened(): Promise<void> {
    await this.#request(() => Promise.resolve());
  }

  /**
   * Copies bytes to a buffer, in order with the commands before and after. Returns at once when the staging segment
   * has room; otherwise the rest follows as room frees, from `data` itself if `borrow`, from a copy if not.
   */
  upload(buffer: number, offset: number, data: Uint8Array, stream: number, borrow: boolean): Promise<void> {
    const copied = this.#steps.waiting && !borrow;
    const source = copied ? data.slice() : data;
    return this.#transfer(this.#transfers.upload(buffer, offset, source, stream, borrow || copied));
  }

  /** Copies a buffer's bytes into `into`; resolves after a synchronisation of the stream, rejects as it does. */
  async download(buffer: number, offset: number, into: Uint8Array, stream: number): Promise<void> {
    const copied = this.#transfer(this.#transfers.download(buffer, offset, into, stream));
    await Promise.all([copied, this.synchronize(stream)]);
  }

  /** Ends whatever the device is doing; pending work rejects with "interrupted" and the next use reopens it. */
  interrupt(): void {
    if (this.#waits === 0 && this.#recent.size === 0 && this.commands.pending === 0) return;
    this.#transport?.kill(this.#ended("interrupted", "was interrupted"));
  }

  /** True while something waits for the device. */
  get busy(): boolean {
    return this.#waits > 0;
  }

  info(): Promise<DeviceInfo> {
    return this.#call<DeviceInfo>("info", []);
  }

  /** Loads a module that is reloaded by itself whenever the device is reopened. */
  async addModule(image: ModuleImage): Promise<LoadedModule> {
    const id = this.handle();
    const attributes = await this.loadModule(id, image);
    const module: LoadedModule = { id, image, attributes, generation: this.#generation };
    this.#modules.add(module);
    return module;
  }

  loadModule(module: number, image: ModuleImage): Promise<KernelAttributes[]> {
    return this.#call<KernelAttributes[]>("loadModule", [module, image.path, image.entries]);
  }

  async unloadModule(module: number): Promise<void> {
    this.#modules.delete(module);
    await this.#call("unloadModule", [module]);
  }

  bindSymbol(module: number, name: string, buffer: number): Promise<SymbolInfo> {
    return this.#call<SymbolInfo>("bindSymbol", [module, name, buffer]);
  }

  async synchronize(stream?: number): Promise<void> {
    await this.#call("synchronize", [stream ?? 0, stream === undefined]);
    this.#recent.clear();
  }

  query(stream: number): Promise<boolean> {
    return this.#call<boolean>("query", [stream]);
  }

  elapsed(pairs: ReadonlyArray<readonly [number, number]>): Promise<number[]> {
    return this.#call<number[]>("elapsed", [pairs]);
  }

  time(request: TimingRequest): Promise<TimingResult> {
    return this.#call<TimingResult>("time", [request]);
  }

  memory(): Promise<MemoryReading> {
    return this.#call<MemoryReading>("memory", []);
  }

  state(): Promise<DeviceState> {
    return this.#call<DeviceState>("state", []);
  }

  occupancy(kernel: number, blockThreads: number, dynamicShared: number): Promise<Occupancy> {
    return this.#call<Occupancy>("occupancy", [kernel, blockThreads, dynamicShared]);
  }

  maxCooperativeBlocks(kernel: number, blockThreads: number, dynamicShared: number): Promise<number> {
    return this.#call<number>("maxCooperativeBlocks", [kernel, blockThreads, dynamicShared]);
  }

  /** Traces the next launch, which must be of a module compiled for the lens. */
  lensBegin(request: LensRequest): Promise<void> {
    return this.#call<void>("lensBegin", [request]);
  }

  /** What the observers of the traced launch found, as JSON text. */
  lensEnd(): Promise<string> {
    return this.#call<string>("lensEnd", []);
  }

  /** Address and bytes of memory that was freed, as far as nothing lies there again. */
  freedRanges(): Promise<(readonly [number, number])[]> {
    return this.#call<(readonly [number, number])[]>("freedRanges", []);
  }

  /** Closes the device; everything on it is gone. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.commands.clear();
    const transport = this.#transport;
    this.#transport = null;
    this.#generation++;
    this.#failQueue(new LabError("device-closed", "The device was closed while work was pending."));
    await transport?.close();
  }

  #start(): void {
    this.#fixups = [];
    this.#recent.clear();
    const events = {
      // What a device that is gone had still sent must not free parts of the next one's segment.
      ack: (position: number) => {
        if (this.#transport === transport) this.#transfers.ring.ack(position);
      },
      printf: this.#options.onPrintf ?? ((text: string) => void process.stdout.write(text)),
      lost: (error: LabError) => {
        if (this.#transport === transport) this.#onLost(error);
      },
    };
    // Where this throws, the device stays lost and the next use tries again.
    const transport = this.#open(events);
    this.#transport = transport;
    this.#lost = null;
    if (this.#waits > 0) transport.hold(true);
    this.#push({ run: () => this.#prepare(transport), reject: () => {} });
  }

  /** Waits for a fresh device and loads again the modules that are still in use. */
  async #prepare(transport: Transport): Promise<void> {
    this.#preparing = true;
    try {
      this.#info = await transport.ready;
      this.#transfers.ring.reset(transport.staging.byteLength);
      for (const module of this.#modules.live()) await this.#reload(transport, module);
    } catch (error) {
      // What waits behind this step must fail with the reason, not run on a device that is not there.
      if (this.#transport === transport) this.#onLost(error as LabError);
      transport.kill(error as LabError);
    } finally {
      this.#preparing = false;
    }
  }

  async #reload(transport: Transport, module: LoadedModule): Promise<void> {
    try {
      const answer = await transport.call("loadModule", [module.id, module.image.path, module.image.entries]);
      module.attributes = answer as KernelAttributes[];
      module.generation = this.#generation;
    } catch (error) {
      if (this.#transport !== transport) throw error;
      // Its file is gone from the cache, say: only launches of this module fail, and say so.
      module.generation = 0;
    }
  }

  #onLost(error: LabError): void {
    this.#lost = error;
    this.#generation++;
    this.#transport = null;
    // Whoever waits is told now; when nobody does, the next use of the device is.
    this.#unreported = this.#calls > 0 ? null : error;
    this.commands.clear();
    this.#failQueue(error);
  }

  #failQueue(error: LabError): void {
    this.#transfers.ring.fail(error);
    this.#fixups = [];
    this.#steps.fail(error);
  }

  #flushSoon(): void {
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  #unloadLater(id: number): void {
    if (this.#transport && !this.#closed) this.#call("unloadModule", [id]).catch(() => {});
  }

  #call<T = unknown>(method: string, args: readonly unknown[]): Promise<T> {
    return this.#request(() => this.#transport!.call(method, args)) as Promise<T>;
  }

  /** Sends a request after everything before it. */
  async #request(send: () => Promise<unknown>): Promise<unknown> {
    this.ensure();
    const answer = new Promise<unknown>((resolve, reject) => {
      // The time limit starts when the request is sent, so that reopening a device does not count.
      this.#push({ run: () => void this.#limited(send(), "a wait").then(resolve, reject), reject });
    });
    this.#calls++;
    try {
      return await this.#held(answer);
    } finally {
      this.#calls--;
    }
  }

  /** Counts a wait and keeps the process alive during it. */
  async #held<T>(promise: Promise<T>): Promise<T> {
    if (this.#waits++ === 0) this.#transport?.hold(true);
    try {
      return await promise;
    } finally {
      if (--this.#waits === 0) this.#transport?.hold(false);
    }
  }

  /** Ends the device when it does not answer within the time limit. */
  async #limited<T>(promise: Promise<T>, what: string): Promise<T> {
    const limit = this.#options.timeLimit;
    if (!limit) return promise;
    const transport = this.#transport;
    const timer = setTimeout(
      () => {
        transport?.kill(
          this.#ended("time-limit", `did not end within ${limit} s (${what} for the device timed out)`),
        );
      },
      Math.min(limit * 1000, longestTimer),
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #ended(code: string, what: string): LabError {
    const names = [...this.#recent].map((name) => `"${name}"`);
    const who =
      names.length === 0
        ? "The device's work"
        : names.length === 1
          ? `Kernel ${names[0]}`
          : `One of ${names.join(", ")}`;
    return new LabError(code, `${who} ${what}; the device's process was ended.`, {
      advice:
        "Variables of the notebook live on; the device reopens by itself at its next use, its tensors must be made anew.",
      kernel: this.#recent.size === 1 ? [...this.#recent][0] : undefined,
    });
  }

  /** Runs a transfer after everything before it; what it leaves for later follows as the staging segment frees. */
  #transfer(advance: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = (): void | Promise<void> => {
        if (!advance())
          return this.#limited(this.#held(this.#transfers.ring.freed()), "a transfer").then(run);
        resolve();
      };
      this.#push({ run, reject });
    });
  }

  #push(step: Step): void {
    this.refuseWhileRecording("a transfer or a wait");
    this.flush();
    this.#steps.push(step);
  }
}

/** 0, which is no kernel, when its module could not be loaded again. */
function handleOf(fixup: Fixup): number {
  return fixup.module.generation === 0 ? 0 : fixup.module.attributes[fixup.entry]!.kernel;
}
