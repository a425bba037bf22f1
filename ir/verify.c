/* What the dialect's IRDL cannot say, as one table: each op's attributes (unknown ones are refused) and the rule of its shapes. Every problem is
 * reported with the op's location name; an op whose attributes or operand counts are wrong is not asked for its shapes. */
#include <math.h>
#include <string.h>

#include "ir/format.h"
#include "ir/numerics.h"
#include "ir/ops_mlir.h"

typedef struct checker {
  ig_arena arena;
  ig_diags *diags;
  const char *place;  /* of the op at hand */
  const char *op;     /* its name */
} checker;

#define FAIL(c, ...) ig_error((c)->diags, (c)->place, __VA_ARGS__)

/* ---- types ------------------------------------------------------------------------------------------------------------ */

static const char *shape_text(checker *c, ig_value v) {
  ig_text text = {0};
  for (int i = 0; i < ig_rank(v); i++)
    if (ig_dim(v, i) < 0) ig_text_printf(&text, "%s?", i ? "x" : "");
    else ig_text_printf(&text, "%s%lld", i ? "x" : "", (long long)ig_dim(v, i));
  char *copy = ig_copy_string(&c->arena, text.data ? text.data : "no shape");
  ig_text_finish(&text);
  return copy;
}

static MlirType element(ig_value v) { return mlirShapedTypeGetElementType(mlirValueGetType(ig_to_value(v))); }
static bool is_int(MlirType type, unsigned width) {
  return mlirTypeIsAInteger(type) && mlirIntegerTypeIsSignless(type) && mlirIntegerTypeGetWidth(type) == width;
}
static bool is_plain(ig_value v) { return mlirAttributeIsNull(mlirRankedTensorTypeGetEncoding(mlirValueGetType(ig_to_value(v)))); }

/* Activations: tensor<?xNxf32>, N = cols unless cols < 0. */
static bool rows(checker *c, ig_value v, const char *what, int64_t cols) {
  if (ig_rank(v) != 2 || ig_dim(v, 0) >= 0 || ig_dim(v, 1) < 1 || !mlirTypeIsAF32(element(v)) || !is_plain(v))
    return FAIL(c, "ig.%s: %s must be tensor<?xNxf32>, its shape is %s", c->op, what, shape_text(c, v));
  if (cols >= 0 && ig_dim(v, 1) != cols)
    return FAIL(c, "ig.%s: %s has rows of %lld values where %lld are needed", c->op, what, (long long)ig_dim(v, 1), (long long)cols);
  return true;
}

/* A weight made by ig.weight: 2-D, or 1-D of f32. */
static bool weight(checker *c, ig_value v, const char *what, int rank) {
  ig_op maker = ig_defining_op(v);
  if (!maker.handle || ig_kind(maker) != IG_OP_weight) return FAIL(c, "ig.%s: %s must come from ig.weight", c->op, what);
  if (ig_rank(v) != rank) return FAIL(c, "ig.%s: %s has %d dimensions where %d are needed", c->op, what, ig_rank(v), rank);
  return true;
}

static bool vector(checker *c, ig_value v, const char *what, int64_t n) {
  if (!weight(c, v, what, 1)) return false;
  return ig_dim(v, 0) == n ? true : FAIL(c, "ig.%s: %s has %lld values where %lld are needed", c->op, what, (long long)ig_dim(v, 0), (long long)n);
}
static bool gain(checker *c, ig_value v, int64_t n) { return vector(c, v, "the gain", n); }

/* A gain for pieces of a row of n values. */
static bool pieces(checker *c, ig_value v, int64_t n) {
  if (!weight(c, v, "the gain", 1)) return false;
  return n % ig_dim(v, 0) == 0 ? true
                               : FAIL(c, "ig.%s: the gain has %lld values, which do not divide rows of %lld", c->op, (long long)ig_dim(v, 0), (long long)n);
}

static bool eps(checker *c, ig_op op) {
  double e = ig_attr_float(op, "eps");
  return e >= 0 && e <= 1 ? true : FAIL(c, "ig.%s: eps must lie between 0 and 1, it is %g", c->op, e);
}

/* y = x w^T: K of both agree, y has w's rows. */
static bool product(checker *c, ig_value x, ig_value w, ig_value y, const char *name) {
  if (!weight(c, w, name, 2)) return false;
  if (ig_dim(x, 1) != ig_dim(w, 1))
    return FAIL(c, "ig.%s: rows of %lld values against %s of %s: the last dimensions must agree", c->op, (long long)ig_dim(x, 1), name, shape_text(c, w));
  return rows(c, y, "the result", ig_dim(w, 0));
}

static bool table_of(checker *c, ig_value v, int64_t head_dim) {
  ig_op maker = ig_defining_op(v);
  if (!maker.handle || ig_kind(maker) != IG_OP_rope_table) return FAIL(c, "ig.%s: the table must come from ig.rope_table", c->op);
  if (ig_rank(v) != 1) return false; /* said where the table is */
  if (2 * ig_dim(v, 0) > head_dim) return FAIL(c, "ig.%s: %lld pairs do not fit heads of %lld channels", c->op, (long long)ig_dim(v, 0), (long long)head_dim);
  return true;
}

/* ---- shape rules ------------------------------------------------------------------------------------------------------ */

static bool check_parts(checker *c, ig_op op, uint64_t n) {
  int64_t *parts;
  size_t there = ig_attr_ints(op, "parts", &c->arena, &parts);
  if (there != n) return FAIL(c, "ig.weight: %zu parts for %llu experts", there, (unsigned long long)n);
  for (size_t i = 0; i < there; i++)
    if (parts[i] < 0) return FAIL(c, "ig.weight: part %zu lies at a negative offset", i);
  return true;
}

static bool check_weight(checker *c, ig_op op) {
  ig_value y = ig_result(op, 0);
  MlirType type = mlirValueGetType(ig_to_value(y));
  int rank = ig_rank(y);
  if (rank < 1 || rank > 3) return FAIL(c, "ig.weight: a weight has one to three dimensions, this one %d", rank);
  for (int i = 0; i < rank; i++)
    if (ig_dim(y, i) < 1) return FAIL(c, "ig.weight: dimensions must be known and at least 1, the shape is %s", shape_text(c, y));
  MlirAttribute encoding = mlirRankedTensorTypeGetEncoding(type);
  if (mlirAttributeIsNull(encoding) || !mlirAttributeIsADictionary(encoding)) return FAIL(c, "ig.weight: the type lacks its encoding {format = \"...\"}");
  bool good = true;
  for (intptr_t i = 0; i < mlirDictionaryAttrGetNumElements(encoding); i++) {
    MlirNamedAttribute e = mlirDictionaryAttrGetElement(encoding, i);
    MlirStringRef name = mlirIdentifierStr(e.name);
    if ((!ig_ref_is(name, "format") && !ig_ref_is(name, "layout")) || !mlirAttributeIsAString(e.attribute))
      good = FAIL(c, "ig.weight: the encoding holds the strings format and layout, not %s", ig_str_printable(&c->arena, (ig_str){name.data, name.length}));
  }
  const char *name = ig_weight_format(y, &c->arena);
  const ig_block_format *format = name ? ig_format_find(name) : NULL;
  if (!format) return FAIL(c, "ig.weight: unknown format %s", name ? name : "(none)");
  if (rank == 1 ? !mlirTypeIsAF32(element(y)) || strcmp(name, "f32") != 0 : !is_int(element(y), 8))
    return FAIL(c, "ig.weight: one dimension is f32 in format f32, two or three dimensions are i8 in any format");
  uint64_t n = rank >= 2 ? (uint64_t)ig_dim(y, 0) : 1, cols = (uint64_t)ig_dim(y, rank - 1), bytes;
  if (cols % format->block_values)
    return FAIL(c, "ig.weight: rows of %llu values are no multiple of %s's blocks of %u", (unsigned long long)cols, name, format->block_values);
  if (!ig_mul_u64(cols / format->block_values, format->block_bytes, &bytes) || !ig_mul_u64(bytes, n, &bytes) ||
      (rank == 3 && !ig_mul_u64(bytes, (uint64_t)ig_dim(y, 1), &bytes)) || bytes > INT64_MAX)
    return FAIL(c, "ig.weight: the shape %s is too large", shape_text(c, y));
  if (ig_attr_int(op, "bytes") != (int64_t)bytes)
    good = FAIL(c, "ig.weight: bytes is %lld, %s of shape %s takes %llu", (long long)ig_attr_int(op, "bytes"), name, shape_text(c, y),
                (unsigned long long)bytes);
  if (ig_attr_int(op, "offset") < 0) good = FAIL(c, "ig.weight: offset is negative");
  if (ig_has_attr(op, "parts")) good &= check_parts(c, op, rank == 3 ? n : 0);
  if (!*ig_attr_string(op, "name", &c->arena)) good = FAIL(c, "ig.weight: the name is empty");
  return good;
}

static bool check_rope_table(checker *c, ig_op op) {
  int64_t *values, n = (int64_t)ig_attr_ints(op, "frequencies", &c->arena, &values);
  ig_value y = ig_result(op, 0);
  if (n < 1) return FAIL(c, "ig.rope_table: frequencies are empty");
  if (ig_has_attr(op, "halves") && (uint64_t)ig_attr_int(op, "halves") > 1) return FAIL(c, "ig.rope_table: halves is 0 or 1");
  if (ig_has_attr(op, "magnitude") && !isfinite(ig_attr_float(op, "magnitude"))) return FAIL(c, "ig.rope_table: magnitude must be a finite number");
  if (ig_rank(y) != 1 || ig_dim(y, 0) != n || !is_int(element(y), 64) || !is_plain(y))
    return FAIL(c, "ig.rope_table: the result must be tensor<%lldxi64>", (long long)n);
  return true;
}

static bool check_embed(checker *c, ig_op op) {
  ig_value w = ig_operand(op, 1);
  return weight(c, w, "the table", 2) && rows(c, ig_result(op, 0), "the result", ig_dim(w, 1));
}

static bool check_rms_norm(checker *c, ig_op op) {
  int n = ig_operand_count(op);
  if (n < 2 || n > 3) return FAIL(c, "ig.rms_norm takes x, a gain and perhaps a residual, not %d operands", n);
  ig_value x = ig_operand(op, 0);
  return eps(c, op) &
      (rows(c, x, "x", -1) && pieces(c, ig_operand(op, 1), ig_dim(x, 1)) && rows(c, ig_result(op, 0), "the result", ig_dim(x, 1)) &&
       (n == 2 || rows(c, ig_operand(op, 2), "the residual", ig_dim(x, 1))));
}

static bool digits(checker *c, ig_op op) {
  if (!ig_has_attr(op, "digits") || ig_attr_int(op, "digits") == 1 || ig_attr_int(op, "digits") == 2) return true;
  return FAIL(c, "ig.%s: digits is 1 or 2, not %lld", c->op, (long long)ig_attr_int(op, "digits"));
}

static bool check_linear(checker *c, ig_op op) {
  int n = ig_operand_count(op);
  if (n < 2 || n > 3) return FAIL(c, "ig.linear takes x, a weight and perhaps a bias, not %d operands", n);
  ig_value x = ig_operand(op, 0);
  return digits(c, op) && rows(c, x, "x", -1) && product(c, x, ig_operand(op, 1), ig_result(op, 0), "the weight") &&
      (n == 2 || vector(c, ig_operand(op, 2), "the bias", ig_dim(ig_result(op, 0), 1)));
}

static bool positive(checker *c, ig_op op, const char *name) {
  int64_t n = ig_attr_int(op, name);
  return n >= 1 && n <= 1 << 20 ? true : FAIL(c, "ig.%s: %s must lie between 1 and 2^20, it is %lld", c->op, name, (long long)n);
}

static bool check_rope(checker *c, ig_op op) {
  if (!(positive(c, op, "heads") & positive(c, op, "head_dim"))) return false;
  int64_t head_dim = ig_attr_int(op, "head_dim"), cols = ig_attr_int(op, "heads") * head_dim;
  return rows(c, ig_operand(op, 0), "x", cols) & rows(c, ig_result(op, 0), "the result", cols) & table_of(c, ig_operand(op, 2), head_dim);
}

static bool cap(checker *c, ig_op op, const char *name) {
  double x = ig_attr_float(op, name);
  return x >= 0x1p-20 && x <= 0x1p40 ? true : FAIL(c, "ig.%s: %s must lie between 2^-20 and 2^40, it is %g", c->op, name, x);
}

static bool check_attention(checker *c, ig_op op) {
  int n = ig_operand_count(op), least = ig_kind(op) == IG_OP_rope_attention ? 5 : 4;
  if (n < least || n > least + 1) return FAIL(c, "ig.%s takes q, k, v, pos%s and perhaps sinks, not %d operands", c->op, least == 5 ? ", a table" : "", n);
  if (!(positive(c, op, "heads") & positive(c, op, "kv_heads") & positive(c, op, "head_dim"))) return false;
  int64_t head_dim = ig_attr_int(op, "head_dim"), heads = ig_attr_int(op, "heads"), kv_heads = ig_attr_int(op, "kv_heads");
  bool good = heads % kv_heads == 0 ? true : FAIL(c, "ig.%s: %lld heads cannot share %lld kv heads evenly", c->op, (long long)heads, (long long)kv_heads);
  int64_t layer = ig_attr_int(op, "layer");
  if (layer < 0 || layer > UINT16_MAX) good = FAIL(c, "ig.%s: layer must lie between 0 and 65535, it is %lld", c->op, (long long)layer);
  if (ig_has_attr(op, "window") && (ig_attr_int(op, "window") < 1 || ig_attr_int(op, "window") > INT32_MAX))
    good = FAIL(c, "ig.%s: window must lie between 1 and 2^31 - 1", c->op);
  if (ig_has_attr(op, "softcap")) good &= cap(c, op, "softcap");
  if (!isfinite(ig_attr_float(op, "scale"))) good = FAIL(c, "ig.%s: scale must be a finite number", c->op);
  good &= rows(c, ig_operand(op, 0), "q", heads * head_dim) & rows(c, ig_operand(op, 1), "k", kv_heads * head_dim) &
      rows(c, ig_operand(op, 2), "v", kv_heads * head_dim) & rows(c, ig_result(op, 0), "the result", heads * head_dim);
  if (n > least) good &= vector(c, ig_operand(op, least), "sinks", heads);
  return least == 5 ? good & table_of(c, ig_operand(op, 4), head_dim) : good;
}

static bool check_plain(checker *c, ig_op op) {
  int64_t cols = -1;
  bool good = true;
  for (int i = 0; i < ig_operand_count(op); i++) {
    good &= rows(c, ig_operand(op, i), "an operand", cols);
    if (good && cols < 0) cols = ig_dim(ig_operand(op, i), 1);
  }
  return good && rows(c, ig_result(op, 0), "the result", cols);
}

static bool check_scale(checker *c, ig_op op) {
  bool finite = isfinite(ig_attr_float(op, "factor")) ? true : FAIL(c, "ig.scale: factor must be a finite number");
  return check_plain(c, op) & finite;
}

static bool check_softcap(checker *c, ig_op op) { return check_plain(c, op) & cap(c, op, "cap"); }

/* Reads an array<i32> of zeros and ones, at most one for each of the n groups; returns their sum or -1. */
static int segments(ig_op op, const char *name, int n, bool present[]) {
  MlirAttribute a = ig_attr(op, name);
  if (mlirAttributeIsNull(a) || !mlirAttributeIsADenseI32Array(a) || mlirDenseArrayGetNumElements(a) != n) return -1;
  int sum = 0;
  for (int i = 0; i < n; i++) {
    int32_t size = mlirDenseI32ArrayGetElement(a, i);
    if (size != 0 && size != 1) return -1;
    present[i] = size == 1;
    sum += size;
  }
  return sum;
}

static bool check_fused_linear(checker *c, ig_op op) {
  bool in[IG_ROLES], out[3];
  if (segments(op, "operandSegmentSizes", IG_ROLES, in) != ig_operand_count(op) || segments(op, "resultSegmentSizes", 3, out) != ig_result_count(op))
    return FAIL(c, "ig.fused_linear: operandSegmentSizes must hold nine and resultSegmentSizes three sizes of 0 or 1 that add up to what is there");
  if (!in[IG_ROLE_X] || !in[IG_ROLE_W0] || !out[0] || (in[IG_ROLE_W2] && !in[IG_ROLE_W1]) || (out[2] && !out[1]))
    return FAIL(c, "ig.fused_linear: x, w0 and y0 must be there, w2 only beside w1, y2 only beside y1");
  const char *epilogue = ig_attr_string(op, "epilogue", &c->arena);
  bool add = !strcmp(epilogue, "add"), glu = !strcmp(epilogue, "glu") || !strcmp(epilogue, "geglu"), good = true;
  if (!add && !glu && strcmp(epilogue, "none") != 0) return FAIL(c, "ig.fused_linear: epilogue is none, add, glu or geglu, not %s", epilogue);
  if (in[IG_ROLE_GAIN] != ig_has_attr(op, "eps")) good = FAIL(c, "ig.fused_linear: gain and eps belong together");
  if (in[IG_ROLE_RESIDUAL] != add) good = FAIL(c, "ig.fused_linear: a residual belongs to the epilogue add, and to no other");
  int n = 1 + in[IG_ROLE_W1] + in[IG_ROLE_W2];
  good &= digits(c, op);
  if (add && n != 1) good = FAIL(c, "ig.fused_linear: the epilogue add takes one weight");
  for (int i = 0; i < 3; i++)
    if (in[IG_ROLE_B0 + i] && (i >= n || glu))
      good = FAIL(c, "ig.fused_linear: bias b%d belongs to the weight w%d, and not to the epilogue %s", i, i, epilogue);
  if (glu && n != 2) good = FAIL(c, "ig.fused_linear: the epilogue %s takes two weights, gate and up", epilogue);
  if (ig_result_count(op) != (glu ? 1 : n))
    good = FAIL(c, "ig.fused_linear: %d weights with the epilogue %s cannot give %d results", n, epilogue, ig_result_count(op));
  ig_value x = ig_operand_role(op, IG_ROLE_X);
  if (!good || !rows(c, x, "x", -1)) return false;
  if (in[IG_ROLE_GAIN]) good = gain(c, ig_operand_role(op, IG_ROLE_GAIN), ig_dim(x, 1)) & eps(c, op);
  static const char *const weights[] = {"w0", "w1", "w2"};
  for (int i = 0; i < n; i++) good &= product(c, x, ig_operand_role(op, (int)IG_ROLE_W0 + i), ig_result(op, glu ? 0 : i), weights[i]);
  static const char *const biases[] = {"b0", "b1", "b2"};
  for (int i = 0; i < n; i++)
    if (in[IG_ROLE_B0 + i]) good &= vector(c, ig_operand_role(op, (int)IG_ROLE_B0 + i), biases[i], ig_dim(ig_result(op, i), 1));
  if (add) good &= rows(c, ig_operand_role(op, IG_ROLE_RESIDUAL), "the residual", ig_dim(ig_result(op, 0), 1));
  return good;
}

/* A matrix of rows x cols for each expert, and perhaps a bias. */
static bool expert_weights(checker *c, ig_value w, const char *name, int64_t experts, int64_t n_rows, int64_t cols, ig_value bias, const char *bias_name) {
  if (!weight(c, w, name, 3)) return false;
  if (ig_dim(w, 0) != experts || (n_rows >= 0 && ig_dim(w, 1) != n_rows) || ig_dim(w, 2) != cols)
    return FAIL(c, "ig.experts: %s has shape %s: %lld experts with rows of %lld values are needed, each of as many as the others have", name, shape_text(c, w),
                (long long)experts, (long long)cols);
  if (!bias.handle) return true;
  if (!weight(c, bias, bias_name, 2)) return false;
  if (strcmp(ig_weight_format(bias, &c->arena), "f32") != 0) return FAIL(c, "ig.experts: %s is of format f32", bias_name);
  return (ig_dim(bias, 0) == experts && ig_dim(bias, 1) == ig_dim(w, 1)) ||
      FAIL(c, "ig.experts: %s has shape %s, which is not %s's", bias_name, shape_text(c, bias), name);
}

static bool check_experts(checker *c, ig_op op) {
  bool in[IG_EXPERTS_ROLES];
  if (segments(op, "operandSegmentSizes", IG_EXPERTS_ROLES, in) != ig_operand_count(op))
    return FAIL(c, "ig.experts: operandSegmentSizes must hold ten sizes of 0 or 1 that add up to what is there");
  for (int i = 0; i <= IG_EXPERTS_DOWN; i++)
    if (!in[i]) return FAIL(c, "ig.experts: residual, x, scores, gate, up and down must be there");
  ig_value v[IG_EXPERTS_ROLES];
  for (int i = 0; i < IG_EXPERTS_ROLES; i++) v[i] = ig_operand_role(op, i);
  if (!rows(c, v[IG_EXPERTS_X], "x", -1) || !rows(c, v[IG_EXPERTS_SCORES], "scores", -1)) return false;
  const int64_t width = ig_dim(v[IG_EXPERTS_X], 1), experts = ig_dim(v[IG_EXPERTS_SCORES], 1), used = ig_attr_int(op, "used");
  bool good = true;
  if (used < 1 || used > experts || used > IG_EXPERTS_MOST)
    good = FAIL(c, "ig.experts: used is %lld, of %lld experts; at most %d are possible", (long long)used, (long long)experts, IG_EXPERTS_MOST);
  if (in[IG_EXPERTS_GAIN] != ig_has_attr(op, "eps")) good = FAIL(c, "ig.experts: gain and eps belong together");
  if (ig_has_attr(op, "alpha") != ig_has_attr(op, "limit")) good = FAIL(c, "ig.experts: alpha and limit belong together");
  else if (ig_has_attr(op, "alpha") && !(isfinite(ig_attr_float(op, "alpha")) && ig_attr_float(op, "limit") > 0))
    good = FAIL(c, "ig.experts: alpha must be finite and limit above 0");
  if (in[IG_EXPERTS_GAIN]) good &= gain(c, v[IG_EXPERTS_GAIN], width) & (ig_has_attr(op, "eps") ? eps(c, op) : true);
  if (!expert_weights(c, v[IG_EXPERTS_GATE], "gate", experts, -1, width, v[IG_EXPERTS_GATE_BIAS], "gate_bias")) return false;
  int64_t inner = ig_dim(v[IG_EXPERTS_GATE], 1);
  good &= expert_weights(c, v[IG_EXPERTS_UP], "up", experts, inner, width, v[IG_EXPERTS_UP_BIAS], "up_bias");
  if (!expert_weights(c, v[IG_EXPERTS_DOWN], "down", experts, -1, inner, v[IG_EXPERTS_DOWN_BIAS], "down_bias")) return false;
  good &= rows(c, ig_result(op, 0), "the result", ig_dim(v[IG_EXPERTS_DOWN], 1));
  return good & rows(c, v[IG_EXPERTS_RESIDUAL], "the residual", ig_dim(v[IG_EXPERTS_DOWN], 1));
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

typedef enum kind { NONE, INT, FLOAT, STRING, INTS64, INTS32 } kind;
static const char *const kind_names[] = {"", "an i64", "an f32", "a string", "array<i64: ...>", "array<i32: ...>"};

static bool has_kind(MlirAttribute a, kind k) {
  switch (k) {
  case INT: return mlirAttributeIsAInteger(a) && is_int(mlirAttributeGetType(a), 64);
  case FLOAT: return mlirAttributeIsAFloat(a) && mlirTypeIsAF32(mlirAttributeGetType(a));
  case STRING: return mlirAttributeIsAString(a);
  case INTS64: return mlirAttributeIsADenseI64Array(a);
  case INTS32: return mlirAttributeIsADenseI32Array(a);
  case NONE: break;
  }
  return false;
}

typedef struct attribute_rule {
  const char *name;
  kind kind;
  bool optional;
} attribute_rule;

#define ATTENTION \
  {"layer", INT, 0}, {"heads", INT, 0}, {"kv_heads", INT, 0}, {"head_dim", INT, 0}, {"scale", FLOAT, 0}, {"window", INT, 1}, {"softcap", FLOAT, 1}
static const struct rule {
  int operands, results; /* -1: the op's own rule counts */
  bool (*shapes)(checker *c, ig_op op);
  attribute_rule attributes[8];
} table[IG_OP_COUNT] = {
  [IG_OP_weight] = {0, 1, check_weight, {{"name", STRING, 0}, {"offset", INT, 0}, {"bytes", INT, 0}, {"parts", INTS64, 1}}},
  [IG_OP_rope_table] = {0, 1, check_rope_table, {{"frequencies", INTS64, 0}, {"halves", INT, 1}, {"magnitude", FLOAT, 1}}},
  [IG_OP_embed] = {2, 1, check_embed, {{0}}},
  [IG_OP_rms_norm] = {-1, 1, check_rms_norm, {{"eps", FLOAT, 0}}},
  [IG_OP_linear] = {-1, 1, check_linear, {{"digits", INT, 1}}},
  [IG_OP_rope] = {3, 1, check_rope, {{"heads", INT, 0}, {"head_dim", INT, 0}}},
  [IG_OP_attention] = {-1, 1, check_attention, {ATTENTION}},
  [IG_OP_silu] = {1, 1, check_plain, {{0}}},
  [IG_OP_gelu] = {1, 1, check_plain, {{0}}},
  [IG_OP_mul] = {2, 1, check_plain, {{0}}},
  [IG_OP_add] = {2, 1, check_plain, {{0}}},
  [IG_OP_scale] = {1, 1, check_scale, {{"factor", FLOAT, 0}}},
  [IG_OP_softcap] = {1, 1, check_softcap, {{"cap", FLOAT, 0}}},
  [IG_OP_fused_linear] =
      {-1,
       -1,
       check_fused_linear,
       {{"epilogue", STRING, 0}, {"eps", FLOAT, 1}, {"digits", INT, 1}, {"operandSegmentSizes", INTS32, 0}, {"resultSegmentSizes", INTS32, 0}}},
  [IG_OP_rope_attention] = {-1, 1, check_attention, {ATTENTION}},
  [IG_OP_experts] = {-1, 1, check_experts, {{"used", INT, 0}, {"eps", FLOAT, 1}, {"alpha", FLOAT, 1}, {"limit", FLOAT, 1}, {"operandSegmentSizes", INTS32, 0}}},
};
enum { MOST_ATTRIBUTES = sizeof table->attributes / sizeof *table->attributes };

static bool check_attributes(checker *c, ig_op op, const struct rule *rule) {
  bool good = true;
  for (int i = 0; i < MOST_ATTRIBUTES && rule->attributes[i].name; i++) {
    const attribute_rule *a = &rule->attributes[i];
    MlirAttribute value = ig_attr(op, a->name);
    if (mlirAttributeIsNull(value)) good &= a->optional ? true : FAIL(c, "ig.%s: the attribute %s is missing", c->op, a->name);
    else if (!has_kind(value, a->kind)) good = FAIL(c, "ig.%s: the attribute %s must be %s", c->op, a->name, kind_names[a->kind]);
  }
  for (intptr_t k = 0; k < mlirOperationGetNumAttributes(ig_to_op(op)); k++) {
    MlirStringRef name = mlirIdentifierStr(mlirOperationGetAttribute(ig_to_op(op), k).name);
    bool known = false;
    for (int i = 0; i < MOST_ATTRIBUTES && rule->attributes[i].name; i++) known |= ig_ref_is(name, rule->attributes[i].name);
    if (!known) good = FAIL(c, "ig.%s has no attribute %s", c->op, ig_str_printable(&c->arena, (ig_str){name.data, name.length}));
  }
  return good;
}

static void check_op(checker *c, ig_op op) {
  ig_op_kind which = ig_kind(op);
  c->place = ig_location(op, &c->arena);
  c->op = ig_op_name(which);
  if (which == IG_OP_COUNT) {
    MlirStringRef name = ig_full_name(ig_to_op(op));
    FAIL(c, "%s is no op of the graph", ig_str_printable(&c->arena, (ig_str){name.data, name.length}));
    return;
  }
  const struct rule *rule = &table[which];
  bool good = check_attributes(c, op, rule);
  if (rule->operands >= 0 && ig_operand_count(op) != rule->operands)
    good = FAIL(c, "ig.%s takes %d operands, not %d", c->op, rule->operands, ig_operand_count(op));
  if (rule->results >= 0 && ig_result_count(op) != rule->results) good = FAIL(c, "ig.%s has %d results, not %d", c->op, rule->results, ig_result_count(op));
  if (good) rule->shapes(c, op);
}

/* A layer's cache belongs to one op of a function: two would write the same positions. */
static void check_layers(checker *c, ig_op function) {
  for (ig_op a = ig_first_op(function); a.handle; a = ig_next_op(a)) {
    if (!ig_has_effect(ig_kind(a))) continue;
    for (ig_op b = ig_first_op(function); b.handle != a.handle; b = ig_next_op(b))
      if (ig_has_effect(ig_kind(b)) && ig_attr_int(a, "layer") == ig_attr_int(b, "layer"))
        ig_error(c->diags, ig_location(a, &c->arena), "ig.%s: layer %lld already has its attention", ig_op_name(ig_kind(a)),
                 (long long)ig_attr_int(a, "layer"));
  }
}

static bool check_function(checker *c, ig_op function) {
  MlirOperation op = ig_to_op(function);
  MlirStringRef name = ig_full_name(op);
  c->place = ig_location(function, &c->arena);
  if (!ig_ref_is(name, "func.func"))
    return FAIL(c, "a module holds functions (func.func), not %s", ig_str_printable(&c->arena, (ig_str){name.data, name.length}));
  const char *function_name = ig_function_name(function, &c->arena);
  MlirBlock block = ig_body(function);
  if (mlirBlockIsNull(block) || !mlirBlockIsNull(mlirBlockGetNextInRegion(block))) return FAIL(c, "@%s must have a body of one block", function_name);
  MlirOperation end = mlirBlockGetTerminator(block);
  if (mlirOperationIsNull(end) || !ig_ref_is(ig_full_name(end), "func.return") || mlirOperationGetNumOperands(end) != 1)
    return FAIL(c, "@%s must return one value", function_name);
  intptr_t n = mlirBlockGetNumArguments(block);
  if (n < 1 || n > 2) return FAIL(c, "@%s must take (tokens, pos) or (hidden)", function_name);
  return true;
}

bool ig_verify(ig_module module, ig_diags *diags) {
  checker c = {.diags = diags};
  size_t errors = diags->errors;
  for (ig_op f = ig_function_next(module, (ig_op){0}); f.handle; f = ig_function_next(module, f)) {
    if (!check_function(&c, f)) continue;
    size_t before = diags->errors;
    for (ig_op op = ig_first_op(f); op.handle; op = ig_next_op(op)) check_op(&c, op);
    if (diags->errors == before) check_layers(&c, f);
  }
  ig_arena_finish(&c.arena);
  if (diags->errors == errors) { /* MLIR stops at its first error, so it comes last */
    ig_diags *saved = module.context->diags;
    module.context->diags = diags;
    if (!mlirOperationVerify(mlirModuleGetOperation(ig_to_module(module))) && diags->errors == errors)
      ig_error(diags, "graph", "MLIR's verifier refuses the module");
    module.context->diags = saved;
  }
  return diags->errors == errors;
}
