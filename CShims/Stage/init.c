/* The first process of a container whose command is its child: it takes in what others leave, passes signals on, keeps
 * the command to its deadline where nobody outside does, and writes down how it ended. It is confined as the command is:
 * it begins when nothing but the execution is left to do. */
#include "stage.h"

static const uint64_t everything = ~UINT64_C(0), nothing = 0;
static const uint64_t millisecond = 1000000;

/* Whatever there is of the command's process group gets it, or the command alone before it has one. */
static void pass_on(struct stage *s, long child, int number) {
    if (CALL(s, kill, -child, number) < 0) CALL(s, kill, child, number);
}

/* The next signal, or 0 when `until` has come; 0 is never. */
static int next_signal(struct stage *s, uint64_t until) {
    struct timespec rest = {0, 0};
    for (;;) {
        if (until) {
            uint64_t now = clock_of(CLOCK_BOOTTIME);
            if (now >= until) return 0;
            rest.seconds = (int64_t)((until - now) / 1000000000);
            rest.nanoseconds = (int64_t)((until - now) % 1000000000);
        }
        long n = CALL(s, rt_sigtimedwait, &everything, NULL, until ? &rest : NULL, 8);
        if (n > 0) return (int)n;
    }
}

/* Takes in all that has ended; whether the command is among it. */
static int take_in(struct stage *s, long child, int *status) {
    int found = 0, ended;
    for (long pid; (pid = CALL(s, wait4, -1, &ended, WNOHANG, NULL)) > 0;)
        if (pid == child) {
            found = 1;
            *status = ended;
        }
    return found;
}

/* Whether a FIFO that we alone may hold open has something that nobody has read. */
static int is_unread(struct stage *s, int fd) {
    static const char here[] = "";
    struct stat st = {0};
    int count = 0;
    if (CALL(s, newfstatat, fd, here, &st, AT_EMPTY_PATH) < 0 || (st.mode & S_IFMT) != S_IFIFO) return 0;
    return CALL(s, ioctl, fd, FIONREAD, &count) >= 0 && count > 0;
}

/* Who waits for the lock must not wait for our readers: it goes when nothing else of the container is there any more. What
 * we can neither kill nor take in (a process that a command has brought in, of a user whom we may not signal) ends with us,
 * and the lock with it. */
static void release(struct stage *s, int lock) {
    for (int strangers = 0; strangers < 1000;) {
        int ended;
        long others = CALL(s, kill, -1, SIGKILL), pid;
        while ((pid = CALL(s, wait4, -1, &ended, WNOHANG, NULL)) > 0) {}
        if (others == -ESRCH) return close_between(lock, lock);
        if (pid == -ECHILD) strangers++;
        struct timespec rest = {0, millisecond};
        CALL(s, rt_sigtimedwait, &nothing, NULL, &rest, 8);
    }
}

/* What the command has printed last must be taken before the FIFOs go with us. Whoever reads them does so at once, or has
 * been killed: then the next one is waited for. */
static void await_readers(struct stage *s) {
    CALL(s, kill, -1, SIGKILL);
    for (int64_t pause = millisecond; is_unread(s, 1) || is_unread(s, 2); pause += pause < 1000000000 ? pause : 0) {
        struct timespec rest = {pause / 1000000000, pause % 1000000000};
        CALL(s, rt_sigtimedwait, &nothing, NULL, &rest, 8);
    }
}

__attribute__((noreturn)) static void watch(struct stage *s, const struct launch_operation *op, long child, int record,
                                             int lock) {
    uint64_t until = op->x;
    uint32_t overdue = 0;
    for (;;) {
        int status = 0, number = next_signal(s, until);
        if (number == SIGCHLD) {
            if (!take_in(s, child, &status)) continue;
            struct launch_exit end = {LAUNCH_MAGIC, status, overdue, 0, clock_of(CLOCK_BOOTTIME), clock_of(CLOCK_REALTIME)};
            CALL(s, write, record, &end, sizeof end);
            if (lock != NONE) release(s, lock);
            await_readers(s);
            leave(status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
        }
        if (number == SIGTTIN || number == SIGTTOU) continue;
        if (number) {
            pass_on(s, child, number);
        } else if (!overdue) {
            overdue = 1;
            until = clock_of(CLOCK_BOOTTIME) + op->c * millisecond;
            pass_on(s, child, (int)op->b);
            pass_on(s, child, SIGCONT);
        } else {
            until = 0;
            CALL(s, kill, -1, SIGKILL);
        }
    }
}

/* Both set the group, since either may come first. A terminal is the command's from the beginning. */
long become_init(struct stage *s, const struct launch_operation *op) {
    uint64_t none = 0;
    int record = s->header->descriptors[op->a], lock = op->d ? s->header->descriptors[op->d - 1] : NONE;
    int low = lock != NONE && lock < record ? lock : record, high = lock > record ? lock : record;
    /* What it kills at the end is all that it sees: in another's pid namespace that would be the host's processes. */
    if (CALL(s, getpid, 0) != 1) return -EINVAL;
    long error = CALL(s, rt_sigprocmask, SIG_SETMASK, &everything, NULL, 8);
    if (error < 0) return error;
    long child = CALL(s, clone, SIGCHLD, 0, 0, 0, 0);
    if (child < 0) return child;
    CALL(s, setpgid, child, child);
    if (!child) {
        CALL(s, setpgid, 0, 0);
        if (op->y) {
            int group = (int)CALL(s, getpid, 0);
            CALL(s, ioctl, 0, TIOCSPGRP, &group);
        }
        return CALL(s, rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    }
    close_between(3, low - 1);
    close_between(low + 1, high - 1);
    close_between(high + 1, 0x7fffffff);
    watch(s, op, child, record, lock);
}
