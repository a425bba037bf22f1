#include "runtime/abi/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* Bits by leaf and register (Intel SDM volume 2A, CPUID). */
enum {
  SSE3 = 1 << 0,
  SSSE3 = 1 << 9,
  FMA = 1 << 12,
  CX16 = 1 << 13,
  SSE41 = 1 << 19,
  SSE42 = 1 << 20,
  MOVBE = 1 << 22,
  POPCNT = 1 << 23,
  OSXSAVE = 1 << 27,
  AVX = 1 << 28,
  F16C = 1 << 29,                                                                                          /* 1, ecx */
  LAHF = 1 << 0,
  LZCNT = 1 << 5,                                                                                          /* 0x80000001, ecx */
  BMI = 1 << 3,
  AVX2 = 1 << 5,
  BMI2 = 1 << 8,
  AVX512F = 1 << 16,
  AVX512DQ = 1 << 17,
  AVX512IFMA = 1 << 21,
  AVX512CD = 1 << 28,
  AVX512BW = 1 << 30, /* 7.0, ebx */
  AVX512VBMI = 1 << 1,
  AVX512VBMI2 = 1 << 6,
  AVX512VNNI = 1 << 11,
  AVX512BITALG = 1 << 12,
  AVX512VPOPCNTDQ = 1 << 14,      /* 7.0, ecx */
  AVXVNNI = 1 << 4                                                                                                        /* 7.1, eax */
};
#define AVX512VL (1u << 31) /* 7.0, ebx */

static uint32_t saved_by_os(void) { /* XCR0 */
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static int has(uint32_t reg, uint32_t bits) { return (reg & bits) == bits; }

uint64_t ingot__cpu_features(void) {
  uint32_t a, b, c, d, c1, c81 = 0, a7 = 0, b7 = 0, c7 = 0, a71 = 0;
  if (!__get_cpuid(1, &a, &b, &c1, &d)) return 0;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d)) c81 = c;
  if (__get_cpuid_count(7, 0, &a7, &b7, &c7, &d) && a7 >= 1) __get_cpuid_count(7, 1, &a71, &b, &c, &d);
  uint64_t features = 0;
  if (!has(c1, SSE3 | SSSE3 | CX16 | SSE41 | SSE42 | POPCNT) || !has(c81, LAHF)) return 0;
  features |= INGOT_CPU_X86_64_V2;
  uint32_t os = has(c1, OSXSAVE) ? saved_by_os() : 0;
  if (!has(os, 0x6) || !has(c1, AVX | FMA | F16C | MOVBE) || !has(c81, LZCNT) || !has(b7, AVX2 | BMI | BMI2)) return features; /* xmm, ymm */
  features |= INGOT_CPU_AVX2;
  if (has(a71, AVXVNNI)) features |= INGOT_CPU_AVXVNNI;
  if (has(os, 0xe6) && has(b7, AVX512F | AVX512DQ | AVX512IFMA | AVX512CD | AVX512BW | AVX512VL) && /* opmask, zmm */
      has(c7, AVX512VBMI | AVX512VBMI2 | AVX512VNNI | AVX512BITALG | AVX512VPOPCNTDQ))
    features |= INGOT_CPU_AVX512VNNI;
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

/* Bits of the auxiliary vector (Linux, arch/arm64/include/uapi/asm/hwcap.h). */
enum { ASIMD = 1 << 1, ASIMDDP = 1 << 20, SVE = 1 << 22 };  /* AT_HWCAP */
enum { SVE2 = 1 << 1, SVEI8MM = 1 << 9, I8MM = 1 << 13 };   /* AT_HWCAP2 */

uint64_t ingot__cpu_features(void) {
  unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  if (!(first & ASIMD)) return 0;
  uint64_t features = INGOT_CPU_NEON;
  if (first & ASIMDDP) features |= INGOT_CPU_DOTPROD;
  if (second & I8MM) features |= INGOT_CPU_I8MM;
  if (first & SVE) features |= INGOT_CPU_SVE;
  if ((second & (SVE2 | SVEI8MM)) == (SVE2 | SVEI8MM)) features |= INGOT_CPU_SVE2;
  return features;
}

#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

/* Names as Apple's "Determining instruction set characteristics" lists them; a system that does not know one lacks it. */
static int has(const char *name) {
  int value = 0;
  size_t size = sizeof value;
  return !sysctlbyname(name, &value, &size, NULL, 0) && value;
}

uint64_t ingot__cpu_features(void) {
  uint64_t features = INGOT_CPU_NEON;
  if (has("hw.optional.arm.FEAT_DotProd")) features |= INGOT_CPU_DOTPROD;
  if (has("hw.optional.arm.FEAT_I8MM")) features |= INGOT_CPU_I8MM;
  return features;
}

#elif defined(__riscv) && __riscv_xlen == 64 && defined(__linux__)
#include <sys/auxv.h>

/* Linux, Documentation/arch/riscv/hwprobe.rst. */
enum { HWPROBE = 258, IMA_EXT_0 = 4, IMA_V = 1 << 2 };
typedef struct pair {
  int64_t key;
  uint64_t value;
} pair;

static long hwprobe(pair *p) {
  register long a0 __asm__("a0") = (long)p, a1 __asm__("a1") = 1, a2 __asm__("a2") = 0, a3 __asm__("a3") = 0, a4 __asm__("a4") = 0, a7 __asm__("a7") = HWPROBE;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7) : "memory");
  return a0;
}

/* Kernels without hwprobe tell of V by a hwcap, some of them of V 0.7.1 too; that one calls `vsetvli t0, zero, e8, m1, ta, ma` illegal in vtype. */
static int is_v1(void) {
  uint64_t vtype;
  __asm__ volatile(".word 0x0c0072d7\n csrr %0, 0xc21" : "=r"(vtype) : : "t0");
  return !(vtype >> 63);
}

uint64_t ingot__cpu_features(void) {
  pair p = {IMA_EXT_0, 0};
  if (hwprobe(&p) == 0) return p.key == IMA_EXT_0 && (p.value & IMA_V) ? INGOT_CPU_RVV : 0;
  return (getauxval(AT_HWCAP) >> ('V' - 'A') & 1) && is_v1() ? INGOT_CPU_RVV : 0;
}

#elif defined(__wasm__)

/* Not to be asked for: an engine without simd128 refuses a module that has kernels. */
uint64_t ingot__cpu_features(void) { return INGOT_CPU_SIMD128; }

#else

uint64_t ingot__cpu_features(void) { return 0; }

#endif
