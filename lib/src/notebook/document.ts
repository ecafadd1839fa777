/** Reading a notebook file: the part of nbformat 4 that running one needs. */

import { readFileSync } from "node:fs";
import { LabError } from "../core/error";

/** Data by MIME type, as Jupyter's display messages carry it. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** What a cell put out, in nbformat's own words. */
export type CellOutput =
  | { readonly output_type: "stream"; readonly name: "stdout" | "stderr"; text: string }
  | { readonly output_type: "display_data"; data: MimeBundle; readonly metadata: MimeBundle }
  | {
      readonly output_type: "execute_result";
      readonly data: MimeBundle;
      readonly metadata: MimeBundle;
      readonly execution_count: number;
    }
  | {
      readonly output_type: "error";
      readonly ename: string;
      readonly evalue: string;
      readonly traceback: readonly string[];
    };

/** One cell; `index` counts all cells from 0. */
export interface NotebookCell {
  readonly index: number;
  readonly type: "code" | "markdown" | "raw";
  readonly source: string;
  /** True where the cell's tags say that an error is part of the lesson (`raises-exception`). */
  readonly mayFail: boolean;
  /** Outputs stored in the file; a committed notebook has none. */
  readonly storedOutputs: number;
}

/** A notebook as read from its file. */
export interface NotebookDocument {
  readonly path: string;
  readonly kernel: string | null;
  readonly cells: readonly NotebookCell[];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function joined(source: unknown): string {
  return Array.isArray(source) ? source.join("") : String(source ?? "");
}

function parseCell(value: unknown, index: number): NotebookCell {
  const cell = isRecord(value) ? value : {};
  const type = cell.cell_type;
  if (type !== "code" && type !== "markdown" && type !== "raw") {
    throw new Error(
      `cell ${index}: expected cell_type code, markdown or raw but found ${JSON.stringify(type)}`,
    );
  }
  const metadata = isRecord(cell.metadata) ? cell.metadata : {};
  const tags = Array.isArray(metadata.tags) ? metadata.tags : [];
  return {
    index,
    type,
    source: joined(cell.source),
    mayFail: tags.includes("raises-exception"),
    storedOutputs: Array.isArray(cell.outputs) ? cell.outputs.length : 0,
  };
}

/** Reads an .ipynb file of nbformat 4; throws `bad-notebook` when it is not one. */
export function readNotebook(path: string): NotebookDocument {
  try {
    const root: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isRecord(root) || root.nbformat !== 4 || !Array.isArray(root.cells)) {
      throw new Error("expected nbformat 4 with a list of cells");
    }
    const metadata = isRecord(root.metadata) ? root.metadata : {};
    const spec = isRecord(metadata.kernelspec) ? metadata.kernelspec : {};
    return {
      path,
      kernel: typeof spec.name === "string" ? spec.name : null,
      cells: root.cells.map(parseCell),
    };
  } catch (error) {
    throw new LabError("bad-notebook", `Reading notebook ${path} failed: ${(error as Error).message}`, {
      advice:
        "Expected an .ipynb file of nbformat 4; open it in JupyterLab and save it again, or restore it from git.",
      cause: error,
    });
  }
}
