/// One asynchronous copy: what to move and where to, kept until the wait that asks for it.
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "simt_api.h"
#include "simt_lens.h"

namespace simt_async {

/// `bytes` from source, then `zeros` zero bytes.
struct Copy {
  void* destination;
  const void* source;
  size_t bytes, zeros;
};

inline void perform(const Copy& queued) {
  Copy copy;
  {
    lab_simt::lens::Quiet quiet;  // the queue is the device's own memory
    copy = queued;
  }
  lab_simt::lens::tell(lab_simt::lens::Operation::kAsyncWrite, copy.destination, static_cast<uint32_t>(copy.bytes),
                       copy.source, static_cast<uint32_t>(copy.zeros));
  lab_simt::lens::Quiet quiet;
  memcpy(copy.destination, copy.source, copy.bytes);
  memset(static_cast<char*>(copy.destination) + copy.bytes, 0, copy.zeros);
}

/// A thread has asked for it.
inline __attribute__((always_inline)) void issued(const Copy& copy) {
  lab_simt::lens::tell(lab_simt::lens::Operation::kAsyncIssue, copy.destination, static_cast<uint32_t>(copy.bytes),
                       copy.source, static_cast<uint32_t>(copy.zeros));
}

/// Into the calling thread's own queue, where a later commit and wait find it.
inline void defer(const Copy& copy) {
  issued(copy);
  lab_simt::async_defer([](void* payload) { perform(*static_cast<const Copy*>(payload)); }, copy);
}

/// The share of a group's copy that the thread of this rank does: whole 16-byte pieces, the last shorter.
inline Copy share(void* destination, const void* source, size_t bytes, size_t rank, size_t threads) {
  const size_t pieces = (bytes + 15) / 16, each = (pieces + threads - 1) / threads * 16;
  const size_t begin = rank * each < bytes ? rank * each : bytes, end = begin + each < bytes ? begin + each : bytes;
  return Copy{static_cast<char*>(destination) + begin, static_cast<const char*>(source) + begin, end - begin, 0};
}

/// Copies of several threads that one barrier or pipeline stage will perform. All zero when empty, so that it may
/// lie in shared memory. The threads of a block take turns on one processor: no lock is needed.
class List {
 public:
  void add(const Copy& copy) {
    if (copy.bytes + copy.zeros == 0) return;
    issued(copy);
    lab_simt::lens::Quiet quiet;
    Node* node = static_cast<Node*>(__builtin_malloc(sizeof(Node)));
    if (node == nullptr) lab_simt::fault("out-of-memory", "No host memory is left to queue an asynchronous copy.");
    *node = Node{copy, first_};
    first_ = node;
  }
  void take(List& other) {
    lab_simt::lens::Quiet quiet;
    while (Node* node = other.first_) {
      other.first_ = node->next;
      node->next = first_;
      first_ = node;
    }
  }
  void perform_all() {
    while (Node* node = pop()) {
      perform(node->copy);
      __builtin_free(node);  // the host's: the queue is not of the kernel's heap
    }
  }
  /// Forgets what an earlier owner of this memory left; it does not own those nodes.
  void reset() { first_ = nullptr; }

 private:
  struct Node {
    Copy copy;
    Node* next;
  };
  Node* pop() {
    lab_simt::lens::Quiet quiet;
    Node* node = first_;
    if (node != nullptr) first_ = node->next;
    return node;
  }
  Node* first_;
};

}  // namespace simt_async
