/**
 * Builds the native addon with the C++ compiler at hand: `node native/build.mjs`, or `buildAddon()` from a program.
 *
 * Incremental: an object is rebuilt when its source, a header it includes, the flags or the compiler change.
 * Everything is written under a temporary name and renamed, so builds running at once never see half a file.
 */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compilerNames } from "./compilers.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const folders = ["core", "cuda", "simt", "simt/lens"];
const jobs = 2;
const require = createRequire(join(root, "..", "lib", "package.json"));
const run = promisify(execFile);

/** Where the addon is built to. */
export const addonPath = join(root, "build", "kernel_lab.node");

/**
 * Builds the addon where it is out of date and answers its path and whether anything was compiled.
 *
 * `log` receives one line a step. Throws an Error naming the compiler's message when a source does not compile.
 */
export async function buildAddon({ log = () => {} } = {}) {
  const compiler = findCompiler();
  const flags = compileFlags();
  const objects = join(root, "build", "obj");
  mkdirSync(objects, { recursive: true });
  const pending = sources().map((source) => ({ source, object: objectPath(objects, source) }));
  const outputs = pending.map(({ object }) => object);
  let compiled = 0;
  const worker = async () => {
    for (let task = pending.shift(); task; task = pending.shift()) {
      if (await compileOne(compiler, flags, task.source, task.object, log)) compiled++;
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const linked = compiled > 0 || !isCurrent(addonPath, outputs, compiler.id);
  if (linked) await link(compiler, outputs, log);
  return { path: addonPath, compiled, linked };
}

function sources() {
  const inFolder = (folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .filter((name) => [".cc", ".S"].includes(extname(name)))
          .sort()
          .map((name) => join(root, folder, name))
      : [];
  return [join(root, "addon.cc"), ...folders.flatMap(inFolder)];
}

function objectPath(objects, source) {
  return join(objects, `${relative(root, source).replaceAll("/", "_")}.o`);
}

function findCompiler() {
  for (const command of [process.env.CXX, ...compilerNames].filter(Boolean)) {
    try {
      const version = execFileSync(command, ["--version"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      return { command, id: `${command} ${version.split("\n")[0]}` };
    } catch {
      // Not this one; the next candidate may be there.
    }
  }
  throw new Error(
    "Building the native addon: found no C++ compiler. Install g++ 11 or newer (Debian, Ubuntu: apt-get install g++), or set CXX.",
  );
}

function compileFlags() {
  const napi = require("node-addon-api").include_dir;
  const headers = require("node-api-headers").include_dir;
  const absolute = (folder) => (folder.startsWith("/") ? folder : join(process.cwd(), folder));
  return [
    ...["-std=c++17", "-O3", "-g1", "-fPIC", "-pthread", "-fvisibility=hidden", "-fno-exceptions"],
    // Random fills promise the same bits on every host, so no product and sum may fuse.
    "-ffp-contract=off",
    ...["-Wall", "-Wextra", "-DNAPI_DISABLE_CPP_EXCEPTIONS", "-DNAPI_VERSION=8", "-I", root],
    ...["-isystem", absolute(napi.replaceAll('"', "")), "-isystem", headers],
  ];
}

/** Hash of everything an output depends on; null while a dependency is missing. */
function fingerprint(files, salt) {
  const hash = createHash("sha256").update(salt);
  for (const file of files) {
    if (!existsSync(file)) return null;
    hash.update(`\0${file}\0`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

function isCurrent(output, files, salt) {
  if (!existsSync(output) || !existsSync(`${output}.key`)) return false;
  return readFileSync(`${output}.key`, "utf8") === fingerprint(files, salt);
}

/** The headers a compile read, from the make rule the compiler wrote. */
function dependencies(rule) {
  return readFileSync(rule, "utf8")
    .replaceAll("\\\n", " ")
    .split(": ")
    .slice(1)
    .join(": ")
    .trim()
    .split(/\s+/);
}

async function compileOne(compiler, flags, source, object, log) {
  const salt = JSON.stringify([compiler.id, flags]);
  const rule = `${object}.d`;
  if (existsSync(rule) && isCurrent(object, dependencies(rule), salt)) return false;
  log(`compiling ${relative(root, source)}`);
  const temporary = `${object}.${process.pid}.tmp`;
  await compile(compiler.command, [...flags, "-MMD", "-MF", `${temporary}.d`, "-c", source, "-o", temporary]);
  const key = fingerprint(dependencies(`${temporary}.d`), salt);
  renameSync(`${temporary}.d`, rule);
  renameSync(temporary, object);
  writeFileSync(`${object}.key`, key ?? "");
  return true;
}

async function link(compiler, outputs, log) {
  log(`linking ${basename(addonPath)}`);
  const temporary = `${addonPath}.${process.pid}.tmp`;
  // Carrying the C++ runtime along lets one binary load on hosts with an older one.
  const runtime = ["-static-libstdc++", "-static-libgcc"];
  await compile(compiler.command, ["-shared", "-pthread", ...runtime, "-o", temporary, ...outputs, "-ldl"]);
  renameSync(temporary, addonPath);
  writeFileSync(`${addonPath}.key`, fingerprint(outputs, compiler.id) ?? "");
}

async function compile(command, args) {
  try {
    const { stderr } = await run(command, args, { maxBuffer: 1 << 26 });
    if (stderr) process.stderr.write(stderr);
  } catch (error) {
    const output = args[args.indexOf("-o") + 1];
    rmSync(output, { force: true });
    rmSync(`${output}.d`, { force: true });
    throw new Error(`Building the native addon: ${command} failed.\n${error.stderr || error.message}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { path, compiled } = await buildAddon({ log: (line) => console.log(line) });
  console.log(
    compiled ? `built ${relative(process.cwd(), path)}` : `${relative(process.cwd(), path)} is up to date`,
  );
}
