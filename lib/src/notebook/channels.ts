/** The five sockets of a Jupyter kernel. */

import type * as Zmq from "zeromq";
import { fromTslab } from "./tslabModules";
import { type ConnectionInfo, type Content, type Message, Wire } from "./wire";

/** The channel a request came by; its reply goes back there. */
export type Channel = "shell" | "control";

type Multipart = (string | Buffer)[];

/**
 * Sends in order and loses nothing.
 *
 * With `sendTimeout` 0 a send is synchronous, so output appears while a cell still computes; should the socket be
 * busy all the same, messages wait here. zeromq.js throws EBUSY instead of waiting, which is how tslab's own kernel
 * loses everything after the 512th message of a turn.
 */
class Outbox {
  readonly #waiting: Multipart[] = [];
  #pumping = false;

  constructor(readonly socket: Zmq.Publisher | Zmq.Router) {}

  send(message: Multipart): void {
    this.#waiting.push(message);
    if (!this.#pumping) {
      void this.#pump();
    }
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      let sent: Promise<void>;
      try {
        sent = this.socket.send(next);
      } catch (error) {
        if (this.socket.closed) break;
        if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      this.#waiting.shift();
      // Not awaited when nothing else waits: the next send of this turn shall go out in this turn too.
      sent.catch(() => undefined);
    }
    this.#pumping = false;
  }
}

/** Binds the sockets, hands requests to `onRequest` and sends what the kernel says. */
export class Channels {
  readonly #wire: Wire;
  readonly #sockets: readonly (Zmq.Publisher | Zmq.Router | Zmq.Reply)[];
  readonly #iopub: Outbox;
  readonly #replies: Readonly<Record<Channel, Outbox>>;

  private constructor(
    wire: Wire,
    iopub: Zmq.Publisher,
    shell: Zmq.Router,
    control: Zmq.Router,
    others: readonly (Zmq.Router | Zmq.Reply)[],
  ) {
    this.#wire = wire;
    this.#iopub = new Outbox(iopub);
    this.#replies = { shell: new Outbox(shell), control: new Outbox(control) };
    this.#sockets = [iopub, shell, control, ...others];
  }

  /** Opens the sockets named in the connection file. */
  static async open(
    connection: ConnectionInfo,
    onRequest: (channel: Channel, message: Message) => void,
  ): Promise<Channels> {
    const zmq = fromTslab("zeromq");
    // No high-water mark: a publisher drops silently what lies above it.
    const unlimited = { sendTimeout: 0, sendHighWaterMark: 0, linger: 1000 };
    const iopub = new zmq.Publisher(unlimited);
    const shell = new zmq.Router(unlimited);
    const control = new zmq.Router(unlimited);
    const stdin = new zmq.Router();
    const heartbeat = new zmq.Reply();
    const at = (port: number): string => `${connection.transport}://${connection.ip}:${port}`;
    await Promise.all([
      iopub.bind(at(connection.iopub_port)),
      shell.bind(at(connection.shell_port)),
      control.bind(at(connection.control_port)),
      stdin.bind(at(connection.stdin_port)),
      heartbeat.bind(at(connection.hb_port)),
    ]);
    const wire = new Wire(connection.key);
    const channels = new Channels(wire, iopub, shell, control, [stdin, heartbeat]);
    const listen = async (channel: Channel, socket: Zmq.Router): Promise<void> => {
      for await (const frames of socket) {
        try {
          onRequest(channel, wire.decode(frames));
        } catch (error) {
          process.emitWarning(`a message was dropped: ${(error as Error).message}`);
        }
      }
    };
    const echo = async (): Promise<void> => {
      for await (const frames of heartbeat) {
        await heartbeat.send(frames);
      }
    };
    void listen("shell", shell);
    void listen("control", control);
    void echo();
    return channels;
  }

  /** Tells every front end. */
  publish(type: string, content: Content, parent: Message | null): void {
    this.#iopub.send(this.#wire.encode(type, content, parent, [type]));
  }

  /** Answers the one who asked. */
  reply(channel: Channel, type: string, content: Content, request: Message): void {
    this.#replies[channel].send(this.#wire.encode(type, content, request, request.identities));
  }

  /** Closes the sockets; what was sent is still delivered. */
  close(): void {
    for (const socket of this.#sockets) {
      socket.close();
    }
  }
}
