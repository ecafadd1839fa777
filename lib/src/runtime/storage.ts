import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Connection } from "../backend/connection";
import { LabError } from "../core/error";

interface Owned {
  readonly connection: Connection;
  readonly handle: number;
  readonly generation: number;
}

function release(owned: Owned): void {
  if (owned.generation === owned.connection.generation) owned.connection.commands.free(owned.handle);
}

const collected = new FinalizationRegistry<Owned>(release);

/** Share of the device's memory after whose allocation the garbage collector is run. */
const collectShare = 1 / 4;
const allocated = new WeakMap<Connection, number>();
let collectGarbage: (() => void) | undefined;

/**
 * Runs the collector now and then by the device memory allocated: a tensor is a few dozen bytes to JavaScript, so that
 * the memory of dropped ones would otherwise come back only when the heap happens to fill.
 */
function collectSometimes(connection: Connection, bytes: number): void {
  const sum = (allocated.get(connection) ?? 0) + bytes;
  const due = sum > connection.totalMemory * collectShare;
  allocated.set(connection, due ? 0 : sum);
  if (!due) return;
  if (!collectGarbage) {
    setFlagsFromString("--expose-gc");
    collectGarbage = runInNewContext("gc") as () => void;
  }
  collectGarbage();
}

/** Device memory shared by a tensor and its views; freed by `free()` or when the last of them is collected. */
export class Storage {
  readonly connection: Connection;
  readonly handle: number;
  readonly bytes: number;
  readonly generation: number;
  /** What keeps the memory alive when it is not this storage's own: the module of a bound symbol. */
  readonly owner: object | null;
  /** Something may have written it: an upload, a fill, a copy or a launch. What nothing has written holds no values. */
  written = false;
  #freed = false;

  private constructor(connection: Connection, handle: number, bytes: number, owner: object | null) {
    this.connection = connection;
    this.handle = handle;
    this.bytes = bytes;
    this.generation = connection.generation;
    this.owner = owner;
  }

  /** Allocates device memory. Whether there was enough is known at the next synchronisation. */
  static allocate(connection: Connection, bytes: number): Storage {
    connection.ensure();
    connection.refuseWhileRecording("an allocation");
    collectSometimes(connection, bytes);
    const storage = new Storage(connection, connection.handle(), bytes, null);
    connection.commands.alloc(storage.handle, bytes);
    collected.register(
      storage,
      { connection, handle: storage.handle, generation: storage.generation },
      storage,
    );
    return storage;
  }

  /** Wraps memory that a module owns. */
  static bound(connection: Connection, handle: number, bytes: number, owner: object): Storage {
    const storage = new Storage(connection, handle, bytes, owner);
    storage.written = true;
    return storage;
  }

  get freed(): boolean {
    return this.#freed;
  }

  /** Gives the memory back now; safe to call twice. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    collected.unregister(this);
    if (!this.owner) release(this);
  }

  /** Throws unless the memory can be used by work on `connection`. */
  check(connection: Connection, what: string): void {
    if (this.#freed) {
      throw new LabError("freed-tensor", `${what} was freed.`, {
        advice: "Make the tensor again, or free it after its last use.",
      });
    }
    if (this.connection !== connection) {
      throw new LabError("wrong-device", `${what} lives on another device.`, {
        advice:
          "Make the tensor with the device that uses it, or carry it over: device.tensor(await t.read(), t.shape).",
      });
    }
    if (this.generation !== connection.generation) {
      throw new LabError("device-lost", `${what} was on a device that was lost since.`, {
        advice: `Make the tensor again.${connection.lost ? ` The device ended by: ${connection.lost.what}` : ""}`,
      });
    }
    connection.use(this);
  }
}
