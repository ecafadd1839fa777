import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import * as attention from "kernel-lab/dist/ops/attention";
import { prepare } from "kernel-lab/dist/ops/variant";
import { hopperSource } from "../kernels/hopper-cases";
import { instanceOf } from "../kernels/hopper-wgmma-cases";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

async function kernelOf(file: string, name: string): Promise<lab.Kernel> {
  const module = await dev.compileModule(hopperSource(file), { names: [name], fileName: `${file}.cu` });
  return module.kernel(name);
}

const bulkOf = (report: lab.LensReport): lab.LensBulk[] => report.lines.flatMap((line) => [...line.bulk]);
const productsOf = (report: lab.LensReport): lab.LensProduct[] =>
  report.lines.flatMap((line) => [...line.products]);

test("a tile that two ends of its tensor cut off: what is inside is read, all of shared memory filled", async () => {
  const kernel = await kernelOf("tma", "tma_load<2>");
  const x = dev.zeros([40, 72], { dtype: "f16" });
  const map = lab.tensorMap(x, { box: [16, 64] });
  const seen = dev.zeros([2048], { dtype: "u8" });
  // From column 40 and row 33: 7 rows of 32 halves. Rows are 144 bytes apart, so every second one begins in the middle of
  // a sector and touches 3 of them instead of 2.
  const report = await lab.lens(
    kernel,
    { grid: 1, block: 64, shared: 2048 },
    map,
    seen,
    2048,
    40,
    33,
    0,
    0,
    0,
  );
  assert.deepEqual(bulkOf(report), [
    { op: "ld", instructions: 1, sharedBytes: 2048, bytes: 7 * 64, sectors: 4 * 2 + 3 * 3, ideal: 14 },
  ]);
  const line = report.lines.find(({ bulk }) => bulk.length > 0)!;
  assert.match(line.text, /lab::tmaLoad\(tile, map, full, x, y\)/);
  assert.equal(report.totals["smsp__sass_inst_executed_op_tma_ld.sum"], 1);
  assert.equal(report.totals["l1tex__m_xbar2l1tex_read_bytes_mem_global_op_tma_ld.sum"], 448);
  assert.equal(report.totals["l1tex__m_xbar2l1tex_read_sectors_mem_global_op_tma_ld.sum"], 17);
  assert.match(lab.lensText(report), /1 tma ld: 17 \(14\)/);
});

test("tiles are stored and added without what lies outside", async () => {
  for (const add of [false, true]) {
    const kernel = await kernelOf("tma", `tma_store<${add}>`);
    const y = dev.full([20, 48], 5);
    const map = lab.tensorMap(y, { box: [16, 32] });
    const report = await lab.lens(kernel, { grid: 1, block: 64, shared: 2048 }, map, 512, 32, 9, 0);
    // 11 rows of 16 floats.
    const op = add ? "red" : "st";
    assert.deepEqual(bulkOf(report), [
      { op, instructions: 1, sharedBytes: 2048, bytes: 11 * 64, sectors: 22, ideal: 22 },
    ]);
    assert.equal(report.totals[`l1tex__m_l1tex2xbar_write_bytes_mem_global_op_tma_${op}.sum`], 704);
    assert.equal(report.totals[`l1tex__m_l1tex2xbar_write_sectors_mem_global_op_tma_${op}.sum`], 22);
    assert.equal(report.summary.bytesMoved, 704);
  }
});

test("plain bulk copies count in the bytes moved, beside nothing else", async () => {
  const kernel = await kernelOf("tma", "bulk_scale");
  const [x, y] = [dev.arange([256 * 9]), dev.zeros([256 * 9])];
  const report = await lab.lens(kernel, { grid: 1, block: 64 }, x, y, 9);
  const copies = { instructions: 9, sharedBytes: 9216, bytes: 9216, sectors: 288, ideal: 288 };
  assert.deepEqual(bulkOf(report), [
    { op: "ld", ...copies },
    { op: "st", ...copies },
  ]);
  assert.equal(report.summary.bytesMoved, 2 * 9216);
  assert.equal(report.summary.coalescing, 1);
});

test("wgmma: operands, wavefronts and operations of every layout", async () => {
  const steps = 4; // of 16 along k
  const n = 72;
  const shapes = [
    { n, type: "f16", swizzle: 128, a: "k", b: "k", registers: false },
    { n, type: "f16", swizzle: 0, a: "mn", b: "mn", registers: false },
    { n, type: "bf16", swizzle: 64, a: "k", b: "mn", registers: true },
  ] as const;
  const module = await dev.compileModule(hopperSource("wgmma"), {
    names: shapes.map(instanceOf),
    fileName: "wgmma.cu",
  });
  for (const shape of shapes) {
    const { swizzle, b, registers, type: dtype } = shape;
    const source = dtype === "f16" ? "fp16" : "bf16";
    const kernel = module.kernel(instanceOf(shape));
    const width = (swizzle || 16) / 2;
    const rows = dev.zeros([64, 64], { dtype });
    const right = dev.zeros(b === "mn" ? [64, n] : [n, 64], { dtype });
    const maps = [
      lab.tensorMap(rows, { box: [64, width], swizzle }),
      lab.tensorMap(right, { box: [b === "mn" ? 64 : n, width], swizzle }),
    ] as const;
    const shared = 8192 + 128 * Math.ceil(n / 64) * 64;
    const report = await lab.lens(kernel, { grid: 1, block: 128, shared }, ...maps, rows, dev.zeros([64, n]));
    // A: 64 x 16, B: 72 x 16 halves; none of the layouts has conflicts, so a wavefront brings 128 bytes.
    const bytes = steps * ((registers ? 0 : 64 * 16 * 2) + n * 16 * 2);
    const operations = steps * 2 * 64 * n * 16;
    assert.deepEqual(
      productsOf(report),
      [
        {
          source,
          registers,
          n,
          warps: 4 * steps,
          bytes,
          wavefronts: bytes / 128,
          ideal: bytes / 128,
          operations,
        },
      ],
      JSON.stringify(shape),
    );
    assert.equal(report.totals["sm__inst_executed_pipe_tensor_op_gmma.sum"], 16);
    assert.equal(report.totals.wgmma_shared_wavefronts, bytes / 128);
    assert.deepEqual(report.summary.tensor, { [source]: operations });
    const line = report.lines.find(({ products }) => products.length > 0)!;
    assert.match(line.text, /lab::wgmma</);
  }
});

test("attention 12: bytes of its tiles, FLOPs of its products, and its place under the roofline", async () => {
  const [queries, keys, dim, warpgroups] = [128, 256, 64, 3];
  const c = attention.makeCase({ heads: 1, queries, keys, headDim: dim });
  const prepared = await prepare(dev, attention.variant(12), c, {
    parameters: { WARPGROUPS: warpgroups, BN: 128 },
  });
  const [launch] = prepared.launches;
  const report = await lab.lens(launch!.kernel, launch!.config, ...launch!.args);
  const load = report.totals["l1tex__m_xbar2l1tex_read_bytes_mem_global_op_tma_ld.sum"]!;
  const store = report.totals["l1tex__m_l1tex2xbar_write_bytes_mem_global_op_tma_st.sum"]!;
  // Queries, keys and values come once, the output goes once; rows beyond the tensor's end do neither.
  assert.equal(load, (queries + 2 * keys) * dim * 2);
  assert.equal(store, queries * dim * 2);
  // Three warpgroups multiply 64 rows each, though the third has none of its own.
  const operations = warpgroups * 64 * keys * dim * 4;
  assert.deepEqual(report.summary.tensor, { fp16: operations });
  // Beside the tiles, the statistics of the rows and the counter of tiles.
  const beside = report.summary.bytesMoved - load - store;
  assert.ok(beside >= queries * 4 && beside <= queries * 4 + 1024, `${beside} bytes beside`);
  const all = operations + report.summary.flops.fp32;
  assert.equal(report.summary.intensity, all / report.summary.bytesMoved);
  const place = lab.lensRoofline(report, "H200")!;
  assert.equal(place.intensity, report.summary.intensity);
  assert.equal(place.bound, "compute");
  prepared.free();
});
