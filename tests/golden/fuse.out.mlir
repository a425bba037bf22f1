module {
  func.func @forward(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x512xf32> {
    %0 = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0"}>
    %1 = "ig.rope_table"() {frequencies = array<i64: 2935890503282001226, 29358905032820012, 293589050328200>} : () -> tensor<3xi64>
    %2 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x64xf32>
    %3 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.attn_norm.weight", offset = 38912 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %4 = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_q.weight", offset = 39168 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %5 = "ig.weight"() {bytes = 1152 : i64, name = "blk.0.attn_k.weight", offset = 41472 : i64} : () -> tensor<32x64xi8, {format = "q4_0"}>
    %6 = "ig.weight"() {bytes = 2176 : i64, name = "blk.0.attn_v.weight", offset = 42624 : i64} : () -> tensor<32x64xi8, {format = "q8_0"}>
    %7:3 = "ig.fused_linear"(%2, %3, %4, %5, %6) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<64x64xi8, {format = "q4_0"}>, tensor<32x64xi8, {format = "q4_0"}>, tensor<32x64xi8, {format = "q8_0"}>) -> (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>)
    %8 = "ig.weight"() {bytes = 32 : i64, name = "blk.0.attn_sinks.weight", offset = 70016 : i64} : () -> tensor<8xf32, {format = "f32"}>
    %9 = "ig.rope_attention"(%7#0, %7#1, %7#2, %arg1, %1, %8) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 4 : i64, layer = 0 : i64, scale = 0.353553385 : f32} : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, i32, tensor<3xi64>, tensor<8xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %10 = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_output.weight", offset = 44800 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %11 = "ig.fused_linear"(%9, %10, %2) {epilogue = "add", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %12 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.ffn_norm.weight", offset = 47104 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %13 = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_gate.weight", offset = 47360 : i64} : () -> tensor<160x64xi8, {format = "q4_0"}>
    %14 = "ig.weight"() {bytes = 10880 : i64, name = "blk.0.ffn_up.weight", offset = 53120 : i64} : () -> tensor<160x64xi8, {format = "q8_0"}>
    %15 = "ig.fused_linear"(%11, %12, %13, %14) {epilogue = "glu", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<160x64xi8, {format = "q4_0"}>, tensor<160x64xi8, {format = "q8_0"}>) -> tensor<?x160xf32>
    %16 = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_down.weight", offset = 64000 : i64} : () -> tensor<64x160xi8, {format = "q4_0"}>
    %17 = "ig.fused_linear"(%15, %16, %11) {epilogue = "add", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x160xf32>, tensor<64x160xi8, {format = "q4_0"}>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %18 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 69760 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %19 = "ig.fused_linear"(%17, %18, %0) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x512xf32>
    return %19 : tensor<?x512xf32>
  }
  func.func @second(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x512xf32> {
    %0 = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0"}>
    %1 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x64xf32>
    %2 = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_q.weight", offset = 39168 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %3 = "ig.fused_linear"(%1, %2) {epilogue = "none", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %4 = "ig.attention"(%3, %3, %3, %arg1) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 8 : i64, layer = 0 : i64, scale = 0.353553385 : f32, softcap = 5.000000e+01 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32) -> tensor<?x64xf32>
    %5 = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_output.weight", offset = 44800 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %6 = "ig.fused_linear"(%4, %5) {epilogue = "none", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %7 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.post_attention_norm.weight", offset = 38912 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %8 = "ig.rms_norm"(%6, %7, %1) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %9 = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_gate.weight", offset = 47360 : i64} : () -> tensor<160x64xi8, {format = "q4_0"}>
    %10 = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_up.weight", offset = 53120 : i64} : () -> tensor<160x64xi8, {format = "q4_0"}>
    %11 = "ig.fused_linear"(%8, %9, %10) {epilogue = "geglu", operandSegmentSizes = array<i32: 1, 0, 1, 1, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<160x64xi8, {format = "q4_0"}>, tensor<160x64xi8, {format = "q4_0"}>) -> tensor<?x160xf32>
    %12 = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_down.weight", offset = 64000 : i64} : () -> tensor<64x160xi8, {format = "q4_0"}>
    %13 = "ig.fused_linear"(%11, %12) {epilogue = "none", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x160xf32>, tensor<64x160xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %14 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.post_ffw_norm.weight", offset = 47104 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %15 = "ig.rms_norm"(%13, %14, %8) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %16 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 69760 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %17 = "ig.fused_linear"(%15, %16, %0) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x512xf32>
    %18 = "ig.softcap"(%17) {cap = 3.000000e+01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    return %18 : tensor<?x512xf32>
  }
}
