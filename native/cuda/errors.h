// What the driver's error codes mean to the lab.
#pragma once
#include <string>

#include "driver_api.h"

namespace lab::cuda {

// `advice` says what happened in words and what to do. `fatal`: the context is gone, only a new process gets
// the GPU back.
struct ErrorMeaning {
  const char* code;
  const char* advice;
  bool fatal;
};
ErrorMeaning meaningOf(Result result);

// What a failed device assert printed: its text, and block and thread as the JSON of an error's detail.
struct AssertReport {
  std::string text, detail;
};
AssertReport parseAssert(const std::string& printed);

}  // namespace lab::cuda
