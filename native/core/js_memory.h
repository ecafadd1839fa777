// Shared memory and host-side random fills as JavaScript sees them.
#pragma once
#include <napi.h>

namespace lab {

Napi::Value shmCreate(const Napi::CallbackInfo& info);
Napi::Value shmOpen(const Napi::CallbackInfo& info);
Napi::Value shmUnlink(const Napi::CallbackInfo& info);
Napi::Value fillRandomHost(const Napi::CallbackInfo& info);

}  // namespace lab
