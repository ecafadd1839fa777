import type { Connection } from "../backend/connection";
import { LabError } from "../core/error";
import { Storage } from "./storage";
import type { Stream } from "./stream";

/**
 * Work captured once and replayed with one command.
 *
 * @example
 * const graph = await dev.graph(() => { a.enqueue(cfg, x); b.enqueue(cfg, x); });
 * for (let i = 0; i < 100; i++) graph.launch();
 * await dev.sync();
 */
export class Graph {
  readonly #connection: Connection;
  /** @internal */
  readonly handle: number;
  readonly #generation: number;
  /** What the captured work uses: the device holds bare addresses, so it must live as long as the graph. */
  readonly #used: ReadonlySet<object>;
  #destroyed = false;

  /** @internal Made by `Device.graph()`; `used` is what the capture met. */
  constructor(connection: Connection, handle: number, used: ReadonlySet<object>) {
    this.#connection = connection;
    this.#used = used;
    this.handle = handle;
    this.#generation = connection.generation;
  }

  /** Enqueues everything captured, on the default stream or the one given. */
  launch(stream?: Stream): void {
    if (this.#destroyed)
      throw new LabError("freed-graph", "The graph was destroyed.", { advice: "Capture it again." });
    this.#connection.ensure();
    if (this.#generation !== this.#connection.generation) {
      throw new LabError("device-lost", "The graph was captured on a device that was lost since.", {
        advice: "Make its tensors anew and capture it again.",
      });
    }
    for (const one of this.#used) {
      if (!(one instanceof Storage) || !one.freed) continue;
      throw new LabError("freed-tensor", "A tensor that the graph's work uses was freed.", {
        advice: "Free it after the graph's last launch, or capture the graph again.",
      });
    }
    this.#connection.commands.graphLaunch(this.handle, stream ? stream.use(this.#connection) : 0);
  }

  /** Releases the graph. */
  destroy(): void {
    if (!this.#destroyed && this.#generation === this.#connection.generation) {
      this.#connection.commands.graphDestroy(this.handle);
    }
    this.#destroyed = true;
  }
}
