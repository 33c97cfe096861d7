#pragma once
// Compiles a hot loop twice, for the baseline and for AVX2, and picks at load time.
//
// Without fused multiply-add, so that both give the same bits on every machine.

#if defined(__x86_64__) && defined(__ELF__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
#define MONTAGE_SIMD_CLONES
#endif
#endif
#ifndef MONTAGE_SIMD_CLONES
#define MONTAGE_SIMD_CLONES __attribute__((target_clones("avx2", "default")))
#endif
#else
#define MONTAGE_SIMD_CLONES
#endif

/// Before a loop whose count is a multiple of 4 as a rule: vectors of 4, no unrolling that would
/// leave short counts to the scalar rest. Builds that do not vectorise (sanitizers, -O1) need no
/// warning.
#if defined(__clang__) && defined(__OPTIMIZE__)
#pragma clang diagnostic ignored "-Wpass-failed"
#define MONTAGE_SIMD_LOOP _Pragma("clang loop vectorize_width(4) interleave_count(1)")
#else
#define MONTAGE_SIMD_LOOP
#endif
