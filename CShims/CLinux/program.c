/* See clinux_program.h. */
#include "clinux.h"
#include "clinux_program.h"
#include "signals.h"
#include <grp.h>

/* Also what our own caller had open and never meant for a hook. */
static void close_all_at_exec(void) {
    if (!syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */)) return;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    for (int fd = 3; (rlim_t)fd < limit.rlim_max && fd < 1 << 20; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int streams(int in, int out, int errors) {
    /* Above 2 first, so that none is overwritten before it is moved. */
    in = fcntl(in, F_DUPFD_CLOEXEC, 3);
    out = fcntl(out, F_DUPFD_CLOEXEC, 3);
    errors = fcntl(errors, F_DUPFD_CLOEXEC, 3);
    if (in < 0 || out < 0 || errors < 0) return -1;
    return dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0 ? -1 : 0;
}

static int join(const struct clinux_program *how) {
    for (unsigned i = 0; i < how->namespace_count; i++)
        if (setns(how->namespaces[i], 0)) return -1;
    return 0;
}

/* Raw calls: libc's would tell other threads, of which a child has none. */
static int become_root(void) {
    /* Where setgroups(2) is denied there are none to drop that count. */
    if (syscall(SYS_setgroups, 0, NULL) && errno != EPERM) return -1;
    return syscall(SYS_setresgid, 0, 0, 0) || syscall(SYS_setresuid, 0, 0, 0) ? -1 : 0;
}

static int prepare(const struct clinux_program *how, int *step) {
    *step = CLINUX_PROGRAM_STREAMS;
    if (streams(how->input, how->output, how->errors)) return -1;
    *step = CLINUX_PROGRAM_JOIN;
    if (join(how)) return -1;
    *step = CLINUX_PROGRAM_IDENTITY;
    if (how->has_user && become_root()) return -1;
    *step = CLINUX_PROGRAM_ROOT;
    if (how->root >= 0 && (fchdir(how->root) || chroot("."))) return -1;
    *step = CLINUX_PROGRAM_DIRECTORY;
    if (how->place >= 0 && fchdir(how->place)) return -1;
    if (how->directory && chdir(how->directory)) return -1;
    return 0;
}

__attribute__((noreturn)) static void child(const struct clinux_program *how) {
    int step = CLINUX_PROGRAM_EXECUTE;
    char byte;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    close(how->others);
    close_all_at_exec();
    ssize_t n;
    do n = read(how->control, &byte, 1); while (n < 0 && errno == EINTR);
    if (n != 1) _exit(127);
    setsid();
    umask(022);
    if (!prepare(how, &step)) {
        step = CLINUX_PROGRAM_EXECUTE;
        /* Again: a change of identity clears it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        usual_signals();
        execve(how->path, how->arguments, how->environment);
    }
    struct clinux_program_failure failure = {errno, step};
    send(how->control, &failure, sizeof failure, MSG_NOSIGNAL);
    for (;;) _exit(127);
}

long clinux_start_program(const struct clinux_program *how, int *pidfd) {
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
    long pid = CLINUX(syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) child(how);
    return pid;
}

long clinux_kill_group(int leader) { return leader > 1 ? CLINUX(kill(-leader, SIGKILL)) : 0; }
