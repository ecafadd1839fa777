#include "random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "dtype.h"

namespace lab {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ull;
constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^-53

// The finaliser of splitmix64: a counter stepped by kGolden and mixed so passes the usual batteries.
inline uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// Natural logarithm of a positive normal double in basic operations only; libm's differs from host to host.
inline double portableLog(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, 8);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
  double m;
  std::memcpy(&m, &bits, 8);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  const double s = (m - 1.0) / (m + 1.0), s2 = s * s;
  double series = 1.0 / 17;
  for (int k = 15; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return exponent * 0.69314718055994530942 + 2.0 * s * series;
}

inline double polynomial(const double (&c)[8], double x) {
  double y = c[7];
  for (int k = 6; k >= 0; --k) y = y * x + c[k];
  return y;
}

// Inverse of the normal distribution function, Wichura's AS 241 (PPND16), about 1e-16 relative.
double normalQuantile(double p) {
  static constexpr double a[8] = {
      3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
      4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr double b[8] = {1.0,
                                  4.2313330701600911252e+1,
                                  6.8718700749205790830e+2,
                                  5.3941960214247511077e+3,
                                  2.1213794301586595867e+4,
                                  3.9307895800092710610e+4,
                                  2.8729085735721942674e+4,
                                  5.2264952788528545610e+3};
  static constexpr double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                  5.76949722146069140550e0,  3.64784832476320460504e0,
                                  1.27045825245236838258e0,  2.41780725177450611770e-1,
                                  2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double d[8] = {1.0,
                                  2.05319162663775882187e0,
                                  1.67638483018380384940e0,
                                  6.89767334985100004550e-1,
                                  1.48103976427480074590e-1,
                                  1.51986665636164571966e-2,
                                  5.47593808499534494600e-4,
                                  1.05075007164441684324e-9};
  static constexpr double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                  1.78482653991729133580e0,  2.96560571828504891230e-1,
                                  2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                  2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double f[8] = {1.0,
                                  5.99832206555887937690e-1,
                                  1.36929880922735805310e-1,
                                  1.48753612908506148525e-2,
                                  7.86869131145613259100e-4,
                                  1.84631831751005468180e-5,
                                  1.42151175831644588870e-7,
                                  2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double tail = std::sqrt(-portableLog(q < 0 ? p : 1.0 - p));
  const double r = tail <= 5.0 ? tail - 1.6 : tail - 5.0;
  const double z = tail <= 5.0 ? polynomial(c, r) / polynomial(d, r) : polynomial(e, r) / polynomial(f, r);
  return q < 0 ? -z : z;
}

struct Generator {
  uint64_t valueKey, outlierKey;
  Distribution distribution;
  double a, b, outlierFraction, outlierScale;

  explicit Generator(const FillRandomCmd& spec)
      : valueKey(mix(spec.seed + kGolden)),
        outlierKey(mix(valueKey ^ 0x6f75746c69657273ull)),
        distribution(static_cast<Distribution>(spec.distribution)),
        a(spec.a),
        b(spec.b),
        outlierFraction(spec.outlierFraction),
        outlierScale(spec.outlierScale) {}

  uint64_t word(uint64_t i) const { return mix(valueKey + (i + 1) * kGolden); }

  bool outlier(uint64_t i) const {
    return outlierFraction > 0 &&
           static_cast<double>(mix(outlierKey + (i + 1) * kGolden) >> 11) * kUnit < outlierFraction;
  }

  double value(uint64_t i) const {
    const uint64_t w = word(i);
    double x;
    if (distribution == Distribution::kNormal) {
      x = a + b * normalQuantile((static_cast<double>(w >> 12) + 0.5) * (2.0 * kUnit));
    } else if (distribution == Distribution::kUniform) {
      x = a + (b - a) * (static_cast<double>(w >> 11) * kUnit);
    } else {
      x = a + static_cast<double>(integerOffset(w));
    }
    return outlier(i) ? x * outlierScale : x;
  }

  // 0 .. range - 1, as the high half of word * range.
  uint64_t integerOffset(uint64_t w) const {
    const uint64_t range = static_cast<uint64_t>(b - a);
    return static_cast<uint64_t>((static_cast<unsigned __int128>(w) * range) >> 64);
  }
};

template <typename T, typename Convert>
void fillSpan(void* out, uint64_t first, uint64_t count, const Generator& g, Convert convert) {
  T* to = static_cast<T*>(out);
  for (uint64_t i = 0; i < count; ++i) to[i] = convert(g.value(first + i));
}

void fillPiece(uint8_t* out, uint64_t first, uint64_t count, DType dtype, const Generator& g) {
  switch (dtype) {
    case DType::kF64: return fillSpan<double>(out, first, count, g, [](double x) { return x; });
    case DType::kF32:
      return fillSpan<float>(out, first, count, g, [](double x) {
        // A double beyond float's range is undefined to cast; IEEE hosts would give infinity, so say so.
        constexpr double kLimit = 3.4028235677973366e38;  // halfway between the largest float and 2^128
        if (x >= kLimit) return std::numeric_limits<float>::infinity();
        if (x <= -kLimit) return -std::numeric_limits<float>::infinity();
        return static_cast<float>(x);
      });
    case DType::kF16:
      return fillSpan<uint16_t>(out, first, count, g,
                                [](double x) { return static_cast<uint16_t>(encodeSmallFloat(x, kHalf)); });
    case DType::kBF16:
      return fillSpan<uint16_t>(out, first, count, g, [](double x) {
        return static_cast<uint16_t>(encodeSmallFloat(x, kBfloat16));
      });
    case DType::kE4M3:
      return fillSpan<uint8_t>(out, first, count, g,
                               [](double x) { return static_cast<uint8_t>(encodeSmallFloat(x, kE4M3)); });
    case DType::kE5M2:
      return fillSpan<uint8_t>(out, first, count, g,
                               [](double x) { return static_cast<uint8_t>(encodeSmallFloat(x, kE5M2)); });
    case DType::kI8:
      return fillSpan<int8_t>(out, first, count, g,
                              [](double x) { return saturate<int8_t>(x, -128, 127, -128, 127); });
    case DType::kU8:
      return fillSpan<uint8_t>(out, first, count, g,
                               [](double x) { return saturate<uint8_t>(x, 0, 255, 0, 255); });
    case DType::kI32:
      return fillSpan<int32_t>(out, first, count, g, [](double x) {
        return saturate<int32_t>(x, -2147483648.0, 2147483647.0, INT32_MIN, INT32_MAX);
      });
    case DType::kU32:
      return fillSpan<uint32_t>(out, first, count, g, [](double x) {
        return saturate<uint32_t>(x, 0, 4294967295.0, 0, UINT32_MAX);
      });
    case DType::kI64:
      return fillSpan<int64_t>(out, first, count, g, [](double x) {
        return saturate<int64_t>(x, -9223372036854775808.0, 9223372036854775808.0, INT64_MIN, INT64_MAX);
      });
  }
}

}  // namespace

Status checkRandom(const FillRandomCmd& s) {
  const auto bad = [](const char* why) {
    return Status::error("invalid-argument", std::string("Filling a tensor with random values: ") + why);
  };
  if (elementBytes(s.dtype) == 0) return bad("expected a dtype of the lab; this number is none.");
  if (s.distribution > 2) return bad("expected distribution 0 (normal), 1 (uniform) or 2 (integers).");
  if (!std::isfinite(s.a) || !std::isfinite(s.b))
    return bad("expected finite bounds (or mean and deviation).");
  if (s.distribution == 0 && s.b < 0) return bad("expected a deviation of 0 or more.");
  if (s.distribution == 1 && !(s.b >= s.a && std::isfinite(s.b - s.a)))
    return bad("expected an upper bound not below the lower one.");
  if (s.distribution == 2 && !(s.b - s.a >= 1 && s.b - s.a <= 9007199254740992.0))
    return bad("expected at least one integer in [a, b), and at most 2^53.");
  if (!(s.outlierFraction >= 0 && s.outlierFraction <= 1))
    return bad("expected a fraction of outliers within 0 and 1.");
  if (s.outlierFraction > 0 && !std::isfinite(s.outlierScale))
    return bad("expected a finite scale of outliers.");
  return {};
}

void fillRandom(void* out, uint64_t first, uint64_t count, const FillRandomCmd& spec, int threads) {
  constexpr uint64_t kGrain = 1 << 16;  // below this a thread costs more than it saves
  const Generator generator(spec);
  const DType dtype = static_cast<DType>(spec.dtype);
  const uint64_t width = elementBytes(spec.dtype);
  uint8_t* bytes = static_cast<uint8_t*>(out);
  const uint64_t cores =
      threads > 0 ? static_cast<uint64_t>(threads) : std::max(1u, std::thread::hardware_concurrency());
  const uint64_t pieces = std::max<uint64_t>(1, std::min(cores, count / kGrain));
  const uint64_t each = (count + pieces - 1) / pieces;
  std::vector<std::thread> workers;
  for (uint64_t k = 1; k < pieces; ++k) {
    const uint64_t from = std::min(count, k * each), size = std::min(count - from, each);
    workers.emplace_back(
        [=, &generator] { fillPiece(bytes + from * width, first + from, size, dtype, generator); });
  }
  fillPiece(bytes, first, std::min(each, count), dtype, generator);
  for (std::thread& worker : workers) worker.join();
}

}  // namespace lab
