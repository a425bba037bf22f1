/* report.json of a bundle: what was made, what it will ask of a device, and what a token costs at least (driver/token_cost.h). */
#ifndef INGOT_DRIVER_REPORT_H
#define INGOT_DRIVER_REPORT_H

#include "codegen/plan_writer.h"
#include "driver/kernel_jobs.h"
#include "driver/promise.h"
#include "targets/target.h"

typedef struct ig_report_facts {
  const ig_plan_facts *plan;
  const ig_platform *platform;               /* whose library this is */
  const ig_platform *leading, *const *more;  /* all of the bundle */
  uint32_t n_more;
  const ig_variant *const *variants;
  const ig_code_facts *code;                 /* of each variant */
  uint32_t n_variants, prefix_tokens;
  uint64_t library_bytes, plan_bytes, source_bytes;
  const char *header_sha256, *library_sha256, *plan_sha256, *prefix_sha256; /* of the files beside it (prefix: or NULL): what `ingot verify` goes by */
  const char *weights_root;                  /* of their tree of hashes */
  ig_promise promise;
} ig_report_facts;

void ig_write_report(const ig_program_plan *plan, const ig_report_facts *facts, ig_text *out);

/* A C identifier with a letter first: names of bundles become symbols and files. */
bool ig_is_bundle_name(const char *name);

/* The text of FOLDER/report.json. Bundles come from anywhere: refused where it was not written by ingot, holds control characters (it is shown as it is) or
 * names its bundle by what is no name. */
bool ig_read_report(const char *folder, ig_arena *arena, ig_str *report, ig_diags *diags);
/* Back out of the text of a report; false and NULL where it has no such entry (bundles of older versions). */
bool ig_report_number(const char *report, const char *name, uint64_t *value);
const char *ig_report_word(const char *report, const char *name, ig_arena *arena); /* a text without escapes */

bool ig_report_lists(const char *report, const char *name, const char *word); /* whether a list of texts on one line has the word */

#endif
