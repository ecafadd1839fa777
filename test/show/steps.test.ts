import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { stepFrame, stepPage, stepText } from "kernel-lab/dist/show/steps/page";
import { globalCost, sharedCost, wavefronts } from "kernel-lab/dist/show/steps/viewer/costs";
import { cellOf, coordinates, elementAt, gridOf, wholeGrid } from "kernel-lab/dist/show/steps/viewer/layout";
import { Model, shortValue, threadName } from "kernel-lab/dist/show/steps/viewer/model";
import { State } from "kernel-lab/dist/show/steps/viewer/state";
import { totalTrace } from "./stepFixture";

const all = 0xffffffff;

test("stepPage() carries the whole trace, and asks the network for nothing", () => {
  const page = stepPage(totalTrace());
  const packed = /<script type="application\/gzip;base64" id="lab-trace">([^<]*)</.exec(page)![1];
  assert.deepEqual(JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString()), totalTrace());
  assert.doesNotMatch(page.replace("http://www.w3.org/2000/svg", ""), /https?:\/\//);
  assert.equal(page.match(/<\/script>/g)?.length, 2, "nothing inside ends a script early");
});

test("stepFrame() holds the page in an attribute of a frame that may only run scripts", () => {
  const frame = stepFrame(totalTrace(), 700);
  assert.match(frame, /<iframe [^>]*sandbox="allow-scripts"[^>]*height:700px/);
  assert.equal(frame.match(/</g)?.length, 4, "a style, a frame, and all of the page is escaped");
  assert.match(stepText(totalTrace()), /^total: 1 block/);
});

test("Model follows shared memory forwards and backwards, with the writer of every cell", () => {
  const model = new Model(totalTrace());
  const before = model.memory(2, 2);
  assert.equal(before.get(33)?.value, 33);
  assert.equal(before.get(33)?.thread, 33);
  assert.equal(model.memory(2, model.last).get(0)?.value, 2016);
  assert.equal(model.memory(2, 2).get(0)?.value, 0);
  assert.deepEqual(model.range(2, 2), [0, 63]);
});

test("Model tells running warps from waiting and ended ones", () => {
  const model = new Model(totalTrace());
  const adding = model.block.warps[0].find((step) => step[0] === 7)![1];
  assert.equal(model.at(0, adding).state, "runs");
  assert.equal(model.at(1, adding).state, "waits");
  assert.equal(model.at(1, model.last).state, "ended");
  assert.equal(model.nextBarrier(0), model.block.barriers[0]);
  assert.equal(model.previousBarrier(model.block.barriers[1]), model.block.barriers[0]);
  assert.equal(model.nextBarrier(model.last), model.last);
});

test("State keeps the tick inside the recording and tells of every change", () => {
  const state = new State(new Model(totalTrace()));
  const seen: number[] = [];
  state.onChange(() => seen.push(state.tick));
  for (const tick of [3, -5, 1e9]) state.go(tick);
  assert.deepEqual(seen, [3, 0, state.model.last]);
});

test("globalCost() counts the sectors of a coalesced, a strided and a broadcast request", () => {
  assert.match(globalCost([0, 0, 4, all, 0, 4]), /loads 128 B in 4 sectors, the fewest/);
  assert.match(globalCost([1, 0, 4, all, 0, 1024]), /stores 128 B in 32 sectors, 4 would do: 13%/);
  assert.match(globalCost([0, 0, 4, all, 64, 0]), /4 B in 1 sector, the fewest/);
  assert.match(globalCost([0, 0, 4, all, 4, 4]), /128 B in 5 sectors, 4 would do/);
});

test("wavefronts() counts passes by banks: broadcast is free, a column of 32 is the worst", () => {
  assert.deepEqual(wavefronts([0, 0, 4, all, 0, 4]), { passes: 1, ideal: 1 });
  assert.deepEqual(wavefronts([0, 0, 4, all, 0, 0]), { passes: 1, ideal: 1 });
  assert.deepEqual(wavefronts([0, 0, 4, all, 0, 128]), { passes: 32, ideal: 1 });
  assert.deepEqual(wavefronts([0, 0, 4, all, 0, 132]), { passes: 1, ideal: 1 });
  assert.deepEqual(wavefronts([0, 0, 16, all, 0, 16]), { passes: 4, ideal: 4 });
  assert.match(sharedCost([1, 0, 4, all, 0, 8]), /stores in 2 passes where 1 would do/);
});

test("cellOf() and elementAt() undo each other, in windows, folded rows and lines of banks", () => {
  const f32 = { name: "a", space: "global", dtype: "f32", elementBytes: 4 } as const;
  for (const grid of [
    gridOf({ ...f32, shape: [64, 48] }, [3, 5], [9, 30]),
    gridOf({ ...f32, shape: [4, 1000] }, [1, 0], [2, 999]),
    wholeGrid({ ...f32, space: "shared", shape: [256] }),
    wholeGrid({ ...f32, space: "shared", shape: [32, 2] }),
  ]) {
    let cells = 0;
    for (let y = 0; y < grid.height; y++) {
      for (let x = 0; x < grid.width; x++) {
        const element = elementAt(grid, x, y);
        if (element < 0) continue;
        cells++;
        assert.deepEqual(cellOf(grid, element), [x, y]);
      }
    }
    assert.equal(cells, grid.rows * grid.cols);
  }
  assert.equal(coordinates([4, 8, 2], 19), "[1, 1, 1]");
});

test("threads are named as the kernel knows them, values in few characters", () => {
  assert.equal(threadName(35, [64, 1, 1]), "35");
  assert.equal(threadName(35, [16, 16, 1]), "(3, 2)");
  assert.deepEqual([2016, 0.000012, 1.23456, 3.4e38, "NaN"].map(shortValue), [
    "2016",
    "1.2e-5",
    "1.23",
    "3.4e38",
    "NaN",
  ]);
});
