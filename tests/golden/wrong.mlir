// not MLIR
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> {
// ----
// misspelt op
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %w = "ig.wieght"() {bytes = 256 : i64, name = "token_embd.weight", offset = 0 : i64} : () -> tensor<1x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %w) : (tensor<?xi32>, tensor<1x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
} }
// ----
// a missing attribute (IRDL's words, from the parser)
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %w = "ig.weight"() {bytes = 256 : i64, name = "token_embd.weight"} : () -> tensor<1x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %w) : (tensor<?xi32>, tensor<1x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
} }
// ----
// weights: sizes, formats, shapes, attributes that do not exist
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %a = "ig.weight"() {bytes = 255 : i64, name = "a", offset = 0 : i64} : () -> tensor<1x64xi8, {format = "f32"}>
  %b = "ig.weight"() {bytes = 256 : i64, name = "b", offset = -1 : i64, ofset = 3 : i64} : () -> tensor<1x64xi8, {format = "f32"}>
  %c = "ig.weight"() {bytes = 256 : i64, name = "c", offset = 0 : i64} : () -> tensor<1x64xi8, {format = "q4_9"}>
  %d = "ig.weight"() {bytes = 256 : i64, name = "d", offset = 0 : i64} : () -> tensor<1x60xi8, {format = "q8_0"}>
  %e = "ig.weight"() {bytes = 256 : i32, name = "", offset = 0 : i64} : () -> tensor<1x64xi8, {format = "f32"}>
  %f = "ig.weight"() {bytes = 256 : i64, name = "", offset = 0 : i64} : () -> tensor<1x64xi8, {format = "f32", color = "red"}>
  %g = "ig.weight"() {bytes = 256 : i64, name = "g", offset = 0 : i64} : () -> tensor<64xi8, {format = "q8_0"}>
  %h = "ig.weight"() {bytes = 256 : i64, name = "h", offset = 0 : i64} : () -> tensor<4611686018427387904x4611686018427387904xi8, {format = "f32"}>
  %i = "ig.weight"() {bytes = 256 : i64, name = "i", offset = 0 : i64} : () -> tensor<?x64xi8, {format = "f32"}>
  %j = "ig.weight"() {bytes = 256 : i64, name = "j", offset = 0 : i64} : () -> tensor<1x64xi8>
  %k = "ig.weight"() {bytes = 256 : i64, name = "k", offset = 0 : i64} : () -> tensor<1x1x1x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %a) : (tensor<?xi32>, tensor<1x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
} }
// ----
// products whose shapes do not agree
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %e = "ig.weight"() {bytes = 8192 : i64, name = "e", offset = 0 : i64} : () -> tensor<32x64xi8, {format = "f32"}>
  %g = "ig.weight"() {bytes = 96 : i64, name = "g", offset = 0 : i64} : () -> tensor<24xf32, {format = "f32"}>
  %w = "ig.weight"() {bytes = 4096 : i64, name = "w", offset = 0 : i64} : () -> tensor<32x32xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %n = "ig.rms_norm"(%x, %g) {eps = -1.0 : f32} : (tensor<?x64xf32>, tensor<24xf32, {format = "f32"}>) -> tensor<?x64xf32>
  %y = "ig.linear"(%n, %w) : (tensor<?x64xf32>, tensor<32x32xi8, {format = "f32"}>) -> tensor<?x32xf32>
  %z = "ig.linear"(%n, %e) : (tensor<?x64xf32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %m = "ig.linear"(%n, %x) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
} }
// ----
// segments that do not add up
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %e = "ig.weight"() {bytes = 8192 : i64, name = "e", offset = 0 : i64} : () -> tensor<32x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %f = "ig.fused_linear"(%x, %e) {epilogue = "none", operandSegmentSizes = array<i32: 1, 0, 1, 1, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x32xf32>
  return %x : tensor<?x64xf32>
} }
// ----
// fused ops that say one thing and do another
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x32xf32> {
  %e = "ig.weight"() {bytes = 8192 : i64, name = "e", offset = 0 : i64} : () -> tensor<32x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %a = "ig.fused_linear"(%x, %e) {epilogue = "add", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x32xf32>
  %b = "ig.fused_linear"(%x, %e) {epilogue = "glu", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x32xf32>
  %c = "ig.fused_linear"(%x, %e) {epilogue = "none", eps = 0.1 : f32, operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x32xf32>
  %d = "ig.fused_linear"(%x, %e, %x) {epilogue = "add", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<32x64xi8, {format = "f32"}>, tensor<?x64xf32>) -> tensor<?x32xf32>
  return %a : tensor<?x32xf32>
} }
// ----
// heads, pairs and layers
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %e = "ig.weight"() {bytes = 8192 : i64, name = "e", offset = 0 : i64} : () -> tensor<32x64xi8, {format = "f32"}>
  %r = "ig.rope_table"() {frequencies = array<i64: 1, 2, 3, 4, 5>} : () -> tensor<5xi64>
  %s = "ig.rope_table"() {frequencies = array<i64: 1, 2, 3>} : () -> tensor<4xi64>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %y = "ig.rope"(%x, %p, %r) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<5xi64>) -> tensor<?x64xf32>
  %z = "ig.attention"(%y, %y, %y, %p) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 3 : i64, layer = 0 : i64, scale = 1.0 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32) -> tensor<?x64xf32>
  %u = "ig.attention"(%y, %y, %y, %p) {head_dim = 8 : i64, heads = 0 : i64, kv_heads = 8 : i64, layer = 0 : i64, scale = 1.0 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32) -> tensor<?x64xf32>
  %t3 = "ig.weight"() {bytes = 12 : i64, name = "sinks", offset = 0 : i64} : () -> tensor<3xf32, {format = "f32"}>
  %q = "ig.attention"(%y, %y, %y, %p, %t3) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 8 : i64, layer = 1 : i64, scale = 1.0 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32, tensor<3xf32, {format = "f32"}>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
} }
// ----
// one cache for two ops
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %e = "ig.weight"() {bytes = 8192 : i64, name = "e", offset = 0 : i64} : () -> tensor<32x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %y = "ig.attention"(%x, %x, %x, %p) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 8 : i64, layer = 4 : i64, scale = 1.0 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32) -> tensor<?x64xf32>
  %z = "ig.attention"(%y, %y, %y, %p) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 8 : i64, layer = 4 : i64, scale = 1.0 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
} }
// ----
// no forward
module { func.func @backward(%t: tensor<?xi32>, %p: i32) -> i32 {
  return %p : i32
} }
// ----
// no function body, no result
module { func.func private @forward(tensor<?xi32>, i32) -> tensor<?x64xf32>
  func.func @other(%t: tensor<?xi32>, %p: i32) { return }
}
// ----
// logits without a norm
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x32xf32> {
  %e = "ig.weight"() {bytes = 8192 : i64, name = "e", offset = 0 : i64} : () -> tensor<32x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %y = "ig.linear"(%x, %e) : (tensor<?x64xf32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
} }
// ----
// a format that nothing can decode
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x32xf32> {
  %e = "ig.weight"() {bytes = 2112 : i64, name = "token_embd.weight", offset = 0 : i64} : () -> tensor<32x256xi8, {format = "iq2_xxs"}>
  %g = "ig.weight"() {bytes = 1024 : i64, name = "output_norm.weight", offset = 0 : i64} : () -> tensor<256xf32, {format = "f32"}>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x256xi8, {format = "iq2_xxs"}>) -> tensor<?x256xf32>
  %n = "ig.rms_norm"(%x, %g) {eps = 0.1 : f32} : (tensor<?x256xf32>, tensor<256xf32, {format = "f32"}>) -> tensor<?x256xf32>
  %y = "ig.linear"(%n, %e) : (tensor<?x256xf32>, tensor<32x256xi8, {format = "iq2_xxs"}>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
} }
// ----
// experts: how many, shapes, biases, parts
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %e = "ig.weight"() {bytes = 8192 : i64, name = "e", offset = 0 : i64} : () -> tensor<32x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %e) : (tensor<?xi32>, tensor<32x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %r = "ig.weight"() {bytes = 1024 : i64, name = "r", offset = 0 : i64} : () -> tensor<4x64xi8, {format = "f32"}>
  %s = "ig.linear"(%x, %r) : (tensor<?x64xf32>, tensor<4x64xi8, {format = "f32"}>) -> tensor<?x4xf32>
  %g = "ig.weight"() {bytes = 32768 : i64, name = "g", offset = 0 : i64} : () -> tensor<4x32x64xi8, {format = "f32"}>
  %d = "ig.weight"() {bytes = 32768 : i64, name = "d", offset = 0 : i64} : () -> tensor<4x64x32xi8, {format = "f32"}>
  %b = "ig.weight"() {bytes = 384 : i64, name = "b", offset = 0 : i64} : () -> tensor<3x32xi8, {format = "f32"}>
  %q = "ig.weight"() {bytes = 32768 : i64, name = "q", offset = 0 : i64, parts = array<i64: 0, 1, 2>} : () -> tensor<4x32x64xi8, {format = "f32"}>
  %a = "ig.experts"(%x, %x, %s, %g, %g, %d) {used = 5 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 0>} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4xf32>, tensor<4x32x64xi8, {format = "f32"}>, tensor<4x32x64xi8, {format = "f32"}>, tensor<4x64x32xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %c = "ig.experts"(%x, %x, %s, %g, %d, %d) {alpha = 1.0 : f32, eps = 0.1 : f32, used = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 0>} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4xf32>, tensor<4x32x64xi8, {format = "f32"}>, tensor<4x64x32xi8, {format = "f32"}>, tensor<4x64x32xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %f = "ig.experts"(%x, %x, %s, %g, %g, %d, %b) {used = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 1, 0, 0>} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4xf32>, tensor<4x32x64xi8, {format = "f32"}>, tensor<4x32x64xi8, {format = "f32"}>, tensor<4x64x32xi8, {format = "f32"}>, tensor<3x32xi8, {format = "f32"}>) -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
} }
// ----
// scales, caps, gates
module { func.func @forward(%t: tensor<?xi32>, %p: i32) -> tensor<?x64xf32> {
  %w = "ig.weight"() {bytes = 16384 : i64, name = "token_embd.weight", offset = 0 : i64} : () -> tensor<64x64xi8, {format = "f32"}>
  %x = "ig.embed"(%t, %w) : (tensor<?xi32>, tensor<64x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  %s = "ig.scale"(%x) {factor = 0x7F800000 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %c = "ig.softcap"(%s) {cap = 0.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %a = "ig.attention"(%c, %c, %c, %p) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 8 : i64, layer = 0 : i64, scale = 1.0 : f32, softcap = -1.0 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32) -> tensor<?x64xf32>
  %d = "ig.fused_linear"(%a, %w) {epilogue = "geglu", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
  return %d : tensor<?x64xf32>
} }
// ----
// what the parser does not survive: brackets in brackets, also behind a comment and in types
module { func.func @forward() attributes {a = //[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]} { return } }
// ----
// the same in types
module { func.func @forward(%a: tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<tuple<i32>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>) -> i32 { return %a : i32 } }
// ----
// signs before signs
module { func.func @forward() attributes {a = affine_map<(d0) -> (- - - -d0)>} { return } }
// ----
// names of types, whose use would be written out
!a = tuple<i32, i32>
module { func.func @forward(%p: !a) -> i32 { return %p : i32 } }
// ----
// names of attributes
module { func.func @forward() -> i32 attributes {"#" = "!\"[", b = #a} { return %p : i32 } }
#a = [1, 1]
