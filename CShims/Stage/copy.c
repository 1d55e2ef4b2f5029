/* What a new tmpfs takes over from the directory that it covers: its permissions, and with `tmpcopyup` all that is in
 * it. The directory is the image's: nothing in it is followed, neither a link nor a mount, and what it may hold is
 * bounded by the tmpfs and by a depth. */
#include "stage.h"

static const char here[] = "", dot[] = ".";

enum { DEPTH = 64, LINKS = 32, LIST = 1024, NAMES = 2048, TEXT = 4096 };

struct copying {
    struct stage *s;
    int links; /* files of several names that were met: where they lie, and the copy */
    struct { uint64_t device, inode; int copy; } link[LINKS];
    char names[NAMES], value[TEXT];
};

struct entry { uint64_t inode; int64_t next; uint16_t length; uint8_t type; char name[]; };

static int is_dot(const char *name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

/* -EXDEV: something is mounted there. */
static long open_entry(struct stage *s, int directory, const char *name, uint64_t flags) {
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    for (;;) {
        long fd = CALL(s, openat2, directory, name, &how, sizeof how);
        if (fd != -EINTR && fd != -EAGAIN) return fd;
    }
}

/* An owner who has no number in our user namespace can't be given: it is ours then. */
static long own(struct stage *s, int directory, const char *name, const struct stat *st, int flags) {
    long error = CALL(s, fchownat, directory, name, st->uid, st->gid, flags);
    return error == -EINVAL ? 0 : error;
}

/* Attributes that a tmpfs has no place for, or that we may not set, stay behind, as with cp(1). */
static long copy_attributes(struct copying *c, int from, int to) {
    struct stage *s = c->s;
    long listed = CALL(s, flistxattr, from, c->names, NAMES);
    if (listed == -EOPNOTSUPP) return 0;
    if (listed < 0) return listed;
    for (long at = 0; at < listed && at < NAMES; at += (long)length(c->names + at) + 1) {
        long size = CALL(s, fgetxattr, from, c->names + at, c->value, TEXT);
        if (size == -ENODATA) continue;
        if (size < 0) return size;
        long error = CALL(s, fsetxattr, to, c->names + at, c->value, size, 0);
        if (error < 0 && error != -EOPNOTSUPP && error != -EPERM) return error;
    }
    return 0;
}

/* Owner first, since that takes set-id bits and capabilities away. */
static long copy_metadata(struct copying *c, int from, int to, const struct stat *st) {
    struct stage *s = c->s;
    long error = own(s, to, here, st, AT_EMPTY_PATH);
    if (error >= 0) error = CALL(s, fchmod, to, st->mode & 07777);
    if (error >= 0) error = copy_attributes(c, from, to);
    return error;
}

static long copy_times(struct stage *s, int directory, const char *name, const struct stat *st) {
    const struct timespec times[2] = {{st->room[STAT_ATIME], st->room[STAT_ATIME + 1]},
                                      {st->room[STAT_MTIME], st->room[STAT_MTIME + 1]}};
    return CALL(s, utimensat, directory, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Piece by piece, so that holes stay holes. */
static long copy_data(struct stage *s, int from, int to, int64_t size) {
    long error = CALL(s, ftruncate, to, size);
    for (int64_t at = 0; error >= 0 && at < size;) {
        int64_t data = CALL(s, lseek, from, at, SEEK_DATA);
        if (data == -ENXIO) return 0;
        if (data < 0) return data;
        at = CALL(s, lseek, from, data, SEEK_HOLE);
        if (at < 0) return at;
        if (at <= data) return 0;
        error = CALL(s, lseek, from, data, SEEK_SET);
        if (error >= 0) error = CALL(s, lseek, to, data, SEEK_SET);
        while (error >= 0 && data < at) {
            long n = CALL(s, sendfile, to, from, NULL, at - data);
            if (n == -EINTR) continue;
            if (n <= 0) return n; /* it has become shorter meanwhile */
            data += n;
        }
    }
    return error < 0 ? error : 0;
}

static int copy_of(struct copying *c, const struct stat *st) {
    for (int i = 0; i < c->links; i++)
        if (c->link[i].device == st->device && c->link[i].inode == st->inode) return c->link[i].copy;
    return NONE;
}

static long copy_file(struct copying *c, int from, int to, const char *name, const struct stat *st) {
    struct stage *s = c->s;
    int known = st->links > 1 ? copy_of(c, st) : NONE;
    /* -ENOENT: in a user namespace the kernel does not link by descriptor; then it is a file of its own. */
    if (known >= 0) {
        long error = CALL(s, linkat, known, here, to, name, AT_EMPTY_PATH);
        if (error != -ENOENT) return error;
    }
    long out = CALL(s, openat, to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0) return out;
    long error = copy_data(s, from, (int)out, st->room[STAT_SIZE]);
    if (error >= 0) error = copy_metadata(c, from, (int)out, st);
    if (error >= 0 && st->links > 1 && known < 0 && c->links < LINKS) {
        c->link[c->links].device = st->device;
        c->link[c->links].inode = st->inode;
        c->link[c->links++].copy = (int)out;
    } else
        close_descriptor((int)out);
    return error < 0 ? error : copy_times(s, to, name, st);
}

static long copy_link(struct copying *c, int from, int to, const char *name, const struct stat *st) {
    struct stage *s = c->s;
    long n = CALL(s, readlinkat, from, name, c->value, TEXT - 1);
    if (n < 0) return n;
    c->value[n] = 0;
    long error = CALL(s, symlinkat, c->value, to, name);
    if (error >= 0) error = own(s, to, name, st, AT_SYMLINK_NOFOLLOW);
    return error < 0 ? error : copy_times(s, to, name, st);
}

/* A device, a FIFO or a socket; with the umask of the stage the mode is what it says. */
static long copy_node(struct copying *c, int to, const char *name, const struct stat *st) {
    struct stage *s = c->s;
    long error = CALL(s, mknodat, to, name, st->mode, st->rdev);
    if (error >= 0) error = own(s, to, name, st, AT_SYMLINK_NOFOLLOW);
    return error < 0 ? error : copy_times(s, to, name, st);
}

static long copy_directory(struct copying *c, int from, int to, int depth);

static long copy_subdirectory(struct copying *c, int from, int to, const char *name, const struct stat *st, int depth) {
    struct stage *s = c->s;
    long error = CALL(s, mkdirat, to, name, 0700);
    if (error < 0) return error;
    long made = open_entry(s, to, name, O_RDONLY | O_DIRECTORY);
    if (made < 0) return made;
    if (from >= 0) { /* else what is mounted there is not the directory's */
        error = copy_directory(c, from, (int)made, depth + 1);
        if (error >= 0) error = copy_metadata(c, from, (int)made, st);
    }
    close_descriptor((int)made);
    return error < 0 ? error : copy_times(s, to, name, st);
}

static long copy_entry(struct copying *c, int from, int to, const char *name, int depth) {
    struct stage *s = c->s;
    struct stat st;
    long error = CALL(s, newfstatat, from, name, &st, AT_SYMLINK_NOFOLLOW);
    if (error == -ENOENT) return 0; /* it has gone meanwhile */
    if (error < 0) return error;
    uint32_t type = st.mode & S_IFMT;
    if (type == S_IFLNK) return copy_link(c, from, to, name, &st);
    if (type != S_IFREG && type != S_IFDIR) return copy_node(c, to, name, &st);
    long fd = open_entry(s, from, name, type == S_IFDIR ? O_RDONLY | O_DIRECTORY : O_RDONLY);
    if (fd == -EXDEV) return type == S_IFDIR ? copy_subdirectory(c, NONE, to, name, &st, depth) : 0;
    if (fd < 0) return fd;
    /* What was opened is what counts. */
    error = CALL(s, newfstatat, fd, here, &st, AT_EMPTY_PATH);
    if (error >= 0 && (st.mode & S_IFMT) != type) error = -EINVAL;
    if (error >= 0)
        error = type == S_IFDIR ? copy_subdirectory(c, (int)fd, to, name, &st, depth)
                                : copy_file(c, (int)fd, to, name, &st);
    close_descriptor((int)fd);
    return error;
}

static long copy_directory(struct copying *c, int from, int to, int depth) {
    struct stage *s = c->s;
    if (depth > DEPTH) return -E2BIG;
    _Alignas(8) char list[LIST];
    for (;;) {
        long n = CALL(s, getdents64, from, list, LIST);
        if (n <= 0) return n;
        for (long at = 0; at < n;) {
            const struct entry *entry = (const void *)(list + at);
            at += entry->length;
            if (is_dot(entry->name)) continue;
            long error = copy_entry(c, from, to, entry->name, depth);
            if (error < 0) return error;
        }
    }
}

/* `mount` is the new file system, `covered` the directory that it will be attached to. */
long take_over(struct stage *s, int mount, int covered, uint64_t flags) {
    struct copying c;
    c.s = s;
    c.links = 0;
    struct stat st;
    long from = CALL(s, openat, covered, dot, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (from < 0) return from;
    long error = CALL(s, newfstatat, from, here, &st, AT_EMPTY_PATH);
    long to = error < 0 ? error : CALL(s, openat, mount, dot, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (to >= 0) {
        error = 0;
        if (flags & LAUNCH_MOUNT_COPY) error = copy_directory(&c, (int)from, (int)to, 0);
        if (error >= 0 && flags & LAUNCH_MOUNT_MODE) error = CALL(s, fchmod, to, st.mode & 07777);
        close_descriptor((int)to);
    } else
        error = to;
    for (int i = 0; i < c.links; i++) close_descriptor(c.link[i].copy);
    close_descriptor((int)from);
    return error;
}
