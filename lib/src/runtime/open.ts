import { type OpenOptions, openBackend } from "../backend/open";
import { Device } from "./device";

export type { OpenOptions } from "../backend/open";

/**
 * Opens a device: a GPU if there is one ("auto", the default), the CPU device, or a GPU and nothing else.
 *
 * Errors: "no-driver" with what to do, "no-addon" when the native addon is neither there nor buildable.
 *
 * @example
 * const dev = await lab.open("cpu", { workers: 2, timeLimit: 10 });
 */
export async function open(
  kind: "auto" | "cpu" | "cuda" = "auto",
  options: OpenOptions = {},
): Promise<Device> {
  return new Device(await openBackend(kind, options));
}
