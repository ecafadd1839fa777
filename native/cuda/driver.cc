#include "driver.h"

namespace lab::cuda {

Status Driver::open(const std::vector<std::string>& searchPaths, Driver* out) {
  static constexpr char kDoing[] = "Opening the CUDA device: ";
  Driver driver;
  driver.library = openDriver(searchPaths);
  if (!driver.library.found()) {
    return Status::error("no-driver", std::string(kDoing) + "no NVIDIA driver was found (" +
                                          driver.library.error() +
                                          "). Install the driver, or use the CPU device: lab.open(\"cpu\").");
  }
  std::string missing;
#define LAB_BIND(member, symbol, parameters) \
  if (!driver.library.bind(driver.member, symbol) && missing.empty()) missing = symbol;
  LAB_DRIVER_FUNCTIONS(LAB_BIND)
#undef LAB_BIND
#define LAB_BIND(member, symbol, parameters) driver.library.bind(driver.member, symbol);
  LAB_DRIVER_OPTIONAL(LAB_BIND)
#undef LAB_BIND
  if (!missing.empty()) {
    return Status::error("no-driver", std::string(kDoing) + driver.library.path() + " has no " + missing +
                                          ", so it is older than CUDA 12. Update the NVIDIA driver.");
  }
  const Result result = driver.init(0);
  int count = 0;
  if (result == kNoDevice || (result == kSuccess && driver.deviceCount(&count) == kSuccess && count == 0)) {
    return Status::error(
        "no-gpu", std::string(kDoing) +
                      "the driver is there but sees no GPU. Check nvidia-smi and CUDA_VISIBLE_DEVICES.");
  }
  if (result != kSuccess) {
    return Status::error("no-driver", std::string(kDoing) + "the driver does not start: " +
                                          driver.describe(result) + ". Check nvidia-smi.");
  }
  *out = driver;
  return {};
}

std::string Driver::describe(Result result) const {
  const char *name = nullptr, *text = nullptr;
  errorName(result, &name);
  errorString(result, &text);
  return std::string(name ? name : "CUDA error") + " (" + std::to_string(result) + ")" +
         (text ? std::string(": ") + text : "");
}

std::string Driver::version() const {
  int value = 0;
  if (driverVersion(&value) != kSuccess) return {};
  return std::to_string(value / 1000) + "." + std::to_string(value % 1000 / 10);
}

}  // namespace lab::cuda
