import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";
import { replaceFile } from "./atomicFile";
import { migrate } from "./migrations";
import { documentSchema } from "./schema";
import { digestOf, sealState } from "./seal";

/** Marks a file as a baseline: JSON without it is foreign. */
const savedKind = "kernel-lab-baseline";

/** A kernel's text as it was measured, with every header of the project it reached, by include name. */
export const keptSourceSchema = z.strictObject({
  file: z.string(),
  text: z.string(),
  headers: z.record(z.string(), z.string()),
});

const savedSchema = z.strictObject({
  kind: z.literal(savedKind),
  version: z.literal(1),
  name: z.string(),
  run: documentSchema,
  /** By the source hash of a record: what it takes to compile that side again. */
  sources: z.record(z.string(), keptSourceSchema),
  /** Of the whole file, by `digestOf`; absent from baselines of before there was one. */
  digest: z.string().optional(),
});

/** A kernel's text and headers as they were measured. */
export type KeptSource = z.infer<typeof keptSourceSchema>;
/** Measurements kept under a name to hold later ones against, with the sources they were made of. */
export type SavedBaseline = z.infer<typeof savedSchema>;

/** Where named baselines lie. */
export function savedBaselinesPath(...parts: string[]): string {
  return homePath("baselines", ...parts);
}

/** The names there are. */
export function savedBaselineNames(folder: string = savedBaselinesPath()): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

/** Where a baseline goes and whether it may replace one of its name. */
export interface SaveBaselineOptions {
  readonly replace?: boolean;
  /** Default: baselines/ of the checkout. */
  readonly folder?: string;
}

/**
 * Answers the path a baseline of that name would get; asked before minutes of measuring as well as after them.
 *
 * @throws LabError "bad-options" for a name that is none, "baseline-exists"
 */
export function freeBaselinePath(name: string, options: SaveBaselineOptions = {}): string {
  const path = fileOf(name, options.folder ?? savedBaselinesPath());
  if (existsSync(path) && !options.replace) {
    throw new LabError("baseline-exists", `Saving the baseline ${name}: there is one at ${path}.`, {
      advice: "Choose another name, or replace it with --replace.",
    });
  }
  return path;
}

/**
 * Writes a baseline to `baselines/<name>.json`, whole or not at all; one of that name is replaced only when asked to.
 *
 * @throws LabError "bad-options" for a name that is none, "baseline-exists"
 */
export function saveBaseline(
  baseline: Omit<SavedBaseline, "kind" | "version" | "digest">,
  options: SaveBaselineOptions = {},
): string {
  const path = freeBaselinePath(baseline.name, options);
  const folder = dirname(path);
  const whole = savedSchema.parse({ kind: savedKind, version: 1, ...baseline });
  mkdirSync(folder, { recursive: true });
  replaceFile(folder, basename(path), `${JSON.stringify({ ...whole, digest: digestOf(whole) }, null, 1)}\n`);
  return path;
}

/**
 * Reads a baseline by its name.
 *
 * @throws LabError "no-such-baseline", "bad-baseline", "edited-baseline" (its digest says that it was changed since)
 */
export function readBaseline(name: string, folder: string = savedBaselinesPath()): SavedBaseline {
  const path = fileOf(name, folder);
  if (!existsSync(path)) {
    const names = savedBaselineNames(folder);
    throw new LabError("no-such-baseline", `There is no baseline "${name}".`, {
      advice: names.length > 0 ? `There are ${names.join(", ")}.` : `Save one: lab baseline save ${name}`,
    });
  }
  try {
    const content = JSON.parse(readFileSync(path, "utf8")) as { run?: unknown };
    if (sealState(content) === "edited") throw edited(path);
    const run = migrate({ ...(content.run as object) } as Record<string, unknown>);
    return savedSchema.parse({ ...content, run });
  } catch (cause) {
    if (LabError.is(cause, "edited-baseline")) throw cause;
    throw new LabError("bad-baseline", `Reading ${path}: expected what lab baseline save writes.`, {
      advice: "The file is truncated or was edited: restore it from git, or save it again with --replace.",
      cause,
    });
  }
}

function edited(path: string): LabError {
  return new LabError("edited-baseline", `Reading ${path}: its content is not what its writer sealed.`, {
    advice: "Someone changed it: restore it from git, or save it again with --replace.",
  });
}

function fileOf(name: string, folder: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new LabError("bad-options", `Naming a baseline: received "${name}".`, {
      advice: "Use letters, digits, dots, dashes and underscores: main, release-0.3.",
    });
  }
  return join(folder, `${name}.json`);
}
