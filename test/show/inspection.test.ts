import assert from "node:assert/strict";
import { test } from "node:test";
import type { Inspection } from "kernel-lab";
import { inspectionHtml, inspectionText } from "kernel-lab/dist/show/inspection";
import { parseHTML } from "linkedom";

const inspection: Inspection = {
  kernel: "add<float>",
  symbol: "_Z3addIfEvPT_",
  arch: "sm_90a",
  compiler: "NVRTC 13.0",
  fileName: "add.cu",
  source:
    "template <typename T>\n__device__ T one(T v) { return v + T(1); }\nvoid add(T* x) { *x = one(*x); }\n",
  ptx: [
    { text: "ld.global.f32 \t%f1, [%rd1];", label: false, lines: [3] },
    { text: "add.f32 \t%f2, %f1, 0f3F800000;", label: false, lines: [2, 3] },
  ],
  sass: [
    { text: ".L_x_0:", label: true, lines: [3] },
    { text: "0010  LDG.E R0, desc[UR4][R2.64]", label: false, lines: [3] },
    { text: "0020  FADD R5, R0, 1", label: false, lines: [2, 3] },
  ],
  whyNoSass: "",
  memoryInstructions: { "LDG.128": 2, STS: 1 },
  resources: {
    registers: 40,
    staticShared: 128,
    dynamicShared: 4096,
    stackBytes: 16,
    spillStores: 8,
    spillLoads: 12,
    barriers: 0,
  },
  occupancy: {
    threads: 256,
    blocks: 6,
    warps: 48,
    mostWarps: 64,
    fraction: 0.75,
    limits: ["registers"],
    blocksBy: {
      threads: 8,
      blocks: 32,
      registers: 6,
      "shared memory": 43,
      barriers: Number.POSITIVE_INFINITY,
    },
  },
};

test("inspectionText() puts the machine code under the line it came of, once", () => {
  const rows = inspectionText(inspection).split("\n");
  const at = (text: string) => rows.findIndex((row) => row.includes(text));
  assert.ok(at("return v + T(1)") < at("FADD") && at("FADD") < at("void add"));
  assert.ok(at("LDG.E") > at("void add"));
  assert.equal(rows.filter((row) => row.includes("FADD")).length, 1);
  assert.match(rows.join("\n"), /40 registers a thread, 128 \+ 4096 dynamic bytes of shared memory/);
  assert.match(rows.join("\n"), /spills 8 bytes stored and 12 loaded a thread, 16 bytes of local memory/);
  assert.match(
    rows.join("\n"),
    /occupancy 75\.0%: 6 blocks of 256 threads, 48 of 64 warps; limited by registers/,
  );
});

test("inspectionHtml() links the lines of three columns by a rule each", () => {
  const { document } = parseHTML(`<body>${inspectionHtml(inspection)}</body>`);
  const columns = [...document.querySelectorAll("pre")];
  assert.deepEqual(
    columns.map((column) => column.getAttribute("aria-label")),
    ["source", "PTX", "SASS"],
  );
  const linked = columns.map((column) =>
    [...column.querySelectorAll('[data-l~="2"]')].map((line) => line.textContent?.trim().slice(0, 9)),
  );
  assert.deepEqual(linked, [["2  __devi"], ["add.f32  "], ["0020  FAD"]]);
  const id = document.querySelector(".lab-inspection")?.id;
  const style = document.querySelector("style")?.textContent ?? "";
  assert.ok(style.includes(`#${id}:has([data-l~="2"]:hover) [data-l~="2"]`));
  assert.ok(!style.includes('[data-l~="1"]'), "a line without code needs no rule");
  assert.ok(document.querySelector("header")?.textContent?.includes("add<float>"));
  assert.equal(document.querySelector("script"), null);
});

test("inspectionHtml() and inspectionText() say why there is no SASS", () => {
  const without = { ...inspection, sass: null, whyNoSass: "There is no nvdisasm & that is that." };
  assert.ok(inspectionText(without).includes("There is no nvdisasm"));
  assert.ok(inspectionText(without).includes("add.f32"), "PTX stands in");
  const { document } = parseHTML(`<body>${inspectionHtml(without)}</body>`);
  assert.equal(document.querySelector("section p")?.textContent, "There is no nvdisasm & that is that.");
});
