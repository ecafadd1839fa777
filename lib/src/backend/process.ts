import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FromHost, NativeFailure, Role, ToHost } from "./protocol";

/** How a process of the lab ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True where the system ended a process for want of memory meanwhile; null where it does not tell. */
  readonly outOfMemory: boolean | null;
  /** The last part of what it wrote to stderr. */
  readonly stderr: string;
  /** Why it could not even be started, or undefined where it was. */
  readonly notStarted?: string;
}

/** What a process of the lab reports besides answers. */
export interface ProcessEvents {
  message(message: Extract<FromHost, { ack: number } | { printf: string } | { mapped: true }>): void;
  /** The process is gone; called once. Whoever has pending calls must reject them through `rejectAll`. */
  exit(exit: Exit): void;
}

/** Batches on their way at which a caller that can wait does: about 2 MB. */
const fewUnsent = 32;

const live = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of live) child.kill("SIGKILL");
});

/** How many processes the system has ended for want of memory; null where it does not tell. */
function endedForMemory(): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "utf8"));
    return count && Number(count[1]);
  } catch {
    return null;
  }
}

/** A child process running `host.js` in one role, with answered calls. */
export class LabProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: unknown) => void }
  >();
  readonly #waiting: (() => void)[] = [];
  #unsent = 0;
  #next = 1;
  #stderr = "";
  readonly #endedBefore = endedForMemory();
  readonly #exited: Promise<void>;

  constructor(role: Role, events: ProcessEvents) {
    const child = fork(join(__dirname, "host.js"), [], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      execArgv: [],
      // A debugger's or a test runner's options are meant for the parent only.
      env: { ...process.env, NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined },
    });
    this.#child = child;
    live.add(child);
    // Without file descriptors left there are no pipes either.
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-8192);
    });
    child.on("message", (message: FromHost) => this.#receive(message, events));
    // "close" is not emitted after a disconnect, so the end of stderr is awaited by hand, for a moment.
    const said = new Promise<void>((resolve) => child.stderr?.once("close", resolve));
    this.#exited = new Promise((resolve) => {
      child.on("error", (error) => {
        // A process that could not be started never exits; one that runs tells of its end by "exit".
        if (child.pid !== undefined || !live.delete(child)) return;
        events.exit({ code: null, signal: null, outOfMemory: null, stderr: "", notStarted: error.message });
        resolve();
      });
      child.once("exit", async (code, signal) => {
        live.delete(child);
        await Promise.race([said, new Promise((late) => setTimeout(late, 100))]);
        for (const wake of this.#waiting.splice(0)) wake();
        const ended = endedForMemory();
        const outOfMemory = ended === null ? null : signal === "SIGKILL" && ended !== this.#endedBefore;
        events.exit({ code, signal, outOfMemory, stderr: this.#stderr });
        resolve();
      });
    });
    this.hold(false);
    this.send(role);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The answer to opening: what the role sends first. */
  opened(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#pending.set(0, { resolve, reject }));
  }

  send(message: Role | ToHost): void {
    if (!this.#child.connected) return;
    this.#unsent++;
    this.#child.send(message, () => {
      if (--this.#unsent < fewUnsent) for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  /** Resolves when few enough messages wait to be written; at once for a process that is gone. */
  async drained(): Promise<void> {
    if (this.#unsent < fewUnsent || !this.#child.connected) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#pending.set(id, { resolve, reject });
      this.send({ id, method, args });
    });
  }

  /** Rejects every call that waits. */
  rejectAll(error: unknown): void {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) reject(error);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Keeps the event loop alive (true) or lets the script end while the process runs (false). */
  hold(pending: boolean): void {
    const stderr = this.#child.stderr as unknown as { ref(): void; unref(): void };
    for (const handle of [this.#child, this.#child.channel, stderr]) {
      if (pending) handle?.ref();
      else handle?.unref();
    }
  }

  /** Asks the process to end and waits; ends it by force when it does not within two seconds. */
  async close(): Promise<void> {
    this.hold(true);
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.kill(), 2000);
    await this.#exited;
    clearTimeout(timer);
  }

  #receive(message: FromHost, events: ProcessEvents): void {
    if (!("id" in message)) {
      events.message(message);
      return;
    }
    const waiting = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ("error" in message) waiting?.reject(message.error satisfies NativeFailure);
    else waiting?.resolve(message.value);
  }
}
