/* The container's terminal: a new one of its own devpts. It is made from inside, so that its name means the same there, and
 * nothing of it goes by a path that the image or the container could have made something else of (CVE-2025-52565). */
#include "stage.h"

static const char here[] = "", ptmx[] = "ptmx", slash[] = "/";

/* The directory must be devpts' own, and what is opened in it no mount and no link: then it is ptmx, for nobody can make
 * anything there. It is looked at before it is opened, since opening another device could do something. */
static long open_master(struct stage *s, const struct launch_operation *op) {
    s->subject = op->c;
    long dir = open_in_root(s, text(s, op->c), O_PATH | O_DIRECTORY, 1);
    if (dir < 0) return dir;
    struct statfs fs = {0, {0}};
    long master = CALL(s, fstatfs, dir, &fs);
    if (master >= 0 && fs.type != DEVPTS_SUPER_MAGIC) master = -ENODEV;
    if (master >= 0) {
        struct open_how how = {.flags = O_RDWR | O_NOCTTY | O_CLOEXEC, .mode = 0,
                               .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
        do master = CALL(s, openat2, dir, ptmx, &how, sizeof how);
        while (master == -EINTR || master == -EAGAIN);
    }
    close_descriptor((int)dir);
    if (master < 0) return master;
    struct stat st;
    long error = CALL(s, newfstatat, master, here, &st, AT_EMPTY_PATH);
    if (error >= 0 && ((st.mode & S_IFMT) != S_IFCHR || st.rdev != 0x502)) error = -ENODEV;
    if (error >= 0) return master;
    close_descriptor((int)master);
    return error;
}

/* The other side, by the descriptor and not by its name. */
static long open_slave(struct stage *s, int master, const struct launch_operation *op) {
    int unlocked = 0;
    long error = CALL(s, ioctl, master, TIOCSPTLCK, &unlocked);
    if (error < 0) return error;
    if (op->x) {
        struct winsize size = {(uint16_t)op->x, (uint16_t)(op->x >> 16), 0, 0};
        error = CALL(s, ioctl, master, TIOCSWINSZ, &size);
        if (error < 0) return error;
    }
    long slave = CALL(s, ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) return slave;
    /* Its group stays what devpts gives it: tty's. */
    error = CALL(s, fchownat, slave, here, op->b, -1, AT_EMPTY_PATH);
    if (error >= 0) return slave;
    close_descriptor((int)slave);
    return error;
}

static long bind_console(struct stage *s, int slave, uint32_t console) {
    long mount = CALL(s, open_tree, slave, here, OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
    if (mount < 0) return mount;
    s->subject = console;
    long at = open_making(s, text(s, console), O_PATH, 1, 1, 0755);
    long error = at;
    if (at >= 0) {
        error = CALL(s, move_mount, mount, here, at, here, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
        close_descriptor((int)at);
    }
    close_descriptor((int)mount);
    return error;
}

/* To whoever shows it and types into it, with a name for people, as engines expect it. */
static long send_master(struct stage *s, int socket, int master) {
    static char name[] = "/dev/ptmx";
    struct iovec part = {name, sizeof name - 1};
    struct { struct cmsghdr header; int fd, pad; } control = {
        {sizeof(struct cmsghdr) + sizeof(int), SOL_SOCKET, SCM_RIGHTS}, master, 0};
    struct msghdr message = {NULL, 0, &part, 1, &control, sizeof control, 0};
    long n;
    do n = CALL(s, sendmsg, socket, &message, MSG_NOSIGNAL);
    while (n == -EINTR);
    return n < 0 ? n : 0;
}

long open_terminal(struct stage *s, const struct launch_operation *op) {
    if (s->root < 0) { /* who has joined a container's mount namespace has its root */
        long root = CALL(s, openat, AT_FDCWD, slash, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (root < 0) return root;
        s->root = (int)root;
    }
    long master = open_master(s, op);
    if (master < 0) return master;
    long slave = open_slave(s, (int)master, op), error = slave;
    if (slave >= 0) {
        error = op->d ? bind_console(s, (int)slave, op->d) : 0;
        if (error >= 0) s->subject = op->c;
        for (int fd = 0; error >= 0 && fd < 3; fd++) error = CALL(s, dup3, slave, fd, 0);
        if (error >= 0) error = CALL(s, ioctl, 0, TIOCSCTTY, 0);
        if (error >= 0) error = send_master(s, s->header->descriptors[op->a], (int)master);
        close_descriptor((int)slave);
    }
    close_descriptor((int)master);
    return error;
}
