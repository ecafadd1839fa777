/** Where things are in the checkout, and the small tools every set-up program shares. Needs nothing installed. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout's root folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
/** Path below the root. */
export const inRoot = (...parts) => join(root, ...parts);
/** Machine-local state: never committed, safe to delete. */
export const stateFolder = inRoot(".lab");
/** Resolves packages as the library does. */
export const requireFromLib = createRequire(inRoot("lib", "package.json"));

/** A failure whose message already tells a person what to do: shown without a stack. */
export class SetupError extends Error {
  constructor(what, advice) {
    super(advice ? `${what}\n  ${advice.replaceAll("\n", "\n  ")}` : what);
    this.name = "SetupError";
  }
}

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

/** Prints one finished step: `ok  Addon  compiled 12 sources, 8.1 s`. */
export function report(state, name, detail) {
  const marks = {
    ok: paint(32, "ok  "),
    skip: paint(33, "skip"),
    fail: paint(31, "FAIL"),
    run: paint(36, "... "),
  };
  console.log(`${marks[state]} ${name.padEnd(14)} ${detail}`);
}

/** Seconds since `start` (of performance.now()) as text. */
export const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/** Runs a program; resolves to {code, output}. `live` shows its output as it comes, else it is kept. */
export function run(command, args, { cwd = root, env = process.env, live = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: live ? "inherit" : ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 127, output: String(error.message) }));
    child.on("close", (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), output }));
  });
}

/** Every file below a folder whose name ends in one of the suffixes, sorted. */
export function filesBelow(folder, suffixes, skip = ["node_modules", "dist", ".build", "build"]) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return skip.includes(entry.name) ? [] : filesBelow(path, suffixes, skip);
      return suffixes.some((suffix) => entry.name.endsWith(suffix)) ? [path] : [];
    })
    .sort();
}

/** SHA-256 over names and contents: tells whether anything changed, whatever the clocks say. */
export function fingerprint(files, salt = "") {
  const hash = createHash("sha256").update(salt);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/** The stamp left by the last success of a step, or null. */
export function readStamp(name) {
  const file = join(stateFolder, `${name}.stamp`);
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

/** Notes a step's success; written whole or not at all. */
export function writeStamp(name, value) {
  mkdirSync(stateFolder, { recursive: true });
  const file = join(stateFolder, `${name}.stamp`);
  writeFileSync(`${file}.${process.pid}`, value);
  renameSync(`${file}.${process.pid}`, file);
}

/** Runs a program's main function: a SetupError is told in plain words, and any failure ends with exit code 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    const plain = error instanceof SetupError || error?.name === "LabError";
    console.error(plain ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
