// A stand-in for libcuda that tests compile and load in its place: device memory is malloc's, every call worth checking
// is written as a line to $FAKE_CUDA_LOG. It proves how the cuda backend calls the driver, not what a GPU does.
//
// Kernels by name: "tiled" has 4096 bytes of static shared memory, "narrow" at most 64 threads; after "wild" every wait
// answers 700, after "failing" it prints an assert and answers 710; "printing" prints at the next wait.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int R;
typedef struct { const char* name; int maxDynamic; } Kernel;
static Kernel kernels[64];
static int kernelCount, sticky, prints;
static uint64_t used;
static const uint64_t kTotal = 1ull << 30;

static void note(const char* format, ...) {
  const char* path = getenv("FAKE_CUDA_LOG");
  FILE* file = path ? fopen(path, "a") : NULL;
  if (!file) return;
  va_list args;
  va_start(args, format);
  vfprintf(file, format, args);
  va_end(args);
  fputc('\n', file);
  fclose(file);
}

R cuInit(unsigned flags) { (void)flags; return getenv("FAKE_CUDA_NO_GPU") ? 100 : 0; }
R cuDriverGetVersion(int* v) { *v = 13000; return 0; }
R cuGetErrorName(R r, const char** s) { *s = r == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : r == 710 ? "CUDA_ERROR_ASSERT" : "CUDA_ERROR_FAKE"; return 0; }
R cuGetErrorString(R r, const char** s) { *s = r == 700 ? "an illegal memory access was encountered" : "an error of the fake driver"; return 0; }
R cuDeviceGet(int* d, int i) { *d = i; return 0; }
R cuDeviceGetCount(int* n) { *n = 1; return 0; }
R cuDeviceGetName(char* s, int n, int d) { (void)d; snprintf(s, n, "Fake H200"); return 0; }
R cuDeviceGetUuid_v2(unsigned char* u, int d) { (void)d; for (int i = 0; i < 16; i++) u[i] = i; return 0; }
R cuDeviceTotalMem_v2(size_t* n, int d) { (void)d; *n = kTotal; return 0; }
R cuDeviceGetAttribute(int* v, int a, int d) {
  (void)d;
  switch (a) {
    case 1: case 2: case 3: *v = 1024; break;
    case 4: *v = 64; break;
    case 5: *v = 0x7fffffff; break;
    case 6: case 7: *v = 65535; break;
    case 8: *v = 49152; break;
    case 10: *v = 32; break;
    case 16: *v = 132; break;
    case 39: *v = 2048; break;
    case 75: *v = 9; break;
    case 76: *v = 0; break;
    case 95: case 120: *v = 1; break;
    case 97: *v = 232448; break;
    default: *v = 0;
  }
  return 0;
}
R cuDevicePrimaryCtxRetain(void** c, int d) { (void)d; *c = (void*)1; note("retain"); return 0; }
R cuDevicePrimaryCtxRelease_v2(int d) { (void)d; note("release"); return 0; }
R cuCtxSetCurrent(void* c) { (void)c; return 0; }
static R waited(void) {
  for (; prints > 0; prints--) printf("hello from the device\n");
  fflush(stdout);
  if (sticky == 710) {
    const char* text = "k.cu:7: void failing(int): block: [2,0,1], thread: [5,0,0] Assertion `n > 0` failed.\n";
    if (write(2, text, strlen(text)) < 0) return 999;
  }
  return sticky;
}
R cuCtxSynchronize(void) { note("sync all"); return waited(); }
R cuCtxResetPersistingL2Cache(void) { note("reset persisting"); return sticky; }
R cuMemGetInfo_v2(size_t* f, size_t* t) { *f = kTotal - used; *t = kTotal; return sticky; }
R cuMemAlloc_v2(uint64_t* p, size_t n) {
  if (n > kTotal - used) return 2;
  void* memory = NULL;
  if (posix_memalign(&memory, 256, n)) return 2;
  *p = (uint64_t)memory;
  used += n;
  note("alloc %zu", n);
  return sticky;
}
R cuMemFree_v2(uint64_t p) { free((void*)p); note("free"); return sticky; }
R cuMemHostAlloc(void** p, size_t n, unsigned f) { (void)f; *p = malloc(n); return 0; }
R cuMemFreeHost(void* p) { free(p); return 0; }
R cuMemHostRegister_v2(void* p, size_t n, unsigned f) { (void)p; (void)f; note("register %zu", n); return 0; }
R cuMemHostUnregister(void* p) { (void)p; note("unregister"); return 0; }
R cuMemcpyHtoDAsync_v2(uint64_t d, const void* s, size_t n, void* st) { memcpy((void*)d, s, n); note("upload %zu stream %p", n, st); return sticky; }
R cuMemcpyDtoHAsync_v2(void* d, uint64_t s, size_t n, void* st) { memcpy(d, (void*)s, n); note("download %zu stream %p", n, st); return sticky; }
R cuMemcpyDtoDAsync_v2(uint64_t d, uint64_t s, size_t n, void* st) { (void)st; memmove((void*)d, (void*)s, n); return sticky; }
R cuMemsetD8Async(uint64_t d, unsigned char v, size_t n, void* st) { (void)st; memset((void*)d, v, n); note("memset8 %zu", n); return sticky; }
R cuMemsetD16Async(uint64_t d, unsigned short v, size_t n, void* st) { (void)st; for (size_t i = 0; i < n; i++) ((uint16_t*)d)[i] = v; return sticky; }
R cuMemsetD32Async(uint64_t d, unsigned v, size_t n, void* st) { (void)st; for (size_t i = 0; i < n; i++) ((uint32_t*)d)[i] = v; return sticky; }
R cuMemsetD2D32Async(uint64_t d, size_t pitch, unsigned v, size_t w, size_t h, void* st) {
  (void)st;
  for (size_t y = 0; y < h; y++) for (size_t x = 0; x < w; x++) ((uint32_t*)(d + y * pitch))[x] = v;
  return sticky;
}
R cuStreamCreate(void** s, unsigned f) { static uintptr_t next = 0x100; *s = (void*)next; next += 0x100; note("stream %p flags %u", *s, f); return sticky; }
R cuStreamDestroy_v2(void* s) { note("destroy stream %p", s); return 0; }
R cuStreamSynchronize(void* s) { note("sync %p", s); return waited(); }
R cuStreamQuery(void* s) { (void)s; return sticky ? sticky : prints ? 600 : 0; }
R cuStreamWaitEvent(void* s, void* e, unsigned f) { (void)e; (void)f; note("wait on %p", s); return sticky; }
R cuStreamBeginCapture_v2(void* s, int mode) { note("begin capture %p mode %d", s, mode); return s ? 0 : 900; }
R cuStreamEndCapture(void* s, void** g) { *g = (void*)7; note("end capture %p", s); return 0; }
R cuEventCreate(void** e, unsigned f) { (void)f; *e = malloc(1); return sticky; }
R cuEventDestroy_v2(void* e) { free(e); return 0; }
R cuEventRecord(void* e, void* s) { (void)e; note("record on %p", s); return sticky; }
R cuEventSynchronize(void* e) { (void)e; return waited(); }
R cuEventElapsedTime(float* ms, void* a, void* b) { (void)a; (void)b; *ms = 2.5f; return sticky; }
R cuGraphInstantiateWithFlags(void** e, void* g, unsigned long long f) { (void)g; (void)f; *e = (void*)8; note("instantiate"); return 0; }
R cuGraphLaunch(void* e, void* s) { (void)e; note("graph launch on %p", s); return sticky; }
R cuGraphExecDestroy(void* e) { (void)e; note("destroy graph"); return 0; }
R cuGraphDestroy(void* g) { (void)g; return 0; }
R cuModuleLoadData(void** m, const void* image) { (void)image; *m = (void*)9; note("load"); return sticky; }
R cuModuleUnload(void* m) { (void)m; note("unload"); return 0; }
R cuModuleGetFunction(void** f, void* m, const char* name) {
  (void)m;
  if (!strcmp(name, "absent")) return 500;
  kernels[kernelCount].name = strdup(name);
  *f = &kernels[kernelCount++];
  return 0;
}
R cuModuleGetGlobal_v2(uint64_t* p, size_t* n, void* m, const char* name) {
  static char table[64];
  (void)m;
  if (strcmp(name, "table")) return 500;
  *p = (uint64_t)table;
  *n = sizeof table;
  return 0;
}
R cuFuncGetAttribute(int* v, int a, void* f) {
  const char* name = ((Kernel*)f)->name;
  *v = a == 0 ? (!strcmp(name, "narrow") ? 64 : 1024) : a == 1 ? (!strcmp(name, "tiled") ? 4096 : 0) : a == 4 ? 40 : a == 6 ? 90 : 0;
  return 0;
}
R cuFuncSetAttribute(void* f, int a, int v) {
  Kernel* k = f;
  if (a == 8) k->maxDynamic = v;
  note("attribute %d of %s = %d", a, k->name, v);
  return 0;
}
R cuFuncGetParamInfo(void* f, size_t i, size_t* offset, size_t* size) {
  (void)f;
  if (i > 1) return 1;
  *offset = i * 8;
  *size = i ? 4 : 8;
  return 0;
}
static R launched(Kernel* k, void** extra) {
  size_t bytes = 0;
  const unsigned char* args = NULL;
  for (int i = 0; extra && extra[i]; i += 2) {
    if (extra[i] == (void*)1) args = extra[i + 1];
    if (extra[i] == (void*)2) bytes = *(size_t*)extra[i + 1];
  }
  char hex[129] = "";
  for (size_t i = 8; i < bytes && i < 64; i++) snprintf(hex + 2 * (i - 8), 3, "%02x", args[i]);
  note("args %zu after the pointer: %s", bytes, hex);
  // The first argument is a pointer into "device" memory: write where it points, so that patches are checked too.
  if (bytes >= 12 && !strcmp(k->name, "store")) memcpy(*(void**)args, args + 8, 4);
  if (!strcmp(k->name, "wild")) sticky = 700;
  if (!strcmp(k->name, "failing")) sticky = 710;
  if (!strcmp(k->name, "printing")) prints++;
  return 0;
}
R cuLaunchKernel(void* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void* s, void** params, void** extra) {
  Kernel* k = f;
  (void)params;
  if (sticky) return sticky;
  note("launch %s grid %u,%u,%u block %u,%u,%u shared %u stream %p", k->name, gx, gy, gz, bx, by, bz, shared, s);
  if (shared > 49152 && (int)shared > k->maxDynamic) return 1;
  return launched(k, extra);
}
typedef struct { int id; char pad[4]; union { char pad[64]; int flag; struct { unsigned x, y, z; } dim; } value; } Attribute;
typedef struct { unsigned gx, gy, gz, bx, by, bz, shared; void* stream; Attribute* attributes; unsigned count; } Config;
R cuLaunchKernelEx(const Config* c, void* f, void** params, void** extra) {
  char text[256] = "";
  (void)params;
  if (sticky) return sticky;
  for (unsigned i = 0; i < c->count; i++) {
    const Attribute* a = &c->attributes[i];
    char* to = text + strlen(text);
    if (a->id == 4) sprintf(to, " cluster %u,%u,%u", a->value.dim.x, a->value.dim.y, a->value.dim.z);
    else sprintf(to, " attribute %d=%d", a->id, a->value.flag);
  }
  note("launchEx %s grid %u,%u,%u%s", ((Kernel*)f)->name, c->gx, c->gy, c->gz, text);
  return launched(f, extra);
}
R cuOccupancyMaxActiveBlocksPerMultiprocessor(int* n, void* f, int threads, size_t shared) { (void)f; (void)shared; *n = 2048 / threads; return 0; }
R cuTensorMapEncodeTiled(void* map, int type, uint32_t rank, void* address, const uint64_t* dims, const uint64_t* strides, const uint32_t* box, const uint32_t* elementStrides, int interleave, int swizzle, int promotion, int fill) {
  (void)address;
  (void)elementStrides;
  note("tensor map type %d rank %u dims %llu,%llu stride %llu box %u,%u enums %d %d %d %d aligned %d", type, rank, (unsigned long long)dims[0], (unsigned long long)dims[1], (unsigned long long)strides[0], box[0], box[1], interleave, swizzle, promotion, fill, (int)((uintptr_t)map % 64 == 0));
  memset(map, 0xab, 128);
  return (uintptr_t)box[0] > 256 ? 1 : 0;
}
