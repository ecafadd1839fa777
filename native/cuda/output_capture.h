// Keeps what CUDA prints. Device printf goes to the process's stdout and a failed device assert to its
// stderr, both while the host waits; in the device host nobody reads those, so they are sent to memory
// instead.
#pragma once
#include <string>

namespace lab::cuda {

class OutputCapture {
 public:
  // Takes over stdout when `enabled`, until destroyed. Disabled, everything prints as CUDA would.
  explicit OutputCapture(bool enabled);
  ~OutputCapture();
  OutputCapture(const OutputCapture&) = delete;
  OutputCapture& operator=(const OutputCapture&) = delete;

  // stderr is taken over only while waiting, so that the host's own messages stay visible.
  void beginWait();
  void endWait();
  // What was printed since the last call.
  std::string take();
  // What went to stderr during the last wait: the text of a failed assert.
  std::string takeErrors();

 private:
  int out_ = -1, err_ = -1;            // memory files
  int savedOut_ = -1, savedErr_ = -1;  // the process's own
};

}  // namespace lab::cuda
