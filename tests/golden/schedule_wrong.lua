-- a key that no rule has
kernel {op = "linear", phase = "prefill", tokns = 4}
-- ----
-- a number out of its range
kernel {op = "linear", phase = "prefill", tokens = 13}
kernel {op = "attention", queries = 0}
kernel {op = "attention", queries = -1}
program {chunk = 20000}
-- ----
-- numbers that are none
kernel {op = "linear", phase = "prefill", tokens = "six"}
kernel {op = "linear", phase = "prefill", tokens = 6.5}
kernel {op = "linear", phase = "prefill", tokens = 1 / 0}
kernel {op = "linear", phase = "prefill", tokens = {6}}
kernel {op = "linear", phase = "prefill", tokens = true}
program {fuse_norm = 1}
program {fuse_norm = "yes"}
-- ----
-- matches that are none
kernel {op = "lienar", tokens = 4}
kernel {op = 3, tokens = 4}
kernel {op = {"linear", 3}, tokens = 4}
kernel {op = {}, tokens = 4}
kernel {phase = "verify", tokens = 4}
kernel {variant = {"avx2", "avx3"}, tokens = 4}
-- ----
-- all that is wrong in one rule
kernel {op = "lienar", variant = "sse9", tokens = 13, rows = "x", colour = 1}
-- ----
-- rules that do nothing
kernel {op = "linear", phase = "prefill"}
kernel {op = "norm", rows = 2}
kernel {op = "linear", phase = "decode", rows = 1}
kernel {op = "norm", format = "q4_k", rows = 2}
program {}
-- ----
-- what is no rule
kernel "linear"
-- ----
kernel()
-- ----
-- entries without names
kernel {"linear"}
-- ----
-- more sums than there are registers; one of them is the default's
kernel {op = "linear", phase = "prefill", format = "q4_k",
  rows = 2}
-- ----
-- the same, both stated here
kernel {op = "glu", phase = "prefill", format = "q4_k", variant = "avx2", tokens = 12}
kernel {op = "glu", phase = "prefill", format = "q4_k", variant = "avx2", rows = 2}
-- ----
-- floats: one row tile, all of K
kernel {op = "linear", phase = "prefill", format = "f16", rows = 2, tokens = 1}
kernel {op = "glu", phase = "prefill", format = "f16", k_block = 256}
-- ----
-- blocks of K that cut a format's blocks
kernel {op = "linear", phase = "prefill", format = quants, k_block = 100}
-- ----
-- attention's grouping
kernel {op = "attention", phase = "prefill", queries = 3}
kernel {op = "attention", phase = "decode", variant = "avx512vnni", sums = 2}
-- ----
-- attention's registers
kernel {op = "attention", phase = "decode", variant = "avx2", sums = 8}
-- ----
-- sums that do not divide a block
kernel {op = "attention", variant = "avx512vnni", sums = 12}
-- ----
-- a loop without an end
local x = 1
while true do
  x = x + 1
end
-- ----
-- a loop without an end that makes rules
while true do kernel {op = "attention", queries = 4} end
-- ----
-- a string that doubles
local s = "x"
for i = 1, 100 do
  s = s .. s
end
-- ----
-- a table that grows
local t = {}
for i = 1, 1e9 do t[i] = i end
-- ----
-- garbage without an end
local t = {}
while true do t = {t, {}, {}} t = t[2] end
-- ----
-- calls without an end
local function f() return 1 + f() end
f()
-- ----
-- not Lua
kernel {op = "linear"
kernel {}
-- ----
-- a parser's stack
x = ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1
-- ----
-- errors of its own
assert(target.name == "arm64", "made for another target")
-- ----
-- an error in a function of lib.lua
kernel {op = "attention",
  variant = variants_where("avx2")}
-- ----
-- a misspelt global
kernel {op = "linear", phase = "prefill", format = k_qaunts, tokens = 2}
-- ----
error("stop here")
-- ----
error({})
