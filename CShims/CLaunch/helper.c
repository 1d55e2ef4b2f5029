/* A new network namespace is the longest of all that a launch asks of the kernel: 0.6 ms of about 3; the directory of a
 * cgroup takes 0.2. They depend on nothing else, so a process of its own makes them meanwhile: the directory first, since
 * the child is born in it, and then the namespace, which it hands over as a descriptor. */
#define _GNU_SOURCE
#include "birth.h"
#include "launch_network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

/* Has `process` run on another processor than `here`; where there is none, or it may not be chosen, it stays. */
static void move_aside(long process, unsigned here) {
    unsigned long set[16] = {0};
    if (raw(SYS_sched_getaffinity, 0, sizeof set, (long)set, 0, 0) < 0) return;
    unsigned bits = 8 * sizeof set[0];
    if (here < bits * (sizeof set / sizeof set[0])) set[here / bits] &= ~(1UL << here % bits);
    raw(SYS_sched_setaffinity, process, sizeof set, (long)set, 0, 0);
}

/* The kernel likes to begin a child where its parent runs, before the parent goes on: then nothing would be beside. */
static void go_aside(int parent) {
    unsigned here;
    if (!raw(SYS_getcpu, (long)&here, 0, 0, 0, 0) && (int)here == parent) move_aside(0, here);
}

/* One call where the group above is there. */
static void make_directory(struct launch_birth *b) {
    long error = raw(SYS_mkdirat, AT_FDCWD, (long)b->directory, 0755, 0, 0);
    if (error == -ENOENT && b->above) {
        raw(SYS_mkdirat, AT_FDCWD, (long)b->above, 0755, 0, 0);
        error = raw(SYS_mkdirat, AT_FDCWD, (long)b->directory, 0755, 0, 0);
    }
    __atomic_store_n(&b->made, (int)error, __ATOMIC_RELEASE);
    raw(SYS_futex, (long)&b->made, FUTEX_WAKE, 1, 0, 0);
}

static void make_network(struct launch_birth *b) {
    struct launch_network report = {0, SYS_unshare};
    long ns = -1, error = raw(SYS_unshare, CLONE_NEWNET, 0, 0, 0, 0);
    if (!error) {
        report.call = SYS_socket;
        long fd = error = raw(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0);
        if (fd >= 0) {
            struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
            report.call = SYS_ioctl;
            error = raw(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&up, 0, 0);
            /* The namespace of a socket: there need be no /proc. */
            if (!error) error = ns = raw(SYS_ioctl, fd, SIOCGSKNS, 0, 0, 0);
        }
    }
    report.error = error < 0 ? (int32_t)error : 0;
    struct iovec text = {&report, sizeof report};
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = {
        .header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
    if (!report.error) {
        *(int *)CMSG_DATA(&control.header) = (int)ns;
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    /* Nobody there to take it: the launch has failed, and the namespace goes with us. */
    error = raw(SYS_sendmsg, b->socket, (long)&message, MSG_NOSIGNAL, 0, 0);
    if (error < 0) {
        report = (struct launch_network){(int32_t)error, SYS_sendmsg};
        raw(SYS_sendto, b->socket, (long)&report, sizeof report, MSG_NOSIGNAL, 0);
    }
}

__attribute__((noreturn)) static void help(struct launch_birth *b) {
    go_aside(b->processor);
    if (b->directory) make_directory(b);
    make_network(b);
    for (;;) raw(SYS_exit_group, 0, 0, 0, 0, 0);
}

/* Where we run, or -1. Not sched_getcpu(3), which reads it from memory that a supervisor's first process had registered for
 * itself (see clinux_go_on_apart). */
static int here(void) {
    unsigned processor;
    return raw(SYS_getcpu, (long)&processor, 0, 0, 0, 0) ? -1 : (int)processor;
}

long launch_helper(int socket, const char *directory, const char *above, int *pidfd, struct launch_birth **birth) {
    struct launch_birth *b = birth_make(CLONE_VM);
    if (!b) return -errno;
    b->socket = socket;
    b->directory = directory;
    b->above = above;
    b->made = LAUNCH_PENDING;
    b->processor = here();
    struct clone_args args = {.flags = CLONE_VM, .pidfd = (uint64_t)(uintptr_t)pidfd};
    long pid = birth_begin(&args, b, help);
    if (pid > 0) {
        *birth = b;
        /* Or it leaves the child in the parent's queue until the parent sleeps, as on a virtual machine, whose processors
         * that have nothing to do count as taken. Who waits in a queue is moved at once; who runs must be stopped first. */
        int processor = here();
        if (processor >= 0) move_aside(pid, (unsigned)processor);
    } else {
        launch_birth_end(b);
    }
    return pid;
}

/* Mostly it is made by now, or will be at once: sleeping, and being woken by another processor, would take longer. */
long launch_helper_directory(struct launch_birth *b, int pidfd) {
    enum { ROUNDS = 4000 };
    int made;
    for (int i = 0; (made = __atomic_load_n(&b->made, __ATOMIC_ACQUIRE)) == LAUNCH_PENDING && i < ROUNDS; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("isb");
#endif
    }
    while (made == LAUNCH_PENDING) {
        struct timespec moment = {0, 1000000};
        raw(SYS_futex, (long)&b->made, FUTEX_WAIT, LAUNCH_PENDING, (long)&moment, 0);
        struct pollfd end = {pidfd, POLLIN, 0};
        int is_dead = poll(&end, 1, 0) == 1;
        made = __atomic_load_n(&b->made, __ATOMIC_ACQUIRE);
        if (is_dead) break;
    }
    return made == LAUNCH_PENDING ? -ESRCH : made;
}
