import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import * as ts from "typescript";
import { projectFiles, root, textOf } from "./source";

/** Exports of index.ts with the declarations behind them. */
function publicExports(): { name: string; declarations: readonly ts.Declaration[] }[] {
  const index = join(root, "lib", "src", "index.ts");
  const config = ts.readConfigFile(join(root, "lib", "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, join(root, "lib"));
  const program = ts.createProgram([index], {
    ...options,
    incremental: false,
    tsBuildInfoFile: undefined,
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(index);
  const module = file && checker.getSymbolAtLocation(file);
  assert.ok(module, "index.ts is not a module");
  const list = (of: ts.Symbol, prefix: string): { name: string; declarations: readonly ts.Declaration[] }[] =>
    checker.getExportsOfModule(of).flatMap((symbol) => {
      const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const name = `${prefix}${symbol.name}`;
      // `export * as matmul`: its members are what a notebook sees.
      return real.flags & ts.SymbolFlags.ValueModule
        ? list(real, `${name}.`)
        : [{ name, declarations: real.declarations ?? [] }];
    });
  return list(module, "");
}

function hasDoc(declaration: ts.Declaration): boolean {
  // A variable's comment stands before its statement.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const text = node.getSourceFile().getFullText();
  return (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []).some((range) =>
    text.slice(range.pos, range.end).startsWith("/**"),
  );
}

test("every export of index.ts has a doc comment", () => {
  const exports = publicExports();
  assert.ok(exports.length > 10);
  const bare = exports.filter(({ declarations }) => declarations.length > 0 && !declarations.some(hasDoc));
  assert.deepEqual(
    bare.map(({ name }) => name),
    [],
  );
});

test("links of the documents lead somewhere", () => {
  const documents = projectFiles().filter((file) => file.endsWith(".md"));
  assert.ok(documents.includes("README.md"));
  const broken = documents.flatMap((document) =>
    [...textOf(document).matchAll(/\]\(([^)#\s]+)[^)]*\)|<img src="([^"]+)"/g)]
      .map((match) => match[1] ?? match[2] ?? "")
      .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(document), link)))
      .map((link) => `${document}: ${link}`),
  );
  assert.deepEqual(broken, []);
});

test("CONTRIBUTING.md names every folder of lib/src", () => {
  const text = textOf("CONTRIBUTING.md");
  const folders = new Set(
    projectFiles()
      .map((file) => /^lib\/src\/(\w+)\//.exec(file)?.[1])
      .filter((folder): folder is string => folder !== undefined),
  );
  const missing = [...folders].filter((folder) => !text.includes(`\`${folder}\``));
  assert.deepEqual(missing, []);
});
