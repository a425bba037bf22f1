-- Default schedule of x86_64. Rules are tried from the top; docs/SCHEDULES.md says what each number does.
local gemm = {"linear", "glu", "experts"}
local function with_lanes(n)
  return variants_where(function(v) return v.lanes == n end)
end

program {chunk = 256, fuse_gate_up = true, fuse_norm = true}

-- 512 bits, 32 registers: eight sums and eight totals fit beside the rest, and 4 divides the chunk. Against 2 x 6, which leaves four tokens of
-- 256 to narrower tiles: q4_k 1.03, its glu 1.02, q6_k 1.01 times as fast (K = 3072 .. 8192); 1 x 8 is as good, 1 x 12 and blocks of K are slower.
kernel {op = gemm, phase = "prefill", format = quants, variant = with_lanes(16), rows = 2, tokens = 4, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, variant = with_lanes(16), rows = 1, tokens = 12, panel = 1, k_block = 0}

-- 256 bits, 16 registers: a vector of 16 rows is two of them.
kernel {op = gemm, phase = "prefill", format = quants, variant = with_lanes(8), rows = 1, tokens = 3, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, variant = with_lanes(8), rows = 1, tokens = 6, panel = 1, k_block = 0}

-- 128 bits: four registers a vector.
kernel {op = gemm, phase = "prefill", variant = with_lanes(4), rows = 1, tokens = 2, panel = 1, k_block = 0}

-- Sums that fit beside what they are made of: a vector of 16 is one, two or four registers.
kernel {op = "attention", variant = with_lanes(16), queries = 4, sums = 16}
kernel {op = "attention", variant = with_lanes(8), queries = 4, sums = 4}
kernel {op = "attention", variant = with_lanes(4), queries = 2, sums = 2}
