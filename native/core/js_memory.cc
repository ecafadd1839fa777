#include "js_memory.h"

#include <cmath>

#include "dtype.h"
#include "js_values.h"
#include "random.h"
#include "shm.h"

namespace lab {
namespace {

// A view of the mapping; the mapping goes when the view is collected.
Napi::ArrayBuffer viewOf(Napi::Env env, const SharedMemory& memory) {
  const size_t bytes = memory.bytes;
  return Napi::ArrayBuffer::New(env, memory.data, bytes,
                                [bytes](Napi::Env, void* data) { unmapShared(data, bytes); });
}

// A size from a JavaScript number; false when it is no whole number in 1 .. 2^40.
bool readBytes(double value, size_t* out) {
  if (!(value >= 1 && value <= 1099511627776.0) || value != std::floor(value)) return false;
  *out = static_cast<size_t>(value);
  return true;
}

// A seed: a bigint, or a number taken as an integer.
bool readSeed(const Napi::Value& value, uint64_t* out) {
  bool lossless = true;
  if (value.IsBigInt()) *out = value.As<Napi::BigInt>().Uint64Value(&lossless);
  else if (value.IsNumber()) *out = static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
  else return false;
  return true;
}

}  // namespace

Napi::Value shmCreate(const Napi::CallbackInfo& info) {
  Arguments args(info, "shmCreate");
  size_t bytes = 0;
  if (!readBytes(args.number(0, "bytes"), &bytes)) args.reject("bytes", "a whole number from 1 to 2^40");
  SharedMemory memory;
  if (args.failed() || !raise(info.Env(), createShared(bytes, &memory))) return {};
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("path", memory.path);
  out.Set("buffer", viewOf(info.Env(), memory));
  return out;
}

Napi::Value shmOpen(const Napi::CallbackInfo& info) {
  Arguments args(info, "shmOpen");
  const std::string path = args.string(0, "path");
  size_t bytes = 0;
  if (!readBytes(args.number(1, "bytes"), &bytes)) args.reject("bytes", "a whole number from 1 to 2^40");
  SharedMemory memory;
  if (args.failed() || !raise(info.Env(), openShared(path, bytes, &memory))) return {};
  return viewOf(info.Env(), memory);
}

Napi::Value shmUnlink(const Napi::CallbackInfo& info) {
  Arguments args(info, "shmUnlink");
  const std::string path = args.string(0, "path");
  if (!args.failed()) raise(info.Env(), unlinkShared(path));
  return info.Env().Undefined();
}

Napi::Value fillRandomHost(const Napi::CallbackInfo& info) {
  Arguments args(info, "fillRandomHost");
  FillRandomCmd spec{};
  spec.dtype = args.u32(0, "dtype");
  const double count = args.number(1, "count");
  if (info.Length() < 3 || !readSeed(info[2], &spec.seed)) args.reject("seed", "a number or a bigint");
  spec.distribution = args.u32(3, "distribution");
  spec.a = args.number(4, "a");
  spec.b = args.number(5, "b");
  spec.outlierFraction = args.number(6, "outlierFraction");
  spec.outlierScale = args.number(7, "outlierScale");
  if (!(count >= 0 && count <= 4294967296.0) || count != std::floor(count))
    args.reject("count", "a whole number from 0 to 2^32");
  if (args.failed() || !raise(info.Env(), checkRandom(spec))) return {};
  spec.count = static_cast<uint64_t>(count);
  Napi::ArrayBuffer out = Napi::ArrayBuffer::New(info.Env(), spec.count * elementBytes(spec.dtype));
  if (info.Env().IsExceptionPending()) return {};
  fillRandom(out.Data(), 0, spec.count, spec);
  return out;
}

}  // namespace lab
