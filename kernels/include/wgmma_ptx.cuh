// The wgmma instructions behind wgmma.cuh: m64nNk16 with float accumulators, for every N from 8 to 256 in steps of 8.
//
// An asm statement needs its registers spelt out. The lists below build on one another, four registers a line, and one
// macro makes the functions of an N: operands from shared memory (Ss) or A from registers (Rs), half or bfloat16.
#pragma once

namespace lab {
namespace detail {

// Names of the accumulators in the instruction's text.
#define LAB_WGMMA_R4 "%0, %1, %2, %3"
#define LAB_WGMMA_R8 LAB_WGMMA_R4 ", %4, %5, %6, %7"
#define LAB_WGMMA_R12 LAB_WGMMA_R8 ", %8, %9, %10, %11"
#define LAB_WGMMA_R16 LAB_WGMMA_R12 ", %12, %13, %14, %15"
#define LAB_WGMMA_R20 LAB_WGMMA_R16 ", %16, %17, %18, %19"
#define LAB_WGMMA_R24 LAB_WGMMA_R20 ", %20, %21, %22, %23"
#define LAB_WGMMA_R28 LAB_WGMMA_R24 ", %24, %25, %26, %27"
#define LAB_WGMMA_R32 LAB_WGMMA_R28 ", %28, %29, %30, %31"
#define LAB_WGMMA_R36 LAB_WGMMA_R32 ", %32, %33, %34, %35"
#define LAB_WGMMA_R40 LAB_WGMMA_R36 ", %36, %37, %38, %39"
#define LAB_WGMMA_R44 LAB_WGMMA_R40 ", %40, %41, %42, %43"
#define LAB_WGMMA_R48 LAB_WGMMA_R44 ", %44, %45, %46, %47"
#define LAB_WGMMA_R52 LAB_WGMMA_R48 ", %48, %49, %50, %51"
#define LAB_WGMMA_R56 LAB_WGMMA_R52 ", %52, %53, %54, %55"
#define LAB_WGMMA_R60 LAB_WGMMA_R56 ", %56, %57, %58, %59"
#define LAB_WGMMA_R64 LAB_WGMMA_R60 ", %60, %61, %62, %63"
#define LAB_WGMMA_R68 LAB_WGMMA_R64 ", %64, %65, %66, %67"
#define LAB_WGMMA_R72 LAB_WGMMA_R68 ", %68, %69, %70, %71"
#define LAB_WGMMA_R76 LAB_WGMMA_R72 ", %72, %73, %74, %75"
#define LAB_WGMMA_R80 LAB_WGMMA_R76 ", %76, %77, %78, %79"
#define LAB_WGMMA_R84 LAB_WGMMA_R80 ", %80, %81, %82, %83"
#define LAB_WGMMA_R88 LAB_WGMMA_R84 ", %84, %85, %86, %87"
#define LAB_WGMMA_R92 LAB_WGMMA_R88 ", %88, %89, %90, %91"
#define LAB_WGMMA_R96 LAB_WGMMA_R92 ", %92, %93, %94, %95"
#define LAB_WGMMA_R100 LAB_WGMMA_R96 ", %96, %97, %98, %99"
#define LAB_WGMMA_R104 LAB_WGMMA_R100 ", %100, %101, %102, %103"
#define LAB_WGMMA_R108 LAB_WGMMA_R104 ", %104, %105, %106, %107"
#define LAB_WGMMA_R112 LAB_WGMMA_R108 ", %108, %109, %110, %111"
#define LAB_WGMMA_R116 LAB_WGMMA_R112 ", %112, %113, %114, %115"
#define LAB_WGMMA_R120 LAB_WGMMA_R116 ", %116, %117, %118, %119"
#define LAB_WGMMA_R124 LAB_WGMMA_R120 ", %120, %121, %122, %123"
#define LAB_WGMMA_R128 LAB_WGMMA_R124 ", %124, %125, %126, %127"

// The accumulators as operands, read and written.
#define LAB_WGMMA_D4 "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define LAB_WGMMA_D8 LAB_WGMMA_D4, "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
#define LAB_WGMMA_D12 LAB_WGMMA_D8, "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11])
#define LAB_WGMMA_D16 LAB_WGMMA_D12, "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
#define LAB_WGMMA_D20 LAB_WGMMA_D16, "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19])
#define LAB_WGMMA_D24 LAB_WGMMA_D20, "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23])
#define LAB_WGMMA_D28 LAB_WGMMA_D24, "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27])
#define LAB_WGMMA_D32 LAB_WGMMA_D28, "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define LAB_WGMMA_D36 LAB_WGMMA_D32, "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35])
#define LAB_WGMMA_D40 LAB_WGMMA_D36, "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39])
#define LAB_WGMMA_D44 LAB_WGMMA_D40, "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43])
#define LAB_WGMMA_D48 LAB_WGMMA_D44, "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47])
#define LAB_WGMMA_D52 LAB_WGMMA_D48, "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51])
#define LAB_WGMMA_D56 LAB_WGMMA_D52, "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55])
#define LAB_WGMMA_D60 LAB_WGMMA_D56, "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59])
#define LAB_WGMMA_D64 LAB_WGMMA_D60, "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
#define LAB_WGMMA_D68 LAB_WGMMA_D64, "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67])
#define LAB_WGMMA_D72 LAB_WGMMA_D68, "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71])
#define LAB_WGMMA_D76 LAB_WGMMA_D72, "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75])
#define LAB_WGMMA_D80 LAB_WGMMA_D76, "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79])
#define LAB_WGMMA_D84 LAB_WGMMA_D80, "+f"(d[80]), "+f"(d[81]), "+f"(d[82]), "+f"(d[83])
#define LAB_WGMMA_D88 LAB_WGMMA_D84, "+f"(d[84]), "+f"(d[85]), "+f"(d[86]), "+f"(d[87])
#define LAB_WGMMA_D92 LAB_WGMMA_D88, "+f"(d[88]), "+f"(d[89]), "+f"(d[90]), "+f"(d[91])
#define LAB_WGMMA_D96 LAB_WGMMA_D92, "+f"(d[92]), "+f"(d[93]), "+f"(d[94]), "+f"(d[95])
#define LAB_WGMMA_D100 LAB_WGMMA_D96, "+f"(d[96]), "+f"(d[97]), "+f"(d[98]), "+f"(d[99])
#define LAB_WGMMA_D104 LAB_WGMMA_D100, "+f"(d[100]), "+f"(d[101]), "+f"(d[102]), "+f"(d[103])
#define LAB_WGMMA_D108 LAB_WGMMA_D104, "+f"(d[104]), "+f"(d[105]), "+f"(d[106]), "+f"(d[107])
#define LAB_WGMMA_D112 LAB_WGMMA_D108, "+f"(d[108]), "+f"(d[109]), "+f"(d[110]), "+f"(d[111])
#define LAB_WGMMA_D116 LAB_WGMMA_D112, "+f"(d[112]), "+f"(d[113]), "+f"(d[114]), "+f"(d[115])
#define LAB_WGMMA_D120 LAB_WGMMA_D116, "+f"(d[116]), "+f"(d[117]), "+f"(d[118]), "+f"(d[119])
#define LAB_WGMMA_D124 LAB_WGMMA_D120, "+f"(d[120]), "+f"(d[121]), "+f"(d[122]), "+f"(d[123])
#define LAB_WGMMA_D128 LAB_WGMMA_D124, "+f"(d[124]), "+f"(d[125]), "+f"(d[126]), "+f"(d[127])

// P0 to P6: the numbers of the operands after the R accumulators.
#define LAB_WGMMA_FORMS(NAME, TYPE, N, R, P0, P1, P2, P3, P4, P5, P6)                                                  \
  template <int TransA, int TransB>                                                                                   \
  static __device__ __forceinline__ void NAME##Ss(float (&d)[R], unsigned long long a, unsigned long long b, int add) { \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #P2 ", 0;\n"                                                    \
                 "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." TYPE "." TYPE " {" LAB_WGMMA_R##R "}, %" #P0       \
                 ", %" #P1 ", p, 1, 1, %" #P3 ", %" #P4 ";\n}"                                                        \
                 : LAB_WGMMA_D##R                                                                                     \
                 : "l"(a), "l"(b), "r"(add), "n"(TransA), "n"(TransB)                                                 \
                 : "memory");                                                                                         \
  }                                                                                                                   \
  template <int TransB>                                                                                               \
  static __device__ __forceinline__ void NAME##Rs(float (&d)[R], const unsigned (&a)[4], unsigned long long b, int add) { \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #P5 ", 0;\n"                                                    \
                 "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." TYPE "." TYPE " {" LAB_WGMMA_R##R "}, {%" #P0      \
                 ", %" #P1 ", %" #P2 ", %" #P3 "}, %" #P4 ", p, 1, 1, %" #P6 ";\n}"                                   \
                 : LAB_WGMMA_D##R                                                                                     \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(TransB)                          \
                 : "memory");                                                                                         \
  }

template <int N>
struct WgmmaPtx;

#define LAB_WGMMA_SHAPE(N, R, ...)                     \
  template <>                                          \
  struct WgmmaPtx<N> {                                 \
    LAB_WGMMA_FORMS(half, "f16", N, R, __VA_ARGS__)    \
    LAB_WGMMA_FORMS(bfloat, "bf16", N, R, __VA_ARGS__) \
  };

LAB_WGMMA_SHAPE(8, 4, 4, 5, 6, 7, 8, 9, 10)
LAB_WGMMA_SHAPE(16, 8, 8, 9, 10, 11, 12, 13, 14)
LAB_WGMMA_SHAPE(24, 12, 12, 13, 14, 15, 16, 17, 18)
LAB_WGMMA_SHAPE(32, 16, 16, 17, 18, 19, 20, 21, 22)
LAB_WGMMA_SHAPE(40, 20, 20, 21, 22, 23, 24, 25, 26)
LAB_WGMMA_SHAPE(48, 24, 24, 25, 26, 27, 28, 29, 30)
LAB_WGMMA_SHAPE(56, 28, 28, 29, 30, 31, 32, 33, 34)
LAB_WGMMA_SHAPE(64, 32, 32, 33, 34, 35, 36, 37, 38)
LAB_WGMMA_SHAPE(72, 36, 36, 37, 38, 39, 40, 41, 42)
LAB_WGMMA_SHAPE(80, 40, 40, 41, 42, 43, 44, 45, 46)
LAB_WGMMA_SHAPE(88, 44, 44, 45, 46, 47, 48, 49, 50)
LAB_WGMMA_SHAPE(96, 48, 48, 49, 50, 51, 52, 53, 54)
LAB_WGMMA_SHAPE(104, 52, 52, 53, 54, 55, 56, 57, 58)
LAB_WGMMA_SHAPE(112, 56, 56, 57, 58, 59, 60, 61, 62)
LAB_WGMMA_SHAPE(120, 60, 60, 61, 62, 63, 64, 65, 66)
LAB_WGMMA_SHAPE(128, 64, 64, 65, 66, 67, 68, 69, 70)
LAB_WGMMA_SHAPE(136, 68, 68, 69, 70, 71, 72, 73, 74)
LAB_WGMMA_SHAPE(144, 72, 72, 73, 74, 75, 76, 77, 78)
LAB_WGMMA_SHAPE(152, 76, 76, 77, 78, 79, 80, 81, 82)
LAB_WGMMA_SHAPE(160, 80, 80, 81, 82, 83, 84, 85, 86)
LAB_WGMMA_SHAPE(168, 84, 84, 85, 86, 87, 88, 89, 90)
LAB_WGMMA_SHAPE(176, 88, 88, 89, 90, 91, 92, 93, 94)
LAB_WGMMA_SHAPE(184, 92, 92, 93, 94, 95, 96, 97, 98)
LAB_WGMMA_SHAPE(192, 96, 96, 97, 98, 99, 100, 101, 102)
LAB_WGMMA_SHAPE(200, 100, 100, 101, 102, 103, 104, 105, 106)
LAB_WGMMA_SHAPE(208, 104, 104, 105, 106, 107, 108, 109, 110)
LAB_WGMMA_SHAPE(216, 108, 108, 109, 110, 111, 112, 113, 114)
LAB_WGMMA_SHAPE(224, 112, 112, 113, 114, 115, 116, 117, 118)
LAB_WGMMA_SHAPE(232, 116, 116, 117, 118, 119, 120, 121, 122)
LAB_WGMMA_SHAPE(240, 120, 120, 121, 122, 123, 124, 125, 126)
LAB_WGMMA_SHAPE(248, 124, 124, 125, 126, 127, 128, 129, 130)
LAB_WGMMA_SHAPE(256, 128, 128, 129, 130, 131, 132, 133, 134)

#undef LAB_WGMMA_SHAPE
#undef LAB_WGMMA_FORMS

}  // namespace detail
}  // namespace lab
