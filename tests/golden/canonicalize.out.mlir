module {
  func.func @forward(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x512xf32> {
    %0 = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0"}>
    %1 = "ig.weight"() {bytes = 16 : i64, name = "rope_freqs.weight", offset = 38912 : i64} : () -> tensor<4xf32, {format = "f32"}>
    %2 = "ig.rope_table"() {frequencies = array<i64: 1, 2, 3, 0>} : () -> tensor<4xi64>
    %3 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x64xf32>
    %4 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.attn_norm.weight", offset = 38944 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %5 = "ig.rms_norm"(%3, %4) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %6 = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_q.weight", offset = 39200 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %7 = "ig.linear"(%5, %6) : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %8 = "ig.rope"(%7, %arg1, %2) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<4xi64>) -> tensor<?x64xf32>
    %9 = "ig.weight"() {bytes = 1152 : i64, name = "blk.0.attn_k.weight", offset = 41504 : i64} : () -> tensor<32x64xi8, {format = "q4_0"}>
    %10 = "ig.linear"(%5, %9) : (tensor<?x64xf32>, tensor<32x64xi8, {format = "q4_0"}>) -> tensor<?x32xf32>
    %11 = "ig.rope"(%10, %arg1, %2) {head_dim = 8 : i64, heads = 4 : i64} : (tensor<?x32xf32>, i32, tensor<4xi64>) -> tensor<?x32xf32>
    %12 = "ig.weight"() {bytes = 2176 : i64, name = "blk.0.attn_v.weight", offset = 42656 : i64} : () -> tensor<32x64xi8, {format = "q8_0"}>
    %13 = "ig.linear"(%5, %12) : (tensor<?x64xf32>, tensor<32x64xi8, {format = "q8_0"}>) -> tensor<?x32xf32>
    %14 = "ig.attention"(%8, %11, %13, %arg1) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 4 : i64, layer = 0 : i64, scale = 0.353553385 : f32} : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, i32) -> tensor<?x64xf32>
    %15 = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_output.weight", offset = 44832 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %16 = "ig.linear"(%14, %15) : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %17 = "ig.add"(%3, %16) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %18 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.ffn_norm.weight", offset = 47136 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %19 = "ig.rms_norm"(%17, %18) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %20 = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_gate.weight", offset = 47392 : i64} : () -> tensor<160x64xi8, {format = "q4_0"}>
    %21 = "ig.linear"(%19, %20) : (tensor<?x64xf32>, tensor<160x64xi8, {format = "q4_0"}>) -> tensor<?x160xf32>
    %22 = "ig.weight"() {bytes = 10880 : i64, name = "blk.0.ffn_up.weight", offset = 53152 : i64} : () -> tensor<160x64xi8, {format = "q8_0"}>
    %23 = "ig.linear"(%19, %22) : (tensor<?x64xf32>, tensor<160x64xi8, {format = "q8_0"}>) -> tensor<?x160xf32>
    %24 = "ig.silu"(%21) : (tensor<?x160xf32>) -> tensor<?x160xf32>
    %25 = "ig.mul"(%24, %23) : (tensor<?x160xf32>, tensor<?x160xf32>) -> tensor<?x160xf32>
    %26 = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_down.weight", offset = 64032 : i64} : () -> tensor<64x160xi8, {format = "q4_0"}>
    %27 = "ig.linear"(%25, %26) : (tensor<?x160xf32>, tensor<64x160xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %28 = "ig.add"(%17, %27) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %29 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 69792 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %30 = "ig.rms_norm"(%28, %29) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %31 = "ig.mul"(%17, %30) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %32 = "ig.linear"(%30, %0) : (tensor<?x64xf32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x512xf32>
    return %32 : tensor<?x512xf32>
  }
}
