import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { LabError } from "../core/error";
import { readBundle } from "../record/bundle";
import type { RunDocument } from "../record/schema";
import { readRunText } from "../record/store";
import type { Finding } from "./findings";

/** A file that was handed in, read or not. */
export interface SubmittedFile {
  /** Relative to what was named on the command line. */
  readonly name: string;
  readonly document: RunDocument | null;
  /** Why it could not be read. */
  readonly error: string | null;
  /** About the file as it lay there: its seal. */
  readonly findings: Finding[];
}

/** What one student handed in: a file, or a folder of files. */
export interface Submission {
  readonly student: string;
  readonly files: SubmittedFile[];
}

/**
 * Reads what was handed in: each file is one student's; of a folder, each file and each folder in it is. A student whose
 * folder holds no result is among them, with no file.
 *
 * @throws LabError "no-submission" when a path does not exist or holds no result file
 */
export function readSubmissions(paths: readonly string[]): Submission[] {
  const found = paths.flatMap((path) => {
    if (!existsSync(path)) throw missing(path, "it does not exist");
    if (!statSync(path).isDirectory()) return [submission(studentOf(path), path, [path])];
    const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    return entries.flatMap((entry) => {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) {
        return entry.name.startsWith(".") ? [] : [submission(entry.name, inner, resultFiles(inner))];
      }
      return isResult(entry.name) ? [submission(studentOf(inner), path, [inner])] : [];
    });
  });
  if (!found.some(({ files }) => files.length > 0))
    throw missing(paths.join(", "), "no result file (.json) or bundle (.zip) lies there");
  return found;
}

function submission(student: string, root: string, files: readonly string[]): Submission {
  return {
    student,
    files: files.flatMap((file) => {
      const name = relative(root, file) || basename(file);
      return file.endsWith(".zip") ? readZip(file, name) : [readFile(file, name)];
    }),
  };
}

/** The runs of a bundle that `lab export` wrote, with the baselines the student put beside them. */
function readZip(path: string, name: string): SubmittedFile[] {
  try {
    const { runs, baselines, skipped } = readBundle(path);
    const read = [...runs, ...baselines].map((document): SubmittedFile => {
      const file = `${name}: ${document.suite}/${document.id}`;
      // The bundle answers runs of every version as ones of the present: inputs are in those made by it only.
      const version = document.records.some((r) => r.inputs !== undefined) ? 2 : 1;
      return { name: file, document, error: null, findings: missingSeal(document, version, file) };
    });
    const left = skipped.map(({ path: inner, error }): SubmittedFile => {
      const file = `${name}: ${inner}`;
      return error.code === "edited-record-file"
        ? { name: file, document: null, error: null, findings: [editedSeal(file, error.what)] }
        : { name: file, document: null, error: error.what, findings: [] };
    });
    return [...read, ...left];
  } catch (error) {
    if (!LabError.is(error)) throw error;
    return [{ name, document: null, error: error.what, findings: [] }];
  }
}

function readFile(path: string, name: string): SubmittedFile {
  const nothing = { name, document: null, findings: [] };
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return { ...nothing, error: error instanceof Error ? error.message : String(error) };
  }
  try {
    const document = readRunText(text, name);
    const { schemaVersion } = JSON.parse(text) as { schemaVersion: number };
    return { name, document, error: null, findings: missingSeal(document, schemaVersion, name) };
  } catch (error) {
    if (!LabError.is(error)) throw error;
    if (error.code !== "edited-record-file") return { ...nothing, error: error.what };
    return readEdited(text, name, error.what);
  }
}

/** An edited file is looked into all the same: what was changed shows where it contradicts the rest. */
function readEdited(text: string, name: string, what: string): SubmittedFile {
  const { digest: _, ...content } = JSON.parse(text) as Record<string, unknown>;
  const finding = editedSeal(name, what);
  try {
    return { name, document: readRunText(JSON.stringify(content), name), error: null, findings: [finding] };
  } catch (error) {
    if (!LabError.is(error)) throw error;
    return { name, document: null, error: error.what, findings: [finding] };
  }
}

function editedSeal(file: string, what: string): Finding {
  return { severity: "forged", kind: "seal", file, record: null, what };
}

// The lab has sealed its runs since version 2 of the schema; the PyTorch program never does.
function missingSeal(document: RunDocument, schemaVersion: number, name: string): Finding[] {
  if (document.writer !== "kernel-lab" || schemaVersion < 2 || document.digest !== undefined) return [];
  const what = "the file has no digest; the lab writes one into every run";
  return [{ severity: "suspicious", kind: "seal", file: name, record: null, what }];
}

function resultFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && isResult(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function isResult(name: string): boolean {
  return /\.(json|zip)$/.test(name);
}

function studentOf(path: string): string {
  return basename(path).replace(/\.(json|zip)$/, "");
}

function missing(path: string, why: string): LabError {
  return new LabError("no-submission", `Grading ${path}: ${why}.`, {
    advice: "Name result files as lab bench writes them, or a folder of such files.",
  });
}
