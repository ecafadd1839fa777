/** What the rules read: the repository's own files and the imports between them. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import * as ts from "typescript";

/** The repository's root. Tests run compiled, from test/.build/rules. */
export const root = resolve(__dirname, "..", "..", "..");
const sourceRoot = join(root, "lib", "src");

/** Files git tracks or would track, relative to the root; falls back to a walk where there is no git. */
export function projectFiles(): string[] {
  try {
    const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const listed = execFileSync("git", args, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return listed.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
  } catch {
    return walk(root);
  }
}

function walk(folder: string): string[] {
  const skip = new Set(["node_modules", ".git", ".lab", "dist", "build", ".build"]);
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skip.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [relative(root, path)];
  });
}

/** Text of a file of the repository. */
export function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** A TypeScript file of the library, as TypeScript parses it. */
export function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, textOf(file), ts.ScriptTarget.ES2022, true);
}

/** Every source file of the library, relative to the root. */
export function librarySources(): string[] {
  return projectFiles().filter((file) => file.startsWith("lib/src/") && file.endsWith(".ts"));
}

/** One import: `typeOnly` imports vanish when compiled, so they cannot make a circle at run time. */
export interface Import {
  readonly from: string;
  readonly to: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return (
    !clause.name &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}

function target(from: string, specifier: string): string | null {
  const base = resolve(root, dirname(from), specifier);
  const found = [`${base}.ts`, join(base, "index.ts"), base].find(
    (path) => path.endsWith(".ts") && existsSync(path),
  );
  return found ? relative(root, found) : null;
}

function specifierOf(node: ts.Node): { text: string; typeOnly: boolean } | null {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    return { text: (node.moduleSpecifier as ts.StringLiteral).text, typeOnly: isTypeOnly(node) };
  }
  if (ts.isCallExpression(node) && node.arguments.length === 1) {
    const callee = node.expression;
    const loads =
      callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === "require");
    const argument = node.arguments[0];
    if (loads && argument && ts.isStringLiteral(argument)) return { text: argument.text, typeOnly: false };
  }
  return null;
}

/** Imports of library files by library files, `require` and `import()` included. */
export function importsOf(file: string): Import[] {
  const source = parse(file);
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    const found = specifierOf(node);
    const to = found?.text.startsWith(".") ? target(file, found.text) : null;
    if (found && to) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      imports.push({ from: file, to, line, typeOnly: found.typeOnly });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return imports;
}

/** The folder of lib/src a file belongs to; "" for index.ts. */
export function folderOf(file: string): string {
  const parts = relative(sourceRoot, join(root, file)).split("/");
  return parts.length > 1 ? (parts[0] ?? "") : "";
}
