import assert from "node:assert/strict";
import { test } from "node:test";
import { StagingRing } from "kernel-lab/dist/backend/staging";

test("StagingRing deals parts in order, wraps, and never overlaps live parts", () => {
  const ring = new StagingRing();
  ring.reset(4096);
  const live: { start: number; bytes: number; position: number }[] = [];
  let seed = 7;
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % n;
  };
  let taken = 0;
  for (let round = 0; round < 5000; round++) {
    const part = ring.take(1 + random(1024));
    if (part) {
      taken++;
      assert.ok(part.start + part.bytes <= 4096);
      for (const other of live) {
        assert.ok(
          part.start + part.bytes <= other.start || other.start + other.bytes <= part.start,
          "parts overlap",
        );
      }
      live.push(part);
    }
    if (!part || random(3) === 0) {
      const oldest = live.shift();
      if (oldest) ring.ack(oldest.position);
    }
  }
  assert.ok(taken > 1000);
});

test("StagingRing runs a part's callback when it is acknowledged, and wakes who waits", async () => {
  const ring = new StagingRing();
  ring.reset(1024);
  const done: number[] = [];
  const parts = [0, 1, 2, 3].map((i) => ring.take(256, () => done.push(i))!);
  assert.equal(ring.take(1), null);
  const waiting = ring.freed();
  ring.ack(parts[1]!.position);
  await waiting;
  assert.deepEqual(done, [0, 1]);
  assert.ok(ring.take(256));
  const lost = assert.rejects(ring.freed(), /gone/);
  ring.fail(new Error("gone"));
  await lost;
});
