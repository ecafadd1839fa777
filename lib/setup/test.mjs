/**
 * `npm test`: set-up, style, types, then every test; the last line counts them.
 *
 * `npm test -- softmax backend` runs only the test files whose path holds one of the words.
 */

import { existsSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { Writable } from "node:stream";
import { run as runTests } from "node:test";
import { spec } from "node:test/reporters";
import { registerKernel } from "./notebooks.mjs";
import { filesBelow, inRoot, report, run, runMain, since, stateFolder } from "./project.mjs";
import { ensureEnvironment, environment } from "./python.mjs";
import { setup } from "./setup.mjs";

/** Test files at once: the machine this is tuned for has two cores. */
const CONCURRENCY = 2;

const counts = { passed: 0, failed: 0, skipped: 0 };

/** A check that is no test file of its own, such as the linter. */
async function check(name, command, args) {
  const start = performance.now();
  const { code, output } = await run(command, args);
  if (code === 0) {
    counts.passed += 1;
    report("ok", name, since(start));
  } else {
    counts.failed += 1;
    report("fail", name, `\n${output.trim()}`);
  }
}

/** The linter, unless only some tests are run, and the tests' own types. */
async function checks(style) {
  if (style) {
    const biome = inRoot("node_modules", "@biomejs", "biome", "bin", "biome");
    await check("Style", process.execPath, [biome, "check", "."]);
  }
  const compiler = inRoot("node_modules", "typescript", "bin", "tsc");
  await check("Test types", process.execPath, [compiler, "-p", inRoot("test"), "--pretty", "false"]);
}

async function pythonParts() {
  try {
    await ensureEnvironment(["jupyter", "nvrtc"]);
    registerKernel();
  } catch (error) {
    // Tests that need it skip and name this reason; the others run.
    report("skip", "Python", error.message);
  }
}

/** Built test files that match the filter, the slow folders first so that the run ends evenly. */
function testFiles(words) {
  const slowFirst = ["notebooks", "browser", "native", "kernels"];
  const rank = (file) => {
    const at = slowFirst.indexOf(file.split("/")[0]);
    return at < 0 ? slowFirst.length : at;
  };
  return filesBelow(inRoot("test"), [".test.ts"])
    .map((file) => relative(inRoot("test"), file))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .map((file) => inRoot("test", ".build", file.replace(/\.ts$/, ".js")))
    .filter((file) => existsSync(file));
}

function count(data, passed) {
  if (data.details.type === "suite") return;
  if (data.skip !== undefined && data.skip !== false) counts.skipped += 1;
  else if (data.todo !== undefined && data.todo !== false) counts.skipped += 1;
  else if (passed) counts.passed += 1;
  else counts.failed += 1;
}

async function runFiles(files) {
  // Where the tests' compiler finds NVRTC, and tests find Jupyter.
  process.env.VIRTUAL_ENV ??= environment;
  process.env.PATH = [join(environment, "bin"), process.env.PATH].join(delimiter);
  process.env.KERNEL_LAB_TEST_STATE = join(stateFolder, "test");
  const stream = runTests({ files, concurrency: CONCURRENCY, timeout: 600_000 });
  stream.on("test:pass", (data) => count(data, true));
  stream.on("test:fail", (data) => count(data, false));
  const toTerminal = new Writable({
    write(chunk, _encoding, done) {
      process.stdout.write(chunk, done);
    },
  });
  await new Promise((resolve, reject) => {
    stream.compose(new spec()).pipe(toTerminal).on("finish", resolve).on("error", reject);
  });
}

await runMain(async () => {
  const start = performance.now();
  const words = process.argv.slice(2);
  await setup();
  await Promise.all([pythonParts(), checks(words.length === 0)]);
  const files = testFiles(words);
  if (files.length === 0) throw new Error(`no test file's path holds ${words.join(" or ")}`);
  await runFiles(files);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  process.exitCode = counts.failed > 0 ? 1 : 0;
  // The event loop must be empty before the last line, so that nothing is printed after it.
  process.on("exit", () => {
    console.log(`in ${since(start)}`);
    console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  });
});
