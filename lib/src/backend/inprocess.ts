import type { LabError } from "../core/error";
import { loadAddon, type NativeDevice } from "./binding";
import type { DeviceInfo, DeviceKind } from "./contract";
import { faultError, plainError, reportOf } from "./fault";
import { failureOf } from "./protocol";
import type { OpenTransport, Transport, TransportEvents } from "./transport";

const stagingBytes = 16 * 2 ** 20;

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** A device inside this process: no copies between processes, and no protection from a kernel that faults. */
class DirectTransport implements Transport {
  readonly ready: Promise<DeviceInfo>;
  readonly staging: Uint8Array;
  readonly #events: TransportEvents;
  #device: NativeDevice | null = null;

  constructor(kind: DeviceKind, options: Record<string, unknown>, events: TransportEvents) {
    this.#events = events;
    const staging = new ArrayBuffer(stagingBytes);
    this.staging = new Uint8Array(staging);
    this.ready = this.#try(() => {
      this.#device = loadAddon().openDevice(kind, {
        ...options,
        searchPaths: options.searchPaths as string[],
      });
      this.#device.attachStaging(staging);
      return this.#device.info();
    });
    this.ready.catch(() => {});
  }

  post(batch: Uint8Array, ack: number): void {
    this.#device?.submit(batch);
    if (ack > 0) queueMicrotask(() => this.#events.ack(ack));
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#try(() => {
      const value = (this.#device as unknown as Methods)[method]!(...args);
      this.#printed();
      return value;
    });
  }

  kill(error: LabError): void {
    // Nothing can stop a kernel in this very process; the device is given up when it comes back.
    this.#events.lost(error);
    void this.close();
  }

  async drained(): Promise<void> {}

  hold(): void {}

  async close(): Promise<void> {
    this.#device?.close();
    this.#device = null;
  }

  #printed(): void {
    const text = this.#device?.takePrintf();
    if (text) this.#events.printf(text);
  }

  async #try<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (thrown) {
      const failure = failureOf(thrown);
      this.#printed();
      if (!failure.fatal) throw plainError(failure);
      const error = await faultError(reportOf(failure));
      this.kill(error);
      throw error;
    }
  }
}

/** Opens a device inside this process. */
export function inProcess(kind: DeviceKind, options: Record<string, unknown>): OpenTransport {
  return (events) => new DirectTransport(kind, options, events);
}
