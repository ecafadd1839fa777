/** The kernel's side of the Jupyter protocol: takes requests, runs cells one at a time, publishes what they put out. */

import { interruptAll } from "../core/interrupt";
import { complete, inspectAt, isComplete } from "./assist";
import { type Channel, Channels } from "./channels";
import type { Failure } from "./failure";
import { Session } from "./session";
import { StreamGatherer } from "./stream";
import type { ConnectionInfo, Content, Message } from "./wire";

/** How long a failed cell waits for cells already on their way, so that they can be called off; milliseconds. */
const ABORT_WINDOW_MS = 20;

const KERNEL_INFO: Content = {
  status: "ok",
  protocol_version: "5.3",
  implementation: "kernel-lab",
  implementation_version: "0.1.0",
  banner: "Kernel Lab: TypeScript cells by tslab",
  language_info: {
    name: "typescript",
    version: "5.0",
    mimetype: "text/typescript",
    file_extension: ".ts",
    pygments_lexer: "typescript",
    codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
  },
  help_links: [],
};

interface Pending {
  readonly channel: Channel;
  readonly message: Message;
}

/** One kernel, from its connection file to its shutdown. */
export class KernelServer {
  readonly #channels: Channels;
  readonly #session: Session;
  readonly #queue: Pending[] = [];
  readonly #gatherer: StreamGatherer;
  readonly #onShutdown: () => void;
  #executionCount = 0;
  #running: Message | null = null;
  /** The last cell begun: later output of its callbacks is shown under it. */
  #lastCell: Message | null = null;

  private constructor(channels: Channels, onShutdown: () => void) {
    this.#channels = channels;
    this.#onShutdown = onShutdown;
    this.#gatherer = new StreamGatherer((name, text) =>
      channels.publish("stream", { name, text }, this.#lastCell),
    );
    this.#session = new Session({
      stream: (name, text) => this.#gatherer.write(name, text),
      display: (data, id, update) =>
        this.#show(update ? "update_display_data" : "display_data", {
          data,
          metadata: {},
          transient: id === undefined ? {} : { display_id: id },
        }),
      result: (data) =>
        this.#show("execute_result", { data, metadata: {}, execution_count: this.#executionCount }),
    });
  }

  /** Opens the sockets and serves until a shutdown request, upon which `onShutdown` is called. */
  static async start(connection: ConnectionInfo, onShutdown: () => void): Promise<KernelServer> {
    let server: KernelServer | null = null;
    const early: Pending[] = [];
    const channels = await Channels.open(connection, (channel, message) =>
      server ? server.#receive(channel, message) : early.push({ channel, message }),
    );
    channels.publish("status", { execution_state: "starting" }, null);
    server = new KernelServer(channels, onShutdown);
    for (const { channel, message } of early) {
      server.#receive(channel, message);
    }
    return server;
  }

  /** Stops what runs: the device first, then the cell's own wait. */
  interrupt(): void {
    interruptAll();
    this.#session.interrupt();
  }

  #show(type: string, content: Content): void {
    this.#gatherer.flush();
    this.#channels.publish(type, content, this.#lastCell);
  }

  #receive(channel: Channel, message: Message): void {
    if (message.header.msg_type === "execute_request") {
      this.#queue.push({ channel, message });
      if (!this.#running) {
        void this.#drain();
      }
      return;
    }
    this.#status("busy", message);
    try {
      const type = message.header.msg_type.replace(/_request$/, "_reply");
      const answer = this.#answer(message);
      if (answer) {
        this.#channels.reply(channel, type, answer, message);
      }
    } finally {
      this.#status("idle", message);
      // A completion answered while a cell runs must not make the front end believe that the cell has ended.
      if (this.#running) {
        this.#status("busy", this.#running);
      }
    }
    if (message.header.msg_type === "shutdown_request") {
      this.#shutdown();
    }
  }

  #answer(message: Message): Content | null {
    const { content, header } = message;
    const code = String(content.code ?? "");
    const cursor = Number(content.cursor_pos ?? 0);
    try {
      switch (header.msg_type) {
        case "kernel_info_request":
          return KERNEL_INFO;
        case "complete_request":
          return complete(this.#session, code, cursor);
        case "inspect_request":
          return inspectAt(this.#session, code, cursor);
        case "is_complete_request":
          return isComplete(code);
        case "comm_info_request":
          return { status: "ok", comms: {} };
        case "history_request":
          return { status: "ok", history: [] };
        case "interrupt_request":
          this.interrupt();
          return { status: "ok" };
        case "shutdown_request":
          return { status: "ok", restart: content.restart === true };
        default:
          // Comms and other extensions this kernel has not got: the protocol wants silence.
          return null;
      }
    } catch (error) {
      return { status: "error", ename: "KernelError", evalue: String(error), traceback: [String(error)] };
    }
  }

  #shutdown(): void {
    this.#gatherer.flush();
    this.#session.close();
    this.#channels.close();
    this.#onShutdown();
  }

  #status(state: "busy" | "idle", parent: Message): void {
    this.#channels.publish("status", { execution_state: state }, parent);
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      this.#running = next.message;
      await this.#execute(next);
      this.#running = null;
    }
  }

  async #execute({ channel, message }: Pending): Promise<void> {
    const code = String(message.content.code ?? "");
    const silent = message.content.silent === true;
    this.#lastCell = message;
    this.#status("busy", message);
    if (!silent) {
      this.#executionCount += 1;
      this.#channels.publish("execute_input", { code, execution_count: this.#executionCount }, message);
    }
    const failure = code.trim() === "" ? null : await this.#session.execute(code);
    this.#gatherer.flush();
    const called = failure && message.content.stop_on_error !== false ? await this.#takeFollowers() : [];
    const count = { execution_count: this.#executionCount };
    if (failure) {
      this.#channels.publish("error", { ...failure }, message);
      this.#channels.reply(channel, "execute_reply", { status: "error", ...count, ...failure }, message);
    } else {
      const reply = { status: "ok", ...count, payload: [], user_expressions: {} };
      this.#channels.reply(channel, "execute_reply", reply, message);
    }
    this.#status("idle", message);
    for (const follower of called) {
      this.#abort(follower, failure);
    }
  }

  /** Cells asked for before this one's failure was known. */
  async #takeFollowers(): Promise<Pending[]> {
    await new Promise((resolve) => setTimeout(resolve, ABORT_WINDOW_MS));
    return this.#queue.splice(0);
  }

  #abort({ channel, message }: Pending, failure: Failure | null): void {
    this.#status("busy", message);
    const reply = { status: "aborted", execution_count: this.#executionCount, reason: failure?.ename ?? "" };
    this.#channels.reply(channel, "execute_reply", reply, message);
    this.#status("idle", message);
  }
}
