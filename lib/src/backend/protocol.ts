/**
 * Messages between the notebook and a process of the lab (the device host or the compiler), over Node's own child
 * channel with advanced serialization. A bare Uint8Array is a batch of commands that wants no acknowledgement.
 */

/** What a process is asked to be, its first message. */
export type Role =
  | {
      readonly role: "device";
      readonly kind: "cpu" | "cuda";
      readonly options: Record<string, unknown>;
      readonly staging: { readonly path: string; readonly bytes: number };
      readonly faultPage: { readonly path: string; readonly bytes: number };
    }
  | { readonly role: "compiler" };

/** To a host, after its role. */
export type ToHost =
  | Uint8Array
  | { readonly batch: Uint8Array; readonly ack: number }
  | { readonly id: number; readonly method: string; readonly args: readonly unknown[] };

/** An error as the native addon throws it. */
export interface NativeFailure {
  readonly code: string;
  readonly message: string;
  readonly kernel?: string;
  /** JSON text with block, thread, address, pc, module where known. */
  readonly detail?: string;
  readonly fatal: boolean;
}

/** From a host. */
export type FromHost =
  | { readonly mapped: true }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: NativeFailure }
  | { readonly ack: number }
  | { readonly printf: string };

/** Reads an error thrown by the addon, or anything else thrown, as plain data. */
export function failureOf(error: unknown): NativeFailure {
  const from = error as Partial<NativeFailure> & { stack?: string };
  return {
    code: typeof from.code === "string" ? from.code : "internal",
    message: typeof from.message === "string" ? from.message : String(error),
    kernel: from.kernel,
    detail: from.detail,
    fatal: from.fatal === true,
  };
}
