#pragma once
#include <jansson.h>

/* json_decref() is a macro over an inline function with atomics, which Swift does not import. */
static inline void perigee_json_decref(json_t *value) { json_decref(value); }
