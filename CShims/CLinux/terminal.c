/* See clinux_terminal.h. */
#include "clinux_terminal.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static long set(int fd, const struct termios *state) {
    while (tcsetattr(fd, TCSANOW, state) < 0)
        if (errno != EINTR) return -(long)errno;
    return 0;
}

/* What the handler needs, and which signals are its. */
static struct termios guarded;
static int guarded_fd = -1;
static sigset_t handled;

static void restore(int signal_) {
    int error = errno;
    if (guarded_fd >= 0) tcsetattr(guarded_fd, TCSANOW, &guarded);
    errno = error;
    raise(signal_); /* its default by now: SA_RESETHAND */
}

static int is_harmless(int signal_) {
    return signal_ == SIGCHLD || signal_ == SIGCONT || signal_ == SIGURG || signal_ == SIGWINCH || signal_ == SIGTSTP
        || signal_ == SIGTTIN || signal_ == SIGTTOU || signal_ == SIGSTOP || signal_ == SIGKILL;
}

static void guard(int fd, const struct termios *before) {
    guarded = *before;
    guarded_fd = fd;
    sigemptyset(&handled);
    for (int n = 1; n < NSIG; n++) {
        struct sigaction present, ours = {.sa_handler = restore, .sa_flags = (int)SA_RESETHAND};
        if (is_harmless(n) || sigaction(n, 0, &present) || present.sa_handler != SIG_DFL) continue;
        if (!sigaction(n, &ours, 0)) sigaddset(&handled, n);
    }
}

void clinux_unguard(void) {
    struct sigaction usual = {.sa_handler = SIG_DFL};
    for (int n = 1; n < NSIG; n++)
        if (guarded_fd >= 0 && sigismember(&handled, n) == 1) sigaction(n, &usual, 0);
    guarded_fd = -1;
}

long clinux_return_raw(int fd) {
    struct termios raw;
    if (tcgetattr(fd, &raw) < 0) return -(long)errno;
    cfmakeraw(&raw);
    return set(fd, &raw);
}

long clinux_enter_raw(int fd, struct termios *before) {
    if (tcgetattr(fd, before) < 0) return -(long)errno;
    guard(fd, before);
    long error = clinux_return_raw(fd);
    if (error < 0) clinux_unguard();
    return error;
}
long clinux_leave_raw(int fd, const struct termios *before) { return set(fd, before); }

union control { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; };

long clinux_send_descriptor(int socket, int fd, const void *text, size_t n) {
    struct iovec part = {(void *)text, n};
    union control control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t sent;
    while ((sent = sendmsg(socket, &message, MSG_NOSIGNAL)) < 0)
        if (errno != EINTR) return -(long)errno;
    return sent;
}

long clinux_receive_descriptor(int socket) {
    char text[64];
    struct iovec part = {text, sizeof text};
    union control control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    while (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
        if (errno != EINTR) return -(long)errno;
    struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    if (!first || first->cmsg_level != SOL_SOCKET || first->cmsg_type != SCM_RIGHTS
        || first->cmsg_len != CMSG_LEN(sizeof(int)))
        return -ENODATA;
    int fd;
    memcpy(&fd, CMSG_DATA(first), sizeof fd);
    return fd;
}

long clinux_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -(long)errno;
    /* Where nobody accepts, connect(2) waits for ever; with this it ends with EAGAIN. */
    struct timeval patience = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        if (errno == EINTR) continue;
        long error = errno;
        close(fd);
        return -error;
    }
    return fd;
}
