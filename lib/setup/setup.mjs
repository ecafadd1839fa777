/** The set-up that every command runs first: packages, TypeScript, addon. Under a second when nothing has changed. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compilerNames } from "../../native/compilers.mjs";
import {
  filesBelow,
  fingerprint,
  inRoot,
  readStamp,
  report,
  requireFromLib,
  root,
  run,
  runMain,
  SetupError,
  since,
  writeStamp,
} from "./project.mjs";

const NODE_WANTED = [20, 19];
const COMPILER_WANTED = { gcc: 11, clang: 14 };
const COMPILER_ADVICE = [
  "Install one and start again:",
  "  Debian, Ubuntu:  apt-get install g++",
  "  Fedora:          dnf install gcc-c++",
  "  Arch:            pacman -S gcc",
  "or set CXX to the compiler's path.",
].join("\n");

/** Throws unless this Node is new enough: packages that are ES modules are loaded by require(), which 20.19 brought. */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split(".").map(Number);
  if (major < NODE_WANTED[0] || (major === NODE_WANTED[0] && minor < NODE_WANTED[1])) {
    throw new SetupError(
      `Kernel Lab needs Node ${NODE_WANTED.join(".")} or newer; this is ${version}.`,
      "Install a newer one from https://nodejs.org or with a version manager (nvm install 20).",
    );
  }
}

/** The C++ compiler found, as {command, version}; throws with the command that installs one. */
export function checkCompiler(candidates = [process.env.CXX, ...compilerNames]) {
  const seen = [];
  for (const command of candidates.filter(Boolean)) {
    let text;
    try {
      text = execFileSync(command, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      continue;
    }
    const first = text.split("\n")[0];
    const kind = /clang/i.test(text) ? "clang" : "gcc";
    const major = Number(/(\d+)\.\d+(\.\d+)?/.exec(first)?.[1] ?? 0);
    if (major >= COMPILER_WANTED[kind]) return { command, version: first };
    seen.push(`${command} is ${kind} ${major}, which is too old`);
  }
  const found = seen.length > 0 ? ` (${seen.join("; ")})` : "";
  throw new SetupError(
    `Found no C++17 compiler: g++ >= 11 or clang++ >= 14 is needed${found}.`,
    COMPILER_ADVICE,
  );
}

/** True when every package of the lock file is installed in the version it names. */
function packagesAreInstalled() {
  const installed = inRoot("node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      !path.startsWith("node_modules/") || optional || link || present[path]?.version === version,
  );
}

async function installPackages() {
  const start = performance.now();
  if (packagesAreInstalled()) return report("ok", "Packages", "installed");
  report("run", "Packages", "npm ci");
  // No install script is wanted: zeromq's only tries its own prebuilt binary, which is checked below.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const { code, output } = npm?.endsWith(".js")
    ? await run(process.execPath, [npm, ...args])
    : await run("npm", args);
  if (code !== 0) {
    throw new SetupError(
      `Installing the packages failed: npm ${args.join(" ")}\n${output.trim()}`,
      "Mend that and start again.",
    );
  }
  report("ok", "Packages", `installed in ${since(start)}`);
}

function checkZeromq() {
  try {
    requireFromLib("zeromq");
  } catch (error) {
    throw new SetupError(
      `zeromq, through which notebooks talk to Jupyter, does not load: ${error.message}`,
      "Its prebuilt binary does not fit this machine. Build it: npm rebuild zeromq --build-from-source\n(needs cmake and ninja; Debian, Ubuntu: apt-get install cmake ninja-build)",
    );
  }
}

async function buildLibrary() {
  const start = performance.now();
  const inputs = [
    ...filesBelow(inRoot("lib", "src"), [".ts", ".json"]),
    inRoot("lib", "tsconfig.json"),
    inRoot("package-lock.json"),
  ];
  const key = fingerprint(inputs, process.versions.node);
  if (readStamp("library") === key && existsSync(inRoot("lib", "dist", "index.js"))) {
    return report("ok", "Library", "up to date");
  }
  report("run", "Library", `compiling ${inputs.length - 2} TypeScript files`);
  // node_modules/.bin/tsc would be tslab's own, older compiler.
  const compiler = inRoot("node_modules", "typescript", "bin", "tsc");
  const { code, output } = await run(process.execPath, [compiler, "-p", inRoot("lib"), "--pretty", "false"]);
  if (code !== 0) throw new SetupError(`The library does not compile:\n${output.trim()}`);
  writeStamp("library", key);
  report("ok", "Library", `compiled in ${since(start)}`);
}

async function buildNative() {
  const start = performance.now();
  const { buildAddon } = await import(pathToFileURL(inRoot("native", "build.mjs")));
  let told = false;
  const log = () => {
    if (!told) report("run", "Addon", "compiling");
    told = true;
  };
  try {
    const { compiled, linked } = await buildAddon({ log });
    report("ok", "Addon", compiled || linked ? `built in ${since(start)}` : "up to date");
  } catch (error) {
    throw new SetupError(error.message);
  }
}

/** Brings everything up to date and returns the compiler found; throws a SetupError that says what to do. */
export async function setup() {
  checkNode();
  const compiler = checkCompiler();
  report("ok", "Node", process.versions.node);
  report("ok", "Compiler", compiler.version);
  await installPackages();
  checkZeromq();
  await buildLibrary();
  await buildNative();
  return { compiler };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  void runMain(async () => {
    process.chdir(root);
    await setup();
  });
}
