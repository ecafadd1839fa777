import { readFileSync } from "node:fs";
import { basename } from "node:path";

/**
 * Compiled CommonJS modules as one script for a page: each in a function, with a `require` among them.
 *
 * The viewer is a dozen small modules that import only each other, by names that differ, so that no bundler is needed.
 *
 * @returns an expression whose value is what the first module exports
 */
export function inlineModules(files: readonly string[]): string {
  const modules = files.map((file) => {
    const text = readFileSync(file, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
    return `${JSON.stringify(basename(file, ".js"))}: (require, exports) => {\n${text}}`;
  });
  const program = `(() => {
const modules = {${modules.join(",\n")}};
const loaded = {};
const require = (path) => {
  const name = path.split("/").pop();
  if (!loaded[name]) modules[name](require, (loaded[name] = {}));
  return loaded[name];
};
return require(${JSON.stringify(basename(files[0] ?? "", ".js"))});
})()`;
  // Inside a script element a string or comment with "</script" would end it.
  return program.replace(/<\/script/gi, "<\\/script");
}
