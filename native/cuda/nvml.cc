#include "nvml.h"

namespace lab::cuda {
namespace {

// Values of nvml.h.
constexpr unsigned kClockSm = 1, kClockMemory = 2, kTemperatureGpu = 0;

// Bits of nvmlClocksEventReasons; idle (0x1) and application clocks set by the user (0x2) are told apart by
// name too.
struct Reason {
  unsigned long long bit;
  const char* name;
};
constexpr Reason kReasons[] = {
    {0x1, "gpu-idle"},
    {0x2, "applications-clocks-setting"},
    {0x4, "software-power-cap"},
    {0x8, "hardware-slowdown"},
    {0x10, "sync-boost"},
    {0x20, "software-thermal-slowdown"},
    {0x40, "hardware-thermal-slowdown"},
    {0x80, "hardware-power-brake"},
    {0x100, "display-clock-setting"},
};

// Calls a function of the library by name; -1 where it is missing.
template <typename... Args>
int call(const Library& library, const char* name, Args... args) {
  int (*function)(Args...) = nullptr;
  return library.bind(function, name) ? function(args...) : -1;
}

}  // namespace

Nvml::Nvml(const std::vector<std::string>& searchPaths, const std::string& uuid)
    : library_(openNvml(searchPaths)) {
  started_ = library_.found() && call(library_, "nvmlInit_v2") == 0;
  if (started_ && call(library_, "nvmlDeviceGetHandleByUUID", uuid.c_str(), &device_) != 0) device_ = nullptr;
}

Nvml::~Nvml() {
  if (started_) call(library_, "nvmlShutdown");
}

void Nvml::read(DeviceState* out) const {
  if (!device_) return;
  unsigned value = 0;
  if (call(library_, "nvmlDeviceGetClockInfo", device_, kClockSm, &value) == 0) out->smClockHz = value * 1e6;
  if (call(library_, "nvmlDeviceGetClockInfo", device_, kClockMemory, &value) == 0)
    out->memoryClockHz = value * 1e6;
  if (call(library_, "nvmlDeviceGetTemperature", device_, kTemperatureGpu, &value) == 0)
    out->temperatureC = value;
  if (call(library_, "nvmlDeviceGetPowerUsage", device_, &value) == 0) out->powerW = value / 1e3;
  if (call(library_, "nvmlDeviceGetEnforcedPowerLimit", device_, &value) == 0) out->powerLimitW = value / 1e3;
  unsigned long long bits = 0;
  int result = call(library_, "nvmlDeviceGetCurrentClocksEventReasons", device_, &bits);
  if (result != 0) result = call(library_, "nvmlDeviceGetCurrentClocksThrottleReasons", device_, &bits);
  out->throttleKnown = result == 0;
  for (const Reason& reason : kReasons) {
    if (result == 0 && (bits & reason.bit)) out->throttleReasons.push_back(reason.name);
  }
}

std::string nvmlDriverVersion(const std::vector<std::string>& searchPaths, std::string* path,
                              std::string* error) {
  const Library library = openNvml(searchPaths);
  *path = library.path();
  *error = library.error();
  if (!library.found()) return {};
  const int started = call(library, "nvmlInit_v2");
  char version[96] = "";
  const int result =
      started == 0 ? call(library, "nvmlSystemGetDriverVersion", static_cast<char*>(version), 96u) : started;
  if (started == 0) call(library, "nvmlShutdown");
  if (result != 0) *error = "NVML answered " + std::to_string(result);
  return result == 0 ? version : "";
}

}  // namespace lab::cuda
