import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamGatherer } from "kernel-lab/dist/notebook/stream";

function gather(): { seen: [string, string][]; gatherer: StreamGatherer } {
  const seen: [string, string][] = [];
  return { seen, gatherer: new StreamGatherer((name, text) => seen.push([name, text])) };
}

test("StreamGatherer joins the writes of a turn", async () => {
  const { seen, gatherer } = gather();
  gatherer.flush();
  for (let i = 0; i < 100; i++) gatherer.write("stdout", `${i},`);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(seen.length <= 3, `${seen.length} messages`);
  assert.equal(
    seen.map(([, text]) => text).join(""),
    Array.from({ length: 100 }, (_, i) => `${i},`).join(""),
  );
});

test("StreamGatherer keeps the order of two streams", () => {
  const { seen, gatherer } = gather();
  gatherer.write("stdout", "a");
  gatherer.write("stderr", "b");
  gatherer.write("stdout", "c");
  gatherer.flush();
  assert.deepEqual(seen, [
    ["stdout", "a"],
    ["stderr", "b"],
    ["stdout", "c"],
  ]);
});

test("StreamGatherer shows the progress of a loop that never yields", () => {
  const { seen, gatherer } = gather();
  const end = performance.now() + 200;
  while (performance.now() < end) gatherer.write("stdout", ".");
  assert.ok(seen.length >= 4, `${seen.length} messages in 200 ms`);
});

test("StreamGatherer does not hold large text back", () => {
  const { seen, gatherer } = gather();
  gatherer.flush();
  gatherer.write("stdout", "x".repeat(70_000));
  assert.equal(seen.length, 1);
});
