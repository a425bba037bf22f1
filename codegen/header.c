#include "codegen/header.h"

void ig_write_header(const char *name, ig_text *out) {
  ig_text_printf(out,
                 "/* Made by ingot: the model %s. Link lib%s.a and libingot.a, and give ingot_model_open this program. */\n"
                 "#ifndef INGOT_MODEL_%s_H\n"
                 "#define INGOT_MODEL_%s_H\n\n"
                 "#include <ingot.h>\n\n"
                 "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
                 "extern const ingot_program %s_program;\n\n"
                 "#ifdef __cplusplus\n}\n#endif\n\n"
                 "#endif\n",
                 name, name, name, name, name);
}
