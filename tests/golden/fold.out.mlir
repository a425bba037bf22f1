module {
  func.func @forward(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x64xf32> {
    %0 = "ig.weight"() {bytes = 131072 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f32"}>
    %1 = "ig.rope_table"() {frequencies = array<i64: 7, 0, -5>} : () -> tensor<3xi64>
    %2 = "ig.rope_table"() {frequencies = array<i64: 0, 0>} : () -> tensor<2xi64>
    %3 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
    %4 = "ig.rope"(%3, %arg1, %1) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<3xi64>) -> tensor<?x64xf32>
    %5 = "ig.rope_table"() {frequencies = array<i64: 7, 0, -5, 0>, halves = 1 : i64} : () -> tensor<4xi64>
    %6 = "ig.rope"(%4, %arg1, %5) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<4xi64>) -> tensor<?x64xf32>
    %7 = "ig.rope_table"() {frequencies = array<i64: 0, 0>, magnitude = 2.000000e+00 : f32} : () -> tensor<2xi64>
    %8 = "ig.rope"(%6, %arg1, %7) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<2xi64>) -> tensor<?x64xf32>
    return %8 : tensor<?x64xf32>
  }
}
