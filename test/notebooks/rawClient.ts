/** A kernel driven as VS Code drives one: its spec's argv, five sockets of ZeroMQ, no Jupyter server between. */

import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { writeKernelSpec } from "kernel-lab/dist/notebook/kernelspec";
import { fromTslab } from "kernel-lab/dist/notebook/tslabModules";
import type { Dealer, Subscriber } from "zeromq";

/** A message as it came, its signature checked. */
export interface Received {
  readonly channel: string;
  readonly header: { readonly msg_id: string; readonly msg_type: string; readonly session: string };
  readonly parent_header: { readonly msg_id?: string; readonly msg_type?: string };
  readonly content: Readonly<Record<string, unknown>>;
}

const PORTS = ["shell", "iopub", "stdin", "control", "hb"] as const;
const DELIMITER = "<IDS|MSG>";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address ? address.port : 0;
}

function isRequest(value: unknown): value is { argv: string[]; interrupt_mode: string } {
  return typeof value === "object" && value !== null && "argv" in value && "interrupt_mode" in value;
}

/** One kernel and the sockets to it. */
export class RawClient {
  readonly received: Received[] = [];
  /** What came that was not a signed message of five parts. */
  readonly broken: string[] = [];
  readonly #session = randomUUID();
  readonly #waiting = new Set<() => void>();

  private constructor(
    readonly process: ChildProcess,
    readonly interruptMode: string,
    readonly key: string,
    readonly sockets: Readonly<Record<"shell" | "control", Dealer>> & { readonly iopub: Subscriber },
  ) {
    for (const [channel, socket] of Object.entries(sockets)) {
      void this.#listen(channel, socket);
    }
  }

  /** Starts the kernel in `folder`, as if a notebook lay there. */
  static async start(folder: string): Promise<RawClient> {
    const spec: unknown = JSON.parse(readFileSync(writeKernelSpec(join(folder, "jupyter")), "utf8"));
    if (!isRequest(spec)) throw new Error("the kernel spec lacks argv or interrupt_mode");
    const ports = await Promise.all(PORTS.map(freePort));
    const key = randomUUID();
    const connection = {
      ...Object.fromEntries(PORTS.map((name, index) => [`${name}_port`, ports[index]])),
      transport: "tcp",
      ip: "127.0.0.1",
      signature_scheme: "hmac-sha256",
      key,
    };
    const file = join(folder, "connection.json");
    writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
    const [command, ...args] = spec.argv.map((part) => part.replace("{connection_file}", file));
    const child = spawn(command, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    const zmq = fromTslab("zeromq");
    const routingId = randomUUID();
    const sockets = {
      shell: new zmq.Dealer({ routingId, linger: 0 }),
      control: new zmq.Dealer({ routingId, linger: 0 }),
      iopub: new zmq.Subscriber({ receiveHighWaterMark: 0, linger: 0 }),
    };
    sockets.shell.connect(`tcp://127.0.0.1:${ports[0]}`);
    sockets.iopub.connect(`tcp://127.0.0.1:${ports[1]}`);
    sockets.control.connect(`tcp://127.0.0.1:${ports[3]}`);
    sockets.iopub.subscribe();
    return new RawClient(child, spec.interrupt_mode, key, sockets);
  }

  #sign(parts: readonly (string | Buffer)[]): string {
    const hmac = createHmac("sha256", this.key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  async #listen(channel: string, socket: Dealer | Subscriber): Promise<void> {
    for await (const frames of socket) {
      const [signature, ...parts] = frames.slice(frames.findIndex((frame) => `${frame}` === DELIMITER) + 1);
      if (parts.length !== 4 || `${signature}` !== this.#sign(parts)) {
        this.broken.push(`${channel}: ${frames.length} frames`);
        continue;
      }
      const [header, parent_header, , content] = parts.map((part) => JSON.parse(part.toString()));
      this.received.push({ channel, header, parent_header, content });
      for (const wake of this.#waiting) wake();
    }
  }

  /** Sends a request and returns its id. */
  async send(type: string, content: object, channel: "shell" | "control" = "shell"): Promise<string> {
    const header = {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.#session,
      username: "test",
      version: "5.3",
      date: new Date().toISOString(),
    };
    const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
    await this.sockets[channel].send([DELIMITER, this.#sign(parts), ...parts]);
    return header.msg_id;
  }

  /** What came for a request, in order of each channel. */
  of(id: string): Received[] {
    return this.received.filter((message) => message.parent_header.msg_id === id);
  }

  /** Waits until a request has its reply and is idle, which is when VS Code takes it as done. */
  async done(id: string, limit = 60_000): Promise<{ published: Received[]; reply: Received }> {
    const end = performance.now() + limit;
    for (;;) {
      const all = this.of(id);
      const reply = all.find(({ channel }) => channel !== "iopub");
      const published = all.filter(({ channel }) => channel === "iopub");
      if (reply && published.at(-1)?.content.execution_state === "idle") return { published, reply };
      const left = end - performance.now();
      if (left <= 0)
        throw new Error(`no end of ${id}: ${JSON.stringify(all.map(({ header }) => header.msg_type))}`);
      await new Promise<void>((wake) => {
        const timer = setTimeout(ring, left);
        const waiting = this.#waiting;
        function ring(): void {
          clearTimeout(timer);
          waiting.delete(ring);
          wake();
        }
        waiting.add(ring);
      });
    }
  }

  /** Executes a cell to its end; VS Code asks not to stop at errors, it stops itself. */
  async execute(code: string): Promise<{ published: Received[]; reply: Received }> {
    return this.done(await this.send("execute_request", { code, silent: false, stop_on_error: false }));
  }

  /** Closes the sockets and ends the kernel for certain. */
  close(): void {
    for (const socket of Object.values(this.sockets)) socket.close();
    this.process.kill("SIGKILL");
  }
}
