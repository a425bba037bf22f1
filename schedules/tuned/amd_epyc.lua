-- Numbers of kernels for AMD EPYC, variant avx512vnni, as measured by ingot 0.1.0 with
--   ingot tune l3b-q4km.gguf
-- Each candidate ran beside the default on one thread, in turns, over operands of the model's sizes; +- is three standard errors. Rules hold where
-- the gain is larger.
-- The logits of the whole model are the same bits with this file and without it. The whole model on one thread (default -> this, medians of 3):
--   prefill of 128 tokens 56.0 -> 57.2 tokens/s, decode 14.64 -> 14.54 tokens/s

-- attention_decode, 8 x 3 heads of 128, 1 token from position 1023: 11 candidates
-- default queries = 4, sums = 16: 5.159 ms; it stays
-- best other queries = 2, sums = 16: 5.091 ms, 1.007 times as fast, +- 0.016

-- linear_q4_k_gemm, 3072 x 3072 x 256 tokens and 3 more shapes: 33 candidates
-- default rows = 2, tokens = 4, panel = 1, k_block = 0: 344.3 GOP/s; this: 349.5 GOP/s, 1.013 times as fast, +- 0.003 (median of 25 pairs)
kernel {op = "linear", phase = "prefill", format = "q4_k", variant = "avx512vnni", rows = 1, tokens = 6, panel = 4, k_block = 2048}

-- linear_q6_k_gemm, 1024 x 3072 x 256 tokens and 1 more shapes: 33 candidates
-- default rows = 2, tokens = 4, panel = 1, k_block = 0: 336.5 GOP/s; it stays
-- best other rows = 1, tokens = 4, panel = 1, k_block = 0: 339.9 GOP/s, 1.011 times as fast, +- 0.003

-- attention, 8 x 3 heads of 128, 256 tokens from position 768: 11 candidates
-- default queries = 4, sums = 16: 857.480 ms; this: 846.384 ms, 1.015 times as fast, +- 0.003 (median of 25 pairs)
kernel {op = "attention", phase = "prefill", variant = "avx512vnni", queries = 4, sums = 4}

-- glu_q4_k_gemm, 8192 x 3072 x 256 tokens: 33 candidates
-- default rows = 2, tokens = 4, panel = 1, k_block = 0: 338.9 GOP/s; this: 346.8 GOP/s, 1.023 times as fast, +- 0.007 (median of 25 pairs)
kernel {op = "glu", phase = "prefill", format = "q4_k", variant = "avx512vnni", rows = 1, tokens = 6, panel = 4, k_block = 0}
