/**
 * `npm run bundle`: one archive that runs on a Linux x86-64 host with a driver and NVRTC, and no registry.
 *
 * Holds Node's own binary, what runs of the dependencies, the library, the addon with its sources, kernels,
 * notebooks and data. Unpack it, then `./lab doctor`, `./lab run all`, `./lab bench`.
 */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { inRoot, report, run, runMain, SetupError, since, stateFolder } from "./project.mjs";
import { setup } from "./setup.mjs";

const MOST_BYTES = 60e6;

/** Packages that only installs need, or a part of tslab (cells for the browser) that is not used. */
const LEFT_OUT = /^(cmake-ts|rollup|@rollup\/.*)$/;

/** Files of packages that nothing here reads when it runs: [package, pattern of the path inside it]. */
const PRUNED = [
  [/./, /\.(map|md|markdown|flow)$/i],
  [/./, /(^|\/)(test|tests|__tests__|\.github|docs|examples)\//],
  [/^zeromq$/, /^(src|script)\/|^vcpkg|^CMakeLists/],
  [
    /^zeromq$/,
    new RegExp(`^build/(?!manifest|linux/${process.arch}/node/(glibc-)?${process.versions.modules}(-|/))`),
  ],
  [/^@tslab\/typescript-for-tslab$/, /^lib\/(?!typescript\.js$|lib[^/]*\.d\.ts$)/],
  [/^zod$/, /^src\//],
  [/^node-addon-api$/, /^(tools|node_addon_api\.gyp)/],
];

/** Paths of the checkout that go along as they are. */
const CARRIED = [
  "lib/package.json",
  "lib/bin",
  "lib/dist",
  // Python programs are run from where they stand.
  "lib/src/baselines",
  "lib/src/bench/numba_softmax.py",
  "native",
  "kernels",
  "notebooks",
  "data",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
];

// A binary of the addon that does not load on the host is rebuilt there by the library itself.
const LAUNCHER = `#!/bin/sh
# Kernel Lab from its bundle: needs no Node, no npm and no network.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
export KERNEL_LAB_HOME="$here"
exec "$here/bin/node" "$here/lib/bin/lab.js" "$@"
`;

/** Folders of the packages the library runs with, found the way Node finds them. */
function productionPackages() {
  const found = new Map();
  const visit = (from, names) => {
    for (const name of names) {
      if (LEFT_OUT.test(name)) continue;
      const folder = resolvePackage(from, name);
      if (!folder || found.has(folder)) continue;
      const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      found.set(folder, name);
      visit(folder, Object.keys(dependencies));
    }
  };
  const own = JSON.parse(readFileSync(inRoot("lib", "package.json"), "utf8"));
  visit(inRoot("lib"), Object.keys(own.dependencies));
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

function resolvePackage(from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === dirname(folder)) return null;
  }
}

function copyPackages(target) {
  for (const [folder, name] of productionPackages()) {
    const rules = PRUNED.filter(([which]) => which.test(name)).map(([, pattern]) => pattern);
    cpSync(folder, join(target, relative(inRoot(), folder)), {
      recursive: true,
      filter: (source) => {
        const path = relative(folder, source).split(sep).join("/");
        // Packages inside this one are in the list themselves when they are wanted.
        if (/(^|\/)node_modules(\/|$)/.test(path)) return false;
        return statSync(source).isDirectory() || !rules.some((rule) => rule.test(path));
      },
    });
  }
  symlinkSync(join("..", "lib"), join(target, "node_modules", "kernel-lab"));
}

function copyProject(target) {
  const skip = /(^|\/)(obj|\.ipynb_checkpoints|__pycache__)(\/|$)|\.(map|tsbuildinfo|key)$/;
  for (const path of CARRIED.filter((path) => existsSync(inRoot(path)))) {
    cpSync(inRoot(path), join(target, path), {
      recursive: true,
      filter: (source) => !skip.test(relative(inRoot(), source).split(sep).join("/")),
    });
  }
  mkdirSync(join(target, "results"), { recursive: true });
  if (existsSync(inRoot("results", "schema.json"))) {
    copyFileSync(inRoot("results", "schema.json"), join(target, "results", "schema.json"));
  }
}

async function copyNode(target) {
  const node = join(target, "bin", "node");
  mkdirSync(dirname(node), { recursive: true });
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  const libraries = await run("ldd", [node]);
  if (/libnode\.so/.test(libraries.output)) {
    throw new SetupError(
      `${process.execPath} needs libnode.so, which another host has not got.`,
      "Bundle with a Node from https://nodejs.org, which is one file.",
    );
  }
  // Symbols are a tenth of it; where strip is missing the bundle is that much larger.
  await run("strip", [node]);
  const started = await run(node, ["--version"]);
  if (started.code !== 0) throw new SetupError(`The copied Node does not start: ${started.output}`);
}

/** Commit and its time; a fixed time where there is no git, so that the archive's bytes do not depend on the day. */
function revision() {
  try {
    const git = (args) =>
      execFileSync("git", args, {
        cwd: inRoot(),
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    return { commit: git(["rev-parse", "HEAD"]), seconds: git(["log", "-1", "--format=%ct"]) };
  } catch {
    return { commit: "unknown", seconds: "0" };
  }
}

/** Builds the archive and returns its path. `output` is a folder. */
export async function bundle(output = inRoot()) {
  const { version } = JSON.parse(readFileSync(inRoot("lib", "package.json"), "utf8"));
  const name = `kernel-lab-${version}-linux-${process.arch}`;
  const staging = join(stateFolder, "bundle");
  const target = join(staging, name);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const { commit, seconds } = revision();
  copyPackages(target);
  copyProject(target);
  await copyNode(target);
  writeFileSync(join(target, "COMMIT"), `${commit}\n`);
  writeFileSync(join(target, "lab"), LAUNCHER, { mode: 0o755 });

  const archive = join(output, `${name}.tar.gz`);
  const plain = [
    "--sort=name",
    `--mtime=@${seconds}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=u+rwX,go+rX,go-w",
  ];
  const packed = await run("tar", [
    ...plain,
    "-C",
    staging,
    "-I",
    "gzip -9 -n",
    "-cf",
    `${archive}.part`,
    name,
  ]);
  if (packed.code !== 0) throw new SetupError(`Packing failed:\n${packed.output}`);
  const { size } = statSync(`${archive}.part`);
  if (size > MOST_BYTES) {
    throw new SetupError(
      `The bundle is ${(size / 1e6).toFixed(1)} MB; at most ${MOST_BYTES / 1e6} MB were agreed.`,
    );
  }
  renameSync(`${archive}.part`, archive);
  rmSync(staging, { recursive: true, force: true });
  return { archive, size };
}

if (process.argv[1] === import.meta.filename) {
  void runMain(async () => {
    const start = performance.now();
    await setup();
    report("run", "Bundle", "packing");
    const { archive, size } = await bundle(process.argv[2]);
    report("ok", "Bundle", `${basename(archive)}, ${(size / 1e6).toFixed(1)} MB, ${since(start)}`);
  });
}
