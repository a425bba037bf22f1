module {
  func.func @prefill(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x64xf32> {
    %0 = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0", layout = "x86_64.r16"}>
    %1 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "q8_0", layout = "x86_64.r16"}>) -> tensor<?x64xf32>
    return %1 : tensor<?x64xf32>
  }
  func.func @head(%arg0: tensor<?x64xf32>) -> tensor<?x512xf32> {
    %0 = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0", layout = "x86_64.r16"}>
    %1 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 77824 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %2 = "ig.fused_linear"(%arg0, %1, %0) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<512x64xi8, {format = "q8_0", layout = "x86_64.r16"}>) -> tensor<?x512xf32>
    return %2 : tensor<?x512xf32>
  }
}
