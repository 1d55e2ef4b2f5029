/* See clinux_sandbox.h. */
#include "clinux_sandbox.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

long clinux_sethostname(const char *name, size_t n) { return CLINUX(sethostname(name, n)); }

long clinux_begin_connection(const void *address, size_t n, uint16_t port) {
    int family = n == 16 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -(long)errno;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (n == 16) memcpy(&six.sin6_addr, address, 16);
    else memcpy(&four.sin_addr, address, 4);
    long result = n == 16 ? CLINUX(connect(fd, (struct sockaddr *)&six, sizeof six))
                          : CLINUX(connect(fd, (struct sockaddr *)&four, sizeof four));
    if (result == 0 || result == -EINPROGRESS) return fd;
    close(fd);
    return result;
}

long clinux_socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    long result = CLINUX(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    return result < 0 ? result : -(long)error;
}
