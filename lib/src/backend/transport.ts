import type { LabError } from "../core/error";
import type { DeviceInfo } from "./contract";

/** What a transport tells its connection. */
export interface TransportEvents {
  /** The batch posted with this number has run: its part of the staging segment is free, its downloads are there. */
  ack(position: number): void;
  /** Text printed by kernels. */
  printf(text: string): void;
  /** The device is gone, with everything on it; called once, after every pending call was rejected. */
  lost(error: LabError): void;
}

/** One opened device, however it is reached: through a process of its own, or directly in this one. */
export interface Transport {
  /** Settles when the device is open. */
  readonly ready: Promise<DeviceInfo>;
  /** Memory that both sides see; empty until `ready`. */
  readonly staging: Uint8Array;
  /** Sends a batch of commands; `ack` above 0 asks for `events.ack(ack)` once it has run. Copies the bytes. */
  post(batch: Uint8Array, ack: number): void;
  /** Calls a method of the native device and waits for its answer. */
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  /** Ends the device at once, whatever it is doing; pending calls reject with the error. */
  kill(error: LabError): void;
  /** Resolves when what was posted has left this process far enough for more to be posted. */
  drained(): Promise<void>;
  /** Keeps the event loop alive (true) or lets the script end (false). */
  hold(pending: boolean): void;
  close(): Promise<void>;
}

/** Opens a transport. */
export type OpenTransport = (events: TransportEvents) => Transport;
