/* Paths, directories and nodes inside the container's root. Every path is resolved by the kernel as if that root were
 * `/`: nothing that an image holds leads out of it. */
#include "stage.h"

enum { PATH_ROOM = 4096 };

void close_descriptor(int fd) {
    if (fd >= 0) syscall6(SYS_close, fd, 0, 0, 0, 0, 0);
}

static long open_beneath(struct stage *s, const char *path, uint64_t flags, uint64_t mode, int strict) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (strict ? RESOLVE_NO_SYMLINKS : 0)};
    for (;;) {
        long fd = CALL(s, openat2, s->root, path, &how, sizeof how);
        if (fd != -EINTR && fd != -EAGAIN) return fd;
    }
}

/* Before the root is attached there is none to resolve in: that is a mistake in the plan. */
long open_in_root(struct stage *s, const char *path, uint64_t flags, int strict) {
    return s->root < 0 ? -EINVAL : open_beneath(s, path, flags, 0, strict);
}

/* Opens `path`, and first makes what is missing of it: directories, and at the end a file where `file` is set. */
long open_making(struct stage *s, const char *path, uint64_t flags, int strict, int file, uint32_t mode) {
    long fd = open_in_root(s, path, flags, strict);
    if (fd != -ENOENT) return fd;
    char prefix[PATH_ROOM];
    size_t end = 0, start;
    int parent = NONE;
    for (;;) {
        while (path[end] == '/') { if (end + 1 >= PATH_ROOM) goto too_long; prefix[end] = path[end]; end++; }
        if (!path[end]) break;
        start = end;
        while (path[end] && path[end] != '/') { if (end + 1 >= PATH_ROOM) goto too_long; prefix[end] = path[end]; end++; }
        prefix[end] = 0;
        size_t rest = end;
        while (path[rest] == '/') rest++;
        int last = !path[rest];
        fd = open_beneath(s, prefix, O_PATH, 0, strict);
        if (fd == -ENOENT) {
            int directory = parent == NONE ? s->root : parent;
            fd = last && file
                ? CALL(s, openat, directory, prefix + start, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644)
                : CALL(s, mkdirat, directory, prefix + start, last ? mode : 0755);
            if (last && file && fd >= 0) { close_descriptor((int)fd); fd = 0; }
            if (fd >= 0 || fd == -EEXIST) fd = open_beneath(s, prefix, O_PATH, 0, strict);
        }
        close_descriptor(parent);
        if (fd < 0) return fd;
        parent = (int)fd;
    }
    close_descriptor(parent);
    return open_in_root(s, path, flags, strict);
too_long:
    close_descriptor(parent);
    return -ENAMETOOLONG;
}

long make_directory(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long fd = open_making(s, text(s, op->a), O_PATH | O_DIRECTORY, 0, 0, (uint32_t)op->x);
    if (fd >= 0) close_descriptor((int)fd);
    return fd;
}

/* The directory of a device or link; the one before is kept, since a plan makes many in /dev. */
static long parent_directory(struct stage *s, uint32_t name) {
    if (s->parent >= 0 && s->parent_name == name) return s->parent;
    close_descriptor(s->parent);
    s->parent = NONE;
    long fd = open_making(s, text(s, name), O_PATH | O_DIRECTORY, 0, 0, 0755);
    if (fd < 0) return fd;
    s->parent = (int)fd;
    s->parent_name = name;
    return fd;
}

long make_device(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long dir = parent_directory(s, op->a);
    if (dir < 0) return dir;
    s->subject = op->b;
    long error = CALL(s, mknodat, dir, text(s, op->b), op->y, op->x);
    if (error == -EEXIST) { /* the image's own node is not trusted: it must be this very device */
        struct stat st;
        error = CALL(s, newfstatat, dir, text(s, op->b), &st, AT_SYMLINK_NOFOLLOW);
        if (error >= 0 && ((st.mode & S_IFMT) != (op->y & S_IFMT) || st.rdev != op->x)) { s->call = SYS_mknodat; return -EEXIST; }
    }
    if (error < 0) return error;
    if (op->c || op->d) error = CALL(s, fchownat, dir, text(s, op->b), op->c, op->d, AT_SYMLINK_NOFOLLOW);
    return error;
}

/* Whether what is there already is this very link. */
static long is_link(struct stage *s, int dir, const struct launch_operation *op) {
    char target[PATH_ROOM];
    const char *wanted = text(s, op->c);
    long n = CALL(s, readlinkat, dir, text(s, op->b), target, sizeof target);
    if (n < 0) return n;
    s->call = SYS_symlinkat;
    if ((size_t)n != length(wanted)) return -EEXIST;
    for (long i = 0; i < n; i++)
        if (target[i] != wanted[i]) return -EEXIST;
    return 0;
}

long make_symlink(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long dir = parent_directory(s, op->a);
    if (dir < 0) return dir;
    s->subject = op->b;
    long error = CALL(s, symlinkat, text(s, op->c), dir, text(s, op->b));
    if (error != -EEXIST) return error;
    return op->x ? is_link(s, (int)dir, op) : 0;
}
