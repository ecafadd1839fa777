import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { loadAddon, type NvrtcResult } from "kernel-lab/dist/backend/binding";
import { cudaLibraryFolders } from "kernel-lab/dist/backend/cuda/search";
import { homePath } from "kernel-lab/dist/core/paths";

const addon = loadAddon();
const searchPaths = cudaLibraryFolders();
const found = addon.probe(searchPaths).nvrtc;
const skip = found.found ? false : `NVRTC was not found: ${found.error}`;

function compile(source: string, arch: string, names: string[] = [], extra: string[] = []): NvrtcResult {
  const options = [`--gpu-architecture=${arch}`, "-std=c++17", "-default-device", ...extra];
  return addon.nvrtcCompile({ source, fileName: "cell.cu", options, nameExpressions: names, searchPaths });
}

const saxpy = `extern "C" __global__ void saxpy(float a, const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}`;

for (const arch of ["sm_80", "sm_86", "sm_89", "sm_90a"]) {
  test(`nvrtcCompile() gives a CUBIN and PTX for ${arch}`, { skip }, () => {
    const result = compile(saxpy, arch);
    assert.equal(result.ok, true, result.log);
    assert.equal(Buffer.from(result.cubin!.subarray(0, 4)).toString("latin1"), "\x7fELF");
    const ptx = Buffer.from(result.ptx!).toString();
    assert.match(ptx, new RegExp(`\\.target ${arch}\\b`));
    assert.match(ptx, /\.entry saxpy\(/);
    assert.equal(ptx.includes("\0"), false);
  });
}

test("name expressions come back as symbols", { skip }, () => {
  const source = "template <typename T, int N> __global__ void tile(T* x) { x[threadIdx.x] = T(N); }";
  const result = compile(source, "sm_90a", ["tile<float, 128>", "tile<int, 3>"]);
  assert.deepEqual(result.loweredNames, {
    "tile<float, 128>": "_Z4tileIfLi128EEvPT_",
    "tile<int, 3>": "_Z4tileIiLi3EEvPT_",
  });
});

test("a syntax error is an answer with file and line, and no binary", { skip }, () => {
  const result = compile('extern "C" __global__ void k(int* x) {\n  x[0] = 1\n}', "sm_90a");
  assert.equal(result.ok, false);
  assert.match(result.log, /cell\.cu\([23]\): error/);
  assert.equal(result.cubin, undefined);
});

test("headers given as text are included by name", { skip }, () => {
  const result = addon.nvrtcCompile({
    source: '#include "answer.h"\nextern "C" __global__ void k(int* x) { *x = ANSWER; }',
    fileName: "cell.cu",
    options: ["--gpu-architecture=sm_90a"],
    nameExpressions: [],
    headers: { "answer.h": "#define ANSWER 42" },
    searchPaths,
  });
  assert.equal(result.ok, true, result.log);
});

test("an unknown option is named in the log", { skip }, () => {
  const result = compile(saxpy, "sm_90a", [], ["--no-such-option"]);
  assert.equal(result.ok, false);
  assert.match(result.log, /no-such-option/);
});

test("the driver's types are those of cuda.h", { skip }, (context) => {
  const include = join(dirname(dirname(found.path!)), "include");
  if (!existsSync(join(include, "cuda.h"))) return context.skip(`no cuda.h in ${include}`);
  const source = homePath("test", "native", "driver_abi.cc");
  const options = ["-std=c++17", "-fsyntax-only", "-I", homePath("native"), "-isystem", include, source];
  execFileSync(process.env.CXX ?? "g++", options, { stdio: "pipe" });
});

test("with no libraries the addon still answers, with what is missing", () => {
  const nowhere = [join("/nonexistent", "cuda")];
  const script = `
    const addon = require(${JSON.stringify(homePath("native", "build", "kernel_lab.node"))});
    const answer = { probe: addon.probe(${JSON.stringify(nowhere)}) };
    try { addon.openDevice("cuda", { searchPaths: [] }); } catch (error) { answer.open = { code: error.code, message: error.message, fatal: error.fatal }; }
    try { addon.nvrtcCompile({ source: "", fileName: "a.cu", options: [], nameExpressions: [], searchPaths: [] }); } catch (error) { answer.nvrtc = error.code; }
    console.log(JSON.stringify(answer));`;
  const env = { PATH: process.env.PATH, CUDA_HOME: "/nonexistent", LD_LIBRARY_PATH: "" };
  const answer = JSON.parse(execFileSync(process.execPath, ["-e", script], { encoding: "utf8", env }));
  if (!answer.probe.driver.found) {
    assert.equal(answer.open.code, "no-driver");
    assert.equal(answer.open.fatal, false);
    assert.match(answer.open.message, /lab\.open\("cpu"\)/);
    assert.deepEqual(answer.probe.gpus, []);
  }
  if (!answer.probe.nvrtc.found) assert.equal(answer.nvrtc, "no-nvrtc");
  for (const part of ["driver", "nvrtc", "nvml", "cublasLt", "nccl"]) {
    const { found: there, version, error } = answer.probe[part];
    assert.ok(there ? version : error, `${part} has neither a version nor a reason`);
  }
});
