import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, cpus, platform, release } from "node:os";
import { join } from "node:path";
import { home, packageRoot } from "../core/paths";
import type { Environment } from "../record/schema";
import type { Device } from "../runtime/device";

/** Describes the device, the host and the lab as a record keeps them, with the time now. */
export async function environmentOf(device: Device): Promise<Environment> {
  const { info } = device;
  const state = await device.state();
  const host = cpus();
  return {
    device: {
      kind: info.kind,
      name: info.name,
      arch: info.arch,
      capability: [...info.capability],
      multiprocessors: info.multiprocessors,
      memoryBytes: info.totalMemory,
      l2Bytes: info.l2Bytes,
      clockHz: info.clockHz,
      memoryClockHz: info.memoryClockHz,
      powerLimitW: state.powerLimitW,
      workers: info.workers ?? null,
    },
    driver: info.driverVersion || null,
    runtime: info.runtimeVersion || null,
    compiler: await device.compiler(),
    packages: {},
    lab: labVersion(),
    node: process.version,
    host: {
      os: `${platform()} ${release()} ${arch()}`,
      cpu: host[0]?.model.trim() ?? "unknown",
      cores: host.length,
    },
    date: new Date().toISOString(),
  };
}

let version: Environment["lab"] | undefined;

/** Version and commit of this lab; a bundle has no commit but what its package says. */
export function labVersion(): Environment["lab"] {
  if (version) return version;
  const manifest = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    version: string;
    commit?: string;
  };
  const commit = git("rev-parse", "HEAD");
  version = {
    version: manifest.version,
    commit: commit ?? manifest.commit ?? null,
    dirty:
      commit === null
        ? null
        : git("status", "--porcelain", "--untracked-files=no", "--", "lib", "native", "kernels") !== "",
  };
  return version;
}

function git(...args: string[]): string | null {
  try {
    return execFileSync("git", ["-C", home(), ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}
