/* A process that goes on apart from this one: a copy of it, or itself, which then leaves its number behind. Swift's import of
 * libc has no fork(2). */
#pragma once
#include <stddef.h>

/* A copy of this process, which must have one thread, as the leader of a session of its own: with all signals at their
 * defaults and none blocked, /dev/null as its streams, no other descriptor but the `count` of `kept`, which ascend from 3 on,
 * and no environment. ps(1) shows `words`, of `length` bytes with a NUL after each, where there is room for them. Returns 0
 * there, and here its number or -errno. fork(2). */
long clinux_fork_apart(const char *words, size_t length, const int *kept, size_t count);

/* The same with no descriptor kept, as a child of nobody who would have to wait for it: its parent has ended. */
long clinux_fork_aside(const char *words, size_t length);

/* What is left to do for the process that others wait for. */
struct clinux_rest {
    const int *files;     /* `count` of them, which it sees to the disk: fsync(2) */
    size_t count;
    const char *text;     /* what it then writes to the standard output, `length` bytes */
    size_t length;
    char **otherwise;     /* executed by this very program where one of that fails, ended by a NULL */
    char *call, *code;    /* words of it with room for 16 bytes: which call failed, and its error */
};

/* Goes on in a new process, which is apart as above, with all that this one has in its memory; the old one, which has its
 * number and its parent, and no signal but SIGQUIT blocked, does what `rest` says in the same memory, on a stack of its own,
 * and ends with 0. Costs neither a copy of the memory nor the page faults of one. Returns 0, in the new process, or -errno.
 * clone(2), CLONE_VM.
 *
 * What `rest` points at must stay as it is. The caller has no signal handlers: one would run on the small stack. Of the
 * descriptors the old one keeps all but `kept`, of which there are four at most, and the new one none else: what owns another
 * one there must not close it any more, since its number may be that of something else. ps(1) shows `words` for both, as long
 * as both are there. */
long clinux_go_on_apart(
    const char *words, size_t length, const int *kept, size_t count, const struct clinux_rest *rest);
