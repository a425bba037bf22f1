module {
  func.func @prefill(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x64xf32> {
    %0 = "ig.weight"() {bytes = 65536 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f16"}>
    %1 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "f16"}>) -> tensor<?x64xf32>
    %2 = "ig.scale"(%1) {factor = 8.000000e+00 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %3 = "ig.weight"() {bytes = 8192 : i64, name = "blk.0.ffn_down.weight", offset = 69632 : i64} : () -> tensor<64x64xi8, {format = "f16"}>
    %4 = "ig.fused_linear"(%2, %3, %2) {epilogue = "add", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64x64xi8, {format = "f16"}>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %4 : tensor<?x64xf32>
  }
  func.func @decode(%arg0: tensor<?xi32>, %arg1: i32) -> tensor<?x64xf32> {
    %0 = "ig.weight"() {bytes = 65536 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f16"}>
    %1 = "ig.embed"(%arg0, %0) : (tensor<?xi32>, tensor<512x64xi8, {format = "f16"}>) -> tensor<?x64xf32>
    %2 = "ig.scale"(%1) {factor = 8.000000e+00 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %3 = "ig.weight"() {bytes = 8192 : i64, name = "blk.0.ffn_down.weight", offset = 69632 : i64} : () -> tensor<64x64xi8, {format = "f16"}>
    %4 = "ig.fused_linear"(%2, %3, %2) {epilogue = "add", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64x64xi8, {format = "f16"}>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %4 : tensor<?x64xf32>
  }
  func.func @head(%arg0: tensor<?x64xf32>) -> tensor<?x512xf32> {
    %0 = "ig.weight"() {bytes = 65536 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f16"}>
    %1 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 77824 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %2 = "ig.fused_linear"(%arg0, %1, %0) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<512x64xi8, {format = "f16"}>) -> tensor<?x512xf32>
    %3 = "ig.scale"(%2) {factor = 1.250000e-01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    %4 = "ig.softcap"(%3) {cap = 3.000000e+01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    return %4 : tensor<?x512xf32>
  }
  func.func @head_rows(%arg0: tensor<?x64xf32>) -> tensor<?x512xf32> {
    %0 = "ig.weight"() {bytes = 65536 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "f16"}>
    %1 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 77824 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %2 = "ig.fused_linear"(%arg0, %1, %0) {epilogue = "none", eps = 9.99999974E-6 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>, tensor<512x64xi8, {format = "f16"}>) -> tensor<?x512xf32>
    %3 = "ig.scale"(%2) {factor = 1.250000e-01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    %4 = "ig.softcap"(%3) {cap = 3.000000e+01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    return %4 : tensor<?x512xf32>
  }
}
