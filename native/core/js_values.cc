#include "js_values.h"

#include <cmath>

namespace lab {
namespace {

Napi::Array dim3(Napi::Env env, const uint32_t (&extent)[3]) {
  Napi::Array out = Napi::Array::New(env, 3);
  for (uint32_t i = 0; i < 3; ++i) out[i] = Napi::Number::New(env, extent[i]);
  return out;
}

// Negative stands for "not known" in the C++ structs and for null in JavaScript.
Napi::Value orNull(Napi::Env env, double value) {
  return value < 0 ? env.Null() : Napi::Value(Napi::Number::New(env, value));
}

void setText(Napi::Object& out, const char* name, const std::string& text) {
  if (!text.empty()) out.Set(name, text);
}

double asNumber(uint64_t value) { return static_cast<double>(value); }

}  // namespace

bool raise(Napi::Env env, const Status& status) {
  if (status.ok()) return true;
  Napi::Error error = Napi::Error::New(env, status.message);
  Napi::Object object = error.Value();
  object.Set("code", status.code);
  object.Set("fatal", Napi::Boolean::New(env, status.fatal));
  setText(object, "kernel", status.kernel);
  setText(object, "detail", status.detail);
  error.ThrowAsJavaScriptException();
  return false;
}

void Arguments::reject(const char* name, const char* expected) {
  if (failed_) return;
  failed_ = true;
  raise(info_.Env(),
        Status::error("invalid-argument", std::string("Calling the native addon's ") + call_ + ": expected " +
                                              name + " to be " + expected + "."));
}

uint32_t Arguments::u32(size_t index, const char* name) {
  const double value = number(index, name);
  if (value >= 0 && value <= 4294967295.0 && value == std::floor(value)) return static_cast<uint32_t>(value);
  reject(name, "an integer from 0 to 2^32 - 1");
  return 0;
}

double Arguments::number(size_t index, const char* name) {
  if (at(index).IsNumber()) return at(index).As<Napi::Number>().DoubleValue();
  reject(name, "a number");
  return 0;
}

bool Arguments::boolean(size_t index, const char* name) {
  if (at(index).IsBoolean()) return at(index).As<Napi::Boolean>().Value();
  reject(name, "a boolean");
  return false;
}

std::string Arguments::string(size_t index, const char* name) {
  if (at(index).IsString()) return at(index).As<Napi::String>().Utf8Value();
  reject(name, "a string");
  return {};
}

Napi::Object Arguments::object(size_t index, const char* name) {
  if (at(index).IsObject()) return at(index).As<Napi::Object>();
  reject(name, "an object");
  return Napi::Object::New(info_.Env());
}

Napi::ArrayBuffer Arguments::arrayBuffer(size_t index, const char* name) {
  if (at(index).IsArrayBuffer()) return at(index).As<Napi::ArrayBuffer>();
  reject(name, "an ArrayBuffer");
  return {};
}

Napi::Uint8Array Arguments::bytes(size_t index, const char* name) {
  if (at(index).IsTypedArray() && at(index).As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    return at(index).As<Napi::Uint8Array>();
  }
  reject(name, "a Uint8Array");
  return {};
}

Napi::Array Arguments::array(size_t index, const char* name) {
  if (at(index).IsArray()) return at(index).As<Napi::Array>();
  reject(name, "an array");
  return Napi::Array::New(info_.Env());
}

std::vector<std::string> Arguments::strings(size_t index, const char* name) {
  if (!at(index).IsArray()) reject(name, "an array of strings");
  return stringList(at(index));
}

std::vector<std::string> stringList(const Napi::Value& value) {
  std::vector<std::string> out;
  if (!value.IsArray()) return out;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value item = list[i];
    if (item.IsString()) out.push_back(item.As<Napi::String>().Utf8Value());
  }
  return out;
}

double numberField(const Napi::Object& object, const char* name, double otherwise) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : otherwise;
}

bool readField(const Napi::Object& object, const char* name, double most, double* out) {
  const Napi::Value value = object.Get(name);
  if (value.IsUndefined() || value.IsNull()) return true;
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= most)) return false;
  *out = number;
  return true;
}

uint64_t countField(const Napi::Object& object, const char* name, double otherwise, double most) {
  const double value = numberField(object, name, otherwise);
  return value > 0 ? static_cast<uint64_t>(std::fmin(value, most)) : 0;
}

std::string stringField(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::vector<std::string> stringsField(const Napi::Object& object, const char* name) {
  return stringList(object.Get(name));
}

bool readLensRequest(const Napi::Object& from, LensRequest* out) {
  constexpr double kMost = 9007199254740992.0;  // 2^53
  out->sample = countField(from, "sample", 0, kMost);
  out->maxAccesses = countField(from, "maxAccesses", 0, kMost);
  const Napi::Value seed = from.Get("seed");
  out->scheduled = seed.IsNumber();
  if (out->scheduled) out->seed = static_cast<uint64_t>(seed.As<Napi::Number>().Int64Value());
  const Napi::Value blocks = from.Get("blocks"), observers = from.Get("observers");
  if (!blocks.IsArray() || !observers.IsArray()) return false;
  const Napi::Array indices = blocks.As<Napi::Array>(), list = observers.As<Napi::Array>();
  for (uint32_t i = 0; i < indices.Length(); ++i) {
    const Napi::Value index = indices[i];
    if (!index.IsNumber() || index.As<Napi::Number>().DoubleValue() < 0) return false;
    out->blocks.push_back(static_cast<uint64_t>(index.As<Napi::Number>().Int64Value()));
  }
  const Napi::Value freed = from.Get("freed");
  const Napi::Array ranges = freed.IsArray() ? freed.As<Napi::Array>() : Napi::Array::New(from.Env());
  for (uint32_t i = 0; i < ranges.Length(); ++i) {
    const Napi::Value range = ranges[i];
    if (!range.IsArray()) return false;
    const Napi::Value base = range.As<Napi::Array>()[0u], bytes = range.As<Napi::Array>()[1u];
    if (!base.IsNumber() || !bytes.IsNumber()) return false;
    out->freed.emplace_back(static_cast<uint64_t>(base.As<Napi::Number>().Int64Value()),
                            static_cast<uint64_t>(bytes.As<Napi::Number>().Int64Value()));
  }
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value item = list[i];
    if (!item.IsObject()) return false;
    LensRequest::Observer observer;
    observer.name = stringField(item.As<Napi::Object>(), "name");
    const Napi::Value options = item.As<Napi::Object>().Get("options");
    if (options.IsObject()) {
      const Napi::Object object = options.As<Napi::Object>();
      for (const std::string& name : stringList(object.GetPropertyNames()))
        observer.options[name] = stringField(object, name.c_str());
    }
    out->observers.push_back(std::move(observer));
  }
  return true;
}

Napi::Object toJs(Napi::Env env, const DeviceInfo& info) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("kind", info.kind);
  out.Set("name", info.name);
  out.Set("arch", info.arch);
  Napi::Array capability = Napi::Array::New(env, 2);
  capability[0u] = Napi::Number::New(env, info.capabilityMajor);
  capability[1u] = Napi::Number::New(env, info.capabilityMinor);
  out.Set("capability", capability);
  const auto set = [&](const char* name, double value) { out.Set(name, Napi::Number::New(env, value)); };
  set("multiprocessors", info.multiprocessors);
  set("warpSize", info.warpSize);
  set("maxThreadsPerBlock", info.maxThreadsPerBlock);
  set("maxThreadsPerMultiprocessor", info.maxThreadsPerMultiprocessor);
  set("maxBlocksPerMultiprocessor", info.maxBlocksPerMultiprocessor);
  out.Set("maxBlockDim", dim3(env, info.maxBlockDim));
  out.Set("maxGridDim", dim3(env, info.maxGridDim));
  set("sharedPerBlock", asNumber(info.sharedPerBlock));
  set("sharedPerBlockOptin", asNumber(info.sharedPerBlockOptin));
  set("sharedPerMultiprocessor", asNumber(info.sharedPerMultiprocessor));
  set("registersPerMultiprocessor", info.registersPerMultiprocessor);
  set("registersPerBlock", info.registersPerBlock);
  set("l2Bytes", asNumber(info.l2Bytes));
  set("totalMemory", asNumber(info.totalMemory));
  set("clockHz", info.clockHz);
  set("memoryClockHz", info.memoryClockHz);
  set("memoryBusBits", info.memoryBusBits);
  if (info.workers > 0) set("workers", info.workers);
  setText(out, "driverVersion", info.driverVersion);
  setText(out, "runtimeVersion", info.runtimeVersion);
  setText(out, "compiler", info.compiler);
  setText(out, "uuid", info.uuid);
  out.Set("cooperativeLaunch", Napi::Boolean::New(env, info.cooperativeLaunch));
  out.Set("clusters", Napi::Boolean::New(env, info.clusters));
  return out;
}

Napi::Object toJs(Napi::Env env, const KernelAttributes& attributes) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("kernel", Napi::Number::New(env, attributes.kernel));
  out.Set("name", attributes.name);
  out.Set("symbol", attributes.symbol);
  out.Set("registers", orNull(env, attributes.registers));
  out.Set("staticShared", Napi::Number::New(env, asNumber(attributes.staticShared)));
  out.Set("localBytes", orNull(env, attributes.localBytes));
  out.Set("constBytes", orNull(env, attributes.constBytes));
  out.Set("maxThreadsPerBlock", Napi::Number::New(env, attributes.maxThreadsPerBlock));
  out.Set("binaryVersion", orNull(env, attributes.binaryVersion));
  Napi::Array params = Napi::Array::New(env, attributes.params.size());
  for (uint32_t i = 0; i < attributes.params.size(); ++i) {
    Napi::Array pair = Napi::Array::New(env, 2);
    pair[0u] = Napi::Number::New(env, attributes.params[i].first);
    pair[1u] = Napi::Number::New(env, attributes.params[i].second);
    params[i] = pair;
  }
  out.Set("params", params);
  return out;
}

Napi::Object toJs(Napi::Env env, const DeviceState& state) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("smClockHz", orNull(env, state.smClockHz));
  out.Set("memoryClockHz", orNull(env, state.memoryClockHz));
  out.Set("temperatureC", orNull(env, state.temperatureC));
  out.Set("powerW", orNull(env, state.powerW));
  out.Set("powerLimitW", orNull(env, state.powerLimitW));
  if (!state.throttleKnown) {
    out.Set("throttleReasons", env.Null());
    return out;
  }
  Napi::Array reasons = Napi::Array::New(env, state.throttleReasons.size());
  for (uint32_t i = 0; i < state.throttleReasons.size(); ++i)
    reasons[i] = Napi::String::New(env, state.throttleReasons[i]);
  out.Set("throttleReasons", reasons);
  return out;
}

Napi::Object toJs(Napi::Env env, const MemoryReading& memory) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("used", Napi::Number::New(env, asNumber(memory.used)));
  out.Set("free", Napi::Number::New(env, asNumber(memory.free)));
  out.Set("total", Napi::Number::New(env, asNumber(memory.total)));
  return out;
}

}  // namespace lab
