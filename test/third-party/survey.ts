import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as lab from "kernel-lab";
import { findKernels, type KernelSite } from "kernel-lab/dist/backend/simt/kernels";
import { shadow } from "kernel-lab/dist/backend/simt/scan";
import { reachedFiles } from "kernel-lab/dist/core/reached";
import { type CutSource, cutFile } from "./cut";
import { type Family, families, folderOf } from "./sources";

/** What became of one file: the kernels built, and why not where it was refused. */
export interface Surveyed {
  readonly file: string;
  readonly kernels: readonly string[];
  /** Templates that no launch in the file instantiates with literal arguments. */
  readonly open: readonly string[];
  readonly refused?: string;
}

/** Compiles every kernel of a family's files on the CPU device; templates as the family or a launch instantiates them. */
export async function survey(device: lab.Device, family: Family, root: string): Promise<Surveyed[]> {
  const files = (readdirSync(root, { recursive: true }) as string[])
    .filter((file) => /\.cuh?$/.test(file) && !family.skip?.test(file))
    .sort();
  const seen: Surveyed[] = [];
  const asHeader = new Set(
    files.flatMap((file) =>
      reachedFiles(readFileSync(join(root, file), "utf8"), [join(root, file, "..")]).map(({ path }) => path),
    ),
  );
  for (const file of files) {
    const path = join(root, file);
    const source = readFileSync(path, "utf8");
    // What another file includes is built there.
    if (file.endsWith(".cuh") && asHeader.has(path)) continue;
    const target = mkdtempSync(join(tmpdir(), "lab-third-"));
    try {
      const cut = cutFile(
        path,
        family.folders.map((folder) => join(root, folder)),
        target,
      );
      const beside = reachedFiles(cut.text, cut.includes);
      const kernels = kernelsOf([
        cut.text,
        ...beside.filter(({ name }) => !family.shared?.test(name)).map(({ text }) => text),
      ]);
      if (kernels.length === 0) continue;
      seen.push(
        await build(device, file, source + beside.map(({ text }) => text).join("\n"), cut, kernels, family),
      );
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  }
  return seen;
}

const kernelsOf = (texts: readonly string[]): KernelSite[] =>
  texts.flatMap((text) => findKernels(text, shadow(text))).filter(({ body }) => body >= 0);

async function build(
  device: lab.Device,
  file: string,
  launches: string,
  cut: CutSource,
  kernels: readonly KernelSite[],
  family: Family,
): Promise<Surveyed> {
  const plain = new Set(kernels.filter(({ template }) => !template).map(({ name }) => name));
  const templates = new Set(kernels.filter(({ template }) => template).map(({ name }) => name));
  const names = [...plain];
  const open: string[] = [];
  for (const template of templates) {
    const instance = family.instances?.[template] ?? literalInstance(template, launches);
    if (instance) names.push(instance);
    else open.push(template);
  }
  if (names.length === 0) return { file, kernels: [], open };
  const defines = family.defines ?? {};
  try {
    await device.compileModule(cut.text, {
      fileName: basename(file),
      names,
      defines,
      includes: cut.includes,
    });
    return { file, kernels: names, open };
  } catch (error) {
    const refused = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return { file, kernels: names, open, refused };
  }
}

/** `tile<float, 128><<<` among the launches; null where the arguments are the host's own variables. */
function literalInstance(template: string, launches: string): string | null {
  const base = template.split("::").at(-1)!;
  const pattern = new RegExp(`\\b${base}\\s*<([^;{}()]*?)>\\s*(?:<<<|,\\s*\\w*params)`, "g");
  const literal =
    /^(?:[\s,]|\b(?:true|false|float|double|int|unsigned|short|char|half2?|__half2?|nv_bfloat16|u?int\d+_t|(?:u?int|float|double)[234]|\d+u?)\b)*$/;
  const found = [...launches.matchAll(pattern)]
    .map((match) => match[1]!.trim())
    .find((given) => literal.test(given));
  return found === undefined ? null : `${template}<${found}>`;
}

/** Prints what of every family that is there compiles. */
async function main(): Promise<void> {
  const device = await lab.open("cpu");
  const only = process.argv[2];
  for (const family of families) {
    const root = folderOf(family);
    if (!root || (only && family.name !== only)) continue;
    const seen = await survey(device, family, root);
    const good = seen.filter(({ refused, kernels }) => refused === undefined && kernels.length > 0);
    const kernels = good.reduce((sum, one) => sum + one.kernels.length, 0);
    for (const { file, refused, open } of seen) {
      if (refused) console.log(`  refused  ${file}: ${refused}`);
      else if (open.length > 0) console.log(`  open     ${file}: ${open.join(", ")}`);
    }
    console.log(`${family.name}: ${good.length} of ${seen.length} files compile, ${kernels} kernels`);
  }
  await device.close();
}

if (require.main === module) void main();
