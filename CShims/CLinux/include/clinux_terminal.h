/* Terminals: ioctl_tty(2), termios(3). As in clinux.h, what fails returns -errno. */
#pragma once
#define _GNU_SOURCE 1
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* ENOTTY: it is no terminal. */
static inline long clinux_get_size(int fd, struct winsize *size) {
    return ioctl(fd, TIOCGWINSZ, size) < 0 ? -(long)errno : 0;
}
static inline long clinux_set_size(int fd, const struct winsize *size) {
    return ioctl(fd, TIOCSWINSZ, size) < 0 ? -(long)errno : 0;
}
/* The character that ends the input, or -1 where the terminal does not look for it: in raw mode. */
static inline int clinux_end_of_input(int fd) {
    struct termios now;
    if (tcgetattr(fd, &now) < 0 || !(now.c_lflag & ICANON) || now.c_cc[VEOF] == _POSIX_VDISABLE) return -1;
    return now.c_cc[VEOF];
}

/* Makes the terminal pass every byte on as it is, and keeps in `before` how it was. Until `clinux_unguard` a signal that
 * ends this process gives it that back first. One terminal at a time. */
long clinux_enter_raw(int fd, struct termios *before);
/* The same again, for one whose state is kept already. */
long clinux_return_raw(int fd);
long clinux_leave_raw(int fd, const struct termios *before);
void clinux_unguard(void);

/* Sends `fd` over a stream socket, with `n` bytes of text; how many of them went. */
long clinux_send_descriptor(int socket, int fd, const void *text, size_t n);
/* Receives one descriptor, close-on-exec, without waiting. ENODATA: what came has none. */
long clinux_receive_descriptor(int socket);
/* Connects to the AF_UNIX stream socket whose name is `path`, of at most 107 bytes. */
long clinux_connect(const char *path);
