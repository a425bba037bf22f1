// The last pair of the first table never turns; the second table turns nothing. Of halves the number of pairs counts; the last table stretches.
module {
  func.func @forward(%tokens: tensor<?xi32>, %pos: i32) -> tensor<?x64xf32> {
    %we = "ig.weight"() {bytes = 131072 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f32"}>
    %table = "ig.rope_table"() {frequencies = array<i64: 7, 0, -5, 0>} : () -> tensor<4xi64>
    %zero = "ig.rope_table"() {frequencies = array<i64: 0, 0>} : () -> tensor<2xi64>
    %x = "ig.embed"(%tokens, %we) : (tensor<?xi32>, tensor<512x64xi8, {format = "f32"}>) -> tensor<?x64xf32>
    %y = "ig.rope"(%x, %pos, %table) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<4xi64>) -> tensor<?x64xf32>
    %z = "ig.rope"(%y, %pos, %zero) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<2xi64>) -> tensor<?x64xf32>
    %halves = "ig.rope_table"() {frequencies = array<i64: 7, 0, -5, 0>, halves = 1 : i64} : () -> tensor<4xi64>
    %u = "ig.rope"(%z, %pos, %halves) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<4xi64>) -> tensor<?x64xf32>
    %stretch = "ig.rope_table"() {frequencies = array<i64: 0, 0>, magnitude = 2.000000e+00 : f32} : () -> tensor<2xi64>
    %v = "ig.rope"(%u, %pos, %stretch) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<2xi64>) -> tensor<?x64xf32>
    return %v : tensor<?x64xf32>
  }
}
