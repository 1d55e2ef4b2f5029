/* See birth.h. clone3(2) has no wrapper in libc, and none could hand over the stack. */
#define _GNU_SOURCE
#include "birth.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

struct launch_birth *birth_make(uint64_t flags) {
    int sharing = flags & CLONE_VM ? MAP_PRIVATE : MAP_SHARED;
    struct launch_birth *b = mmap(0, sizeof *b, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    return b == MAP_FAILED ? 0 : b;
}

static long clone_onto(struct clone_args *args, struct launch_birth *b, void (*run)(struct launch_birth *)) {
    long r;
#if defined(__x86_64__)
    __asm__ volatile(
        "syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tmov %[b], %%rdi\n\tcall *%[f]\n\thlt\n1:"
        : "=a"(r)
        : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), [b] "r"(b), [f] "r"(run)
        : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register long x9 __asm__("x9") = (long)b;
    register long x10 __asm__("x10") = (long)run;
    __asm__ volatile("svc 0\n\tcbnz x0, 1f\n\tmov x29, #0\n\tmov x0, x9\n\tblr x10\n\tbrk #1\n1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x9), "r"(x10)
                     : "x30", "memory", "cc");
    r = x0;
#endif
    return r;
}

long birth_onto(struct clone_args *args, struct launch_birth *b, void (*run)(struct launch_birth *), void *stack,
                size_t size) {
    args->flags |= CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    args->stack = (uint64_t)(uintptr_t)stack;
    args->stack_size = size;
    return clone_onto(args, b, run);
}

long birth_begin(struct clone_args *args, struct launch_birth *b, void (*run)(struct launch_birth *)) {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    long pid = birth_onto(args, b, run, b->stack, sizeof b->stack);
    sigprocmask(SIG_SETMASK, &before, 0);
    return pid;
}

long launch_birth_failure(const struct launch_birth *birth) { return birth ? birth->failed : 0; }

void launch_birth_end(struct launch_birth *birth) {
    if (birth) munmap(birth, sizeof *birth);
}
