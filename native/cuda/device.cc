#include "driver.h"

namespace lab {

Status openCuda(const OpenOptions& options, std::unique_ptr<Backend>*) {
  cuda::Driver driver;
  Status status = cuda::Driver::open(options.searchPaths, &driver);
  return status.ok() ? Status::error("no-driver", "Opening the CUDA device: this build has no CUDA backend yet.") : status;
}

}  // namespace lab
