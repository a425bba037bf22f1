// One layer and a tied head, in canonical order.
module {
  func.func @forward(%tokens: tensor<?xi32>, %pos: i32) -> tensor<?x512xf32> {
    %we = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0"}>
    %table = "ig.rope_table"() {frequencies = array<i64: 2935890503282001226, 29358905032820012, 293589050328200>} : () -> tensor<3xi64>
    %x = "ig.embed"(%tokens, %we) : (tensor<?xi32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x64xf32>
    %g1 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.attn_norm.weight", offset = 38912 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %n1 = "ig.rms_norm"(%x, %g1) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %wq = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_q.weight", offset = 39168 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %q = "ig.linear"(%n1, %wq) : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %rq = "ig.rope"(%q, %pos, %table) {head_dim = 8 : i64, heads = 8 : i64} : (tensor<?x64xf32>, i32, tensor<3xi64>) -> tensor<?x64xf32>
    %wk = "ig.weight"() {bytes = 1152 : i64, name = "blk.0.attn_k.weight", offset = 41472 : i64} : () -> tensor<32x64xi8, {format = "q4_0"}>
    %k = "ig.linear"(%n1, %wk) : (tensor<?x64xf32>, tensor<32x64xi8, {format = "q4_0"}>) -> tensor<?x32xf32>
    %rk = "ig.rope"(%k, %pos, %table) {head_dim = 8 : i64, heads = 4 : i64} : (tensor<?x32xf32>, i32, tensor<3xi64>) -> tensor<?x32xf32>
    %wv = "ig.weight"() {bytes = 2176 : i64, name = "blk.0.attn_v.weight", offset = 42624 : i64} : () -> tensor<32x64xi8, {format = "q8_0"}>
    %v = "ig.linear"(%n1, %wv) : (tensor<?x64xf32>, tensor<32x64xi8, {format = "q8_0"}>) -> tensor<?x32xf32>
    %sinks = "ig.weight"() {bytes = 32 : i64, name = "blk.0.attn_sinks.weight", offset = 70016 : i64} : () -> tensor<8xf32, {format = "f32"}>
    %a = "ig.attention"(%rq, %rk, %v, %pos, %sinks) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 4 : i64, layer = 0 : i64, scale = 0.353553385 : f32} : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, i32, tensor<8xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %wo = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_output.weight", offset = 44800 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %o = "ig.linear"(%a, %wo) : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %h = "ig.add"(%x, %o) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %g2 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.ffn_norm.weight", offset = 47104 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %n2 = "ig.rms_norm"(%h, %g2) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %wg = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_gate.weight", offset = 47360 : i64} : () -> tensor<160x64xi8, {format = "q4_0"}>
    %gate = "ig.linear"(%n2, %wg) : (tensor<?x64xf32>, tensor<160x64xi8, {format = "q4_0"}>) -> tensor<?x160xf32>
    %wu = "ig.weight"() {bytes = 10880 : i64, name = "blk.0.ffn_up.weight", offset = 53120 : i64} : () -> tensor<160x64xi8, {format = "q8_0"}>
    %up = "ig.linear"(%n2, %wu) : (tensor<?x64xf32>, tensor<160x64xi8, {format = "q8_0"}>) -> tensor<?x160xf32>
    %s = "ig.silu"(%gate) : (tensor<?x160xf32>) -> tensor<?x160xf32>
    %y = "ig.mul"(%s, %up) : (tensor<?x160xf32>, tensor<?x160xf32>) -> tensor<?x160xf32>
    %wd = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_down.weight", offset = 64000 : i64} : () -> tensor<64x160xi8, {format = "q4_0"}>
    %d = "ig.linear"(%y, %wd) : (tensor<?x160xf32>, tensor<64x160xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %z = "ig.add"(%h, %d) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %g3 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 69760 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %n3 = "ig.rms_norm"(%z, %g3) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %logits = "ig.linear"(%n3, %we) : (tensor<?x64xf32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x512xf32>
    return %logits : tensor<?x512xf32>
  }
  // A layer without positions, with norms after its products and a gate of gelu, its logits capped.
  func.func @second(%tokens: tensor<?xi32>, %pos: i32) -> tensor<?x512xf32> {
    %we = "ig.weight"() {bytes = 34816 : i64, name = "token_embd.weight", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = "q8_0"}>
    %x = "ig.embed"(%tokens, %we) : (tensor<?xi32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x64xf32>
    %wq = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_q.weight", offset = 39168 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %q = "ig.linear"(%x, %wq) : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %a = "ig.attention"(%q, %q, %q, %pos) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 8 : i64, layer = 0 : i64, scale = 0.353553385 : f32, softcap = 5.000000e+01 : f32} : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, i32) -> tensor<?x64xf32>
    %wo = "ig.weight"() {bytes = 2304 : i64, name = "blk.0.attn_output.weight", offset = 44800 : i64} : () -> tensor<64x64xi8, {format = "q4_0"}>
    %o = "ig.linear"(%a, %wo) : (tensor<?x64xf32>, tensor<64x64xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %g1 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.post_attention_norm.weight", offset = 38912 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %n1 = "ig.rms_norm"(%o, %g1) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %h = "ig.add"(%x, %n1) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %wg = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_gate.weight", offset = 47360 : i64} : () -> tensor<160x64xi8, {format = "q4_0"}>
    %gate = "ig.linear"(%h, %wg) : (tensor<?x64xf32>, tensor<160x64xi8, {format = "q4_0"}>) -> tensor<?x160xf32>
    %wu = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_up.weight", offset = 53120 : i64} : () -> tensor<160x64xi8, {format = "q4_0"}>
    %up = "ig.linear"(%h, %wu) : (tensor<?x64xf32>, tensor<160x64xi8, {format = "q4_0"}>) -> tensor<?x160xf32>
    %s = "ig.gelu"(%gate) : (tensor<?x160xf32>) -> tensor<?x160xf32>
    %y = "ig.mul"(%s, %up) : (tensor<?x160xf32>, tensor<?x160xf32>) -> tensor<?x160xf32>
    %wd = "ig.weight"() {bytes = 5760 : i64, name = "blk.0.ffn_down.weight", offset = 64000 : i64} : () -> tensor<64x160xi8, {format = "q4_0"}>
    %d = "ig.linear"(%y, %wd) : (tensor<?x160xf32>, tensor<64x160xi8, {format = "q4_0"}>) -> tensor<?x64xf32>
    %g2 = "ig.weight"() {bytes = 256 : i64, name = "blk.0.post_ffw_norm.weight", offset = 47104 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %n2 = "ig.rms_norm"(%d, %g2) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %z = "ig.add"(%h, %n2) : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %g3 = "ig.weight"() {bytes = 256 : i64, name = "output_norm.weight", offset = 69760 : i64} : () -> tensor<64xf32, {format = "f32"}>
    %n3 = "ig.rms_norm"(%z, %g3) {eps = 9.99999974E-6 : f32} : (tensor<?x64xf32>, tensor<64xf32, {format = "f32"}>) -> tensor<?x64xf32>
    %logits = "ig.linear"(%n3, %we) : (tensor<?x64xf32>, tensor<512x64xi8, {format = "q8_0"}>) -> tensor<?x512xf32>
    %capped = "ig.softcap"(%logits) {cap = 3.000000e+01 : f32} : (tensor<?x512xf32>) -> tensor<?x512xf32>
    return %capped : tensor<?x512xf32>
  }
}
