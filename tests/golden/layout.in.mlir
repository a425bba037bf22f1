// Tables and matrices get the layout, vectors do not.
module {
  func.func @prefill(%tokens: tensor<?xi32>, %pos: i32) -> tensor<?x64xf32> {
    %we = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0"}>
    %x = "ig.embed"(%tokens, %we) : (tensor<?xi32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x64xf32>
    return %x : tensor<?x64xf32>
  }
  func.func @head(%x: tensor<?x64xf32>) -> tensor<?x512xf32> {
    %we = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0"}>
    %g = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 77824 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %y = "ig.fused_linear"(%x, %g, %we) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x512xf32>
    return %y : tensor<?x512xf32>
  }
}
