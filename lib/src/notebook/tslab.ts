/**
 * tslab's parts, loaded over a TypeScript that keeps no books.
 *
 * tslab watches its cells with TypeScript's incremental builder. That one resolves every import of every loaded file
 * again with each program, twice a cell, to know which files a change would reach; a cell asks only what it depends on
 * itself. Answering just that takes a quarter off the conversion of a cell.
 */

import type * as TypeScript from "@tslab/typescript-for-tslab";
import type * as Converter from "tslab/dist/converter";
import type * as Executor from "tslab/dist/executor";
import type * as Inspect from "tslab/dist/inspect";
import type * as Jupyter from "tslab/dist/jupyter";
import { fromTslab, pathFromTslab } from "./tslabModules";

const TYPESCRIPT = "@tslab/typescript-for-tslab";

/** What a file's imports resolved to, as TypeScript notes it on the file; the map is internal to TypeScript. */
interface Importing {
  readonly resolvedModules?: {
    forEach(
      visit: (found: { readonly resolvedModule?: TypeScript.ResolvedModule } | undefined) => void,
    ): void;
  };
}

/** The files that `file` imports, directly or through others, and itself. */
function dependenciesOf(program: TypeScript.Program, file: TypeScript.SourceFile): string[] {
  const seen = new Set<string>();
  const waiting: (TypeScript.SourceFile | undefined)[] = [file];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next.fileName)) continue;
    seen.add(next.fileName);
    (next as Importing).resolvedModules?.forEach((found) => {
      const imported = found?.resolvedModule && program.getSourceFile(found.resolvedModule.resolvedFileName);
      if (imported) waiting.push(imported);
    });
  }
  return [...seen];
}

/** `typescript` as it is, but for the builder that its watching hosts use. */
function withoutBooks(typescript: typeof TypeScript): typeof TypeScript {
  const createProgram = (...args: Parameters<typeof typescript.createAbstractBuilder>) => {
    const builder = typescript.createAbstractBuilder(...args);
    const program = builder.getProgram();
    // The checker binds the files as it comes up, and tslab reads a cell's names off its bound file.
    program.getTypeChecker();
    return Object.assign(builder, {
      getAllDependencies: (file: TypeScript.SourceFile) => dependenciesOf(program, file),
    });
  };
  const createHost = (
    files: string[],
    options: TypeScript.CompilerOptions,
    system: TypeScript.System,
    _builder: unknown,
    ...reporters: [TypeScript.DiagnosticReporter?, TypeScript.WatchStatusReporter?]
  ) =>
    typescript.createWatchCompilerHost(
      files,
      options,
      system,
      createProgram as TypeScript.CreateProgram<TypeScript.BuilderProgram>,
      ...reporters,
    );
  // Its exports are getters that cannot be redefined, so that a copy of them stands in.
  const members = Object.getOwnPropertyDescriptors(typescript) as PropertyDescriptorMap;
  members.createWatchCompilerHost = { value: createHost, enumerable: true };
  return Object.create(null, members) as typeof TypeScript;
}

const typescript = fromTslab(TYPESCRIPT);
const loaded = require.cache[pathFromTslab(TYPESCRIPT)];
if (loaded) {
  loaded.exports = withoutBooks(typescript);
}

// Only now: they take TypeScript's exports over as they load.
const converter = require("tslab/dist/converter") as typeof Converter;
const executor = require("tslab/dist/executor") as typeof Executor;
const inspect = require("tslab/dist/inspect") as typeof Inspect;

/** tslab's own kernel module, of which only the display hook is used. */
export const tslabJupyter = require("tslab/dist/jupyter") as typeof Jupyter;
/** Makes the converter of cells, TypeScript to JavaScript with all earlier declarations in sight. */
export const createConverter = converter.createConverter;
/** Tells whether a cell could end here. */
export const isCompleteCode = converter.isCompleteCode;
/** Makes what runs converted cells. */
export const createExecutor = executor.createExecutor;
/** Writes what hovering shows. */
export const printQuickInfo = inspect.printQuickInfo;
