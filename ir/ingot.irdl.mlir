// The dialect `ig`, loaded into every context at run time. What IRDL cannot say (optional attributes, unknown attributes, shapes, formats) is in
// ir/verify.c. Every operand has a constraint value of its own unless types must be equal: one constraint value is one type.
irdl.dialect @ig {
  irdl.operation @weight {
    %string = irdl.base "#builtin.string"
    %offset = irdl.base "#builtin.integer"
    %bytes = irdl.base "#builtin.integer"
    %y = irdl.base "!builtin.tensor"
    irdl.attributes { "name" = %string, "offset" = %offset, "bytes" = %bytes }
    irdl.results(y: %y)
  }
  irdl.operation @rope_table {
    %frequencies = irdl.base "#builtin.dense_array"
    %y = irdl.base "!builtin.tensor"
    irdl.attributes { "frequencies" = %frequencies }
    irdl.results(y: %y)
  }
  irdl.operation @embed {
    %tokens = irdl.is tensor<?xi32>
    %w = irdl.base "!builtin.tensor"
    %y = irdl.base "!builtin.tensor"
    irdl.operands(tokens: %tokens, w: %w)
    irdl.results(y: %y)
  }
  irdl.operation @rms_norm {
    %x = irdl.base "!builtin.tensor"
    %gain = irdl.base "!builtin.tensor"
    %eps = irdl.base "#builtin.float"
    irdl.operands(x: %x, gain: %gain, residual: optional %x)
    irdl.attributes { "eps" = %eps }
    irdl.results(y: %x)
  }
  irdl.operation @linear {
    %x = irdl.base "!builtin.tensor"
    %w = irdl.base "!builtin.tensor"
    %y = irdl.base "!builtin.tensor"
    %bias = irdl.base "!builtin.tensor"
    irdl.operands(x: %x, w: %w, bias: optional %bias)
    irdl.results(y: %y)
  }
  irdl.operation @rope {
    %x = irdl.base "!builtin.tensor"
    %pos = irdl.is i32
    %table = irdl.base "!builtin.tensor"
    %heads = irdl.base "#builtin.integer"
    %head_dim = irdl.base "#builtin.integer"
    irdl.operands(x: %x, pos: %pos, table: %table)
    irdl.attributes { "heads" = %heads, "head_dim" = %head_dim }
    irdl.results(y: %x)
  }
  irdl.operation @attention {
    %q = irdl.base "!builtin.tensor"
    %k = irdl.base "!builtin.tensor"
    %pos = irdl.is i32
    %layer = irdl.base "#builtin.integer"
    %heads = irdl.base "#builtin.integer"
    %kv_heads = irdl.base "#builtin.integer"
    %head_dim = irdl.base "#builtin.integer"
    %scale = irdl.base "#builtin.float"
    %sinks = irdl.base "!builtin.tensor"
    irdl.operands(q: %q, k: %k, v: %k, pos: %pos, sinks: optional %sinks)
    irdl.attributes { "layer" = %layer, "heads" = %heads, "kv_heads" = %kv_heads, "head_dim" = %head_dim, "scale" = %scale }
    irdl.results(y: %q)
  }
  irdl.operation @silu {
    %x = irdl.base "!builtin.tensor"
    irdl.operands(x: %x)
    irdl.results(y: %x)
  }
  irdl.operation @gelu {
    %x = irdl.base "!builtin.tensor"
    irdl.operands(x: %x)
    irdl.results(y: %x)
  }
  irdl.operation @mul {
    %x = irdl.base "!builtin.tensor"
    irdl.operands(a: %x, b: %x)
    irdl.results(y: %x)
  }
  irdl.operation @add {
    %x = irdl.base "!builtin.tensor"
    irdl.operands(a: %x, b: %x)
    irdl.results(y: %x)
  }
  irdl.operation @scale {
    %x = irdl.base "!builtin.tensor"
    %factor = irdl.base "#builtin.float"
    irdl.operands(x: %x)
    irdl.attributes { "factor" = %factor }
    irdl.results(y: %x)
  }
  irdl.operation @softcap {
    %x = irdl.base "!builtin.tensor"
    %cap = irdl.base "#builtin.float"
    irdl.operands(x: %x)
    irdl.attributes { "cap" = %cap }
    irdl.results(y: %x)
  }
  // Takes the plain attributes operandSegmentSizes and resultSegmentSizes: which of the optional operands and results are there.
  irdl.operation @fused_linear {
    %x = irdl.base "!builtin.tensor"
    %gain = irdl.base "!builtin.tensor"
    %w0 = irdl.base "!builtin.tensor"
    %w1 = irdl.base "!builtin.tensor"
    %w2 = irdl.base "!builtin.tensor"
    %residual = irdl.base "!builtin.tensor"
    %b0 = irdl.base "!builtin.tensor"
    %b1 = irdl.base "!builtin.tensor"
    %b2 = irdl.base "!builtin.tensor"
    %y0 = irdl.base "!builtin.tensor"
    %y1 = irdl.base "!builtin.tensor"
    %y2 = irdl.base "!builtin.tensor"
    %none = irdl.is "none"
    %add = irdl.is "add"
    %glu = irdl.is "glu"
    %geglu = irdl.is "geglu"
    %epilogue = irdl.any_of(%none, %add, %glu, %geglu)
    irdl.operands(x: %x, gain: optional %gain, w0: %w0, w1: optional %w1, w2: optional %w2, residual: optional %residual,
      b0: optional %b0, b1: optional %b1, b2: optional %b2)
    irdl.attributes { "epilogue" = %epilogue }
    irdl.results(y0: %y0, y1: optional %y1, y2: optional %y2)
  }
  irdl.operation @rope_attention {
    %q = irdl.base "!builtin.tensor"
    %k = irdl.base "!builtin.tensor"
    %pos = irdl.is i32
    %table = irdl.base "!builtin.tensor"
    %layer = irdl.base "#builtin.integer"
    %heads = irdl.base "#builtin.integer"
    %kv_heads = irdl.base "#builtin.integer"
    %head_dim = irdl.base "#builtin.integer"
    %scale = irdl.base "#builtin.float"
    %sinks = irdl.base "!builtin.tensor"
    irdl.operands(q: %q, k: %k, v: %k, pos: %pos, table: %table, sinks: optional %sinks)
    irdl.attributes { "layer" = %layer, "heads" = %heads, "kv_heads" = %kv_heads, "head_dim" = %head_dim, "scale" = %scale }
    irdl.results(y: %q)
  }
  // Takes operandSegmentSizes too.
  irdl.operation @experts {
    %residual = irdl.base "!builtin.tensor"
    %x = irdl.base "!builtin.tensor"
    %scores = irdl.base "!builtin.tensor"
    %gate = irdl.base "!builtin.tensor"
    %up = irdl.base "!builtin.tensor"
    %down = irdl.base "!builtin.tensor"
    %gain = irdl.base "!builtin.tensor"
    %gate_bias = irdl.base "!builtin.tensor"
    %up_bias = irdl.base "!builtin.tensor"
    %down_bias = irdl.base "!builtin.tensor"
    %used = irdl.base "#builtin.integer"
    irdl.operands(residual: %residual, x: %x, scores: %scores, gate: %gate, up: %up, down: %down, gain: optional %gain, gate_bias: optional %gate_bias,
      up_bias: optional %up_bias, down_bias: optional %down_bias)
    irdl.attributes { "used" = %used }
    irdl.results(y: %residual)
  }
}
