-- What schedules share. It runs before them, in the same sandbox; its globals are theirs.
-- Given by the compiler: kernel{}, program{}, target = {name, variants = {{name, lanes, registers, vnni, fma}, ...}},
-- formats = {{name, activation}, ...}; and ipairs, type, select, assert, error, math.{floor, ceil, min, max, abs, tointeger}.

-- Names of the formats whose kernels take activations of this kind.
local function formats_with(activation)
  local names = {}
  for _, f in ipairs(formats) do
    if f.activation == activation then names[#names + 1] = f.name end
  end
  return names
end

floats = formats_with("f32")          -- f32, f16, bf16
blocks_of_32 = formats_with("a32")    -- q8_0, q4_0, ...
k_quants = formats_with("a256")       -- q4_k, q6_k, ...

-- Everything that is not a float.
quants = {}
for _, list in ipairs({blocks_of_32, k_quants}) do
  for _, name in ipairs(list) do quants[#quants + 1] = name end
end

-- Names of the variants of which `claim` is true: variants_where(function(v) return v.lanes == 8 end).
function variants_where(claim)
  local names = {}
  for _, v in ipairs(target.variants) do
    if claim(v) then names[#names + 1] = v.name end
  end
  return names
end
