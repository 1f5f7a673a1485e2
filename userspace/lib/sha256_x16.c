/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) of sixteen messages at once: each lane of an AVX-512 register
 * belongs to another message, so that all of them take the same steps.
 *
 * Why our own: Intel's ipsec-mb, the one library that Debian packages, is as fast, but
 * hashes a whole message per call, and those of 256 KiB and more wrongly, without an
 * error; files of any length need a state that can be carried on.  OpenSSL stays the
 * oracle: lanes.c asks it before these are used, test_lanes compares.
 *
 * Pure; lanes.c is the only caller.
 */
#include <string.h>

#include "lib_private.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define X16 __attribute__((target("avx512f,avx512bw")))

#define CPUID_1_ECX_OSXSAVE  (1u << 27)
#define CPUID_7_EBX_AVX2     (1u << 5)
#define CPUID_7_EBX_AVX512F  (1u << 16)
#define CPUID_7_EBX_SHA_NI   (1u << 29)
#define CPUID_7_EBX_AVX512BW (1u << 30)
/* What the kernel saves of a thread: SSE, AVX, and the three parts of AVX-512. */
#define XCR0_AVX512 0xe6u

static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

bool fim_has_sha_ni(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & CPUID_7_EBX_SHA_NI;
}

const char *fim_cpu_sha256(void)
{
	unsigned int a, b = 0, c, d;

	if (fim_has_sha_ni())
		return "OpenSSL, SHA-NI";
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & CPUID_7_EBX_AVX2 ? "OpenSSL, AVX2"
									       : "OpenSSL";
}

static bool kernel_saves_avx512(void)
{
	unsigned int a, b, c, d;
	uint32_t low, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & CPUID_1_ECX_OSXSAVE))
		return false;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & XCR0_AVX512) == XCR0_AVX512;
}

bool fim_sha256_x16_works(void)
{
	const unsigned int want = CPUID_7_EBX_AVX512F | CPUID_7_EBX_AVX512BW;
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & want) == want &&
	       kernel_saves_avx512();
}

#define ADD		_mm512_add_epi32
#define ROTATE		_mm512_ror_epi32
#define XOR(x, y, z)	_mm512_ternarylogic_epi32(x, y, z, 0x96)
#define CHOOSE(x, y, z) _mm512_ternarylogic_epi32(x, y, z, 0xca)
#define MOST(x, y, z)	_mm512_ternarylogic_epi32(x, y, z, 0xe8)

/* Rows are messages before, and words of the messages after. */
X16 static inline void transpose(__m512i rows[FIM_LANES])
{
	__m512i t[FIM_LANES];
	int i;

	for (i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
	}
	for (i = 0; i < 16; i += 4) {
		rows[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		rows[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		rows[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		rows[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	for (i = 0; i < 4; i++) {
		t[i] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0x88);
		t[i + 4] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0xdd);
		t[i + 8] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0x88);
		t[i + 12] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0xdd);
	}
	for (i = 0; i < 4; i++) {
		rows[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
		rows[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
		rows[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
		rows[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
	}
}

X16 static inline void load(const unsigned char *const data[FIM_LANES], size_t at,
			    __m512i words_ret[FIM_LANES])
{
	const __m512i big_endian =
		_mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
	int i;

	for (i = 0; i < FIM_LANES; i++)
		words_ret[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(data[i] + at), big_endian);
	transpose(words_ret);
}

/* One of the 64 rounds; the names of its variables turn by one from each to the next. */
#define ROUND(a, b, c, d, e, f, g, h, i, word)                                                   \
	do {                                                                                     \
		__m512i t = ADD(ADD(h, _mm512_set1_epi32((int)constants[i])),                    \
				ADD(word, ADD(XOR(ROTATE(e, 6), ROTATE(e, 11), ROTATE(e, 25)),   \
					      CHOOSE(e, f, g))));                                \
		d = ADD(d, t);                                                                   \
		h = ADD(t, ADD(XOR(ROTATE(a, 2), ROTATE(a, 13), ROTATE(a, 22)), MOST(a, b, c))); \
	} while (0)

#define EIGHT_ROUNDS(i, word)                                  \
	ROUND(a, b, c, d, e, f, g, h, (i), word(i));           \
	ROUND(h, a, b, c, d, e, f, g, (i) + 1, word((i) + 1)); \
	ROUND(g, h, a, b, c, d, e, f, (i) + 2, word((i) + 2)); \
	ROUND(f, g, h, a, b, c, d, e, (i) + 3, word((i) + 3)); \
	ROUND(e, f, g, h, a, b, c, d, (i) + 4, word((i) + 4)); \
	ROUND(d, e, f, g, h, a, b, c, (i) + 5, word((i) + 5)); \
	ROUND(c, d, e, f, g, h, a, b, (i) + 6, word((i) + 6)); \
	ROUND(b, c, d, e, f, g, h, a, (i) + 7, word((i) + 7))

#define GIVEN(i)   w[i]
#define SMALL_0(x) XOR(ROTATE(x, 7), ROTATE(x, 18), _mm512_srli_epi32(x, 3))
#define SMALL_1(x) XOR(ROTATE(x, 17), ROTATE(x, 19), _mm512_srli_epi32(x, 10))
#define DERIVED(i)                                                   \
	(w[(i)&15] = ADD(ADD(w[(i)&15], SMALL_0(w[((i) + 1) & 15])), \
			 ADD(w[((i) + 9) & 15], SMALL_1(w[((i) + 14) & 15]))))

X16 static inline void compress(__m512i s[8], __m512i w[FIM_LANES])
{
	__m512i a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];

	EIGHT_ROUNDS(0, GIVEN);
	EIGHT_ROUNDS(8, GIVEN);
	EIGHT_ROUNDS(16, DERIVED);
	EIGHT_ROUNDS(24, DERIVED);
	EIGHT_ROUNDS(32, DERIVED);
	EIGHT_ROUNDS(40, DERIVED);
	EIGHT_ROUNDS(48, DERIVED);
	EIGHT_ROUNDS(56, DERIVED);
	s[0] = ADD(s[0], a);
	s[1] = ADD(s[1], b);
	s[2] = ADD(s[2], c);
	s[3] = ADD(s[3], d);
	s[4] = ADD(s[4], e);
	s[5] = ADD(s[5], f);
	s[6] = ADD(s[6], g);
	s[7] = ADD(s[7], h);
}

X16 void fim_sha256_x16(uint32_t state[8][FIM_LANES], const unsigned char *const data[FIM_LANES],
			size_t blocks)
{
	__m512i s[8], w[FIM_LANES];
	size_t block;
	int i;

	for (i = 0; i < 8; i++)
		s[i] = _mm512_loadu_si512(state[i]);
	for (block = 0; block < blocks; block++) {
		load(data, block * FIM_SHA256_BLOCK, w);
		compress(s, w);
	}
	for (i = 0; i < 8; i++)
		_mm512_storeu_si512(state[i], s[i]);
}

#else /* no AVX-512 */

#include <sys/auxv.h>

#ifdef __aarch64__
#include <asm/hwcap.h>
#define HAS_SHA2 (getauxval(AT_HWCAP) & HWCAP_SHA2)
#else
#define HAS_SHA2 0
#endif

const char *fim_cpu_sha256(void)
{
	return HAS_SHA2 ? "OpenSSL, ARMv8 SHA2" : "OpenSSL";
}

bool fim_has_sha_ni(void)
{
	return false;
}

bool fim_sha256_x16_works(void)
{
	return false;
}

void fim_sha256_x16(uint32_t state[8][FIM_LANES], const unsigned char *const data[FIM_LANES],
		    size_t blocks)
{
	(void)state;
	(void)data;
	(void)blocks;
}

#endif
