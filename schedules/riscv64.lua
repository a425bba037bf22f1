-- Default schedule of riscv64. Rules are tried from the top; docs/SCHEDULES.md says what each number does.
local gemm = {"linear", "glu", "experts"}

program {chunk = 256, fuse_gate_up = true, fuse_norm = true}

-- A vector of 16 rows is four registers, its products in 16 bits eight: two tokens of them, and what they are made of, are most of 32.
kernel {op = gemm, phase = "prefill", format = quants, rows = 1, tokens = 2, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, rows = 1, tokens = 6, panel = 1, k_block = 0}

kernel {op = "attention", queries = 4, sums = 4}
