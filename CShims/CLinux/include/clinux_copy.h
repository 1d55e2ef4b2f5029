/* A copy of this process. Swift's import of libc has no fork(2). */
#pragma once
#include <stddef.h>

/* A copy of this process, which must have one thread, as the leader of a session of its own: with all signals at their
 * defaults and none blocked, /dev/null as its streams, no other descriptor and no environment. ps(1) shows `words`, of
 * `length` bytes with a NUL after each, where there is room for them. Returns 0 there, and here its number or -errno.
 * fork(2). */
long clinux_fork_apart(const char *words, size_t length);
