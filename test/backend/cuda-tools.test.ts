import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ptxLines } from "kernel-lab/dist/backend/cuda/ptxLines";
import { disassemble, memoryInstructions, sassLines } from "kernel-lab/dist/backend/cuda/sassLines";
import { findCudaTool } from "kernel-lab/dist/backend/cuda/tools";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-cuda-tools-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const own = (path: string) => path.endsWith("/scale.cu");

/** What NVRTC writes: a function inlined twice deep, a header's line, another entry behind. */
const ptx = `.version 9.0
.visible .entry other(
	.param .u64 other_param_0
)
{
	.loc	1 30 0
	ret;
}
.visible .entry scale(
	.param .u64 scale_param_0
)
{
	.reg .f32 	%f<3>;
	.loc	1 4 0
	.loc	1 9 5
	ld.global.f32 	%f1, [%rd1];
	.loc	1 7 3, function_name $L__info_string0, inlined_at 1 9 5
	.loc	1 2 10, function_name $L__info_string1, inlined_at 1 7 3
	mul.f32 	%f2, %f1, 0f40400000;
$L__BB0_2:
	.loc	2 88 3, function_name $L__info_string2, inlined_at 1 9 5
	ex2.approx.f32 	%f2, %f2;
	ret;
}
	.file	1 "/somewhere/scale.cu"
	.file	2 "/usr/include/math_functions.hpp"
`;

test("ptxLines() follows inlined places to the kernel, and knows the kernel's own file", () => {
  const lines = ptxLines(ptx, "scale", own) ?? [];
  const at = (text: string) => lines.find((line) => line.text.includes(text));
  assert.deepEqual(at("ld.global")?.lines, [9]);
  assert.deepEqual(at("mul.f32")?.lines, [2, 7, 9]);
  assert.deepEqual(at("ex2.approx")?.lines, [9], "a header's line is its caller's");
  assert.deepEqual(
    lines.filter((line) => line.label).map((line) => line.text),
    ["$L__BB0_2:"],
  );
  assert.ok(!lines.some((line) => /\.loc|\.file/.test(line.text)));
  assert.equal(lines.filter((line) => line.text.includes("ret;")).length, 1, "nothing of the other entry");
  assert.equal(ptxLines(ptx, "scal", own), null);
});

/** What nvdisasm -c -gi prints. */
const listing = `	.section	.text.scale,"ax",@progbits
.text.scale:
        .type           scale,@function
scale:
	//## File "/somewhere/scale.cu", line 4
        /*0000*/                   LDC R1, c[0x0][0x28] ;
	//## File "/somewhere/scale.cu", line 2 inlined at "/somewhere/scale.cu", line 7
	//## File "/somewhere/scale.cu", line 7 inlined at "/somewhere/scale.cu", line 9
	//## File "/somewhere/scale.cu", line 9
        /*0010*/                   FMUL R5, R4, 3 ;
        /*0020*/              @!P0 BRA \`(.L_x_0) ;
.L_x_0:
	//## File "/usr/include/math_functions.hpp", line 88 inlined at "/somewhere/scale.cu", line 9
	//## File "/somewhere/scale.cu", line 9
        /*0030*/                   MUFU.EX2 R5, R5 ;
	.section	.text.other,"ax",@progbits
.text.other:
        /*0000*/                   EXIT ;
`;

test("sassLines() takes one kernel with the places of its instructions", () => {
  const lines = sassLines(listing, "scale", own);
  assert.deepEqual(lines, [
    { text: "0000  LDC R1, c[0x0][0x28]", label: false, lines: [4] },
    { text: "0010  FMUL R5, R4, 3", label: false, lines: [2, 7, 9] },
    { text: "0020  @!P0 BRA `(.L_x_0)", label: false, lines: [2, 7, 9] },
    { text: ".L_x_0:", label: true, lines: [2, 7, 9] },
    { text: "0030  MUFU.EX2 R5, R5", label: false, lines: [9] },
  ]);
  assert.equal(sassLines(listing, "absent", own), null);
});

test("memoryInstructions() counts by name and width", () => {
  const code = [
    "0010  LDG.E.128.CONSTANT R4, desc[UR4][R2.64]",
    "0020  @!P0 LDG.E R4, desc[UR4][R2.64]",
    "0030  @P1 LDG.E R5, desc[UR4][R2.64]",
    "0040  LDC R1, c[0x0][0x28]",
    "0050  ULDC.64 UR4, c[0x0][0x208]",
    "0060  LDGSTS.E.BYPASS.LTC128B.128 [R7], desc[UR4][R2.64]",
    "0070  LDGDEPBAR",
    "0080  STG.E.U16 desc[UR4][R2.64], R3",
    "0090  ATOMS.POPC.INC.32 RZ, [R4]",
    "00a0  LDSM.16.M88.4 R4, [R8]",
  ].map((text) => ({ text, label: false, lines: [] }));
  assert.deepEqual(memoryInstructions(code), {
    "LDG.128": 1,
    LDG: 2,
    "LDGSTS.128": 1,
    "STG.U16": 1,
    ATOMS: 1,
    LDSM: 1,
  });
});

test("disassemble() says what the disassembler said", async () => {
  const program = join(folder, "nvdisasm");
  writeFileSync(program, "#!/bin/sh\necho 'nvdisasm fatal : unknown architecture' >&2\nexit 1\n", {
    mode: 0o755,
  });
  await assert.rejects(disassemble(program, "module.cubin"), {
    code: "disassembler-failed",
    message: /unknown architecture/,
  });
});

test("findCudaTool() takes a program on PATH that runs, and passes over files that do not", () => {
  const [plain, real] = [join(folder, "plain"), join(folder, "real")];
  mkdirSync(plain);
  mkdirSync(join(real, "ncu"), { recursive: true });
  writeFileSync(join(plain, "compute-sanitizer"), "");
  writeFileSync(join(real, "compute-sanitizer"), "#!/bin/sh\n", { mode: 0o755 });
  const path = process.env.PATH;
  process.env.PATH = `${plain}:${real}:`;
  try {
    assert.equal(findCudaTool("compute-sanitizer"), join(real, "compute-sanitizer"));
    assert.notEqual(findCudaTool("ncu"), join(real, "ncu"), "a folder is no program");
  } finally {
    process.env.PATH = path;
  }
});
