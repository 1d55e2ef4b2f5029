/* Namespaces and what is set in them. */
#include "launch_network.h"
#include "stage.h"

long namespace_root(struct stage *s, const struct launch_operation *op) {
    (void)op;
    long error = CALL(s, setresgid, 0, 0, 0);
    return error < 0 ? error : CALL(s, setresuid, 0, 0, 0);
}

long join_namespace(struct stage *s, const struct launch_operation *op) {
    return CALL(s, setns, s->header->descriptors[op->a], op->x);
}

long unshare_namespaces(struct stage *s, const struct launch_operation *op) { return CALL(s, unshare, op->x); }

long set_hostname(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    return CALL(s, sethostname, text(s, op->a), op->b);
}

long set_domainname(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    return CALL(s, setdomainname, text(s, op->a), op->b);
}

long loopback_up(struct stage *s, const struct launch_operation *op) {
    (void)op;
    struct ifreq request = {.name = "lo", .flags = IFF_UP};
    long fd = CALL(s, socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fd;
    long error = CALL(s, ioctl, fd, SIOCSIFFLAGS, &request);
    close_descriptor((int)fd);
    return error;
}

/* Awaits the namespace that a process of the runtime makes beside us, and joins it. */
long take_network(struct stage *s, const struct launch_operation *op) {
    struct launch_network report = {0, 0};
    struct iovec part = {&report, sizeof report};
    struct { struct cmsghdr header; int fd, pad; } control = {{0, 0, 0}, NONE, 0};
    struct msghdr message = {NULL, 0, &part, 1, &control, sizeof control, 0};
    long n;
    do n = CALL(s, recvmsg, s->header->descriptors[op->a], &message, MSG_CMSG_CLOEXEC);
    while (n == -EINTR);
    if (n < 0) return n;
    if (n != sizeof report) return -EPIPE; /* it was killed */
    if (report.error) {
        s->call = report.call;
        return report.error < 0 ? report.error : -EINVAL;
    }
    if (control.header.level != SOL_SOCKET || control.header.type != SCM_RIGHTS) return -EPIPE;
    long error = CALL(s, setns, control.fd, CLONE_NEWNET);
    close_descriptor(control.fd);
    return error;
}

/* Through the procfs that is attached nowhere: whatever the image has at /proc can't redirect it (CVE-2025-52881). */
long write_sysctl(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long fd = CALL(s, openat, s->proc, text(s, op->a), O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0) return fd;
    long n = CALL(s, write, fd, text(s, op->b), op->c);
    close_descriptor((int)fd);
    return n < 0 ? n : 0;
}
