/** What a unit measures, and how many SI units it is. */
export interface Unit {
  readonly quantity:
    | "time"
    | "token-rate"
    | "flop-rate"
    | "flops"
    | "memory"
    | "bandwidth"
    | "clock"
    | "number";
  readonly scale: number;
}

const units: Readonly<Record<string, Unit>> = {
  s: { quantity: "time", scale: 1 },
  ms: { quantity: "time", scale: 1e-3 },
  μs: { quantity: "time", scale: 1e-6 },
  ns: { quantity: "time", scale: 1e-9 },
  "tokens/s": { quantity: "token-rate", scale: 1 },
  TFLOPS: { quantity: "flop-rate", scale: 1e12 },
  GFLOPs: { quantity: "flops", scale: 1e9 },
  bytes: { quantity: "memory", scale: 1 },
  MB: { quantity: "memory", scale: 1e6 },
  MiB: { quantity: "memory", scale: 1024 ** 2 },
  GB: { quantity: "memory", scale: 1e9 },
  "MB/s": { quantity: "bandwidth", scale: 1e6 },
  "GB/s": { quantity: "bandwidth", scale: 1e9 },
  "TB/s": { quantity: "bandwidth", scale: 1e12 },
  MHz: { quantity: "clock", scale: 1e6 },
  x: { quantity: "number", scale: 1 },
  "%": { quantity: "number", scale: 0.01 },
};

/** What a printed unit means; null for one that the documents do not use. */
export function unitNamed(name: string): Unit | null {
  return units[name] ?? null;
}
