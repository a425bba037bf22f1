/* Saving and loading, below the two ways to reach bytes: callbacks (session_state.c) and files (session_file.c). */
#ifndef INGOT_RUNTIME_SESSION_STATE_H
#define INGOT_RUNTIME_SESSION_STATE_H

#include "runtime/abi/saved.h"
#include "runtime/session.h"

/* Bytes of tokens, logits and caches. */
uint64_t ingot__saved_body(const ingot__plan *plan, const ingot_saved *head);
/* `have`: bytes that there are; 0: not known. */
ingot_status ingot__session_load(ingot_session *session, ingot_read read, void *user, uint64_t have, ingot_error *error);

#endif
