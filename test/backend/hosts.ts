import { readdirSync, readFileSync } from "node:fs";

/** Process ids of the lab's own processes (device hosts, compilers) that a process started and that are alive. */
export function hostsOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [state, ppid] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return state !== "Z" && ppid === String(parent) && command.includes("backend/host.js");
      } catch {
        return false; // ended while we looked
      }
    })
    .map(Number);
}

/** True for a process that exists and is no zombie. */
export function alive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
