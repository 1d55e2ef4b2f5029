/* Processes that are born in our memory (CLONE_VM), or in a copy of it, on a stack of their own. They make raw system
 * calls on values that were laid ready for them, and nothing else. */
#pragma once
#include "launch.h"
#include "clinux_syscall.h"

#include <linux/sched.h>
#include <sys/syscall.h>

enum { LAUNCH_PENDING = 1 };

struct launch_birth {
    struct launch_clone how;
    char arena[24], size[24];
    char *argv[4];
    int socket;           /* of a launch's helper */
    int processor;        /* where the helper's parent runs, or -1 */
    const char *directory, *above; /* that the helper makes, or NULL */
    int made;             /* -errno of the directory's mkdirat(2), 0, or LAUNCH_PENDING */
    int parent;           /* of a user namespace's holder */
    struct clone_args args; /* of the child that is born in a user namespace that it joins */
    long born;            /* what clone3(2) of that child returned, or setns(2) before it */
    volatile long failed; /* -errno of the child's execveat(2) */
    char stack[8192] __attribute__((aligned(64)));
    char middle[4096] __attribute__((aligned(64))); /* stack of who joins it first */
};

static inline long raw(long n, long a, long b, long c, long d, long e) { return syscall6(n, a, b, c, d, e, 0); }

/* Memory for a birth with these clone flags, zeroed, or NULL with errno. Both write to it, also where the child has the
 * rest as a copy. */
struct launch_birth *birth_make(uint64_t flags);

/* Makes the process that runs `run` on the stack in `b`: its pid, or -errno. `args` says whether in our memory. No signal
 * handler of ours runs in it. */
long birth_begin(struct clone_args *args, struct launch_birth *b, void (*run)(struct launch_birth *));

/* The same on a stack of `size` bytes, by who blocks all signals already. */
long birth_onto(struct clone_args *args, struct launch_birth *b, void (*run)(struct launch_birth *), void *stack,
                size_t size);
