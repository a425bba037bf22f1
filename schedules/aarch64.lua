-- Default schedule of aarch64. Rules are tried from the top; docs/SCHEDULES.md says what each number does.
local gemm = {"linear", "glu", "experts"}
local function with_lanes(n)
  return variants_where(function(v) return v.lanes == n end)
end

program {chunk = 256, fuse_gate_up = true, fuse_norm = true}

-- Blocks of 32 of SVE: as many sums as are left room by what LLVM loads ahead.
kernel {op = gemm, phase = "prefill", format = blocks_of_32, variant = "sve", tokens = 2}
kernel {op = gemm, phase = "prefill", format = blocks_of_32, variant = "sve_256", rows = 1, tokens = 4, panel = 8}
kernel {op = gemm, phase = "prefill", format = blocks_of_32, variant = "sve_512", rows = 1, tokens = 6, panel = 8}
kernel {op = gemm, phase = "prefill", format = blocks_of_32, variant = "sve2_256", tokens = 4}

-- Registers of weights go in fours: 4 x 3 running sums and 4 x 3 totals (or, of blocks of 32, sums of all of K), four of weights and four of tokens are all 32. Of smmla
-- a register of sums is of two tokens. Eight tiles share the tokens that were packed; 1024 values of K of them stay in the cache.
kernel {op = gemm, phase = "prefill", format = quants, variant = {"dotprod", "sve"}, rows = 1, tokens = 3, panel = 8, k_block = 1024}
kernel {op = gemm, phase = "prefill", format = quants, variant = {"i8mm", "sve2"}, rows = 1, tokens = 6, panel = 8, k_block = 1024}
kernel {op = gemm, phase = "prefill", format = quants, variant = "sve_256", rows = 2, tokens = 3, panel = 4, k_block = 1024}
kernel {op = gemm, phase = "prefill", format = quants, variant = "sve_512", rows = 2, tokens = 5, panel = 4, k_block = 1024}
kernel {op = gemm, phase = "prefill", format = quants, variant = "sve2_256", rows = 1, tokens = 6, panel = 8, k_block = 1024}
kernel {op = gemm, phase = "prefill", format = quants, variant = "sve2_512", rows = 2, tokens = 6, panel = 4, k_block = 1024}
kernel {op = gemm, phase = "prefill", format = quants, variant = "neon", rows = 1, tokens = 2, panel = 1, k_block = 0}

kernel {op = gemm, phase = "prefill", format = floats, variant = with_lanes(4), rows = 1, tokens = 6, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, rows = 1, tokens = 12, panel = 1, k_block = 0}

-- Sums that fit beside what they are made of: a vector of 16 is four, two registers or one.
kernel {op = "attention", variant = with_lanes(4), queries = 4, sums = 4}
kernel {op = "attention", variant = with_lanes(8), queries = 4, sums = 8}
kernel {op = "attention", variant = with_lanes(16), queries = 4, sums = 16}
