/* The first process of a container whose command is its child: it takes in what others leave, passes signals on, keeps
 * the command to its deadline where nobody outside does, and writes down how it ended. It is confined as the command is:
 * it begins when nothing but the execution is left to do. In a pod whose containers share a pid namespace it is the first of
 * its container alone, and the namespace has another one. */
#include "stage.h"

static const uint64_t everything = ~UINT64_C(0), nothing = 0;
static const uint64_t millisecond = 1000000;

/* Whatever there is of the command's process group gets it, or the command alone before it has one. */
static void pass_on(struct stage *s, long child, int number) {
    if (CALL(s, kill, -child, number) < 0) CALL(s, kill, child, number);
}

/* Ends what the command has left, as far as it can be told from others' by us: where all that there is in the pid namespace is
 * the container's, everything, else its process group. What is left then is seen to by who sees the container's end. */
static void end_rest(struct stage *s, long child, int is_member) { CALL(s, kill, is_member ? -child : -1, SIGKILL); }

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

/* Whether the command has ended; it is not taken in. */
static int has_ended(struct stage *s, long child) {
    int info[32] = {0}; /* siginfo_t, which begins with the signal's number */
    return CALL(s, waitid, P_PID, child, info, WEXITED | WNOHANG | WNOWAIT, 0) == 0 && info[0];
}

/* What a FIFO that we alone may hold open has, that nobody has read. */
static int unread(struct stage *s, int fd) {
    static const char here[] = "";
    struct stat st = {0};
    int count = 0;
    if (CALL(s, newfstatat, fd, here, &st, AT_EMPTY_PATH) < 0 || (st.mode & S_IFMT) != S_IFIFO) return 0;
    return CALL(s, ioctl, fd, FIONREAD, &count) < 0 ? 0 : count;
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
 * been killed: then the next one is waited for. Where something that we can't end goes on to print there is no last of it:
 * that somebody reads is enough, who sees us end and takes the rest. */
static void await_readers(struct stage *s, int is_member) {
    if (!is_member) end_rest(s, 0, 0);
    int out = 0, err = 0;
    for (int64_t pause = millisecond;; pause += pause < 1000000000 ? pause : 0) {
        int ended, last_out = out, last_err = err;
        long others = 0;
        while (is_member && (others = CALL(s, wait4, -1, &ended, WNOHANG, NULL)) > 0) {}
        out = unread(s, 1);
        err = unread(s, 2);
        if (!out && !err) return;
        if (is_member && others != -ECHILD && (out < last_out || err < last_err)) return;
        struct timespec rest = {pause / 1000000000, pause % 1000000000};
        CALL(s, rt_sigtimedwait, &nothing, NULL, &rest, 8);
    }
}

__attribute__((noreturn)) static void watch(struct stage *s, const struct launch_operation *op, long child, int record,
                                             int lock) {
    uint64_t until = op->x;
    uint32_t overdue = 0;
    int is_member = (op->y & LAUNCH_INIT_MEMBER) != 0;
    for (;;) {
        int status = 0, number = next_signal(s, until);
        if (number == SIGCHLD) {
            /* While its number is its own still: a group that it led is nobody else's. */
            if (is_member && has_ended(s, child)) end_rest(s, child, 1);
            if (!take_in(s, child, &status)) continue;
            struct launch_exit end = {LAUNCH_MAGIC, status, overdue, 0, clock_of(CLOCK_BOOTTIME), clock_of(CLOCK_REALTIME)};
            CALL(s, write, record, &end, sizeof end);
            if (lock != NONE && !is_member) release(s, lock);
            await_readers(s, is_member);
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
            if (is_member) CALL(s, kill, child, SIGKILL);
            end_rest(s, child, is_member);
        }
    }
}

/* The first process of a pid namespace for several containers: it takes in what they leave, and at their deadline it ends, and
 * so all of them. Whoever made the namespace ends it with KILL. */
__attribute__((noreturn)) static void hold(struct stage *s, const struct launch_operation *op, int lock) {
    __atomic_store_n(&s->result->state, LAUNCH_EXECUTING, __ATOMIC_RELEASE);
    close_between(3, lock == NONE ? 0x7fffffff : lock - 1);
    if (lock != NONE) close_between(lock + 1, 0x7fffffff);
    for (int number; (number = next_signal(s, op->x));) {
        int ended;
        while (number == SIGCHLD && CALL(s, wait4, -1, &ended, WNOHANG, NULL) > 0) {}
    }
    if (lock != NONE) release(s, lock);
    leave(0);
}

/* Both set the group, since either may come first. A terminal is the command's from the beginning. */
long become_init(struct stage *s, const struct launch_operation *op) {
    uint64_t none = 0;
    int record = s->header->descriptors[op->a], lock = op->d ? s->header->descriptors[op->d - 1] : NONE;
    int low = lock != NONE && lock < record ? lock : record, high = lock > record ? lock : record;
    /* What it kills at the end is all that it sees: in another's pid namespace that would be the host's processes. */
    if (!(op->y & LAUNCH_INIT_MEMBER) && CALL(s, getpid, 0) != 1) return -EINVAL;
    long error = CALL(s, rt_sigprocmask, SIG_SETMASK, &everything, NULL, 8);
    if (error < 0) return error;
    if (op->y & LAUNCH_INIT_SANDBOX) hold(s, op, lock);
    if (op->y & LAUNCH_INIT_MEMBER) CALL(s, prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    long child = CALL(s, clone, SIGCHLD, 0, 0, 0, 0);
    if (child < 0) return child;
    CALL(s, setpgid, child, child);
    if (!child) {
        CALL(s, setpgid, 0, 0);
        if (op->y & LAUNCH_INIT_TERMINAL) {
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
