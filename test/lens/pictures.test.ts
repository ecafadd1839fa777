import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

let dev: lab.Device;
let report: lab.LensReport;
before(async () => {
  dev = await lab.open("cpu");
  const kernel = await dev.compile(`extern "C" __global__ void walk(const float* x, float* y) {
  __shared__ float tile[32 * 32];
  tile[threadIdx.x * 32] = x[threadIdx.x * 8];
  __syncthreads();
  atomicAdd(&tile[threadIdx.x % 4], 1.0f);
  y[threadIdx.x] = tile[threadIdx.x];
}`);
  report = await lab.lens(kernel, { grid: 1, block: 32 }, dev.zeros([256]), dev.zeros([32]));
});
after(() => dev.close());

test("lensPicture() draws the request that is furthest from its ideal", () => {
  const picture = lab.lensPicture(report);
  assert.match(picture.title, /^Line 3 of walk: st of 4 bytes a lane/);
  assert.match(picture.caption, /32 to serve: 32 passes where 1 would do/);
});

test("lensPicture() chooses by space, kind and line", () => {
  assert.match(lab.lensPicture(report, { space: "global" }).caption, /32 sectors = 1,024 bytes moved/);
  const stored = lab.lensPicture(report, { space: "global", kind: "st", title: "the store" });
  assert.equal(stored.title, "the store");
  assert.match(stored.caption, /4 sectors = 128 bytes moved, the fewest/);
  assert.match(
    lab.lensPicture(report, { line: 5 }).caption,
    /An atomic is done lane by lane, and here 8 lanes/,
  );
});

test("lensPicture() says where memory was touched when no request fits", () => {
  assert.throws(() => lab.lensPicture(report, { line: 4 }), {
    code: "no-such-request",
    message: /walk made no request that fits \{"line":4\}/,
  });
});
