import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { barLine, progressBar, remaining } from "kernel-lab/dist/cli/progress";

test("barLine() shows the share, the count, the time left and what runs, within the terminal", () => {
  const line = barLine("softmax/04_online 65536x4096", 3, 12, 30, 80);
  assert.match(line, /^█{6}░{18} 3\/12 1 min 30 s left {2}softmax\/04_online/);
  assert.equal(barLine("a long name ".repeat(20), 3, 12, 30, 80).length, 79);
  assert.doesNotMatch(barLine("x", 0, 12, 30, 80), /left/, "no pace is known yet");
  assert.match(barLine("x", 0, 0, 0, 80), /^░{24} 0\/0/);
});

test("remaining() is in units a person waits in", () => {
  assert.deepEqual([0.4, 41.7, 59.7, 200, 7500].map(remaining), [
    "under 1 s",
    "42 s",
    "1 min 0 s",
    "3 min 20 s",
    "2 h 5 min",
  ]);
});

/** A stream that says whether it is a terminal. */
function stream(isTTY: boolean, columns = 100) {
  let text = "";
  const made = Object.assign(new PassThrough(), { isTTY, columns });
  made.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { stream: made as unknown as NodeJS.WriteStream, text: () => text };
}

test("progressBar() draws on a terminal and says nothing to a pipe", async () => {
  for (const isTTY of [true, false]) {
    const { stream: out, text } = stream(isTTY);
    const bar = progressBar(out);
    bar.update("first", 0, 2);
    bar.update("second", 1, 2);
    bar.end();
    await new Promise((resolve) => setImmediate(resolve));
    if (isTTY) assert.match(text(), /0\/2 {2}first/);
    else assert.equal(text(), "");
  }
});

test("progressBar() draws whole on a terminal that says it is 0 wide", async () => {
  const { stream: out, text } = stream(true, 0);
  const bar = progressBar(out);
  bar.update("first", 1, 2);
  bar.end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(text(), /█{12}░{12} 1\/2 .*left {2}first/);
});

test("progressBar() tells a pipe a line now and again once it has taken long", async () => {
  const { stream: out, text } = stream(false);
  let now = 100;
  const bar = progressBar(out, () => now);
  for (const [at, done] of [
    [125, 1],
    [131, 2],
    [138, 3],
    [150, 4],
  ] as const) {
    now = at;
    bar.update(`case ${done}`, done, 8);
  }
  bar.end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(text(), "2/8 1 min 33 s left  case 2\n4/8 50 s left  case 4\n");
});
