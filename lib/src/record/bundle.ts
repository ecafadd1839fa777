import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { strFromU8, strToU8, type Unzipped, unzipSync, type Zippable, zipSync } from "fflate";
import { LabError } from "../core/error";
import type { RunDocument } from "./schema";
import { byDate, readRunText, runText, type SkippedFile } from "./store";
import { readTrace, type StoredTrace, traceEnding, tracesBeside } from "./traceFile";

/** Marks a bundle; stands in its `bundle.json`. */
const bundleKind = "kernel-lab-bundle";
const bundleVersion = 1;

/** More than this unpacked is no bundle of results but an attack on memory. */
const mostBytes = 2e9;

/** A run to pack: its file as it lies on the disk, or where it has none, such as a run cut down to some records, itself. */
export interface PackedRun {
  readonly run: RunDocument;
  readonly path: string | null;
}

/** What a bundle is packed from. */
export interface BundleFiles {
  readonly results: readonly PackedRun[];
  readonly baselines: readonly PackedRun[];
  /** ISO time of packing; default now. */
  readonly date?: string;
}

/** What came out of a bundle; files that cannot be used are named, as `loadRuns` does. */
export interface Bundle {
  readonly runs: RunDocument[];
  readonly baselines: RunDocument[];
  readonly traces: StoredTrace[];
  readonly skipped: SkippedFile[];
}

/**
 * Packs result files, byte for byte, with the traces that lie beside them, into one ZIP file: all that a report is drawn
 * from, on any machine.
 *
 * @throws LabError "no-records" when there is nothing to pack
 * @example writeFileSync("run.zip", lab.packBundle({ results: [{ run: lab.readRun(path), path }], baselines: [] }))
 */
export function packBundle({ results, baselines, date = new Date().toISOString() }: BundleFiles): Uint8Array {
  if (results.length + baselines.length === 0) {
    throw new LabError("no-records", "Packing a bundle: found no result file to put into it.", {
      advice: "Measure something first: lab bench, or a notebook.",
    });
  }
  const files: Zippable = {};
  for (const [kind, runs] of Object.entries({ results, baselines })) {
    for (const { run, path } of runs) {
      const folder = `${kind}/${run.suite}`;
      if (path === null) files[`${folder}/${run.id}.json`] = strToU8(runText(run));
      else
        for (const part of [path, ...tracesBeside(path)])
          files[`${folder}/${basename(part)}`] = bytesOf(part);
    }
  }
  const head = { kind: bundleKind, version: bundleVersion, date, files: Object.keys(files) };
  files["bundle.json"] = strToU8(`${JSON.stringify(head, null, 1)}\n`);
  return zipSync(files, { mtime: new Date(date), level: 6 });
}

/**
 * Reads a bundle.
 *
 * @throws LabError "bad-bundle" when it is not one, is damaged, or is of a newer lab
 */
export function readBundle(path: string): Bundle {
  const files = unpack(path);
  const runs: Record<"results" | "baselines", RunDocument[]> = { results: [], baselines: [] };
  const traces: StoredTrace[] = [];
  const skipped: SkippedFile[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    const kind = /^(results|baselines)\//.exec(name)?.[1] as "results" | "baselines" | undefined;
    if (!kind) continue;
    try {
      if (name.endsWith(traceEnding)) traces.push(readTrace(bytes, `${path}: ${name}`));
      else runs[kind].push(readRunText(strFromU8(bytes), `${path}: ${name}`));
    } catch (error) {
      if (!LabError.is(error)) throw error;
      skipped.push({ path: name, error });
    }
  }
  for (const list of Object.values(runs)) list.sort(byDate);
  return { runs: runs.results, baselines: runs.baselines, traces, skipped };
}

function unpack(path: string): Unzipped {
  let total = 0;
  let files: Unzipped;
  try {
    files = unzipSync(new Uint8Array(readFileSync(path)), {
      filter: ({ originalSize }) => {
        total += originalSize;
        if (total > mostBytes) throw new Error(`it unpacks to more than ${mostBytes / 1e9} GB`);
        return true;
      },
    });
  } catch (cause) {
    throw bad(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const head = files["bundle.json"];
  if (!head) throw bad(path, "it has no bundle.json");
  let read: { kind?: unknown; version?: unknown };
  try {
    read = JSON.parse(strFromU8(head)) as typeof read;
  } catch (cause) {
    throw bad(path, "its bundle.json is damaged", cause);
  }
  if (read.kind !== bundleKind) throw bad(path, "its bundle.json is of something else");
  if (read.version !== bundleVersion) throw bad(path, `it is of version ${String(read.version)}`);
  return files;
}

function bad(path: string, why: string, cause?: unknown): LabError {
  return new LabError("bad-bundle", `Reading ${path}: expected a bundle of lab export, but ${why}.`, {
    advice: "Export it again: lab export results.zip; a newer lab's bundle needs that lab.",
    cause,
  });
}

function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}
