/* See clinux_copy.h. */
#include "clinux.h"
#include "clinux_copy.h"
#include "clinux_syscall.h"
#include "signals.h"
#include <sys/auxv.h>

extern char **environ;

/* The arguments, and behind them the environment and the executable's name, are where the kernel put them; it shows what
 * is there now. Of what no longer ends where the arguments ended it shows all up to the first NUL (get_mm_cmdline in
 * fs/proc/base.c). prctl(2)'s PR_SET_MM would need CAP_SYS_RESOURCE. */
static void go_by(const char *words, size_t length) {
    static char *arguments_end; /* also for those who do so again: they have no environment to tell it by */
    char *begin = program_invocation_name, *end = (char *)getauxval(AT_EXECFN);
    if (!arguments_end) arguments_end = environ && *environ ? *environ : end;
    if (!begin || !end || begin >= arguments_end || arguments_end > end) return;
    size_t room = (size_t)(end - begin);
    if (length >= room) return;
    int fits = length <= (size_t)(arguments_end - begin);
    for (size_t i = 0; i < length; i++) begin[i] = words[i] || fits || i == length - 1 ? words[i] : ' ';
    memset(begin + length, 0, room - length);
}

static void close_all_but(const int *kept, size_t count) {
    int next = 3;
    for (size_t i = 0; i < count; next = kept[i++] + 1)
        while (next < kept[i]) close(next++);
    closefrom(next);
}

static long be_apart(const char *words, size_t length, const int *kept, size_t count) {
    setsid();
    usual_signals();
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) _exit(127);
    close_all_but(kept, count);
    go_by(words, length);
    environ = NULL;
    return 0;
}

long clinux_fork_apart(const char *words, size_t length, const int *kept, size_t count) {
    long pid = CLINUX(fork());
    return pid ? pid : be_apart(words, length, kept, count);
}

long clinux_fork_aside(const char *words, size_t length) {
    long pid = CLINUX(fork());
    if (!pid) {
        pid_t own = fork();
        if (own) _exit(own < 0);
        return be_apart(words, length, NULL, 0);
    }
    while (pid > 0 && waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR) {}
    return pid;
}

/* The process that stays where it was. The other one goes on on its stack and with its variables of libc's, errno among them,
 * so that it has none: it makes system calls and nothing else. */

struct staying {
    struct clinux_rest rest;
    uint64_t signals; /* that stay blocked */
    int kept[4];      /* what is the other's alone from now on, `kept_count` of them */
    size_t kept_count;
    int thread; /* the kernel's to clear at its end, in the place of libc's word, which is the other's now */
};

static inline long raw(long n, long a, long b, long c, long d) { return syscall6(n, a, b, c, d, 0, 0); }

__attribute__((noreturn)) static void give_up(const struct clinux_rest *rest, const char *call, long error) {
    static char *const no_environment[] = {NULL};
    char *to = rest->call;
    while ((*to++ = *call++)) {}
    char digits[16], *from = digits + sizeof digits;
    *--from = 0;
    do *--from = (char)('0' + error % 10); while (error /= 10);
    to = rest->code;
    while ((*to++ = *from++)) {}
    raw(SYS_execveat, AT_FDCWD, (long)"/proc/self/exe", (long)rest->otherwise, (long)no_environment);
    for (;;) raw(SYS_exit_group, 1, 0, 0, 0);
}

__attribute__((noreturn, used)) static void stay(struct staying *own) {
    const struct clinux_rest *rest = &own->rest;
    raw(SYS_set_tid_address, (long)&own->thread, 0, 0, 0);
    for (size_t i = 0; i < own->kept_count; i++) raw(SYS_close, own->kept[i], 0, 0, 0);
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&own->signals, 0, 8);
    for (size_t i = 0; i < rest->count; i++) {
        long result;
        do result = syscall6(SYS_fsync, rest->files[i], 0, 0, 0, 0, 0); while (result == -EINTR);
        if (result < 0) give_up(rest, "fsync", -result);
    }
    for (size_t done = 0; done < rest->length;) {
        long result = raw(SYS_write, 1, (long)(rest->text + done), (long)(rest->length - done), 0);
        if (result < 0 && result != -EINTR) give_up(rest, "write", -result);
        if (result > 0) done += (size_t)result;
    }
    for (;;) raw(SYS_exit_group, 0, 0, 0, 0);
}

/* clone3(2): the new process comes back here, and the old one goes on at the end of `stack` with `stay`. */
static long clone_off(struct clone_args *args, struct staying *own, char *stack) {
    long r;
#if defined(__x86_64__)
    __asm__ volatile(
        "syscall\n\ttest %%rax, %%rax\n\tjle 1f\n\tmov %[stack], %%rsp\n\tmov %[own], %%rdi\n\txor %%ebp, %%ebp\n\t"
        "call *%%rdx\n\thlt\n1:"
        : "=a"(r)
        : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "d"(stay), [own] "r"(own), [stack] "r"(stack)
        : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register long x9 __asm__("x9") = (long)own;
    register long x10 __asm__("x10") = (long)stack;
    register long x11 __asm__("x11") = (long)stay;
    __asm__ volatile("svc 0\n\tcmp x0, #0\n\tb.le 1f\n\tmov sp, x10\n\tmov x29, #0\n\tmov x0, x9\n\tblr x11\n\tbrk #1\n1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x9), "r"(x10), "r"(x11)
                     : "x30", "memory", "cc");
    r = x0;
#endif
    return r;
}

long clinux_go_on_apart(
    const char *words, size_t length, const int *kept, size_t count, const struct clinux_rest *rest) {
    static struct staying own;
    static char stack[8192] __attribute__((aligned(64)));
    if (count > sizeof own.kept / sizeof *own.kept) return -EINVAL;
    own.rest = *rest;
    /* Before Linux 5.16 whoever dumps core takes all along that share its memory, and a terminal can ask for that. */
    own.signals = UINT64_C(1) << (SIGQUIT - 1);
    own.kept_count = count;
    for (size_t i = 0; i < count; i++) own.kept[i] = kept[i];
    struct clone_args args = {.flags = CLONE_VM, .exit_signal = SIGCHLD};
    /* libc's word for the thread's number; where the kernel does not tell where that is, it keeps the old number, which
     * nothing here asks for. */
    if (!prctl(PR_GET_TID_ADDRESS, &args.child_tid)) args.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    /* A signal's frame would lie on the stack that is the other's from the call on. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    long pid = clone_off(&args, &own, stack + sizeof stack);
    if (!pid) return be_apart(words, length, kept, count);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}
