/* A model file's tokenizer as the runtime reads it from a weights file, without one between. */
#ifndef INGOT_DRIVER_TOKEN_VIEW_H
#define INGOT_DRIVER_TOKEN_VIEW_H

#include "ir/token_tables.h"
#include "runtime/core.h"

/* Refers to the tables, which have to outlive it. */
ingot__tokenizer ig_token_view(const ig_tokenizer *tables);

#endif
