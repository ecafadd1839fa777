// The command stream: how the notebook's one-way commands are laid out in a batch.
//
// A batch is a sequence of records, little endian, each 8-byte aligned:
//   u32 op | u32 bytes (of the whole record, header included, a multiple of 8) | payload
// Handles are chosen by the client, one number space a kind; 0 is never a valid buffer, event or graph;
// stream 0 is the default stream. lib/src/backend/commands.ts is the encoder: change both together.
#pragma once
#include <cstdint>

namespace lab {

constexpr uint32_t kCommandVersion = 2;

enum class Op : uint32_t {
  kAlloc = 1,
  kFree = 2,
  kFillPattern = 3,
  kFillRandom = 4,
  kUpload = 5,
  kDownload = 6,
  kCopy = 7,
  kLaunch = 8,
  kEventRecord = 9,
  kStreamCreate = 10,
  kStreamDestroy = 11,
  kStreamWait = 12,
  kGraphBegin = 13,
  kGraphEnd = 14,
  kGraphLaunch = 15,
  kGraphDestroy = 16,
  kTensorMap = 17,
  kEventDestroy = 18,
};

struct Header { uint32_t op; uint32_t bytes; };

// kAlloc: device memory, 256-byte aligned, contents undefined.
struct AllocCmd { Header h; uint32_t buffer; uint32_t flags; uint64_t bytes; };
struct FreeCmd { Header h; uint32_t buffer; uint32_t pad; };
// kFillPattern: `count` elements of `width` (1, 2, 4, 8) bytes, each the low bytes of `pattern`.
struct FillPatternCmd { Header h; uint32_t buffer; uint32_t width; uint64_t offset; uint64_t count; uint64_t pattern; uint32_t stream; uint32_t pad; };
// kFillRandom: the same values on every device for the same seed; see random.h.
struct FillRandomCmd {
  Header h; uint32_t buffer; uint32_t dtype; uint64_t offset; uint64_t count; uint64_t seed;
  uint32_t distribution; uint32_t stream;  // 0 normal(a = mean, b = std), 1 uniform [a, b), 2 integers [a, b)
  double a; double b; double outlierFraction; double outlierScale;  // an outlier's value is multiplied by outlierScale
};
// kUpload / kDownload: between the buffer and the shared staging segment.
struct TransferCmd { Header h; uint32_t buffer; uint32_t stream; uint64_t offset; uint64_t staging; uint64_t bytes; };
struct CopyCmd { Header h; uint32_t dst; uint32_t src; uint64_t dstOffset; uint64_t srcOffset; uint64_t bytes; uint32_t stream; uint32_t pad; };

enum LaunchFlags : uint32_t { kCooperative = 1, kProgrammaticDependent = 2 };
enum class PatchKind : uint32_t { kBuffer = 0, kTensorMap = 1 };
// Writes a device address (buffer handle + delta) or a 128-byte tensor map into the argument block at `offset`.
struct Patch { uint32_t offset; uint32_t kind; uint32_t handle; uint32_t pad; uint64_t delta; };
// kLaunch: followed by argBytes of packed arguments (C struct layout), padded to 8, then patchCount patches.
struct LaunchCmd {
  Header h; uint32_t kernel; uint32_t stream;
  uint32_t grid[3]; uint32_t block[3];
  uint32_t cluster[3];  // all 0: no cluster attribute
  uint32_t dynamicShared; uint32_t flags;
  uint32_t argBytes; uint32_t patchCount; uint32_t pad;
};
struct EventCmd { Header h; uint32_t event; uint32_t stream; };      // kEventRecord, kEventDestroy
struct StreamCmd { Header h; uint32_t stream; uint32_t event; };     // kStreamCreate, kStreamDestroy, kStreamWait
struct GraphCmd { Header h; uint32_t graph; uint32_t stream; };      // kGraphBegin .. kGraphDestroy
// kTensorMap: cuTensorMapEncodeTiled's arguments; enums have the driver's values.
struct TensorMapCmd {
  Header h; uint32_t map; uint32_t buffer; uint64_t offset;
  uint32_t dataType; uint32_t rank; uint64_t dims[5]; uint64_t strides[4];  // strides in bytes, of dims 1..rank-1
  uint32_t box[5]; uint32_t elementStrides[5];
  uint32_t interleave; uint32_t swizzle; uint32_t l2Promotion; uint32_t oobFill;
};

// Element types, the same numbers as lib/src/core/dtype.ts.
enum class DType : uint32_t { kF32 = 0, kF16 = 1, kBF16 = 2, kF64 = 3, kI8 = 4, kU8 = 5, kI32 = 6, kU32 = 7, kI64 = 8, kE4M3 = 9, kE5M2 = 10 };

}  // namespace lab
