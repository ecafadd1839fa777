// Streams, events, graphs, and waiting for them.
#include <algorithm>
#include <chrono>

#include "device.h"

namespace lab::cuda {

// Stream 0 is CUDA's own default stream, which waits for the others and they for it, as notebooks expect.
bool CudaDevice::findStream(uint32_t id, Stream* out) {
  if (capturing_ && id == capturedId_) {
    *out = captureStream_;
    return true;
  }
  if (id == 0) {
    *out = nullptr;
    return true;
  }
  if (lastStream_.id == id) {
    *out = lastStream_.stream;
    return true;
  }
  const auto at = streams_.find(id);
  if (at == streams_.end()) return false;
  lastStream_ = {id, at->second};
  *out = at->second;
  return true;
}

Status CudaDevice::unknownStream(uint32_t id) const {
  return Status::error("invalid-command",
                       "Using stream " + std::to_string(id) +
                           ": it does not exist or was destroyed. Make one with device.stream().");
}

Status CudaDevice::notWhileCapturing(const char* doing) const {
  return Status::error(
      "invalid-graph",
      std::string(doing) +
          ": a graph is being captured, and this needs the host. Do it before or after the capture.");
}

Status CudaDevice::streamCreate(uint32_t id) {
  if (id == 0 || streams_.count(id))
    return Status::error("invalid-command",
                         "Creating stream " + std::to_string(id) + ": the handle is taken.");
  Stream stream = nullptr;
  Status status = check(driver_.streamCreate(&stream, kStreamDefault), "Creating a stream");
  if (status.ok()) streams_.emplace(id, stream);
  return status;
}

Status CudaDevice::streamDestroy(uint32_t id) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return unknownStream(id);
  const Stream stream = at->second;
  streams_.erase(at);
  lastStream_ = {0, nullptr};
  return check(driver_.streamDestroy(stream), "Destroying a stream");
}

Status CudaDevice::eventRecord(uint32_t id, uint32_t streamId) {
  Stream stream;
  if (id == 0) return Status::error("invalid-command", "Recording an event: 0 is no handle.");
  if (!findStream(streamId, &stream)) return unknownStream(streamId);
  Event& event = events_[id];
  if (!event) {
    Status status = check(driver_.eventCreate(&event, 0), "Creating an event");
    if (!status.ok()) {
      events_.erase(id);
      return status;
    }
  }
  return check(driver_.eventRecord(event, stream), "Recording an event");
}

Status CudaDevice::eventDestroy(uint32_t id) {
  const auto at = events_.find(id);
  if (at == events_.end()) return {};  // never recorded, so never made
  const Event event = at->second;
  events_.erase(at);
  return check(driver_.eventDestroy(event), "Destroying an event");
}

Status CudaDevice::streamWait(uint32_t streamId, uint32_t id) {
  Stream stream;
  if (!findStream(streamId, &stream)) return unknownStream(streamId);
  const auto at = events_.find(id);
  // CUDA lets a stream wait for an event never recorded, and goes on at once.
  return at == events_.end() ? Status()
                             : check(driver_.streamWaitEvent(stream, at->second, 0), "Waiting for an event");
}

Status CudaDevice::graphBegin(uint32_t streamId) {
  Stream stream;
  if (capturing_)
    return Status::error("invalid-graph", "Capturing a graph: another capture is under way. End it first.");
  if (!findStream(streamId, &stream)) return unknownStream(streamId);
  if (!captureStream_) {
    Status status =
        check(driver_.streamCreate(&captureStream_, kStreamNonBlocking), "Creating a stream for capture");
    if (!status.ok()) return status;
  }
  Status status = check(driver_.beginCapture(captureStream_, kCaptureRelaxed), "Capturing a graph");
  if (!status.ok()) return status;
  capturing_ = true;
  capturedId_ = streamId;
  capturedKernels_.clear();
  return {};
}

Status CudaDevice::graphEnd(uint32_t streamId, uint32_t id) {
  if (!capturing_ || streamId != capturedId_)
    return Status::error("invalid-graph", "Ending a graph's capture: none was begun on this stream.");
  capturing_ = false;
  Graph graph = nullptr;
  Status status = check(driver_.endCapture(captureStream_, &graph), "Ending a graph's capture");
  if (!status.ok()) return status;
  if (id == 0 || graphs_.count(id))
    status = Status::error("invalid-command",
                           "Ending a graph's capture: handle " + std::to_string(id) + " is taken.");
  CapturedGraph captured;
  if (status.ok())
    status = check(driver_.graphInstantiate(&captured.exec, graph, 0), "Making a graph ready to launch");
  driver_.graphDestroy(graph);
  if (!status.ok()) return status;
  std::sort(capturedKernels_.begin(), capturedKernels_.end());
  capturedKernels_.erase(std::unique(capturedKernels_.begin(), capturedKernels_.end()),
                         capturedKernels_.end());
  captured.kernels = std::move(capturedKernels_);
  graphs_.emplace(id, std::move(captured));
  return {};
}

Status CudaDevice::graphLaunch(uint32_t id, uint32_t streamId) {
  Stream stream;
  if (!findStream(streamId, &stream)) return unknownStream(streamId);
  const auto at = graphs_.find(id);
  if (at == graphs_.end())
    return Status::error("invalid-graph",
                         "Launching graph " + std::to_string(id) + ": it does not exist or was destroyed.");
  CapturedGraph& graph = at->second;
  if (graph.epoch != ledger_.epoch() || graph.stream != streamId) {
    for (uint32_t kernel : graph.kernels) ledger_.launched(kernel, streamId);
    graph.epoch = ledger_.epoch();
    graph.stream = streamId;
  }
  return check(driver_.graphLaunch(graph.exec, stream), "Launching a graph");
}

Status CudaDevice::graphDestroy(uint32_t id) {
  const auto at = graphs_.find(id);
  if (at == graphs_.end()) return {};  // its capture failed
  const GraphExec exec = at->second.exec;
  graphs_.erase(at);
  return check(driver_.graphExecDestroy(exec), "Destroying a graph");
}

Status CudaDevice::synchronize(uint32_t streamId, bool all) {
  const char* doing = "Waiting for the device";
  if (capturing_) return notWhileCapturing(doing);
  Stream stream;
  if (!all && !findStream(streamId, &stream)) return unknownStream(streamId);
  Status status =
      waitFor([&] { return all ? driver_.ctxSynchronize() : driver_.streamSynchronize(stream); }, doing);
  if (!status.ok()) return status;
  if (all) ledger_.finishedAll();
  else ledger_.finished(streamId);
  return status;
}

Status CudaDevice::query(uint32_t streamId, bool* done) {
  Stream stream;
  if (!findStream(streamId, &stream)) return unknownStream(streamId);
  if (capturing_) return notWhileCapturing("Asking whether a stream has finished");
  const Result result = driver_.streamQuery(stream);
  *done = result == kSuccess;
  return result == kNotReady ? Status() : check(result, "Asking whether a stream has finished");
}

Status CudaDevice::elapsed(uint32_t from, uint32_t to, double* seconds) {
  const char* doing = "Reading the time between events";
  const auto a = events_.find(from), b = events_.find(to);
  if (a == events_.end() || b == events_.end())
    return Status::error("invalid-event",
                         std::string(doing) + ": one was never recorded. Record both before reading.");
  Status status = waitFor(
      [&] {
        const Result result = driver_.eventSynchronize(a->second);
        return result == kSuccess ? driver_.eventSynchronize(b->second) : result;
      },
      doing);
  if (!status.ok()) return status;
  float milliseconds = 0;
  const Result result = driver_.eventElapsed(&milliseconds, a->second, b->second);
  if (result == kInvalidValue)
    return Status::error(
        "invalid-event",
        std::string(doing) + ": one was recorded inside a graph only, where no time is kept.");
  *seconds = static_cast<double>(milliseconds) * 1e-3;
  return check(result, doing);
}

// The event came from the default stream; whatever the context still has to do is not in the time it took.
Status CudaDevice::unfinished(double* seconds) {
  Status status = waitFor(
      [&] {
        const auto began = std::chrono::steady_clock::now();
        const Result result = driver_.ctxSynchronize();
        *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        return result;
      },
      "Waiting for the device");
  if (status.ok()) ledger_.finishedAll();
  return status;
}

Status CudaDevice::resetPersistingLines(bool* done) {
  *done = driver_.resetPersistingL2 != nullptr;
  if (!*done) return {};
  const Result result = driver_.resetPersistingL2();
  if (result != kNotSupported) return check(result, "Resetting the persisting lines of the L2 cache");
  *done = false;
  return {};
}

}  // namespace lab::cuda
