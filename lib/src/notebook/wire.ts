/** Jupyter's wire format: multipart messages signed with HMAC-SHA256 (protocol 5.3). */

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Separates a message's routing prefix from its body. */
const DELIMITER = Buffer.from("<IDS|MSG>");

/** Who sent a message, when, and what kind it is. */
export interface Header {
  readonly msg_id: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly msg_type: string;
  readonly version: string;
}

/** The body of a message; fields depend on its type. */
export type Content = Readonly<Record<string, unknown>>;

/** A message received, signature checked. */
export interface Message {
  readonly identities: readonly Buffer[];
  readonly header: Header;
  readonly content: Content;
}

/** What Jupyter writes into the connection file. */
export interface ConnectionInfo {
  readonly transport: string;
  readonly ip: string;
  readonly key: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
}

/** Encodes and decodes the messages of one kernel run. */
export class Wire {
  readonly #key: string;
  readonly #session = randomUUID();

  constructor(key: string) {
    this.#key = key;
  }

  #sign(parts: readonly (string | Buffer)[]): string {
    const hmac = createHmac("sha256", this.#key);
    for (const part of parts) {
      hmac.update(part);
    }
    return hmac.digest("hex");
  }

  /** Decodes a multipart message; throws when it is malformed or its signature is wrong. */
  decode(frames: readonly Buffer[]): Message {
    const at = frames.findIndex((frame) => frame.equals(DELIMITER));
    const [signature, header, parent, metadata, content] = frames.slice(at + 1);
    if (at < 0 || !signature || !header || !parent || !metadata || !content) {
      throw new Error(`expected a signed Jupyter message but received ${frames.length} frames`);
    }
    const expected = Buffer.from(this.#sign([header, parent, metadata, content]));
    // An empty key is the protocol's way to say that messages are not signed.
    if (this.#key !== "" && (signature.length !== expected.length || !timingSafeEqual(signature, expected))) {
      throw new Error("the message's signature is wrong");
    }
    return {
      identities: frames.slice(0, at),
      header: JSON.parse(header.toString()) as Header,
      content: JSON.parse(content.toString()) as Content,
    };
  }

  /** Encodes a message of `type`; `parent` is the request it belongs to. */
  encode(
    type: string,
    content: Content,
    parent: Message | null,
    prefix: readonly (string | Buffer)[],
  ): (string | Buffer)[] {
    const header: Header = {
      msg_id: randomUUID(),
      session: this.#session,
      username: "kernel",
      date: new Date().toISOString(),
      msg_type: type,
      version: "5.3",
    };
    const body = [
      JSON.stringify(header),
      JSON.stringify(parent?.header ?? {}),
      "{}",
      JSON.stringify(content),
    ];
    return [...prefix, DELIMITER, this.#key === "" ? "" : this.#sign(body), ...body];
  }
}
