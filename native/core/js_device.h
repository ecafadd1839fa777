// NativeDevice: one open device as JavaScript sees it.
#pragma once
#include <napi.h>

#include <memory>

#include "decoder.h"

namespace lab {

class JsDevice : public Napi::ObjectWrap<JsDevice> {
 public:
  // openDevice(kind, options)
  static Napi::Value open(const Napi::CallbackInfo& info);
  explicit JsDevice(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsDevice>(info) {}

 private:
  using Info = const Napi::CallbackInfo&;
  Napi::Value info(Info info);
  Napi::Value attachStaging(Info info);
  Napi::Value submit(Info info);
  Napi::Value synchronize(Info info);
  Napi::Value query(Info info);
  Napi::Value elapsed(Info info);
  Napi::Value time(Info info);
  Napi::Value memory(Info info);
  Napi::Value state(Info info);
  Napi::Value loadModule(Info info);
  Napi::Value unloadModule(Info info);
  Napi::Value bindSymbol(Info info);
  Napi::Value occupancy(Info info);
  Napi::Value maxCooperativeBlocks(Info info);
  Napi::Value lensBegin(Info info);
  Napi::Value lensEnd(Info info);
  Napi::Value freedRanges(Info info);
  Napi::Value takePrintf(Info info);
  Napi::Value close(Info info);

  // Throws when the device was closed or has ended.
  bool usable(Napi::Env env);
  // Keeps a fatal error, throws any; true when the status is ok.
  bool check(Napi::Env env, Status status);

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Decoder> decoder_;
  DeviceInfo facts_;
  Napi::Reference<Napi::ArrayBuffer> staging_, faultPage_;  // keep the mappings alive
};

}  // namespace lab
