#pragma once
// Compiles a hot loop three times, for the baseline, for AVX2 with FMA and for AVX-512, and picks
// at load time; and the vector of eight numbers that such loops work on.
//
// On one machine the same input gives the same bits. A fused multiply-add rounds once where two
// operations round twice, so machines with and without it agree to about 1e-12 of the largest
// value, not bit for bit.

#include <cstddef>
#include <new>
#include <vector>

#if defined(__x86_64__) && defined(__ELF__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
#define MONTAGE_SIMD_CLONES
#endif
#endif
#ifndef MONTAGE_SIMD_CLONES
#define MONTAGE_SIMD_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#else
#define MONTAGE_SIMD_CLONES
#endif

/// For what is inlined into a loop with clones: it takes the loop's instruction set.
#define MONTAGE_SIMD_INLINE [[gnu::always_inline]] inline

/// Before a loop whose count is a multiple of 4 as a rule: vectors of 4, no unrolling that would
/// leave short counts to the scalar rest. Builds that do not vectorise (sanitizers, -O1) need no
/// warning.
#if defined(__clang__) && defined(__OPTIMIZE__)
#pragma clang diagnostic ignored "-Wpass-failed"
#define MONTAGE_SIMD_LOOP _Pragma("clang loop vectorize_width(4) interleave_count(1)")
#else
#define MONTAGE_SIMD_LOOP
#endif

namespace montage::signal {

inline constexpr size_t kOct = 8;

/// Eight columns at once: one AVX-512 register, two of AVX2, four of the baseline.
using Oct [[gnu::vector_size(64)]] = double;

inline constexpr size_t kQuad = 4;

/// Four of them.
using Quad [[gnu::vector_size(32)]] = double;

/// A vector in memory, at any multiple of 8 bytes. Copy `v`; a reference to it would promise more.
template <typename V>
struct [[gnu::packed, gnu::may_alias]] Packed {
  V v;
};
template <typename V>
MONTAGE_SIMD_INLINE const Packed<V>& In(const double* at) {
  return *reinterpret_cast<const Packed<V>*>(at);
}
template <typename V>
MONTAGE_SIMD_INLINE Packed<V>& Out(double* at) {
  return *reinterpret_cast<Packed<V>*>(at);
}

/// Memory at a multiple of a cache line, so that no vector straddles two.
template <typename T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <typename U>
  explicit LineAllocator(const LineAllocator<U>& /*other*/) {}

  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
  void deallocate(T* at, size_t /*count*/) { ::operator delete(at, kLine); }
  template <typename U>
  bool operator==(const LineAllocator<U>& /*other*/) const {
    return true;
  }
};
/// What hot loops work in.
using LineVector = std::vector<double, LineAllocator<double>>;

MONTAGE_SIMD_INLINE void Reverse(Oct& v) {
  v = __builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0);
}

/// Turns rows into columns: element c of rows[r] goes to element r of rows[c].
MONTAGE_SIMD_INLINE void Transpose(Oct (&rows)[kOct]) {
  Oct pairs[kOct];
  for (size_t i = 0; i < kOct; i += 2) {
    pairs[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    pairs[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  Oct quads[kOct];
  for (size_t i = 0; i < kOct; i += 4) {
    for (size_t j = 0; j < 2; ++j) {
      const Oct a = pairs[i + j], b = pairs[i + j + 2];
      quads[i + j] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      quads[i + j + 2] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (size_t i = 0; i < 4; ++i) {
    rows[i] = __builtin_shufflevector(quads[i], quads[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    rows[i + 4] = __builtin_shufflevector(quads[i], quads[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

MONTAGE_SIMD_INLINE void Transpose(Quad (&rows)[kQuad]) {
  Quad pairs[kQuad];
  for (size_t i = 0; i < kQuad; i += 2) {
    pairs[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 4, 2, 6);
    pairs[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 1, 5, 3, 7);
  }
  for (size_t i = 0; i < 2; ++i) {
    rows[i] = __builtin_shufflevector(pairs[i], pairs[i + 2], 0, 1, 4, 5);
    rows[i + 2] = __builtin_shufflevector(pairs[i], pairs[i + 2], 2, 3, 6, 7);
  }
}

}  // namespace montage::signal
