/* See clinux_network.h. */
#include "clinux.h"
#include "clinux_network.h"
#include <linux/netlink.h>
#include <netinet/in.h>

long clinux_netlink(int protocol) {
    long fd = CLINUX(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (fd < 0) return fd;
    /* Errors come with the kernel's own words, and without a copy of the request. */
    int on = 1;
    setsockopt((int)fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    setsockopt((int)fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    /* All changes of rules are one message to the kernel, whatever the ports are that they name. */
    int size = 8 << 20;
    if (protocol == NETLINK_NETFILTER) setsockopt((int)fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return fd;
}

long clinux_netlink_send(int fd, const void *p, size_t n) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return CLINUX(sendto(fd, p, n, 0, (const struct sockaddr *)&kernel, sizeof kernel));
}

long clinux_bind_port(int datagram, uint16_t port) {
    long fd = CLINUX(socket(AF_INET, (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
    if (fd < 0) return fd;
    struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = htons(port)};
    long r = CLINUX(bind((int)fd, (const struct sockaddr *)&all, sizeof all));
    if (r == 0) return fd;
    close((int)fd);
    return r;
}

long clinux_bind_mount(const char *source, const char *target) {
    return clinux_mount(source, target, "", 0x1000 /* MS_BIND */, NULL);
}
