import assert from "node:assert/strict";
import { test } from "node:test";
import { bankPicture, divergencePicture, requestPicture } from "kernel-lab";
import { servings } from "kernel-lab/dist/show/lanes/banks";
import { laneRows } from "kernel-lab/dist/show/lanes/divergence";
import { requestCost } from "kernel-lab/dist/show/lanes/request";
import { parseHTML } from "linkedom";
import { totalTrace } from "./stepFixture";

const lanes = (offset: (lane: number) => number | null) =>
  Array.from({ length: 32 }, (_, lane) => offset(lane));
const global = (width: number, offset: (lane: number) => number | null) => ({
  memory: "x",
  width,
  offsets: lanes(offset),
});
/** Elements of a picture by tag and, where given, fill. */
const count = (svg: string, selector: string) => parseHTML(svg).document.querySelectorAll(selector).length;

test("requestCost() counts bytes asked for once and the sectors that hold them", () => {
  assert.deepEqual(requestCost(global(4, (lane) => lane * 4)), { asked: 128, sectors: 4, ideal: 4 });
  assert.deepEqual(requestCost(global(4, (lane) => lane * 128)), { asked: 128, sectors: 32, ideal: 4 });
  assert.deepEqual(requestCost(global(4, () => 0)), { asked: 4, sectors: 1, ideal: 1 });
  assert.deepEqual(requestCost(global(4, (lane) => 2 + lane * 4)), { asked: 128, sectors: 5, ideal: 4 });
  assert.deepEqual(requestCost(global(16, (lane) => (lane < 2 ? lane * 16 : null))), {
    asked: 32,
    sectors: 1,
    ideal: 1,
  });
});

test("requestPicture() draws every lane that asks, the sectors that move, and says what they cost", () => {
  const strided = requestPicture(global(4, (lane) => lane * 32));
  assert.match(
    strided.caption,
    /128 bytes asked for; 32 sectors = 1,024 bytes moved, where 4 sectors would do/,
  );
  assert.equal(count(strided.svg, 'rect[fill="#c28a14"]'), 32);
  assert.equal(count(strided.svg, "path"), 32);
  const neighbours = requestPicture(global(4, (lane) => lane * 4));
  assert.equal(count(neighbours.svg, 'rect[fill="#c28a14"]'), 4);
  assert.match(neighbours.caption, /the fewest there can be/);
  const half = requestPicture(global(4, (lane) => (lane < 16 ? lane * 4 : null)));
  assert.equal(count(half.svg, "path"), 16);
  assert.match(half.svg, /lane 20 takes no part/);
});

test("requestPicture() draws lines far apart, and says how many it left out", () => {
  const far = requestPicture(global(16, (lane) => lane * 4096 + 120));
  assert.equal(count(far.svg, 'rect[fill="#c28a14"]'), 64, "every access straddles two sectors");
  assert.doesNotMatch(far.caption, /not drawn/);
  const wide = requestPicture({ memory: "x", width: 512, offsets: lanes((lane) => lane * 4096) });
  assert.match(wide.caption, /64 more lines are not drawn/);
});

test("servings() counts a word once however many lanes want it, an atomic once a lane", () => {
  const degree = (offset: (lane: number) => number, atomic = false) =>
    Math.max(...servings({ ...global(4, offset), atomic }).map((stack) => stack.length));
  assert.equal(
    degree(() => 0, true),
    32,
  );
  assert.equal(
    degree((lane) => 4 * (lane % 4), true),
    8,
  );
  assert.equal(
    degree((lane) => lane * 4),
    1,
  );
  assert.equal(
    degree(() => 0),
    1,
  );
  assert.equal(
    degree((lane) => lane * 8),
    2,
  );
  assert.equal(
    degree((lane) => lane * 128),
    32,
  );
  assert.equal(
    degree((lane) => lane * 132),
    1,
  );
});

test("bankPicture() stacks the words a bank must serve", () => {
  const column = bankPicture(global(4, (lane) => lane * 128));
  assert.match(column.caption, /here one has 32 to serve: 32 passes where 1 would do/);
  assert.equal(count(column.svg, 'rect[fill="#d1603d"]'), 1);
  const padded = bankPicture(global(4, (lane) => lane * 132));
  assert.match(padded.caption, /served without waiting/);
  assert.equal(count(padded.svg, 'rect[fill="#2e9d5b"]'), 32);
});

test("divergencePicture() fills the lanes that run each line, repeats drawn once", () => {
  const rows = laneRows(totalTrace());
  assert.deepEqual(
    rows.filter(({ line }) => line === 7).map(({ mask }) => mask),
    [0xffffffff, 0xffff, 0xff, 0xf, 3, 1],
  );
  const picture = divergencePicture(totalTrace());
  assert.equal(
    count(picture.svg, 'rect[fill-opacity="1"]'),
    rows.reduce((sum, { mask }) => sum + mask.toString(2).split("1").length - 1, 0),
  );
  assert.match(picture.caption, /^\d+% of the lanes' time is used/);
  assert.throws(() => divergencePicture(totalTrace(), { warp: 9 }), { code: "invalid-argument" });
});

test("pictures stand alone as files and have names", () => {
  for (const { svg, title } of [
    requestPicture(
      global(4, (lane) => lane * 4),
      "coalesced",
    ),
    bankPicture(
      global(4, (lane) => lane * 4),
      "no conflict",
    ),
    divergencePicture(totalTrace(), { title: "a tree" }),
  ]) {
    assert.match(svg, /^<svg role="img" xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.ok(svg.includes(`aria-label="${title}"`));
  }
});
