/**
 * The program Jupyter starts: `node kernel.js <connection file>`.
 *
 * It replaces tslab's own launcher, which loses output (zeromq's limit of sends a turn), reports errors without name
 * and message, and knows nothing of a device to interrupt.
 */

import { readFileSync } from "node:fs";
import { KernelServer } from "./server";
import type { ConnectionInfo } from "./wire";

/** How often the kernel looks whether the server that started it still lives; milliseconds. */
const PARENT_CHECK_MS = 1000;

async function main(connectionFile: string | undefined): Promise<void> {
  if (connectionFile === undefined) {
    throw new Error("expected the path of a Jupyter connection file; Jupyter passes it as {connection_file}");
  }
  const connection = JSON.parse(readFileSync(connectionFile, "utf8")) as ConnectionInfo;
  // Sockets linger, devices close: a little time, then out.
  const leave = (): void => {
    process.exitCode = 0;
    setTimeout(() => process.exit(0), 300);
  };
  const server = await KernelServer.start(connection, leave);
  process.on("SIGINT", () => server.interrupt());
  process.on("uncaughtException", (error) => console.error("Uncaught, after its cell had ended:", error));
  process.on("unhandledRejection", (reason) =>
    console.error("Unhandled rejection, after its cell had ended:", reason),
  );
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      process.exit(0);
    }
  }, PARENT_CHECK_MS).unref();
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
