-- Default schedule of aarch64. Rules are tried from the top; docs/SCHEDULES.md says what each number does.
local gemm = {"linear", "glu", "experts"}
local function with_lanes(n)
  return variants_where(function(v) return v.lanes == n end)
end

program {chunk = 256, fuse_gate_up = true, fuse_norm = true}

-- 32 registers of 128 bits: a vector of 16 rows is four of them.
kernel {op = gemm, phase = "prefill", format = quants, variant = with_lanes(4), rows = 1, tokens = 2, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, variant = with_lanes(4), rows = 1, tokens = 6, panel = 1, k_block = 0}
kernel {op = "attention", variant = with_lanes(4), queries = 4, sums = 4}

-- Of 256 bits: two of them.
kernel {op = gemm, phase = "prefill", format = quants, variant = with_lanes(8), rows = 1, tokens = 5, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, variant = with_lanes(8), rows = 1, tokens = 12, panel = 1, k_block = 0}
kernel {op = "attention", variant = with_lanes(8), queries = 4, sums = 8}

-- Of 512 bits.
kernel {op = gemm, phase = "prefill", format = quants, variant = with_lanes(16), rows = 2, tokens = 5, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, variant = with_lanes(16), rows = 1, tokens = 12, panel = 1, k_block = 0}
kernel {op = "attention", variant = with_lanes(16), queries = 4, sums = 16}
