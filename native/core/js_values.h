// Between JavaScript values and the contract's C++ types: checked reads, and objects as contract.ts describes
// them.
#pragma once
#include <napi.h>

#include <string>
#include <vector>

#include "backend.h"

namespace lab {

// Throws a Status as an Error with code, fatal and, where known, kernel and detail; false when it was not ok.
bool raise(Napi::Env env, const Status& status);

// Reads the arguments of one call by position. The first wrong one throws "invalid-argument"; what is read
// after that has its default value, so a caller reads everything and asks failed() once.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* call) : info_(info), call_(call) {}
  uint32_t u32(size_t index, const char* name);
  double number(size_t index, const char* name);
  bool boolean(size_t index, const char* name);
  std::string string(size_t index, const char* name);
  Napi::Object object(size_t index, const char* name);
  Napi::ArrayBuffer arrayBuffer(size_t index, const char* name);
  Napi::Uint8Array bytes(size_t index, const char* name);
  Napi::Array array(size_t index, const char* name);
  std::vector<std::string> strings(size_t index, const char* name);
  void reject(const char* name, const char* expected);
  bool failed() const { return failed_; }

 private:
  Napi::Value at(size_t index) const { return info_[index]; }
  const Napi::CallbackInfo& info_;
  const char* call_;
  bool failed_ = false;
};

// Fields of an options object; an absent or mistyped one gives the default.
double numberField(const Napi::Object& object, const char* name, double otherwise);
// A number from 0 to `most`; absent leaves *out as it is. False, with nothing written, for anything else.
bool readField(const Napi::Object& object, const char* name, double most, double* out);
// As numberField, brought into 0 to `most`, which a whole number of 64 bits can hold; what is no number counts as 0.
uint64_t countField(const Napi::Object& object, const char* name, double otherwise, double most);
std::string stringField(const Napi::Object& object, const char* name);
std::vector<std::string> stringsField(const Napi::Object& object, const char* name);
std::vector<std::string> stringList(const Napi::Value& value);

// False when it is not of that form.
bool readLensRequest(const Napi::Object& from, LensRequest* out);

Napi::Object toJs(Napi::Env env, const DeviceInfo& info);
Napi::Object toJs(Napi::Env env, const KernelAttributes& attributes);
Napi::Object toJs(Napi::Env env, const DeviceState& state);
Napi::Object toJs(Napi::Env env, const MemoryReading& memory);

}  // namespace lab
