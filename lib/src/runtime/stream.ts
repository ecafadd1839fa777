import type { Connection } from "../backend/connection";
import { LabError } from "../core/error";

/**
 * A queue of work on a device; work of different streams may overlap.
 *
 * @example
 * const stream = dev.stream();
 * await kernel.launch({ grid: 64, block: 256, stream }, x);
 * await stream.sync();
 */
export class Stream {
  readonly #connection: Connection;
  readonly #handle: number;
  #generation = 0;
  #destroyed = false;

  /** @internal Made by `Device.stream()`; handle 0 is the default stream. */
  constructor(connection: Connection, handle: number) {
    this.#connection = connection;
    this.#handle = handle;
  }

  /** @internal The handle for a command, creating the stream on a device that was reopened. */
  use(connection: Connection): number {
    if (connection !== this.#connection) {
      throw new LabError("wrong-device", "A stream of another device was given.", {
        advice: "Make the stream with the device that the kernel was compiled for.",
      });
    }
    if (this.#destroyed) {
      throw new LabError("freed-stream", "The stream was destroyed.", {
        advice: "Make another one with device.stream().",
      });
    }
    connection.ensure();
    if (this.#handle !== 0 && this.#generation !== connection.generation) {
      connection.commands.streamCreate(this.#handle);
      this.#generation = connection.generation;
    }
    return this.#handle;
  }

  /** Waits for everything enqueued on this stream. */
  sync(): Promise<void> {
    return this.#connection.synchronize(this.use(this.#connection));
  }

  /** True when everything enqueued on this stream has finished. */
  done(): Promise<boolean> {
    return this.#connection.query(this.use(this.#connection));
  }

  /** Makes later work of this stream wait for an event. */
  wait(event: Event): void {
    const handle = this.use(this.#connection);
    this.#connection.commands.streamWait(handle, event.use(this.#connection));
  }

  /** Destroys the stream; the default stream stays. */
  destroy(): void {
    if (this.#destroyed || this.#handle === 0) return;
    if (this.#generation === this.#connection.generation)
      this.#connection.commands.streamDestroy(this.#handle);
    this.#destroyed = true;
  }
}

/** A point in a stream's work, to time it or to wait for it. */
export class Event {
  readonly #connection: Connection;
  readonly #handle: number;
  #generation = 0;

  /** @internal Made by `Device.event()`. */
  constructor(connection: Connection, handle: number) {
    this.#connection = connection;
    this.#handle = handle;
  }

  /** Records the point after everything enqueued on the stream so far. */
  record(stream?: Stream): void {
    this.#connection.ensure();
    this.#connection.commands.eventRecord(this.#handle, stream ? stream.use(this.#connection) : 0);
    this.#generation = this.#connection.generation;
  }

  /** @internal The handle of a recorded event. */
  use(connection: Connection): number {
    if (connection !== this.#connection)
      throw new LabError("wrong-device", "An event of another device was given.");
    if (this.#generation !== connection.generation) {
      throw new LabError(
        "event-not-recorded",
        "The event was not recorded on this device since it was opened.",
        {
          advice: "Call event.record() before waiting for the event or reading its time.",
        },
      );
    }
    return this.#handle;
  }

  /** Seconds from this event to a later one; waits for both. */
  async elapsed(to: Event): Promise<number> {
    const [seconds] = await this.#connection.elapsed([
      [this.use(this.#connection), to.use(this.#connection)],
    ]);
    return seconds!;
  }

  /** Releases the event. */
  destroy(): void {
    if (this.#generation === this.#connection.generation)
      this.#connection.commands.eventDestroy(this.#handle);
    this.#generation = 0;
  }
}
