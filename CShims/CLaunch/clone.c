/* The clone. It is C because the child must run on a stack of its own in memory that it shares with a parent whose
 * language knows nothing of that, and because clone3(2) has no wrapper in libc. */
#define _GNU_SOURCE
#include "launch.h"
#include "launch_calls.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

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

struct birth { const struct launch_clone *how; char *const *argv; volatile long failed; };

/* The child, in the parent's memory: raw system calls on values that the parent has laid ready, nothing else. */
static long raw(long n, long a, long b, long c, long d, long e) {
    long r;
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
#else
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    r = x0;
#endif
    return r;
}

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

__attribute__((noreturn)) static void child(struct birth *b) {
    static char *const no_environment[] = {NULL};
    const struct launch_header *h = b->how->header;
    raw(SYS_fcntl, b->how->arena, F_SETFD, 0, 0, 0);
    raw(SYS_fcntl, h->control, F_SETFD, 0, 0, 0);
    for (uint32_t i = 0; i < h->descriptor_count; i++)
        if (h->descriptors[i] >= 0) raw(SYS_fcntl, h->descriptors[i], F_SETFD, 0, 0, 0);
    if (b->how->flags & CLONE_NEWUSER) carry_capabilities();
    b->failed = raw(SYS_execveat, b->how->stage, (long)"", (long)b->argv, (long)no_environment, AT_EMPTY_PATH);
    for (;;) raw(SYS_exit_group, 127, 0, 0, 0, 0);
}

static long clone_onto(struct clone_args *args, struct birth *b) {
    long r;
#if defined(__x86_64__)
    __asm__ volatile(
        "syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tmov %[b], %%rdi\n\tcall *%[f]\n\thlt\n1:"
        : "=a"(r)
        : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), [b] "r"(b), [f] "r"(child)
        : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register long x9 __asm__("x9") = (long)b;
    register long x10 __asm__("x10") = (long)child;
    __asm__ volatile("svc 0\n\tcbnz x0, 1f\n\tmov x29, #0\n\tmov x0, x9\n\tblr x10\n\tbrk #1\n1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x9), "r"(x10)
                     : "x30", "memory", "cc");
    r = x0;
#endif
    return r;
}

static char *decimal(char *end, unsigned long n) {
    *--end = 0;
    do *--end = '0' + n % 10; while (n /= 10);
    return end;
}

long launch_clone(const struct launch_clone *how, int *pidfd, int *in_child) {
    enum { STACK = 16384 };
    char arena[24], size[24];
    char *const argv[] = {"perigee-stage", decimal(arena + sizeof arena, how->arena),
                          decimal(size + sizeof size, how->header->size), NULL};
    struct birth birth = {.how = how, .argv = argv, .failed = 0};
    *in_child = 0;
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    struct clone_args args = {
        .flags = how->flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK,
        .cgroup = how->flags & CLONE_INTO_CGROUP ? (uint64_t)how->cgroup : 0,
    };
    /* Until the stage has executed, a handler of ours must not run in the child. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    long pid = clone_onto(&args, &birth);
    sigprocmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK);
    if (pid > 0 && birth.failed) {
        *in_child = 1;
        return birth.failed; /* the caller reaps it by the pidfd */
    }
    return pid;
}
