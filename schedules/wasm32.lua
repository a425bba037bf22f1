-- Default schedule of wasm32. Rules are tried from the top; docs/SCHEDULES.md says what each number does.
local gemm = {"linear", "glu", "experts"}

program {chunk = 256, fuse_gate_up = true, fuse_norm = true}

-- A token's sums of 16 rows are four vectors, of the sixteen that engines have on most machines; weights and activations, of which words are made, want the rest.
kernel {op = gemm, phase = "prefill", format = quants, rows = 1, tokens = 2, panel = 1, k_block = 0}
kernel {op = gemm, phase = "prefill", format = floats, rows = 1, tokens = 3, panel = 1, k_block = 0}

kernel {op = "attention", queries = 2, sums = 2}
