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

// The place of every symbol of the file's table in ElfImage::symbols, or kNoSymbol.
using Places = std::vector<uint32_t>;

void readSymbols(const std::string& file, const Elf64_Shdr* sections, unsigned count, const Elf64_Shdr& table,
                 ElfImage* out, Places* places) {
  uint64_t symbolCount = table.sh_size / sizeof(Elf64_Sym);
  const auto* symbols = records<Elf64_Sym>(file, table.sh_offset, symbolCount);
  if (!symbols || table.sh_link >= count) return;
  const Elf64_Shdr& strings = sections[table.sh_link];
  const char* text = records<char>(file, strings.sh_offset, strings.sh_size);
  if (!text || !strings.sh_size || text[strings.sh_size - 1]) return;
  places->assign(symbolCount, kNoSymbol);
  for (uint64_t i = 0; i < symbolCount; i++) {
    const Elf64_Sym& symbol = symbols[i];
    unsigned type = ELF64_ST_TYPE(symbol.st_info);
    if ((type != STT_OBJECT && type != STT_TLS && type != STT_FUNC) || symbol.st_shndx == SHN_UNDEF ||
        symbol.st_name >= strings.sh_size)
      continue;
    (*places)[i] = uint32_t(out->symbols.size());
    out->symbols.push_back(
        ElfSymbol{text + symbol.st_name, symbol.st_value, symbol.st_size, type == STT_TLS, type == STT_FUNC});
  }
}

// What --emit-relocs kept: references from the code. One to a section and an offset in it means a function's address;
// the linker has added the distance from the place to the next instruction, which an address inside a function forgives.
void readReferences(const std::string& file, const Elf64_Shdr* sections, unsigned count, const Places& places,
                    const Elf64_Shdr& table, ElfImage* out) {
  if (table.sh_info >= count || !(sections[table.sh_info].sh_flags & SHF_EXECINSTR) || table.sh_link >= count) return;
  uint64_t symbolCount = sections[table.sh_link].sh_size / sizeof(Elf64_Sym);
  const auto* symbols = records<Elf64_Sym>(file, sections[table.sh_link].sh_offset, symbolCount);
  uint64_t entries = table.sh_size / sizeof(Elf64_Rela);
  const auto* relocations = records<Elf64_Rela>(file, table.sh_offset, entries);
  if (!symbols || !relocations || symbolCount != places.size()) return;
  for (uint64_t i = 0; i < entries; i++) {
    uint64_t index = ELF64_R_SYM(relocations[i].r_info);
    if (index >= symbolCount || symbols[index].st_shndx == SHN_UNDEF) continue;
    constexpr uint64_t kToNextInstruction = 4;
    bool section = ELF64_ST_TYPE(symbols[index].st_info) == STT_SECTION;
    if (!section && places[index] == kNoSymbol) continue;
    uint64_t target = symbols[index].st_value + (section ? relocations[i].r_addend + kToNextInstruction : 0);
    out->references.push_back(ElfReference{relocations[i].r_offset, section ? kNoSymbol : places[index], target});
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
  Places places;
  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type == SHT_SYMTAB) readSymbols(file, sections, header->e_shnum, sections[i], out, &places);
  }
  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type == SHT_RELA && !(sections[i].sh_flags & SHF_ALLOC))
      readReferences(file, sections, header->e_shnum, places, sections[i], out);
  }
  std::sort(out->references.begin(), out->references.end(),
            [](const ElfReference& a, const ElfReference& b) { return a.at < b.at; });
  return true;
}

}  // namespace lab::simt
