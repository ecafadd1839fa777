// The symbols of a shared object, read from its file: module variables by name, shared memory by kernel.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lab::simt {

struct ElfSymbol {
  std::string name;    // as the linker knows it
  uint64_t value = 0;  // relative to the load address; of a thread-local one, to its block
  uint64_t bytes = 0;
  bool threadLocal = false;
  bool function = false;
};

// A place in the code that refers to a symbol: a call, an address, a thread-local variable.
struct ElfReference {
  uint64_t at = 0;      // relative to the load address
  uint32_t symbol = 0;  // in ElfImage::symbols; kNoSymbol: of a function known by its address only
  uint64_t target = 0;  // that address
};
constexpr uint32_t kNoSymbol = ~0u;

struct ElfImage {
  std::vector<ElfSymbol> symbols;          // functions and variables, thread-local ones too
  std::vector<ElfReference> references;    // ascending by place; empty where the linker kept none
  uint64_t threadLocalBytes = 0;           // of the block that every thread has of its own
  uint64_t textBegin = 0, textEnd = 0;     // executable part, relative to the load address
  uint64_t end = 0;                        // of all that is loaded, likewise
};

// False when the file is no ELF64 shared object of this host.
bool readElf(const std::string& path, ElfImage* out);

}  // namespace lab::simt
