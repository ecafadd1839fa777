// A compiled kernel module, loaded: its kernels, variables and what they ask for.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "../core/backend.h"
#include "elf_symbols.h"
#include "include/simt_abi.h"
#include "lens/hook_table.h"

namespace lab::simt {

struct LaunchBounds {
  int maxThreads = lab_simt::kMaxThreads;
  lab_simt::Id3 cluster{0, 0, 0};  // blocks; zeros: whatever the launch says
};

struct Module {
  std::string path;
  uintptr_t base = 0;
  const lab_simt::ModuleInfo* info = nullptr;

  // Loads the shared object and hands it the runtime's table. Every load has variables of its own.
  static Status load(const std::string& path, std::unique_ptr<Module>* out);
  ~Module();

  bool inText(uintptr_t pc) const { return pc >= base + elf_.textBegin && pc < base + elf_.textEnd; }
  // In the code of a kernel, not in the lens's hooks that are linked into the module.
  bool inKernel(uintptr_t pc) const { return inText(pc) && !(pc >= hooksBegin_ && pc < hooksEnd_); }
  const lab_simt::EntryInfo* find(const std::string& symbol) const;
  // Bytes of static shared memory a kernel can reach: its own, and those of no other kernel.
  uint64_t staticShared(const lab_simt::EntryInfo& entry) const;
  // The calling worker's static shared memory, of all the module's kernels; null when it has none.
  void* staticSharedOfThread(uint64_t* bytes) const;
  // True for an address in it.
  bool inStaticShared(const void* address) const;
  // What a kernel's qualifiers say of its launches.
  LaunchBounds bounds(const lab_simt::EntryInfo& entry) const;
  // A __device__ or __constant__ variable by its name in the source ("scale", "ns::table").
  Status variable(const std::string& name, uint64_t* address, uint64_t* bytes) const;

  // For the lens. Null when the module is not instrumented.
  lens::AttachHooks attachHooks = nullptr;
  struct Variable {
    std::string name;
    uint64_t address, bytes;
  };
  std::vector<Variable> variables() const;        // of the module
  // `notShared`: pointers to dynamic shared memory that lie beside it.
  std::vector<Variable> sharedVariables(std::vector<Variable>* notShared = nullptr) const;  // static shared memory, as the calling worker has it
  // The calling worker's thread-local variables, static shared memory among them: where, and how many bytes.
  uint64_t threadLocal(uint8_t** address) const;
  uint64_t end() const { return base + elf_.end; }

 private:
  void findHooks();

  void* handle_ = nullptr;
  int copy_ = -1;  // descriptor of the copy it was loaded from, where the file itself was loaded already
  uintptr_t hooksBegin_ = 0, hooksEnd_ = 0;
  ElfImage elf_;
};

}  // namespace lab::simt
