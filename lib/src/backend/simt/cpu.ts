import { readFileSync } from "node:fs";

let features: string | undefined;

/** What -march=native depends on: the processor's model and feature flags, part of the compile cache's key. */
export function cpuFeatures(): string {
  features ??= read();
  return features;
}

function read(): string {
  try {
    const text = readFileSync("/proc/cpuinfo", "utf8");
    const lines = text.match(/^(?:vendor_id|cpu family|model|flags|Features|CPU part)\s*:.*$/gm) ?? [];
    return [process.arch, ...new Set(lines)].join("\n");
  } catch {
    return process.arch;
  }
}
