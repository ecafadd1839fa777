/**
 * Writes `{ tokens }` out as `{ tokens: tokens }` before a cell is converted.
 *
 * tslab turns a variable of an earlier cell into a property of its exports, but overlooks shorthand properties, which
 * then fail with "tokens is not defined". The longer spelling means the same everywhere, in patterns too.
 */

import type * as TypeScript from "@tslab/typescript-for-tslab";
import { fromTslab } from "./tslabModules";

/** A cell written out, and the way back for the compiler's positions (line and column from 1). */
export interface WrittenOut {
  readonly code: string;
  original(line: number, column: number): { readonly line: number; readonly column: number };
}

interface Insertion {
  readonly line: number;
  /** Column, from 1, in the written-out line at which the inserted text begins. */
  readonly column: number;
  readonly length: number;
}

/** Writes shorthand properties out; lines stay where they are. */
export function writeOutShorthand(code: string): WrittenOut {
  const ts = fromTslab("@tslab/typescript-for-tslab");
  const source = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.ES2022, false);
  const names: TypeScript.Identifier[] = [];
  const visit = (node: TypeScript.Node): void => {
    if (ts.isShorthandPropertyAssignment(node)) {
      names.push(node.name);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);

  const insertions: Insertion[] = [];
  let written = "";
  let copied = 0;
  for (const name of names) {
    const text = `: ${name.text}`;
    const { line, character } = source.getLineAndCharacterOfPosition(name.end);
    const before = insertions.filter((earlier) => earlier.line === line + 1);
    const shift = before.reduce((sum, { length }) => sum + length, 0);
    insertions.push({ line: line + 1, column: character + 1 + shift, length: text.length });
    written += code.slice(copied, name.end) + text;
    copied = name.end;
  }
  return {
    code: written + code.slice(copied),
    original: (line, column) => ({
      line,
      column: insertions
        .filter((insertion) => insertion.line === line && insertion.column < column)
        .reduceRight((at, insertion) => Math.max(insertion.column, at - insertion.length), column),
    }),
  };
}
