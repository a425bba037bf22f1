-- Default schedule of aarch64. Rules are tried from the top; docs/SCHEDULES.md says what each number does.
local gemm = {"linear", "glu", "experts"}

program {chunk = 256, fuse_gate_up = true, fuse_norm = true}

-- 128 bits, 32 registers: a vector of 16 rows is four of them.
kernel {op = gemm, phase = "prefill", format = quants, rows = 1, tokens = 2, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, rows = 1, tokens = 6, panel = 1, k_block = 0}

kernel {op = "attention", queries = 4, sums = 4}
