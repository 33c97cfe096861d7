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
