#include "module.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "context.h"
#include "include/simt_api.h"
#include "lens/trace_runtime.h"
#include "runtime.h"
#include "stacks.h"

// The loader's own: where the calling thread has a thread-local variable.
struct TlsIndex {
  unsigned long module, offset;
};
extern "C" void* __tls_get_addr(TlsIndex*);

namespace lab::simt {

namespace {

// The loader answers a file it has already loaded with the same object, variables and all; a second load of one cached
// module therefore goes through a copy in memory. The loader knows that copy by its name, "/proc/self/fd/N": `copy` stays
// open as long as the module, or the next module's copy would get the same number and be taken for this one.
void* openAgain(const std::string& path, int* copy) {
  int from = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int to = memfd_create("kernel-lab-module", MFD_CLOEXEC);
  struct stat info {};
  void* handle = nullptr;
  if (from >= 0 && to >= 0 && fstat(from, &info) == 0) {
    off_t done = 0;
    while (done < info.st_size && sendfile(to, from, &done, size_t(info.st_size - done)) > 0) {
    }
    // A name of its own: the loader knows objects by name too, and a descriptor's number comes back after close().
    static std::atomic<unsigned> loads{0};
    std::string name = "/proc/self/fd/";
    for (unsigned n = ++loads; n; n >>= 1) name += n & 1 ? "/" : "./";
    if (done == info.st_size) handle = dlopen((name + std::to_string(to)).c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (from >= 0) close(from);
  *copy = to;
  return handle;
}

std::string demangle(const std::string& symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string name = text ? text : symbol;
  std::free(text);
  return name;
}

// A variable of a function's own: "_ZZ3fooPfE4tile".
bool isLocal(const std::string& symbol) { return symbol.compare(0, 3, "_ZZ") == 0; }

struct Query {
  const lab_simt::EntryInfo* entry;
  Context home, inside;
  unsigned char* args;
};

void answerQuery(void* raw) {
  auto& query = *static_cast<Query*>(raw);
  query.entry->invoke(query.args);
  for (;;) switchStack(query.inside, query.home);
}

}  // namespace

Status Module::load(const std::string& path, std::unique_ptr<Module>* out) {
  auto module = std::make_unique<Module>();
  module->path = path;
  if (!readElf(path, &module->elf_)) {
    return Status::error("bad-module", "Loading the kernel module " + path +
                                           ": expected a shared object built by this lab's CPU "
                                           "compiler. Delete the compile cache and compile again.");
  }
  void* already = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (already) dlclose(already);
  module->handle_ = already ? openAgain(path, &module->copy_) : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module->handle_) {
    const char* why = dlerror();
    return Status::error("bad-module",
                         "Loading the kernel module " + path + ": " + (why ? why : "it could not be copied"));
  }
  module->info = static_cast<const lab_simt::ModuleInfo*>(dlsym(module->handle_, "lab_module"));
  if (!module->info || module->info->version != lab_simt::kAbiVersion) {
    return Status::error("bad-module", "Loading the kernel module " + path +
                                           ": it was built for another version of the lab. "
                                           "Delete the compile cache and compile again.");
  }
  link_map* map = nullptr;
  if (dlinfo(module->handle_, RTLD_DI_LINKMAP, &map) == 0 && map) module->base = map->l_addr;
  module->attachHooks = reinterpret_cast<lens::AttachHooks>(dlsym(module->handle_, lens::kAttachHooks));
  module->findHooks();
  module->info->attach(module->attachHooks ? &lens::tracedRuntime() : &runtimeTable());
  *out = std::move(module);
  return {};
}

// They are one object file's, so they lie together.
void Module::findHooks() {
  for (const ElfSymbol& symbol : elf_.symbols) {
    bool hook = false;
    for (const char* prefix : {"__tsan_", "__ubsan_handle_", "__sanitizer_cov_", "lab_lens_"})
      hook = hook || symbol.name.rfind(prefix, 0) == 0;
    if (!hook || !symbol.function) continue;
    uintptr_t begin = base + symbol.value, end = begin + symbol.bytes;
    if (!hooksEnd_ || begin < hooksBegin_) hooksBegin_ = begin;
    if (end > hooksEnd_) hooksEnd_ = end;
  }
}

Module::~Module() {
  if (handle_) dlclose(handle_);
  if (copy_ >= 0) close(copy_);
}

const lab_simt::EntryInfo* Module::find(const std::string& symbol) const {
  for (uint32_t i = 0; i < info->entryCount; i++) {
    if (symbol == info->entries[i].symbol) return &info->entries[i];
  }
  return nullptr;
}

// Every thread-local variable that the kernel, or a function it reaches, refers to. A function reached only through a
// pointer in memory is not seen.
uint64_t Module::staticShared(const lab_simt::EntryInfo& entry) const {
  const std::vector<ElfReference>& references = elf_.references;
  std::vector<bool> counted(elf_.symbols.size());
  std::vector<uint32_t> reached;
  auto visit = [&](uint32_t symbol) {
    if (counted[symbol]) return;
    counted[symbol] = true;
    reached.push_back(symbol);
  };
  auto visitFunctionAt = [&](uint64_t address) {
    for (uint32_t i = 0; i < elf_.symbols.size(); i++) {
      const ElfSymbol& symbol = elf_.symbols[i];
      if (symbol.function && address >= symbol.value && address < symbol.value + symbol.bytes) visit(i);
    }
  };
  visitFunctionAt(reinterpret_cast<uintptr_t>(entry.function) - base);
  uint64_t bytes = 0;
  for (size_t next = 0; next < reached.size(); next++) {
    const ElfSymbol& symbol = elf_.symbols[reached[next]];
    // Shared memory is declared in functions; at namespace scope there are only pointers to the launch's.
    if (symbol.threadLocal && isLocal(symbol.name)) bytes += symbol.bytes;
    if (!symbol.function) continue;
    auto from = std::lower_bound(references.begin(), references.end(), symbol.value,
                                 [](const ElfReference& reference, uint64_t at) { return reference.at < at; });
    for (; from != references.end() && from->at < symbol.value + symbol.bytes; ++from) {
      if (from->symbol != kNoSymbol) {
        visit(from->symbol);
      } else {
        visitFunctionAt(from->target);
      }
    }
  }
  return bytes;
}

void* Module::staticSharedOfThread(uint64_t* bytes) const {
  void* block = nullptr;
  *bytes = elf_.threadLocalBytes;
  return dlinfo(handle_, RTLD_DI_TLS_DATA, &block) == 0 ? block : nullptr;
}

bool Module::inStaticShared(const void* address) const {
  uint64_t bytes;
  const void* block = staticSharedOfThread(&bytes);
  return block && reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(block) < bytes;
}

LaunchBounds Module::bounds(const lab_simt::EntryInfo& entry) const {
  LaunchBounds found;
  if (!entry.bounded) return found;
  Stacks stacks(1, kDefaultStackBytes);
  if (!stacks.ok()) return found;
  std::vector<uint64_t> args((entry.argBytes + 64) / 8 + 1);
  lab_simt::BlockView block{};
  lab_simt::ThreadView* view = stacks.view(0);
  view->block = &block;
  view->query = 1;
  auto aligned = (reinterpret_cast<uintptr_t>(args.data()) + 63) & ~uintptr_t(63);
  Query query{&entry, {}, {}, reinterpret_cast<unsigned char*>(aligned)};
  query.inside = prepareStack(view, answerQuery, &query);
  switchStack(query.home, query.inside);
  if (view->boundThreads) found.maxThreads = int(view->boundThreads);
  found.cluster = view->threadIdx;
  return found;
}

// A variable of the kernels' source, and nothing of the device headers'.
static bool isVariable(const ElfSymbol& symbol) {
  return !symbol.threadLocal && !symbol.function && symbol.bytes > 0 && !isLocal(symbol.name) &&
         symbol.name.find('.') == std::string::npos && symbol.name.find("lab_") == std::string::npos;
}

std::vector<Module::Variable> Module::variables() const {
  std::vector<Variable> result;
  for (const ElfSymbol& symbol : elf_.symbols)
    if (isVariable(symbol)) result.push_back({demangle(symbol.name), base + symbol.value, symbol.bytes});
  return result;
}

std::vector<Module::Variable> Module::sharedVariables(std::vector<Variable>* notShared) const {
  std::vector<Variable> result;
  // A thread gets its block when it first asks for one of the variables.
  TlsIndex first{0, 0};
  if (elf_.threadLocalBytes == 0 || dlinfo(handle_, RTLD_DI_TLS_MODID, &first.module) != 0 || !first.module) return result;
  const auto block = reinterpret_cast<uintptr_t>(__tls_get_addr(&first));
  // A namespace-scope extern array is a pointer with a binder beside it (translate.ts): no shared memory itself.
  const std::string binder = "lab_bind_";
  std::vector<std::string> pointers;
  for (const ElfSymbol& symbol : elf_.symbols) {
    std::string name = symbol.name.find(binder) == std::string::npos ? "" : demangle(symbol.name);
    size_t at = name.find(binder);
    if (at != std::string::npos) pointers.push_back(name.erase(at, binder.size()));
  }
  for (const ElfSymbol& symbol : elf_.symbols) {
    if (!symbol.threadLocal || symbol.name.find("lab_") != std::string::npos) continue;
    std::string name = demangle(symbol.name);
    if (std::find(pointers.begin(), pointers.end(), name) != pointers.end()) {
      if (notShared) notShared->push_back({name, block + symbol.value, symbol.bytes});
      continue;
    }
    // "softmax(float const*, int)::tile": what the source calls it.
    size_t scope = isLocal(symbol.name) ? name.rfind("::") : std::string::npos;
    if (scope != std::string::npos) name.erase(0, scope + 2);
    result.push_back({name, block + symbol.value, symbol.bytes});
  }
  return result;
}

uint64_t Module::threadLocal(uint8_t** address) const {
  void* block = nullptr;
  if (elf_.threadLocalBytes == 0 || dlinfo(handle_, RTLD_DI_TLS_DATA, &block) != 0 || !block) return 0;
  *address = static_cast<uint8_t*>(block);
  return elf_.threadLocalBytes;
}

Status Module::variable(const std::string& name, uint64_t* address, uint64_t* bytes) const {
  std::string known;
  for (const ElfSymbol& symbol : elf_.symbols) {
    if (!isVariable(symbol)) continue;
    std::string source = demangle(symbol.name);
    if (source == name || symbol.name == name) {
      *address = base + symbol.value;
      *bytes = symbol.bytes;
      return {};
    }
    if (symbol.name[0] != '_' || symbol.name.compare(0, 2, "_Z") == 0) known += (known.empty() ? "" : ", ") + source;
  }
  return Status::error("no-such-symbol", "Looking up the module variable \"" + name + "\": the module has " +
                                             (known.empty() ? "no variables." : "only " + known + "."));
}

}  // namespace lab::simt
