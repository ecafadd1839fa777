// Launch attributes on a real GPU: cooperative grids, clusters, programmatic dependent launch, tensor maps with TMA.
//
//   NODE_PATH=<bundle>/node_modules node test/gpu/attributes.cjs
const lab = require("kernel-lab");
(async () => {
  const dev = await lab.open("cuda");
  const t = async (n, f) => {
    try {
      console.log("ok", n, await f());
    } catch (e) {
      console.log("FAIL", n, e.code, String(e.message).slice(0, 300));
    }
  };
  await t("cooperative", async () => {
    const k = await dev.compile(`#include <cooperative_groups.h>
namespace cg=cooperative_groups;
__global__ void coop(int* a,int* b){auto g=cg::this_grid(); a[g.thread_rank()]=g.thread_rank(); g.sync(); b[g.thread_rank()]=a[g.size()-1-g.thread_rank()];}`);
    const n = 132 * 256,
      a = dev.zeros([n], { dtype: "i32" }),
      b = dev.zeros([n], { dtype: "i32" });
    await k.launch({ grid: 132, block: 256, cooperative: true }, a, b);
    const r = await b.read();
    return r.every((v, i) => v === n - 1 - i);
  });
  await t("cluster", async () => {
    const k = await dev.compile(
      `__global__ void clus(unsigned* a){unsigned r,n; asm volatile("mov.u32 %0,%%cluster_ctarank;":"=r"(r)); asm volatile("mov.u32 %0,%%cluster_nctarank;":"=r"(n)); if(threadIdx.x==0)a[blockIdx.x]=r*100+n;}`,
    );
    const a = dev.zeros([16], { dtype: "u32" });
    await k.launch({ grid: 16, block: 32, cluster: 4 }, a);
    return [...(await a.read())].join(",");
  });
  await t("programmatic", async () => {
    const k = await dev.compile(
      `__global__ void pdl(int* a){ asm volatile("griddepcontrol.wait;":::"memory"); a[threadIdx.x]+=1; asm volatile("griddepcontrol.launch_dependents;"); }`,
    );
    const a = dev.zeros([32], { dtype: "i32" });
    for (let i = 0; i < 50; i++) await k.launch({ grid: 1, block: 32, programmatic: true }, a);
    return (await a.read()).every((v) => v === 50);
  });
  await t("tensor map + TMA, shared over 48 KB", async () => {
    const k = await dev.compile(`
struct alignas(64) CUtensorMap { unsigned long long opaque[16]; };
extern "C" __global__ void tma(const __grid_constant__ CUtensorMap map, float* out){
 extern __shared__ __align__(1024) float tile[]; __shared__ alignas(8) unsigned long long bar;
 unsigned b=(unsigned)__cvta_generic_to_shared(&bar), s=(unsigned)__cvta_generic_to_shared(tile);
 if(threadIdx.x==0){ asm volatile("mbarrier.init.shared.b64 [%0],1;"::"r"(b)); asm volatile("fence.mbarrier_init.release.cluster;"); 
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _,[%0],%1;"::"r"(b),"r"(32*32*4));
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0],[%1,{%2,%3}],[%4];"::"r"(s),"l"(&map),"r"(32),"r"(64),"r"(b):"memory"); }
 __syncthreads();
 asm volatile("{ .reg .pred p; W: mbarrier.try_wait.parity.shared.b64 p,[%0],0; @p bra D; bra W; D: }"::"r"(b):"memory");
 for(int i=threadIdx.x;i<1024;i+=blockDim.x) out[i]=tile[i];}`);
    const src = await dev.tensor(
      Float32Array.from({ length: 128 * 96 }, (_, i) => i),
      [128, 96],
    );
    const m = lab.tensorMap(src, { box: [32, 32] }),
      out = dev.zeros([1024]);
    await k.launch({ grid: 1, block: 128, shared: 100 * 1024 }, m, out);
    const r = await out.read();
    let ok = true;
    for (let i = 0; i < 32; i++)
      for (let j = 0; j < 32; j++) ok = ok && r[i * 32 + j] === (64 + i) * 96 + 32 + j;
    return ok + " " + r[0];
  });
  await dev.close();
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
