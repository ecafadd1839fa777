import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import * as lab from "kernel-lab";

/** NVRTC is not part of every machine: without it these tests say so and step aside. */
const missing: Promise<string | false> = lab
  .compileCuda('extern "C" __global__ void probe() {}')
  .then(() => false as const)
  .catch((error: unknown) => {
    if (lab.LabError.is(error, "no-compiler")) return error.message;
    throw error;
  });

function compile(source: string, names?: string[]): Promise<lab.CudaCompilation> {
  return lab.compileCuda(source, { arch: "sm_90a", fileName: "header.cu", ...(names ? { names } : {}) });
}

const noWarning = ({ log }: lab.CudaCompilation) => assert.doesNotMatch(log, /warning|\(C75\d\d\)/i);

const headers = readdirSync(lab.kernelPath("include")).filter((file) => file.endsWith(".cuh"));

test("every header compiles by itself for sm_90a, without a warning", async (t) => {
  const why = await missing;
  if (why) return t.skip(why);
  assert.ok(headers.length >= 18, `found ${headers.length}`);
  for (const header of headers) {
    noWarning(
      await compile(`#include "${header}"\n#include "${header}"\nextern "C" __global__ void empty() {}`),
    );
  }
});

test("all shapes and forms of wgmma compile, and none is serialised", async (t) => {
  const why = await missing;
  if (why) return t.skip(why);
  const source = `#include "fast_math.cuh"
    #include "wgmma.cuh"
    template <typename T, int N, lab::Major B, lab::Major A>
    __global__ void __launch_bounds__(128, 1) products(float* out) {
      extern __shared__ __align__(1024) unsigned char tile[];
      float d[N / 2];
      const auto a = A == lab::Major::k ? lab::kMajor(tile) : lab::mnMajor(tile, 8192);
      const auto b = B == lab::Major::k ? lab::kMajor(tile + 16384) : lab::mnMajor(tile + 16384, 8192);
      lab::wgmmaFence();
    #pragma unroll
      for (int s = 0; s < 2; ++s) lab::wgmma<T, B, A>(d, lab::advance(a, 32 * s), lab::advance(b, 32 * s), s > 0);
      lab::wgmmaCommit();
      lab::wgmmaWait<0>(d);
      unsigned p[4];
    #pragma unroll
      for (int i = 0; i < 4; ++i) p[i] = lab::packFloats<T>(d[i % 4], d[3 - i % 4]);
      lab::wgmmaFence();
      lab::wgmma<T, B>(d, p, b);
      lab::wgmmaCommit();
      lab::wgmmaWait<0>(d);
      out[threadIdx.x] = d[N / 2 - 1];
    }`;
  const names = Array.from({ length: 32 }, (_, i) => {
    const type = i % 2 ? "__half" : "__nv_bfloat16";
    const major = (bit: number) => `lab::Major::${i & bit ? "mn" : "k"}`;
    return `products<${type}, ${8 * i + 8}, ${major(2)}, ${major(4)}>`;
  });
  const compiled = await compile(source, names);
  noWarning(compiled);
  for (const name of names) assert.ok(compiled.kernels[name], name);
  for (let n = 8; n <= 256; n += 8) assert.match(compiled.ptx, new RegExp(`m64n${n}k16\\.f32\\.(b?)f16`));
});

test("accumulators touched before the wait fail the compilation and name the serialised kernel", async (t) => {
  const why = await missing;
  if (why) return t.skip(why);
  const source = `#include "wgmma.cuh"
    extern "C" __global__ void __launch_bounds__(128, 1) impatient(float* out) {
      extern __shared__ __align__(1024) unsigned char tile[];
      float d[64];
      lab::wgmmaFence();
    #pragma unroll
      for (int s = 0; s < 4; ++s) {
        lab::wgmma<__half>(d, lab::kMajor(tile), lab::kMajor(tile + 8192), s > 0);
        lab::wgmmaCommit();
        d[3] *= 2.0f;
      }
      lab::wgmmaWait<0>(d);
      for (int i = 0; i < 64; ++i) out[i] = d[i];
    }`;
  await assert.rejects(compile(source), (error) => {
    assert.ok(lab.LabError.is(error, "compile-error"));
    assert.match(error.message, /C7511[\s\S]*serialized[\s\S]*impatient/);
    return true;
  });
});

test("setmaxnreg that ptxas ignores fails the compilation", async (t) => {
  const why = await missing;
  if (why) return t.skip(why);
  const kernel = (bounds: string) => `#include "registers.cuh"
    extern "C" __global__ void ${bounds} roles(float* out) {
      if (threadIdx.x < 128) { lab::releaseRegisters<24>(); } else { lab::takeRegisters<240>(); out[threadIdx.x] = 1; }
    }`;
  noWarning(await compile(kernel("__launch_bounds__(384, 1)")));
  await assert.rejects(compile(kernel("__launch_bounds__(384)")), /C7508/);
});

test("TMA, mbarriers, clusters and the rest become the instructions they are named for", async (t) => {
  const why = await missing;
  if (why) return t.skip(why);
  const { ptx, log } = await compile(`#include "cp_async.cuh"
    #include "dependent_launch.cuh"
    #include "elect.cuh"
    #include "fast_math.cuh"
    #include "named_barrier.cuh"
    #include "registers.cuh"
    #include "stmatrix.cuh"
    #include "tma.cuh"
    extern "C" __global__ void __launch_bounds__(384, 1) __cluster_dims__(2)
    plumbing(const __grid_constant__ CUtensorMap map, const __grid_constant__ CUtensorMap map5, float* x) {
      __shared__ alignas(1024) unsigned char tile[16384];
      __shared__ lab::Mbarrier full[2];
      if (threadIdx.x == 0) {
        lab::tmaPrefetchMap(map);
        lab::mbarrierInit(full[0], 1);
        lab::mbarrierInit(full[1], 1);
        lab::mbarrierInitFence();
      }
      lab::clusterSync();
      lab::waitForPreviousKernel();
      if (threadIdx.x < 128) {
        lab::releaseRegisters<24>();
        if (threadIdx.x < 32 && lab::electOne()) {
          const lab::CachePolicy policy = lab::evictLast();
          lab::mbarrierArriveExpect(full[0], 16384);
          lab::tmaLoad(tile, map, full[0], 0, 1);
          lab::tmaLoad(tile, map, full[0], 0, 1, policy);
          lab::tmaLoad(tile, map5, full[0], 0, 1, 2, 3, 4, lab::evictFirst());
          lab::tmaLoadMulticast(tile, map, full[0], 3, 0, 1);
          lab::tmaLoadMulticast(tile, map5, full[0], 3, 0, 1, 2, 3, 4, policy);
          lab::tmaPrefetch(map, 1, 2);
          lab::bulkLoad(tile, x, 1024, full[0]);
          lab::bulkLoad(tile, x, 1024, full[0], policy);
          lab::mbarrierExpect(full[0], 20);
          lab::mbarrierArriveRemote(full[1], 1);
        }
      } else {
        lab::takeRegisters<240>();
        lab::Ring<2> ring;
        lab::mbarrierWait(full[ring.stage], ring.parity);
        while (!lab::mbarrierTryWait(full[0], 0)) {}
        ring.next();
        lab::mbarrierArrive(full[ring.stage]);
        lab::mbarrierArriveAfterCopies(full[1]);
        lab::mbarrierInvalidate(full[0]);
        lab::namedBarrierSync(1, 256);
        lab::namedBarrierArrive(2, 256);
        unsigned r[4] = {1, lab::packFloats<__half>(x[3], x[4]), 3, lab::packFloats<__nv_bfloat16>(lab::exp2Approx(x[0]), 2.0f)};
        lab::stmatrix(tile + threadIdx.x * 16, r);
        lab::stmatrixTrans(tile + threadIdx.x * 16, r);
        lab::fenceProxyAsync();
        lab::fenceProxyAsyncGlobal();
        lab::tmaStore(map, tile, 1, 2);
        lab::tmaReduceAdd(map, tile, 1, 2);
        lab::bulkStore(x, tile, 1024);
        lab::bulkCommit();
        lab::bulkWaitRead<1>();
        lab::bulkWait<0>();
        x[0] = *lab::peerShared(reinterpret_cast<float*>(tile), lab::clusterRank() ^ 1) + lab::clusterSize();
      }
      lab::allowNextKernel();
      lab::clusterSync();
    }`);
  assert.doesNotMatch(log, /warning|\(C75\d\d\)/i);
  for (const instruction of [
    "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [",
    "complete_tx::bytes.L2::cache_hint",
    "complete_tx::bytes.multicast::cluster.L2::cache_hint",
    "cp.async.bulk.tensor.5d.shared::cluster",
    "cp.async.bulk.prefetch.tensor.2d.L2.global.tile",
    "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group",
    "cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group",
    "cp.async.bulk.wait_group.read 1",
    "cp.async.mbarrier.arrive.noinc.shared::cta.b64",
    "createpolicy.fractional.L2::evict_first",
    "mbarrier.arrive.expect_tx",
    "mbarrier.arrive.release.cluster.shared::cluster",
    "mbarrier.try_wait.parity",
    "mbarrier.inval",
    "fence.mbarrier_init.release.cluster",
    "fence.proxy.async.shared::cta",
    "prefetch.tensormap",
    "mapa.u64",
    "barrier.cluster.arrive.release.aligned",
    "barrier.cluster.wait.acquire.aligned",
    "setmaxnreg.dec.sync.aligned.u32 24",
    "setmaxnreg.inc.sync.aligned.u32 240",
    "elect.sync",
    "bar.arrive",
    "stmatrix.sync.aligned.m8n8.x4.trans.shared.b16",
    "griddepcontrol.launch_dependents",
    "griddepcontrol.wait",
    "ex2.approx.ftz.f32",
    "cvt.rn.f16x2.f32",
    "cvt.rn.bf16x2.f32",
  ]) {
    assert.ok(ptx.includes(instruction), `no ${instruction}`);
  }
});
