#include "elf_symbols.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

namespace lab::simt {

namespace {

// A typed view of `count` records at `offset`, or null when they do not fit the file.
template <typename T>
const T* records(const std::string& file, uint64_t offset, uint64_t count) {
  if (offset > file.size() || count > (file.size() - offset) / sizeof(T) || offset % alignof(T)) return nullptr;
  return reinterpret_cast<const T*>(file.data() + offset);
}

void readSymbols(const std::string& file, const Elf64_Shdr* sections, unsigned count, const Elf64_Shdr& table,
                 ElfImage* out) {
  uint64_t symbolCount = table.sh_size / sizeof(Elf64_Sym);
  const auto* symbols = records<Elf64_Sym>(file, table.sh_offset, symbolCount);
  if (!symbols || table.sh_link >= count) return;
  const Elf64_Shdr& strings = sections[table.sh_link];
  const char* text = records<char>(file, strings.sh_offset, strings.sh_size);
  if (!text || !strings.sh_size || text[strings.sh_size - 1]) return;
  for (uint64_t i = 0; i < symbolCount; i++) {
    const Elf64_Sym& symbol = symbols[i];
    unsigned type = ELF64_ST_TYPE(symbol.st_info);
    if ((type != STT_OBJECT && type != STT_TLS && type != STT_FUNC) || symbol.st_shndx == SHN_UNDEF ||
        symbol.st_name >= strings.sh_size)
      continue;
    out->symbols.push_back(
        ElfSymbol{text + symbol.st_name, symbol.st_value, symbol.st_size, type == STT_TLS, type == STT_FUNC});
  }
}

}  // namespace

bool readElf(const std::string& path, ElfImage* out) {
  std::ifstream stream(path, std::ios::binary);
  std::string file((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const auto* header = records<Elf64_Ehdr>(file, 0, 1);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64)
    return false;
  const auto* segments = records<Elf64_Phdr>(file, header->e_phoff, header->e_phnum);
  const auto* sections = records<Elf64_Shdr>(file, header->e_shoff, header->e_shnum);
  if (!segments || !sections || header->e_type != ET_DYN) return false;
  for (unsigned i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type == PT_TLS) out->threadLocalBytes = segments[i].p_memsz;
    if (segments[i].p_type == PT_LOAD) out->end = std::max(out->end, segments[i].p_vaddr + segments[i].p_memsz);
    if (segments[i].p_type != PT_LOAD || !(segments[i].p_flags & PF_X)) continue;
    out->textBegin = segments[i].p_vaddr;
    out->textEnd = segments[i].p_vaddr + segments[i].p_memsz;
  }
  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type == SHT_SYMTAB) readSymbols(file, sections, header->e_shnum, sections[i], out);
  }
  return true;
}

}  // namespace lab::simt
