// An embedding, scaled, one residual product, a tied head with scaled and capped logits.
module {
  func.func @forward(%tokens: tensor<?xi32>, %pos: i32) -> tensor<?x512xf32> {
    %we = "ig.weight"() {bytes = 65536 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f16"}>
    %e = "ig.embed"(%tokens, %we) : (tensor<?xi32>, tensor<512x64xi8, {format = "f16"}>) -> tensor<?x64xf32>
    %x = "ig.scale"(%e) {factor = 8.000000e+00 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %wo = "ig.weight"() {bytes = 8192 : i64, name = "blk.0.ffn_down.weight", offset = 69632 : i64} : () -> tensor<64x64xi8, {format = "f16"}>
    %h = "ig.fused_linear"(%x, %wo, %x) {epilogue = "add", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64x64xi8, {format = "f16"}>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %g = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 77824 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %y = "ig.fused_linear"(%h, %g, %we) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<512x64xi8, {format = "f16"}>) -> tensor<?x512xf32>
    %s = "ig.scale"(%y) {factor = 1.250000e-01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    %c = "ig.softcap"(%s) {cap = 3.000000e+01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    return %c : tensor<?x512xf32>
  }
}
