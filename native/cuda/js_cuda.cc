#include "js_cuda.h"

#include "core/js_values.h"
#include "nvrtc.h"
#include "probe.h"

namespace lab {
namespace {

Napi::Object toJs(Napi::Env env, const cuda::Found& found) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("found", Napi::Boolean::New(env, found.found));
  if (!found.version.empty()) out.Set("version", found.version);
  if (!found.path.empty()) out.Set("path", found.path);
  if (!found.error.empty()) out.Set("error", found.error);
  return out;
}

}  // namespace

Napi::Value probe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "probe");
  const std::vector<std::string> paths = args.strings(0, "searchPaths");
  if (args.failed()) return {};
  const cuda::Probe found = cuda::probe(paths);
  Napi::Object out = Napi::Object::New(env);
  out.Set("driver", toJs(env, found.driver));
  out.Set("nvrtc", toJs(env, found.nvrtc));
  out.Set("nvml", toJs(env, found.nvml));
  out.Set("cublasLt", toJs(env, found.cublasLt));
  out.Set("nccl", toJs(env, found.nccl));
  Napi::Array gpus = Napi::Array::New(env, found.gpus.size());
  for (uint32_t i = 0; i < found.gpus.size(); ++i) {
    const cuda::Gpu& gpu = found.gpus[i];
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", gpu.name);
    item.Set("memory", Napi::Number::New(env, static_cast<double>(gpu.memory)));
    Napi::Array capability = Napi::Array::New(env, 2);
    capability[0u] = Napi::Number::New(env, gpu.capabilityMajor);
    capability[1u] = Napi::Number::New(env, gpu.capabilityMinor);
    item.Set("capability", capability);
    gpus[i] = item;
  }
  out.Set("gpus", gpus);
  return out;
}

Napi::Value nvrtcVersion(const Napi::CallbackInfo& info) {
  Arguments args(info, "nvrtcVersion");
  const std::vector<std::string> paths = args.strings(0, "searchPaths");
  if (args.failed()) return {};
  std::string path, error;
  const std::string version = cuda::nvrtcVersion(paths, &path, &error);
  return version.empty() ? info.Env().Null() : Napi::Value(Napi::String::New(info.Env(), version));
}

Napi::Value nvrtcCompile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments args(info, "nvrtcCompile");
  const Napi::Object from = args.object(0, "request");
  if (args.failed()) return {};
  cuda::NvrtcRequest request;
  request.source = stringField(from, "source");
  request.fileName = stringField(from, "fileName");
  request.options = stringsField(from, "options");
  request.nameExpressions = stringsField(from, "nameExpressions");
  request.searchPaths = stringsField(from, "searchPaths");
  const Napi::Value headers = from.Get("headers");
  if (headers.IsObject()) {
    const Napi::Object object = headers.As<Napi::Object>();
    for (const std::string& name : stringList(object.GetPropertyNames()))
      request.headers[name] = stringField(object, name.c_str());
  }
  cuda::NvrtcResult result;
  if (!raise(env, cuda::nvrtcCompile(request, &result))) return {};
  Napi::Object out = Napi::Object::New(env);
  out.Set("ok", Napi::Boolean::New(env, result.ok));
  out.Set("log", result.log);
  if (!result.cubin.empty()) {
    out.Set("cubin", Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(result.cubin.data()),
                                                 result.cubin.size()));
  }
  if (!result.ptx.empty()) {
    out.Set("ptx", Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(result.ptx.data()),
                                               result.ptx.size()));
  }
  Napi::Object names = Napi::Object::New(env);
  for (const auto& [expression, symbol] : result.loweredNames) names.Set(expression, symbol);
  out.Set("loweredNames", names);
  return out;
}

}  // namespace lab
