// The calls of -fsanitize=signed-integer-overflow,bounds,alignment: made only where a check fails. Part of lens_hooks.cc.
// The layouts are those of LLVM's undefined-behaviour runtime, which g++ shares.

struct LabSource {
  const char* file;
  uint32_t line, column;
};
struct LabType {
  uint16_t kind, info;  // kind 0: an integer of 2^(info >> 1) bits, signed when info is odd
};
struct LabOverflow {
  LabSource source;
  const LabType* type;
};
struct LabBounds {
  LabSource source;
  const LabType *array, *index;
};
struct LabMismatch {
  LabSource source;
  const LabType* type;
  uint8_t logAlignment, check;
};

LAB_INLINE void checked(lab_simt::lens::Operation operation, uintptr_t pc, const void* address, const void* other) {
  if (ThreadView* self = watched()) lab_hooks->operation(self, uint32_t(operation), pc, address, other, 0, 0);
}

#define LAB_OVERFLOW(NAME, ...)                                                       \
  void __ubsan_handle_##NAME(LabOverflow*, ##__VA_ARGS__) {                           \
    checked(lab_simt::lens::Operation::kOverflow, LAB_PC, nullptr, nullptr);          \
  }
LAB_OVERFLOW(add_overflow, uintptr_t, uintptr_t)
LAB_OVERFLOW(sub_overflow, uintptr_t, uintptr_t)
LAB_OVERFLOW(mul_overflow, uintptr_t, uintptr_t)
LAB_OVERFLOW(negate_overflow, uintptr_t)
LAB_OVERFLOW(divrem_overflow, uintptr_t, uintptr_t)

void __ubsan_handle_out_of_bounds(LabBounds* data, uintptr_t index) {
  // A narrower signed index comes without its sign.
  unsigned bits = 1u << (data->index->info >> 1);
  if ((data->index->info & 1) && bits < 64) index = uintptr_t(int64_t(index << (64 - bits)) >> (64 - bits));
  checked(lab_simt::lens::Operation::kBadIndex, LAB_PC, nullptr, reinterpret_cast<void*>(index));
}

void __ubsan_handle_type_mismatch_v1(LabMismatch* data, uintptr_t pointer) {
  uintptr_t alignment = uintptr_t(1) << data->logAlignment;
  if (pointer % alignment == 0) return;  // null, which the address itself will tell
  checked(lab_simt::lens::Operation::kMisaligned, LAB_PC, reinterpret_cast<void*>(pointer),
          reinterpret_cast<void*>(alignment));
}
