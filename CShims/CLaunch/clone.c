/* The clone that makes the container's first process. It is C because the child may run in memory that it shares with a
 * parent whose language knows nothing of that. */
#define _GNU_SOURCE
#include "birth.h"
#include "launch_calls.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The stage's numbers against this system's headers. */
#if defined(__x86_64__)
#define SAME(name, x86, arm) _Static_assert(SYS_##name == x86, #name);
#else
#define SAME(name, x86, arm) _Static_assert(SYS_##name == arm, #name);
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
LAUNCH_CALLS(SAME)

/* In a new user namespace whose maps are not written the child is nobody, and executing the stage would take its
 * capabilities: the ambient set carries them over. The plan's own sets replace it later. */
static void carry_capabilities(void) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2];
    raw(SYS_capget, (long)&header, (long)data, 0, 0, 0);
    for (int i = 0; i < 2; i++) data[i].inheritable = data[i].permitted;
    raw(SYS_capset, (long)&header, (long)data, 0, 0, 0);
    for (long c = 0; c < 64; c++)
        if (raw(SYS_prctl, 47 /* PR_CAP_AMBIENT */, 2 /* PR_CAP_AMBIENT_RAISE */, c, 0, 0) == -EINVAL) break;
}

__attribute__((noreturn)) static void child(struct launch_birth *b) {
    static char *const no_environment[] = {NULL};
    const struct launch_header *h = b->how.header;
    raw(SYS_fcntl, b->how.arena, F_SETFD, 0, 0, 0);
    raw(SYS_fcntl, h->control, F_SETFD, 0, 0, 0);
    for (uint32_t i = 0; i < h->descriptor_count; i++)
        if (h->descriptors[i] >= 0) raw(SYS_fcntl, h->descriptors[i], F_SETFD, 0, 0, 0);
    if (b->how.flags & CLONE_NEWUSER || b->how.user) carry_capabilities();
    b->failed = raw(SYS_execveat, b->how.stage, (long)"", (long)b->argv, (long)no_environment, AT_EMPTY_PATH);
    for (;;) raw(SYS_exit_group, 127, 0, 0, 0, 0);
}

/* Who makes new namespaces owns them, and must be in the user namespace before: we can't, and come back. So somebody
 * else does, who shares our memory and our descriptors, and whose children are ours. */
__attribute__((noreturn)) static void middle(struct launch_birth *b) {
    b->born = raw(SYS_setns, b->how.user, CLONE_NEWUSER, 0, 0, 0);
    if (!b->born) b->born = birth_onto(&b->args, b, child, b->stack, sizeof b->stack);
    for (;;) raw(SYS_exit_group, 0, 0, 0, 0, 0);
}

/* Its exit signal is its child's, with CLONE_PARENT. */
static long clone_inside(struct clone_args *args, struct launch_birth *b) {
    b->args = *args;
    b->args.flags |= CLONE_PARENT;
    b->args.exit_signal = 0;
    int pidfd = -1;
    struct clone_args own = {
        .flags = CLONE_VM | CLONE_FILES | CLONE_VFORK, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    long pid = birth_onto(&own, b, middle, b->middle, sizeof b->middle);
    if (pid > 0) {
        while (waitpid((pid_t)pid, 0, __WALL) < 0 && errno == EINTR) {}
        close(pidfd);
        pid = b->born;
    }
    sigprocmask(SIG_SETMASK, &before, 0);
    return pid;
}

static char *decimal(char *end, unsigned long n) {
    *--end = 0;
    do *--end = '0' + n % 10; while (n /= 10);
    return end;
}

long launch_clone(const struct launch_clone *how, int *pidfd, struct launch_birth **birth) {
    struct launch_birth *b = birth_make(how->flags);
    if (!b) return -errno;
    b->how = *how;
    b->argv[0] = "perigee-stage";
    b->argv[1] = decimal(b->arena + sizeof b->arena, how->arena);
    b->argv[2] = decimal(b->size + sizeof b->size, how->header->size);
    struct clone_args args = {
        .flags = how->flags,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = how->flags & CLONE_INTO_CGROUP ? (uint64_t)how->cgroup : 0,
    };
    long pid = how->user ? clone_inside(&args, b) : birth_begin(&args, b, child);
    if (pid > 0)
        *birth = b;
    else
        launch_birth_end(b);
    return pid;
}
