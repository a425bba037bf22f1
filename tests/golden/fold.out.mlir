module {
  func.func @forward(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x64xf32> {
    %0 = "ig.weight"() {bytes = 131072 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f32"}>
    %1 = "ig.rope_table"() {frequencies = array<i64: 7, 0, -5>} : () -> tensor<3xi64>
    %2 = "ig.rope_table"() {frequencies = array<i64: 0, 0>} : () -> tensor<2xi64>
    %3 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
    %4 = "ig.rope"(%3, %arg1, %1) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<3xi64>) -> tensor<?x64xf32>
    return %4 : tensor<?x64xf32>
  }
}
