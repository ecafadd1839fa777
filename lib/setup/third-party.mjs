/**
 * `npm run third-party`: brings other people's kernels to .lab/third-party, by the package managers' own clients, and
 * prints what of them the CPU device compiles. Nothing of theirs is ever committed.
 */

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRoot, report, run, runMain, SetupError, stateFolder } from "./project.mjs";
import { setup } from "./setup.mjs";

/** What is brought: a package, its digest, and which of its folders becomes which of ours. */
const packages = [
  {
    name: "nvidia-cuda-samples",
    version: "11.8~dfsg-2",
    sha256: "fad5e89ead99dfbd55124180eb56db8e2cea35cedff8e5295e9a23baf73d4134",
    download: fromDebian,
    unpack: (file, to) => run("dpkg-deb", ["-x", file, to]),
    inner: "usr/share/doc/nvidia-cuda-toolkit/examples",
    folder: "nvidia",
  },
  {
    name: "exllamav2",
    version: "0.3.2",
    sha256: "7cd61ae4bf1d8d12034595ab9731f0f43bac415d6394fbb273d4383293d6079e",
    download: (one, to) => fromPip(one, to, []),
    unpack: (file, to) => run("python3", ["-m", "zipfile", "-e", file, to]),
    inner: "exllamav2",
    folder: "exllamav2",
  },
  {
    name: "llama-cpp-python",
    version: "0.3.36",
    sha256: "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
    download: (one, to) => fromPip(one, to, ["--no-binary", ":all:"]),
    unpack: (file, to) => run("tar", ["xzf", file, "-C", to]),
    inner: "llama_cpp_python-0.3.36/vendor/llama.cpp/ggml",
    folder: "ggml",
  },
];

function fromPip({ name, version }, to, options) {
  return run("python3", ["-m", "pip", "download", "--no-deps", ...options, "-d", to, `${name}==${version}`]);
}

/** Debian keeps NVIDIA's samples in its contrib section, which few machines list: asked for with a list of our own. */
async function fromDebian({ name, version }, to) {
  const { output } = await run("apt-get", ["indextargets", "--format", "$(SITE) $(COMPONENT)"]);
  const site = /^(\S+\/debian\/?) main$/m.exec(output)?.[1];
  if (!site) return { code: 1, output: "this machine has no list of Debian's packages" };
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const signed = existsSync(keys) ? `[signed-by=${keys}] ` : "";
  mkdirSync(join(to, "lists", "partial"), { recursive: true });
  mkdirSync(join(to, "cache", "archives", "partial"), { recursive: true });
  writeFileSync(join(to, "sources.list"), `deb ${signed}${site} bookworm contrib\n`);
  const options = [
    `Dir::Etc::sourcelist=${join(to, "sources.list")}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State::lists=${join(to, "lists")}`,
    `Dir::Cache=${join(to, "cache")}`,
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  const updated = await run("apt-get", [...options, "update"], { cwd: to });
  if (updated.code !== 0) return updated;
  return run("apt-get", [...options, "download", `${name}=${version}`], { cwd: to });
}

/** Why a download failed: a line that names the network tells more than the last one, which only says "not found". */
function reasonIn(output) {
  const lines = output.trim().split("\n");
  const network = lines.find((line) =>
    /cannot connect|could not connect|could not resolve|failed to fetch|retrying|proxy|timed out|refused/i.test(
      line,
    ),
  );
  return [network, lines.at(-1)].filter((line, i) => line && (i > 0 || line !== lines.at(-1))).join(" ... ");
}

/** Brings a package unless it is here; answers whether it is now. */
async function bring(one) {
  const target = join(stateFolder, "third-party", one.folder);
  if (existsSync(target)) {
    report("ok", one.folder, "already here");
    return true;
  }
  const work = mkdtempSync(join(tmpdir(), "lab-fetch-"));
  try {
    const { code, output } = await one.download(one, work);
    if (code !== 0) {
      report("fail", one.folder, `${one.name} ${one.version} was not brought: ${reasonIn(output)}`);
      return false;
    }
    const file = readdirSync(work).find((name) => /\.(?:deb|whl|tar\.gz)$/.test(name));
    const digest = createHash("sha256")
      .update(readFileSync(join(work, file)))
      .digest("hex");
    if (digest !== one.sha256) {
      throw new SetupError(
        `${file} is not the file this project knows: its SHA-256 is ${digest}.`,
        `Expected ${one.sha256}.`,
      );
    }
    const open = join(work, "open");
    mkdirSync(open);
    const unpacked = await one.unpack(join(work, file), open);
    if (unpacked.code !== 0) throw new SetupError(`Cannot unpack ${file}: ${unpacked.output.trim()}`);
    mkdirSync(join(target, ".."), { recursive: true });
    cpSync(join(open, one.inner), `${target}.part`, { recursive: true });
    renameSync(`${target}.part`, target);
    report("ok", one.folder, `${one.name} ${one.version}`);
    return true;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

await runMain(async () => {
  await setup();
  const missing = [];
  for (const one of packages) if (!(await bring(one))) missing.push(one.folder);
  if (!existsSync(join(stateFolder, "third-party", "sgemm"))) {
    report(
      "skip",
      "sgemm",
      "in no registry: put the .cuh files of siboehm/SGEMM_CUDA, src/kernels, into .lab/third-party/sgemm",
    );
  }
  const tests = await run(process.execPath, [
    inRoot("node_modules", "typescript", "bin", "tsc"),
    "-p",
    "test",
  ]);
  if (tests.code !== 0) throw new SetupError(`The survey does not compile:\n${tests.output.trim()}`);
  const survey = inRoot("test", ".build", "third-party", "survey.js");
  const { code } = await run(process.execPath, [survey, ...process.argv.slice(2)], { live: true });
  process.exitCode = code;
  if (missing.length > 0) {
    throw new SetupError(
      `Not brought: ${missing.join(", ")}; the rest is surveyed above.`,
      "Is there a network, or a proxy that npm, pip and apt-get know of? Then run npm run third-party again.",
    );
  }
});
