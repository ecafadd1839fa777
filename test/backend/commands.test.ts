import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { batchBytes, CommandEncoder, commandVersion, Op } from "kernel-lab/dist/backend/commands";
import { home } from "kernel-lab/dist/core/paths";

/** Writes one of each command; every field has a value of its own, so that a swap shows. */
function everyCommand(): Uint8Array {
  const encoder = new CommandEncoder();
  encoder.alloc(11, 2 ** 33 + 7);
  encoder.free(12);
  encoder.fillPattern(13, 4, 2 ** 34 + 4, 2 ** 35, 0x1122334455667788n, 3);
  encoder.fillRandom({
    buffer: 14,
    dtype: 2,
    offset: 16,
    count: 17,
    seed: 0xfedcba9876543210n,
    distribution: 1,
    stream: 4,
    a: -1.5,
    b: 2.5,
    outlierFraction: 0.001,
    outlierScale: 50,
  });
  encoder.upload(15, 2 ** 36, 128, 4096, 5);
  encoder.download(16, 64, 192, 2 ** 20, 6);
  encoder.copy(17, 8, 18, 2 ** 37, 24, 7);
  encoder.launch({
    kernel: 21,
    stream: 8,
    grid: [22, 23, 24],
    block: [25, 26, 27],
    cluster: [2, 1, 1],
    dynamicShared: 65536,
    flags: 3,
    args: Uint8Array.from({ length: 20 }, (_, i) => i + 1),
    patches: [
      { offset: 0, kind: "buffer", handle: 31, delta: 2 ** 38 + 1 },
      { offset: 8, kind: "tensorMap", handle: 32, delta: 0 },
    ],
  });
  encoder.eventRecord(41, 42);
  encoder.eventDestroy(43);
  encoder.streamCreate(44);
  encoder.streamDestroy(45);
  encoder.streamWait(46, 47);
  encoder.graphBegin(48);
  encoder.graphEnd(49, 50);
  encoder.graphLaunch(51, 52);
  encoder.graphDestroy(53);
  encoder.tensorMap({
    map: 61,
    buffer: 62,
    offset: 2 ** 33,
    dataType: 9,
    dims: [101, 2 ** 32, 103],
    strides: [2 ** 39, 208],
    box: [64, 8, 1],
    elementStrides: [1, 1, 2],
    interleave: 0,
    swizzle: 3,
    l2Promotion: 2,
    oobFill: 1,
  });
  return encoder.take().slice();
}

const dump = String.raw`
#include <cstdio>
#include <cstring>
#include <vector>
#include "commands.h"
using namespace lab;
static unsigned long long u(uint64_t v) { return v; }
template <typename T> static T as(const uint8_t* p) { T t; std::memcpy(&t, p, sizeof t); return t; }
int main() {
  std::vector<uint8_t> b; int c;
  while ((c = getchar()) != EOF) b.push_back((uint8_t)c);
  std::printf("version %u\n", kCommandVersion);
  for (size_t at = 0; at < b.size();) {
    const uint8_t* p = &b[at]; Header h = as<Header>(p);
    switch ((Op)h.op) {
      case Op::kAlloc: { auto x = as<AllocCmd>(p); std::printf("alloc %u %llu\n", x.buffer, u(x.bytes)); break; }
      case Op::kFree: std::printf("free %u\n", as<FreeCmd>(p).buffer); break;
      case Op::kFillPattern: { auto x = as<FillPatternCmd>(p); std::printf("fill %u %u %llu %llu %llx %u\n", x.buffer, x.width, u(x.offset), u(x.count), u(x.pattern), x.stream); break; }
      case Op::kFillRandom: { auto x = as<FillRandomCmd>(p); std::printf("random %u %u %llu %llu %llx %u %u %g %g %g %g\n", x.buffer, x.dtype, u(x.offset), u(x.count), u(x.seed), x.distribution, x.stream, x.a, x.b, x.outlierFraction, x.outlierScale); break; }
      case Op::kUpload: case Op::kDownload: { auto x = as<TransferCmd>(p); std::printf("%s %u %u %llu %llu %llu\n", (Op)h.op == Op::kUpload ? "up" : "down", x.buffer, x.stream, u(x.offset), u(x.staging), u(x.bytes)); break; }
      case Op::kCopy: { auto x = as<CopyCmd>(p); std::printf("copy %u %u %llu %llu %llu %u\n", x.dst, x.src, u(x.dstOffset), u(x.srcOffset), u(x.bytes), x.stream); break; }
      case Op::kLaunch: {
        auto x = as<LaunchCmd>(p);
        std::printf("launch %u %u %u,%u,%u %u,%u,%u %u,%u,%u %u %u %u", x.kernel, x.stream, x.grid[0], x.grid[1], x.grid[2], x.block[0], x.block[1], x.block[2], x.cluster[0], x.cluster[1], x.cluster[2], x.dynamicShared, x.flags, x.argBytes);
        const uint8_t* q = p + sizeof x + ((x.argBytes + 7) & ~7u);
        for (uint32_t i = 0; i < x.patchCount; i++) { auto y = as<Patch>(q + i * sizeof(Patch)); std::printf(" %u:%u:%u:%llu", y.offset, y.kind, y.handle, u(y.delta)); }
        std::printf(" %u\n", p[sizeof x + 19]); break;
      }
      case Op::kEventRecord: case Op::kEventDestroy: { auto x = as<EventCmd>(p); std::printf("event%u %u %u\n", h.op, x.event, x.stream); break; }
      case Op::kStreamCreate: case Op::kStreamDestroy: case Op::kStreamWait: { auto x = as<StreamCmd>(p); std::printf("stream%u %u %u\n", h.op, x.stream, x.event); break; }
      case Op::kGraphBegin: case Op::kGraphEnd: case Op::kGraphLaunch: case Op::kGraphDestroy: { auto x = as<GraphCmd>(p); std::printf("graph%u %u %u\n", h.op, x.graph, x.stream); break; }
      case Op::kTensorMap: { auto x = as<TensorMapCmd>(p); std::printf("map %u %u %llu %u %u %llu,%llu,%llu,%llu %llu,%llu,%llu %u,%u,%u,%u %u,%u,%u %u %u %u %u\n", x.map, x.buffer, u(x.offset), x.dataType, x.rank, u(x.dims[0]), u(x.dims[1]), u(x.dims[2]), u(x.dims[3]), u(x.strides[0]), u(x.strides[1]), u(x.strides[2]), x.box[0], x.box[1], x.box[2], x.box[3], x.elementStrides[0], x.elementStrides[1], x.elementStrides[2], x.interleave, x.swizzle, x.l2Promotion, x.oobFill); break; }
      default: std::printf("unknown %u\n", h.op);
    }
    at += h.bytes;
  }
}`;

test("every command has the layout of native/core/commands.h", () => {
  const dir = mkdtempSync(join(tmpdir(), "lab-commands-"));
  try {
    writeFileSync(join(dir, "dump.cc"), dump);
    const program = join(dir, "dump");
    execFileSync(process.env.CXX ?? "g++", [
      "-std=c++17",
      "-I",
      join(home(), "native", "core"),
      join(dir, "dump.cc"),
      "-o",
      program,
    ]);
    const text = execFileSync(program, { input: everyCommand(), encoding: "utf8" });
    assert.deepEqual(text.trim().split("\n"), [
      `version ${commandVersion}`,
      `alloc 11 ${2 ** 33 + 7}`,
      "free 12",
      `fill 13 4 ${2 ** 34 + 4} ${2 ** 35} 1122334455667788 3`,
      "random 14 2 16 17 fedcba9876543210 1 4 -1.5 2.5 0.001 50",
      `up 15 5 ${2 ** 36} 128 4096`,
      `down 16 6 64 192 ${2 ** 20}`,
      `copy 17 18 8 ${2 ** 37} 24 7`,
      `launch 21 8 22,23,24 25,26,27 2,1,1 65536 3 20 0:0:31:${2 ** 38 + 1} 8:1:32:0 20`,
      "event9 41 42",
      "event18 43 0",
      "stream10 44 0",
      "stream11 45 0",
      "stream12 46 47",
      "graph13 0 48",
      "graph14 49 50",
      "graph15 51 52",
      "graph16 53 0",
      `map 61 62 ${2 ** 33} 9 3 101,${2 ** 32},103,0 ${2 ** 39},208,0 64,8,1,0 1,1,2 0 3 2 1`,
    ]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("CommandEncoder grows past its first capacity and keeps what was written", () => {
  const encoder = new CommandEncoder(() => {}, 64);
  for (let i = 1; i <= 100; i++) encoder.free(i);
  const batch = encoder.take();
  const words = new Uint32Array(batch.buffer, batch.byteOffset, batch.byteLength / 4);
  assert.equal(batch.byteLength, 1600);
  for (let i = 0; i < 100; i++) assert.deepEqual([...words.subarray(4 * i, 4 * i + 3)], [Op.free, 16, i + 1]);
  assert.equal(encoder.pending, 0);
});

test("CommandEncoder tells its owner how much waits", () => {
  const seen: number[] = [];
  const encoder = new CommandEncoder((pending) => seen.push(pending));
  encoder.free(1);
  encoder.alloc(2, 8);
  assert.deepEqual(seen, [16, 40]);
});

test("a launch is encoded in well under a microsecond", () => {
  const encoder = new CommandEncoder((pending) => void (pending > batchBytes && encoder.take()));
  const command = {
    kernel: 1,
    stream: 0,
    grid: [64, 1, 1] as const,
    block: [256, 1, 1] as const,
    cluster: null,
    dynamicShared: 0,
    flags: 0,
    args: new Uint8Array(28),
    patches: [
      { offset: 8, kind: "buffer" as const, handle: 2, delta: 0 },
      { offset: 16, kind: "buffer" as const, handle: 3, delta: 0 },
    ],
  };
  const round = (): number => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < 100_000; i++) encoder.launch(command);
    return Number(process.hrtime.bigint() - start) / 100_000;
  };
  const best = Math.min(...Array.from({ length: 5 }, round));
  console.log(`launch encode: ${best.toFixed(0)} ns`);
  assert.ok(best < 1000, `${best} ns`);
});
