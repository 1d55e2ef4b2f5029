/* Sockets of rtnetlink(7) and ip(7). It is C because sockaddr_nl and the casts between socket addresses are no Swift. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* A netlink(7) socket of the network namespace that the caller is in now, and stays of that one; NETLINK_*. */
long clinux_netlink(int protocol);
/* Sends a whole request to the kernel. */
long clinux_netlink_send(int fd, const void *p, size_t n);
/* A socket that is bound to `port` of all IPv4 addresses and listens to nobody; `datagram`: of udp(7), else of tcp(7). */
long clinux_bind_port(int datagram, uint16_t port);
/* Shows `source` at `target` too: mount(2) with MS_BIND. */
long clinux_bind_mount(const char *source, const char *target);
