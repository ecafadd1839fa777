import { LabError } from "../core/error";
import { loadAddon, type NativeAddon } from "./binding";
import type { DeviceInfo, DeviceKind } from "./contract";
import { exitError, faultError, faultPageBytes, plainError, readFaultPage, reportOf } from "./fault";
import { type Exit, LabProcess } from "./process";
import { failureOf, type NativeFailure } from "./protocol";
import type { OpenTransport, Transport, TransportEvents } from "./transport";

/** Bytes of the shared staging segment: four parts, small enough for a container's default /dev/shm. */
const stagingBytes = 16 * 2 ** 20;

type Segment = ReturnType<NativeAddon["shmCreate"]>;

/**
 * Shared segments of the sizes given. Their names go by `unlink`, to be called when both sides have mapped the memory, and
 * also when this process ends before that. Throws "shared-memory" where there is no room, and leaves none behind.
 */
function sharedSegments(
  addon: NativeAddon,
  sizes: readonly number[],
): { segments: Segment[]; unlink: () => void } {
  const segments: Segment[] = [];
  const unlink = (): void => {
    process.off("exit", unlink);
    for (const { path } of segments) {
      try {
        addon.shmUnlink(path);
      } catch {
        // Already gone.
      }
    }
  };
  process.on("exit", unlink);
  try {
    for (const bytes of sizes) segments.push(addon.shmCreate(bytes));
  } catch (error) {
    unlink();
    throw plainError(failureOf(error));
  }
  return { segments, unlink };
}

/** A device in a process of its own. */
class IsolatedTransport implements Transport {
  readonly ready: Promise<DeviceInfo>;
  readonly staging: Uint8Array;
  readonly #process: LabProcess;
  readonly #events: TransportEvents;
  readonly #faultPage: ArrayBuffer;
  #killedBy: LabError | null = null;
  #closing = false;
  #announceLoss: (error: LabError) => void = () => {};
  readonly #loss: Promise<LabError>;

  constructor(kind: DeviceKind, options: Record<string, unknown>, events: TransportEvents) {
    const addon = loadAddon();
    const { segments, unlink } = sharedSegments(addon, [stagingBytes, faultPageBytes]);
    const [staging, page] = segments;
    this.staging = new Uint8Array(staging!.buffer);
    this.#faultPage = page!.buffer;
    this.#events = events;
    this.#loss = new Promise((resolve) => {
      this.#announceLoss = resolve;
    });
    try {
      this.#process = new LabProcess(
        {
          role: "device",
          kind,
          options,
          staging: { path: staging!.path, bytes: stagingBytes },
          faultPage: { path: page!.path, bytes: faultPageBytes },
        },
        {
          message: (message) => {
            if ("ack" in message) events.ack(message.ack);
            else if ("printf" in message) events.printf(message.printf);
            else unlink();
          },
          exit: (exit) => {
            unlink();
            void this.#onExit(exit);
          },
        },
      );
    } catch (error) {
      unlink();
      throw exitError({
        code: null,
        signal: null,
        outOfMemory: null,
        stderr: "",
        notStarted: (error as Error).message,
      });
    }
    this.ready = this.#answer(this.#process.opened()) as Promise<DeviceInfo>;
    this.ready.catch(() => {});
  }

  post(batch: Uint8Array, ack: number): void {
    this.#process.send(ack > 0 ? { batch, ack } : batch);
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#answer(this.#process.call(method, args));
  }

  kill(error: LabError): void {
    this.#killedBy ??= error;
    this.#process.kill();
  }

  drained(): Promise<void> {
    return this.#process.drained();
  }

  hold(pending: boolean): void {
    this.#process.hold(pending);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#process.close();
  }

  /** Turns a native failure into a LabError; a fatal one ends the host first. */
  async #answer(call: Promise<unknown>): Promise<unknown> {
    try {
      return await call;
    } catch (error) {
      if (error instanceof LabError) throw error;
      const failure = error as NativeFailure;
      if (!failure.fatal) throw plainError(failure);
      this.#killedBy ??= await faultError(reportOf(failure));
      this.#process.kill();
      throw await this.#loss;
    }
  }

  async #onExit(exit: Exit): Promise<void> {
    const report = readFaultPage(this.#faultPage);
    if (report?.printed) this.#events.printf(report.printed);
    // The fault page knows more than a kill that raced with it; a kill's own reason explains the absence of one.
    const error = report
      ? await faultError(report)
      : (this.#killedBy ??
        (this.#closing ? new LabError("device-closed", "The device was closed.") : exitError(exit)));
    this.#announceLoss(error);
    // Told before the waiting calls are rejected, so that whoever catches one finds the device's new state.
    this.#events.lost(error);
    this.#process.rejectAll(error);
  }
}

/** Opens a device in a process of its own. */
export function isolated(kind: DeviceKind, options: Record<string, unknown>): OpenTransport {
  return (events) => new IsolatedTransport(kind, options, events);
}
