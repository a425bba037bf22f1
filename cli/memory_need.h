/* What a model takes in memory, from its file alone: before anything is compiled. */
#ifndef INGOT_CLI_MEMORY_NEED_H
#define INGOT_CLI_MEMORY_NEED_H

#include "cli.h"
#include "frontend/model.h"

typedef struct cli_need {
  uint64_t weights;              /* the tensors' bytes: packed they are at most 3 % more */
  uint64_t working;              /* activations of one chunk, logits, token tables: an estimate from the model's widths */
  uint64_t kv;                   /* one position of the context: K and V of every layer as f16 */
} cli_need;

cli_need cli_need_of(const ig_model *m);
/* All of it for a context, which is rounded up to whole blocks. */
uint64_t cli_need_bytes(const cli_need *need, uint64_t positions);
/* The longest context, in whole blocks and at most `most`, that fits into `ram` with a fifth of the need left over; 0: none. */
uint64_t cli_need_context(const cli_need *need, uint64_t ram, uint64_t most);

#endif
