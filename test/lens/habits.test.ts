import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

const fileName = "habits.cu";
const source = readFileSync(join(__dirname, "..", "..", "lens", "cu", fileName), "utf8");

/** A kernel's right and wrong instance, how it is launched, and what is wrong with the wrong one. */
interface Pair {
  readonly kernel: string;
  readonly right?: string;
  readonly wrong?: string;
  readonly launch: lab.LaunchConfig;
  readonly args: () => lab.KernelArg[];
  readonly kinds: readonly lab.HazardKind[];
  /** Text of the source lines that the wrong one's hazards must lie on. */
  readonly line: RegExp;
}

let dev: lab.Device;
let unit: lab.Module;
const f32 = (n: number): lab.Tensor => dev.randn([n], { seed: 3 });
const i32 = (n: number): lab.Tensor => dev.arange([n], { dtype: "i32" });
const pairs: Pair[] = [
  {
    kernel: "tail_reduce",
    launch: { grid: 2, block: 128 },
    args: () => [f32(256), f32(2)],
    kinds: ["race"],
    line: /s\[t( \+ step)?\]/,
  },
  {
    kernel: "double_buffer",
    right: "2",
    wrong: "1",
    launch: { grid: 1, block: 64 },
    args: () => [f32(256), f32(64), 4],
    kinds: ["race"],
    line: /at\[/,
  },
  {
    kernel: "shared_histogram",
    launch: { grid: 2, block: 64 },
    args: () => [i32(300), dev.zeros([16], { dtype: "i32" }), 300],
    kinds: ["race"],
    line: /local\[x\[i\]/,
  },
  {
    kernel: "last_block",
    launch: { grid: 4, block: 32 },
    args: () => [f32(128), f32(4), f32(1)],
    kinds: ["race"],
    line: /part\[/,
  },
  {
    kernel: "branch_shuffle",
    launch: { grid: 1, block: 32 },
    args: () => [i32(32), i32(32)],
    kinds: ["inactive-shuffle"],
    line: /__shfl_sync/,
  },
  {
    kernel: "stencil",
    launch: { grid: 2, block: 64 },
    args: () => [f32(128), f32(128), 128],
    kinds: ["uninitialised"],
    line: /s\[t - 1\]/,
  },
  {
    kernel: "shift_left",
    launch: { grid: 2, block: 64 },
    args: () => [f32(100), f32(100), 100],
    kinds: ["out-of-bounds"],
    line: /x\[i \+ 1\]/,
  },
  {
    kernel: "row_copy",
    launch: { grid: 2, block: 2 },
    args: () => [f32(64), f32(64), 9],
    kinds: ["misaligned"],
    line: /from\[threadIdx/,
  },
  {
    kernel: "guarded_tile",
    launch: { grid: 1, block: 64 },
    args: () => [f32(64), f32(64), 40],
    kinds: ["divergent-barrier"],
    line: /__syncthreads/,
  },
  {
    kernel: "transpose_in_place",
    launch: { grid: 1, block: [8, 8] },
    args: () => [f32(64), 8],
    kinds: ["race"],
    line: /x\[/,
  },
  {
    kernel: "hand_on",
    launch: { grid: 2, block: 32 },
    args: () => [dev.zeros([1], { dtype: "i32" }), i32(1), i32(1)],
    kinds: ["race"],
    line: /data/,
  },
  {
    kernel: "work_queue",
    launch: { grid: 2, block: 64 },
    args: () => [dev.zeros([1], { dtype: "i32" }), dev.zeros([320], { dtype: "i32" }), 10],
    kinds: ["race"],
    line: /done\[/,
  },
  {
    kernel: "scan_block",
    launch: { grid: 1, block: 128 },
    args: () => [i32(128), i32(128)],
    kinds: ["race"],
    line: /s\[t/,
  },
  {
    kernel: "tile_sum",
    launch: { grid: 1, block: 64 },
    args: () => [f32(64), f32(8)],
    kinds: ["race"],
    line: /y\[threadIdx/,
  },
];

before(async () => {
  dev = await lab.open("cpu", { workers: 1 });
  const names = pairs.flatMap(({ kernel, right = "true", wrong = "false" }) => [
    `${kernel}<${right}>`,
    `${kernel}<${wrong}>`,
  ]);
  unit = await dev.compileModule(source, { fileName, names });
});
after(() => dev.close());

for (const { kernel, right = "true", wrong = "false", launch, args, kinds, line } of pairs) {
  test(`${kernel}: as it should be, no alarm; with its slip, ${kinds.join(" and ")} at its line`, async () => {
    const clean = await lab.explore(unit.kernel(`${kernel}<${right}>`), launch, args(), { schedules: 2 });
    assert.ok(clean.clean, clean.text);
    assert.deepEqual(clean.hazards, [], clean.text);
    const found = await lab.explore(unit.kernel(`${kernel}<${wrong}>`), launch, args(), { schedules: 2 });
    assert.equal(found.clean, false, found.text);
    const errors = found.hazards.filter(({ level }) => level === "error");
    for (const kind of kinds)
      assert.ok(
        errors.some((one) => one.kind === kind),
        found.text,
      );
    const lines = source.split("\n");
    for (const { acts } of errors) {
      for (const act of acts) assert.match(lines[act.line!.line - 1]!, line, found.text);
    }
  });
}

test("memory of the kernel's own malloc is no tensor's, and no alarm", async () => {
  const kernel = await dev.compile(`__global__ void scratch(float* y) {
    float* held = (float*)malloc(16 * sizeof(float));
    for (int i = 0; i < 16; i++) held[i] = threadIdx.x + i;
    y[threadIdx.x] = held[15];
    free(held);
  }`);
  const found = await lab.explore(kernel, { grid: 2, block: 32 }, [f32(32)], { schedules: 2 });
  assert.deepEqual(
    found.hazards.filter(({ kind }) => kind !== "race"),
    [],
    found.text,
  );
  const alone = await lab.explore(kernel, { grid: 1, block: 32 }, [f32(32)], { schedules: 2 });
  assert.deepEqual(alone.hazards, [], alone.text);
});
