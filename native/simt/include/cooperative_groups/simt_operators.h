/// The operators that cg::reduce and the scans take: plus, less, greater and the bit operators.
#pragma once

namespace cooperative_groups {

#define SIMT_CG_OPERATOR(NAME, EXPR)           \
  template <class T = void>                    \
  struct NAME {                                \
    T operator()(T a, T b) const { return EXPR; } \
  };                                           \
  template <>                                  \
  struct NAME<void> {                          \
    template <class T>                         \
    T operator()(T a, T b) const {             \
      return EXPR;                             \
    }                                          \
  };
SIMT_CG_OPERATOR(plus, a + b)
// As in CUDA, `less` keeps the smaller of two and `greater` the larger.
SIMT_CG_OPERATOR(less, b < a ? b : a)
SIMT_CG_OPERATOR(greater, a < b ? b : a)
SIMT_CG_OPERATOR(bit_and, a & b)
SIMT_CG_OPERATOR(bit_or, a | b)
SIMT_CG_OPERATOR(bit_xor, a ^ b)
#undef SIMT_CG_OPERATOR

}  // namespace cooperative_groups
