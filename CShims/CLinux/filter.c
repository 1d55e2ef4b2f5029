/* See clinux_filter.h. */
#include "clinux_filter.h"
#include "clinux.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

enum { nobody = 65534, memory = 256 << 20, files = 32 };

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), RETURN(SECCOMP_RET_ALLOW)
#define OPEN_ONLY_READS (O_ACCMODE | O_CREAT | O_TRUNC)
/* The lower half of an argument, on both of our (little-endian) architectures. */
#define FLAGS_OF_OPENAT offsetof(struct seccomp_data, args[2])

/* What igzip, the dynamic loader and the start of the C library call. All else fails with EPERM. */
static const struct sock_filter allowed[] = {
    FIELD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS),
    FIELD(nr),
    ALLOW(read), ALLOW(write), ALLOW(close), ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(brk), ALLOW(lseek),
    ALLOW(pread64), ALLOW(fstat), ALLOW(newfstatat), ALLOW(faccessat), ALLOW(execve), ALLOW(exit), ALLOW(exit_group),
    ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(set_tid_address), ALLOW(set_robust_list),
    ALLOW(rseq), ALLOW(prlimit64), ALLOW(getrandom), ALLOW(futex), ALLOW(madvise),
#ifdef __x86_64__
    ALLOW(access), ALLOW(arch_prctl),
#endif
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FLAGS_OF_OPENAT),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, OPEN_ONLY_READS, 1, 0), RETURN(SECCOMP_RET_ALLOW),
    RETURN(SECCOMP_RET_ERRNO | EPERM),
};

static int confine(void) {
    const struct sock_fprog filter = {sizeof allowed / sizeof *allowed, (struct sock_filter *)allowed};
    const struct rlimit space = {memory, memory}, count = {files, files}, none = {0, 0};
    /* Raw calls: libc's would tell other threads, of which a child has none. */
    return syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, nobody, nobody, nobody)
        || syscall(SYS_setresuid, nobody, nobody, nobody)
        /* After the change of user, which clears it. */
        || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || setrlimit(RLIMIT_AS, &space) || setrlimit(RLIMIT_NOFILE, &count)
        || setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_FSIZE, &none) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

__attribute__((noreturn)) static void child(const char *program, char *const *arguments, int in, int out) {
    static char *const no_environment[] = {NULL};
    sigset_t none;
    sigemptyset(&none);
    /* Above 2 first, so that neither is overwritten before it is moved. */
    in = fcntl(in, F_DUPFD, 3);
    out = fcntl(out, F_DUPFD, 3);
    int null = openat(AT_FDCWD, "/dev/null", O_WRONLY);
    if (in >= 0 && out >= 0 && null >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(null, 2) == 2
        && !syscall(SYS_close_range, 3U, ~0U, 0U) && !chdir("/") && !sigprocmask(SIG_SETMASK, &none, NULL)
        && !confine())
        execve(program, arguments, no_environment);
    for (;;) _exit(127);
}

long clinux_start_filter(const char *program, char *const *arguments, int in, int out, int *pidfd) {
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
    long pid = CLINUX(syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) child(program, arguments, in, out);
    return pid;
}
