#include "js_timing.h"

#include "js_values.h"

namespace lab {
namespace {

Batch batchOf(const Napi::Value& value) {
  if (!value.IsTypedArray()) return {};
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  const uint8_t* bytes = static_cast<const uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return Batch(bytes, bytes + array.ByteLength());
}

std::vector<Batch> batchesOf(const Napi::Value& value) {
  std::vector<Batch> out;
  if (!value.IsArray()) return out;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) out.push_back(batchOf(list[i]));
  return out;
}

uint32_t count(const Napi::Object& from, const char* name, uint32_t otherwise) {
  return static_cast<uint32_t>(countField(from, name, otherwise, 1e6));
}

bool flagField(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

Napi::Array numbers(Napi::Env env, const std::vector<double>& values) {
  Napi::Array out = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) out[i] = Napi::Number::New(env, values[i]);
  return out;
}

Napi::Array series(Napi::Env env, const std::vector<std::vector<double>>& values) {
  Napi::Array out = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) out[i] = numbers(env, values[i]);
  return out;
}

}  // namespace

TimingRequest readTiming(const Napi::Object& from) {
  TimingRequest request;
  const Napi::Value works = from.Get("works");
  for (uint32_t i = 0; works.IsArray() && i < works.As<Napi::Array>().Length(); ++i) {
    const Napi::Value item = works.As<Napi::Array>()[i];
    if (!item.IsObject()) continue;
    const Napi::Object work = item.As<Napi::Object>();
    request.works.push_back({batchesOf(work.Get("sets")), batchesOf(work.Get("before")), batchOf(work.Get("keep")),
                             count(work, "keepAt", 0)});
  }
  request.warmup = count(from, "warmup", 0);
  request.samples = count(from, "samples", 0);
  request.batch = count(from, "batch", 1);
  request.refresh = batchOf(from.Get("refresh"));
  request.refreshAt = count(from, "refreshAt", 0);
  request.warmSeconds = numberField(from, "warmSeconds", 0);
  request.sustained = flagField(from, "sustained");
  request.graph = flagField(from, "graph");
  request.flush = batchOf(from.Get("flush"));
  return request;
}

Napi::Object toJs(Napi::Env env, const TimingResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("seconds", series(env, result.seconds));
  out.Set("unfinished", series(env, result.unfinished));
  out.Set("overhead", numbers(env, result.overhead));
  out.Set("idle", numbers(env, result.idle));
  Napi::Array state = Napi::Array::New(env, result.state.size());
  for (uint32_t i = 0; i < result.state.size(); ++i) {
    Napi::Object reading = toJs(env, result.state[i].state);
    reading.Set("at", Napi::Number::New(env, result.state[i].at));
    state[i] = reading;
  }
  out.Set("state", state);
  out.Set("eventSpan", Napi::Number::New(env, result.eventSpan));
  out.Set("hostSpan", Napi::Number::New(env, result.hostSpan));
  out.Set("persistingReset", Napi::Boolean::New(env, result.persistingReset));
  return out;
}

}  // namespace lab
