import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { architectures, instances } from "./instances";

const folder = lab.kernelPath(".");

/** NVRTC is not part of every machine: without it these tests say so and step aside. */
async function whyNoCompiler(): Promise<string | false> {
  try {
    await lab.compileCuda('extern "C" __global__ void probe() {}');
    return false;
  } catch (error) {
    if (lab.LabError.is(error, "no-compiler")) return error.message;
    throw error;
  }
}

test("every rung of a topic is compiled below", () => {
  const files = ["softmax", "matmul", "attention", "moe", "patterns"].flatMap((topic) =>
    readdirSync(join(folder, topic))
      .filter((file) => file.endsWith(".cu"))
      .map((file) => `${topic}/${file}`),
  );
  assert.deepEqual(files.sort(), [...instances().keys()].sort());
});

for (const [file, names] of instances()) {
  const archs = architectures(file);
  test(`${file} compiles for ${archs.join(", ")}`, async (t) => {
    const missing = await whyNoCompiler();
    if (missing) return t.skip(missing);
    const source = readFileSync(join(folder, file), "utf8");
    for (const arch of archs) {
      const compiled = await lab.compileCuda(source, {
        arch,
        names,
        fileName: file,
        includes: [dirname(join(folder, file))],
      });
      for (const name of names) assert.ok(compiled.kernels[name], `${name} for ${arch}`);
      assert.doesNotMatch(compiled.log, /warning(?!.*C7519)/i, `${file} for ${arch}: ${compiled.log}`);
    }
  });
}
