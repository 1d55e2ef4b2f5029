/* The process: its session, limits, streams, signals, directory, and at last its program. */
#include "stage.h"

long new_session(struct stage *s, const struct launch_operation *op) {
    (void)op;
    long r = CALL(s, setsid, 0);
    return r < 0 ? r : 0;
}

/* A kernel without keys, or a host's own filter around us (EPERM, as runc and crun take it), has none to hide. */
long session_keyring(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long r = CALL(s, keyctl, KEYCTL_JOIN_SESSION_KEYRING, text(s, op->a), 0, 0, 0);
    return r < 0 && r != -ENOSYS && r != -EPERM ? r : 0;
}

long set_rlimit(struct stage *s, const struct launch_operation *op) {
    struct rlimit64 limit = {op->x, op->y};
    return CALL(s, prlimit64, 0, op->a, &limit, NULL);
}

/* Those that the caller hands through. They lie before all that the runtime has opened, and are not closed on exec any
 * more; that all of them are there the runtime has looked. */
long preserve_descriptors(struct stage *s, const struct launch_operation *op) {
    for (uint32_t n = 0; n < op->a; n++) {
        long error = CALL(s, fcntl, 3 + n, F_SETFD, 0);
        if (error < 0) return error;
    }
    s->preserved = (int)op->a;
    return 0;
}

/* The user must be able to open /dev/stdout again. What can't be given (a socket, a null device that is everybody's)
 * stays as it is, and so do files and directories, which are the host's and not this container's alone. */
long own_streams(struct stage *s, const struct launch_operation *op) {
    static const char here[] = "";
    for (int fd = 0; fd < 3; fd++) {
        struct stat st;
        if (CALL(s, newfstatat, fd, here, &st, AT_EMPTY_PATH) < 0) continue;
        if ((st.mode & S_IFMT) == S_IFCHR && st.rdev == 0x103) continue;
        if ((st.mode & S_IFMT) == S_IFREG || (st.mode & S_IFMT) == S_IFDIR) continue;
        if (st.uid == op->a) continue;
        CALL(s, fchownat, fd, here, op->a, op->b, AT_EMPTY_PATH);
    }
    return 0;
}

long set_umask(struct stage *s, const struct launch_operation *op) {
    CALL(s, umask, op->a);
    return 0;
}

/* The clone cleared handlers; what the caller ignored is ignored still, and all is blocked since the clone. */
long reset_signals(struct stage *s, const struct launch_operation *op) {
    (void)op;
    struct kernel_sigaction standard = {0, 0, 0, 0};
    for (int n = 1; n <= 64; n++) CALL(s, rt_sigaction, n, &standard, NULL, 8);
    uint64_t none = 0;
    return CALL(s, rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

/* The directory must be inside the root when all is done: a path such as /proc/self/fd/7 leads out of it
 * (CVE-2024-21626), and getcwd(2) tells. */
long change_directory(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long error = CALL(s, chdir, text(s, op->a));
    if (error < 0) return error;
    char path[4096];
    long n = CALL(s, getcwd, path, sizeof path);
    if (n < 0) return n;
    return path[0] == '/' ? 0 : -ENOENT;
}

/* Offsets become addresses in place; the arena is this process's alone by now. */
static char **relocate(struct stage *s, uint32_t array) {
    uint64_t *items = (uint64_t *)(s->arena + array);
    for (uint64_t *i = items; *i; i++) *i += (uint64_t)s->arena;
    return (char **)items;
}

long execute(struct stage *s, const struct launch_operation *op) {
    char **arguments = relocate(s, op->a), **environment = relocate(s, op->b), **candidates = relocate(s, op->c);
    long error = -ENOENT, denied = 0;
    for (uint32_t n = 0; candidates[n]; n++) {
        s->subject = (uint32_t)(candidates[n] - s->arena);
        s->result->candidate = n;
        __atomic_store_n(&s->result->state, LAUNCH_EXECUTING, __ATOMIC_RELEASE);
        error = CALL(s, execve, candidates[n], arguments, environment);
        __atomic_store_n(&s->result->state, LAUNCH_RUNNING, __ATOMIC_RELEASE);
        if (error == -EACCES) { denied = error; continue; }
        if (error != -ENOENT && error != -ENOTDIR) return error;
    }
    return denied ? denied : error;
}
