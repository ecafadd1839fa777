#include "js_device.h"

#include "js_timing.h"
#include "js_values.h"

namespace lab {
namespace {

// Reads the options; the first wrong one is rejected by its name.
void readOptions(const Napi::Object& from, Arguments& args, OpenOptions* out) {
  const auto number = [&](const char* name, double most, const char* expected) {
    double value = 0;
    if (!readField(from, name, most, &value)) args.reject((std::string("options.") + name).c_str(), expected);
    return value;
  };
  constexpr double kBytes = 281474976710656.0;  // 2^48: no host addresses more
  out->ordinal = static_cast<int>(number("ordinal", 65535, "a number from 0 to 65535"));
  out->workers = static_cast<int>(number("workers", 65535, "a number from 0 to 65535"));
  out->memoryLimit = static_cast<uint64_t>(number("memoryLimit", kBytes, "bytes from 0 to 2^48"));
  out->stackBytes = static_cast<uint64_t>(number("stackBytes", kBytes, "bytes from 0 to 2^48"));
  // The watchdog's clock counts nanoseconds in 64 bits.
  out->timeLimitSeconds = number("timeLimitSeconds", 1e9, "seconds from 0 to 10^9");
  out->searchPaths = stringsField(from, "searchPaths");
  const Napi::Value page = from.Get("faultPage");
  if (page.IsUndefined() || page.IsNull()) return;
  Napi::ArrayBuffer buffer = page.IsArrayBuffer() ? page.As<Napi::ArrayBuffer>() : Napi::ArrayBuffer();
  if (buffer.IsEmpty() || buffer.ByteLength() < 4096 || buffer.ByteLength() < sizeof(FaultPage)) {
    args.reject("options.faultPage", "an ArrayBuffer of 4096 bytes or more");
    return;
  }
  out->faultPage = buffer.Data();
  out->faultPageBytes = buffer.ByteLength();
}

}  // namespace

Napi::Value JsDevice::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "openDevice");
  const std::string kind = args.string(0, "kind");
  const Napi::Object from = args.object(1, "options");
  OpenOptions options;
  if (!args.failed() && kind != "cpu" && kind != "cuda") args.reject("kind", "\"cpu\" or \"cuda\"");
  readOptions(from, args, &options);
  if (args.failed()) return {};
  std::unique_ptr<Backend> backend;
  if (!raise(env, kind == "cuda" ? openCuda(options, &backend) : openCpu(options, &backend))) return {};

  const Napi::Function type =
      DefineClass(env, "NativeDevice",
                  {
                      InstanceMethod("info", &JsDevice::info),
                      InstanceMethod("attachStaging", &JsDevice::attachStaging),
                      InstanceMethod("submit", &JsDevice::submit),
                      InstanceMethod("synchronize", &JsDevice::synchronize),
                      InstanceMethod("query", &JsDevice::query),
                      InstanceMethod("elapsed", &JsDevice::elapsed),
                      InstanceMethod("time", &JsDevice::time),
                      InstanceMethod("memory", &JsDevice::memory),
                      InstanceMethod("state", &JsDevice::state),
                      InstanceMethod("loadModule", &JsDevice::loadModule),
                      InstanceMethod("unloadModule", &JsDevice::unloadModule),
                      InstanceMethod("bindSymbol", &JsDevice::bindSymbol),
                      InstanceMethod("occupancy", &JsDevice::occupancy),
                      InstanceMethod("maxCooperativeBlocks", &JsDevice::maxCooperativeBlocks),
                      InstanceMethod("lensBegin", &JsDevice::lensBegin),
                      InstanceMethod("lensEnd", &JsDevice::lensEnd),
                      InstanceMethod("freedRanges", &JsDevice::freedRanges),
                      InstanceMethod("takePrintf", &JsDevice::takePrintf),
                      InstanceMethod("close", &JsDevice::close),
                  });
  const Napi::Object object = type.New({});
  if (env.IsExceptionPending()) return {};
  JsDevice* device = Unwrap(object);
  device->facts_ = backend->info();
  device->backend_ = std::move(backend);
  device->decoder_ = std::make_unique<Decoder>(*device->backend_);
  if (options.faultPage) device->faultPage_ = Napi::Persistent(from.Get("faultPage").As<Napi::ArrayBuffer>());
  return object;
}

bool JsDevice::usable(Napi::Env env) {
  if (!backend_)
    return raise(env, Status::error("device-closed", "Using a device: it was closed. Open it again."));
  return raise(env, decoder_->ended());
}

bool JsDevice::check(Napi::Env env, Status status) {
  if (status.fatal) decoder_->note(status);
  return raise(env, status);
}

Napi::Value JsDevice::info(Info info) { return toJs(info.Env(), facts_); }

Napi::Value JsDevice::attachStaging(Info info) {
  Arguments args(info, "attachStaging");
  Napi::ArrayBuffer buffer = args.arrayBuffer(0, "buffer");
  if (args.failed() || !usable(info.Env())) return {};
  staging_ = Napi::Persistent(buffer);
  decoder_->attachStaging(buffer.Data(), buffer.ByteLength());
  return info.Env().Undefined();
}

Napi::Value JsDevice::submit(Info info) {
  Arguments args(info, "submit");
  const Napi::Uint8Array batch = args.bytes(0, "batch");
  if (args.failed()) return {};
  if (!backend_) {
    usable(info.Env());
    return {};
  }
  decoder_->submit(batch.Data(), batch.ByteLength());
  return info.Env().Undefined();
}

Napi::Value JsDevice::synchronize(Info info) {
  Arguments args(info, "synchronize");
  const uint32_t stream = args.u32(0, "stream");
  const bool all = args.boolean(1, "all");
  if (args.failed() || !usable(info.Env())) return {};
  decoder_->note(backend_->synchronize(stream, all));
  raise(info.Env(), decoder_->takeError());
  return info.Env().Undefined();
}

Napi::Value JsDevice::query(Info info) {
  Arguments args(info, "query");
  const uint32_t stream = args.u32(0, "stream");
  bool done = false;
  if (args.failed() || !usable(info.Env()) || !check(info.Env(), backend_->query(stream, &done))) return {};
  return Napi::Boolean::New(info.Env(), done);
}

Napi::Value JsDevice::elapsed(Info info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "elapsed");
  const Napi::Array pairs = args.array(0, "pairs");
  if (args.failed() || !usable(env)) return {};
  const uint32_t count = pairs.Length();
  Napi::Array seconds = Napi::Array::New(env, count);
  for (uint32_t i = 0; i < count; ++i) {
    const Napi::Value item = pairs[i];
    const std::string text = "pairs[" + std::to_string(i) + "]";
    if (!item.IsArray() || item.As<Napi::Array>().Length() != 2) {
      args.reject(text.c_str(), "a pair of events");
      return {};
    }
    const Napi::Value from = item.As<Napi::Array>()[0u], to = item.As<Napi::Array>()[1u];
    if (!from.IsNumber() || !to.IsNumber()) {
      args.reject(text.c_str(), "a pair of event handles");
      return {};
    }
    double value = 0;
    if (!check(env, backend_->elapsed(from.As<Napi::Number>().Uint32Value(),
                                      to.As<Napi::Number>().Uint32Value(), &value)))
      return {};
    seconds[i] = Napi::Number::New(env, value);
  }
  return seconds;
}

Napi::Value JsDevice::time(Info info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "time");
  const Napi::Object from = args.object(0, "request");
  if (args.failed() || !usable(env)) return {};
  const TimingRequest request = readTiming(from);
  TimingResult result;
  Status status = runTiming(*backend_, *decoder_, request, &result);
  decoder_->takeError();  // an error of the work is told once, here
  return check(env, std::move(status)) ? toJs(env, result) : Napi::Value();
}

Napi::Value JsDevice::memory(Info info) {
  MemoryReading reading;
  if (!usable(info.Env()) || !check(info.Env(), backend_->memory(&reading))) return {};
  return toJs(info.Env(), reading);
}

Napi::Value JsDevice::state(Info info) {
  DeviceState state;
  if (!usable(info.Env()) || !check(info.Env(), backend_->state(&state))) return {};
  return toJs(info.Env(), state);
}

Napi::Value JsDevice::loadModule(Info info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "loadModule");
  const uint32_t module = args.u32(0, "module");
  const std::string path = args.string(1, "path");
  const Napi::Array list = args.array(2, "entries");
  if (!args.failed() && module == 0) args.reject("module", "a handle other than 0");
  if (args.failed() || !usable(env)) return {};
  std::vector<EntryName> entries;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value item = list[i];
    if (!item.IsObject()) {
      args.reject("entries", "an array of {name, symbol}");
      return {};
    }
    entries.push_back(
        {stringField(item.As<Napi::Object>(), "name"), stringField(item.As<Napi::Object>(), "symbol")});
  }
  std::vector<KernelAttributes> attributes;
  if (!check(env, backend_->loadModule(module, path, entries, &attributes))) return {};
  Napi::Array out = Napi::Array::New(env, attributes.size());
  for (uint32_t i = 0; i < attributes.size(); ++i) out[i] = toJs(env, attributes[i]);
  return out;
}

Napi::Value JsDevice::unloadModule(Info info) {
  Arguments args(info, "unloadModule");
  const uint32_t module = args.u32(0, "module");
  if (args.failed() || !usable(info.Env())) return {};
  decoder_->dropModule(module);
  check(info.Env(), backend_->unloadModule(module));
  return info.Env().Undefined();
}

Napi::Value JsDevice::bindSymbol(Info info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "bindSymbol");
  const uint32_t module = args.u32(0, "module");
  const std::string name = args.string(1, "name");
  const uint32_t buffer = args.u32(2, "buffer");
  if (args.failed() || !usable(env)) return {};
  uint64_t address = 0, bytes = 0;
  if (!check(env, backend_->symbol(module, name, &address, &bytes))) return {};
  if (!raise(env, decoder_->bindSymbol(module, buffer, address, bytes))) return {};
  Napi::Object out = Napi::Object::New(env);
  out.Set("bytes", Napi::Number::New(env, static_cast<double>(bytes)));
  return out;
}

Napi::Value JsDevice::occupancy(Info info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "occupancy");
  const uint32_t kernel = args.u32(0, "kernel"), threads = args.u32(1, "blockThreads"),
                 shared = args.u32(2, "dynamicShared");
  int blocks = 0;
  if (args.failed() || !usable(env) || !check(env, backend_->occupancy(kernel, threads, shared, &blocks)))
    return {};
  const int warpsPerBlock = static_cast<int>((threads + facts_.warpSize - 1) / facts_.warpSize);
  const int warps = blocks * warpsPerBlock, most = facts_.maxThreadsPerMultiprocessor / facts_.warpSize;
  Napi::Object out = Napi::Object::New(env);
  out.Set("blocksPerMultiprocessor", Napi::Number::New(env, blocks));
  out.Set("warpsPerMultiprocessor", Napi::Number::New(env, warps));
  out.Set("fraction", Napi::Number::New(env, most > 0 ? static_cast<double>(warps) / most : 0));
  return out;
}

Napi::Value JsDevice::maxCooperativeBlocks(Info info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "maxCooperativeBlocks");
  const uint32_t kernel = args.u32(0, "kernel"), threads = args.u32(1, "blockThreads"),
                 shared = args.u32(2, "dynamicShared");
  int blocks = 0;
  if (args.failed() || !usable(env) || !check(env, backend_->occupancy(kernel, threads, shared, &blocks)))
    return {};
  return Napi::Number::New(env, static_cast<double>(blocks) * facts_.multiprocessors);
}

Napi::Value JsDevice::lensBegin(Info info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "lensBegin");
  const Napi::Object from = args.object(0, "request");
  LensRequest request;
  if (!args.failed() && !readLensRequest(from, &request))
    args.reject("request", "{ blocks, sample, maxAccesses, observers: [{ name, options }] }");
  if (args.failed() || !usable(env)) return {};
  check(env, backend_->lensBegin(request));
  return env.Undefined();
}

Napi::Value JsDevice::lensEnd(Info info) {
  const Napi::Env env = info.Env();
  std::string json;
  if (!usable(env) || !check(env, backend_->lensEnd(&json))) return {};
  return Napi::String::New(env, json);
}

Napi::Value JsDevice::freedRanges(Info info) {
  const Napi::Env env = info.Env();
  if (!usable(env)) return {};
  const auto ranges = decoder_->freedRanges();
  Napi::Array out = Napi::Array::New(env, ranges.size());
  for (uint32_t i = 0; i < ranges.size(); ++i) {
    Napi::Array pair = Napi::Array::New(env, 2);
    pair[0u] = Napi::Number::New(env, static_cast<double>(ranges[i].first));
    pair[1u] = Napi::Number::New(env, static_cast<double>(ranges[i].second));
    out[i] = pair;
  }
  return out;
}

Napi::Value JsDevice::takePrintf(Info info) {
  return Napi::String::New(info.Env(), backend_ ? backend_->takePrintf() : std::string());
}

Napi::Value JsDevice::close(Info info) {
  decoder_.reset();
  backend_.reset();
  staging_.Reset();
  faultPage_.Reset();
  return info.Env().Undefined();
}

}  // namespace lab
