/* Mounts: made detached, then attached at a descriptor that was resolved inside the root. */
#include "stage.h"

static const char here[] = "", dot[] = ".", slash[] = "/";

/* The root goes on top of the old one: a place that exists everywhere and that every user may reach. Hooks know another
 * one, which they may reach where we may: the identity is the same. */
long attach_root(struct stage *s, const struct launch_operation *op) {
    int fd = s->header->descriptors[op->a];
    long error = -ENOENT;
    s->subject = op->b;
    if (op->b)
        error = CALL(s, move_mount, fd, here, AT_FDCWD, text(s, op->b), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
    if (error == -ENOENT || error == -EACCES || error == -ENOTDIR)
        error = CALL(s, move_mount, fd, here, AT_FDCWD, slash, MOVE_MOUNT_F_EMPTY_PATH);
    if (error < 0) return error;
    s->root = fd;
    error = CALL(s, fchdir, fd); /* from here on "." is the new root */
    if (error < 0) return error;
    return CALL(s, mount, NULL, dot, NULL, op->x ? op->x : MS_PRIVATE | MS_REC, NULL);
}

static long make_file_system(struct stage *s, const char *type, const char *source, const char *options,
                             uint64_t attributes) {
    int context = (int)CALL(s, fsopen, type, 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return context;
    long error = 0;
    if (source) error = CALL(s, fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0);
    for (const char *key = options; error >= 0 && key && *key;) {
        const char *value = key + length(key) + 1;
        if (value[0] == 1 && !value[1]) error = CALL(s, fsconfig, context, FSCONFIG_SET_FLAG, key, NULL, 0);
        else error = CALL(s, fsconfig, context, FSCONFIG_SET_STRING, key, value, 0);
        if (error < 0) s->subject = (uint32_t)(key - s->arena);
        key = value + length(value) + 1;
    }
    if (error >= 0) error = CALL(s, fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (error >= 0) error = CALL(s, fsmount, context, 1 /* FSMOUNT_CLOEXEC */, attributes);
    close_descriptor(context);
    return error;
}

/* A place in the old tree, with which what covers it is let go: one that every procfs has, and that no hook looks into.
 * The old root itself is none, for `pivot` unmounts what lies on top. */
static const char in_old_tree[] = "/proc/fs";

/* A mount that is attached nowhere would go with its last descriptor, as the command is executed, which then waits a
 * second time for the processors to have seen it (namespace_unlock in fs/namespace.c): a tenth of a launch. Where it can't
 * be attached it costs that. */
long open_proc(struct stage *s, const struct launch_operation *op) {
    long fd = make_file_system(s, "proc", NULL, NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (fd < 0) return fd;
    s->proc = (int)fd;
    if (op->x) CALL(s, move_mount, fd, here, AT_FDCWD, in_old_tree, MOVE_MOUNT_F_EMPTY_PATH);
    return 0;
}

static long open_target(struct stage *s, uint32_t target, uint64_t flags) {
    s->subject = target;
    return open_making(s, text(s, target), O_PATH | (flags & LAUNCH_MOUNT_NOFOLLOW ? O_NOFOLLOW : 0),
                       flags & LAUNCH_MOUNT_STRICT, !!(flags & LAUNCH_MOUNT_FILE), 0755);
}

static long attach_at(struct stage *s, int fd, int at) {
    return CALL(s, move_mount, fd, here, at, here, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static long attach(struct stage *s, int fd, uint32_t target, uint64_t flags) {
    long at = open_target(s, target, flags);
    if (at < 0) return at;
    long error = attach_at(s, fd, (int)at);
    close_descriptor((int)at);
    return error;
}

/* The same for a new file system that takes something over from what it covers. */
static long attach_over(struct stage *s, int fd, uint32_t target, uint64_t flags) {
    long at = open_target(s, target, flags);
    if (at < 0) return at;
    long error = take_over(s, fd, (int)at, flags);
    if (error >= 0) error = attach_at(s, fd, (int)at);
    close_descriptor((int)at);
    return error;
}

long mount_file_system(struct stage *s, const struct launch_operation *op) {
    s->subject = op->c;
    long fd = make_file_system(s, text(s, op->a), text(s, op->b), text(s, op->d), op->x);
    if (fd < 0) return fd;
    int takes = op->y & (LAUNCH_MOUNT_COPY | LAUNCH_MOUNT_MODE);
    long error = takes ? attach_over(s, (int)fd, op->c, op->y) : attach(s, (int)fd, op->c, op->y);
    close_descriptor((int)fd);
    return error;
}

/* "/proc/self/fd/N" in `out`, for the old calls that take no descriptor; the host's /proc is still there. */
static void descriptor_path(char out[32], int fd) {
    static const char prefix[] = "/proc/self/fd/";
    size_t n = 0;
    for (; prefix[n]; n++) out[n] = prefix[n];
    char digits[12];
    int k = 0;
    do digits[k++] = (char)('0' + fd % 10); while (fd /= 10);
    while (k) out[n++] = digits[--k];
    out[n] = 0;
}

/* A clone of a shared mount of the host is its peer, and what is mounted in one is mounted in the other: it becomes a
 * slave, which the host's changes reach and which reaches nobody. */
static long make_slave(struct stage *s, int fd) {
    struct mount_attr slave = {.propagation = MS_SLAVE};
    return CALL(s, mount_setattr, fd, here, AT_EMPTY_PATH | AT_RECURSIVE, &slave, sizeof slave);
}

static long make_slave_late(struct stage *s, int fd) {
    char path[32];
    descriptor_path(path, fd);
    return CALL(s, mount, NULL, path, NULL, MS_SLAVE | MS_REC, NULL);
}

static long bind_clone(struct stage *s, const struct launch_operation *op, int fd, uint64_t flags) {
    s->subject = op->c;
    long slave = make_slave(s, fd);
    if (slave < 0 && slave != -ENOSYS) return slave;
    /* Attributes come first: the mount is never seen with more rights than it shall have. A kernel without
     * mount_setattr(2) (before 5.12) can change an attached mount alone. */
    long error = op->x || op->y ? change_attributes(s, fd, op->x, op->y, flags & LAUNCH_MOUNT_RECURSIVE) : 0;
    int late = error == -ENOSYS || (error == -EINVAL && s->call == SYS_mount);
    if (error < 0 && !late) return error;
    error = attach(s, fd, op->c, flags);
    if (error >= 0 && slave == -ENOSYS) error = make_slave_late(s, fd);
    if (error >= 0 && late) error = change_attributes(s, fd, op->x, op->y, flags & LAUNCH_MOUNT_RECURSIVE);
    return error;
}

long bind_tree(struct stage *s, const struct launch_operation *op) {
    return bind_clone(s, op, s->header->descriptors[op->a], op->b);
}

/* A kernel lists mounts by their age, and programs take that for the order of the configuration: so the clone is made
 * here, where the host's tree can still be seen, and not beforehand by the runtime. */
long bind_path(struct stage *s, const struct launch_operation *op) {
    struct stat st = {0};
    s->subject = op->a;
    long source = CALL(s, openat, AT_FDCWD, text(s, op->a), O_PATH | O_CLOEXEC, 0);
    if (source < 0) return source;
    long fd = CALL(s, newfstatat, source, here, &st, AT_EMPTY_PATH);
    if (fd >= 0) fd = clone_of(s, (int)source, op->b & LAUNCH_MOUNT_TREE);
    close_descriptor((int)source);
    if (fd < 0) return fd;
    long error = bind_clone(s, op, (int)fd, op->b | ((st.mode & S_IFMT) == S_IFDIR ? 0 : LAUNCH_MOUNT_FILE));
    close_descriptor((int)fd);
    return error;
}

long set_attributes(struct stage *s, const struct launch_operation *op) {
    s->subject = op->c;
    long fd = open_in_root(s, text(s, op->c), O_PATH, 0);
    if (fd < 0) return fd;
    long error = change_attributes(s, (int)fd, op->x, op->y, op->b & LAUNCH_MOUNT_RECURSIVE);
    close_descriptor((int)fd);
    return error;
}

long change_attributes(struct stage *s, int fd, uint64_t set, uint64_t clear, int recursive) {
    struct mount_attr attributes = {.set = set, .clear = clear};
    long error = CALL(s, mount_setattr, fd, here, AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes,
                      sizeof attributes);
    if (error != -ENOSYS) return error;
    if (recursive) return error; /* the old call can't, and half of it is not what was asked for */
    static const struct { uint64_t attribute; unsigned long flag; } old[] = {
        {MOUNT_ATTR_RDONLY, 1}, {MOUNT_ATTR_NOSUID, 2}, {MOUNT_ATTR_NODEV, 4}, {MOUNT_ATTR_NOEXEC, 8},
        {0x10, 1024}, {0x20, 1 << 24}, {0x80, 2048}, {0x200000, 256}};
    unsigned long flags = MS_REMOUNT | MS_BIND;
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (set & old[i].attribute) flags |= old[i].flag;
    char path[32];
    descriptor_path(path, fd);
    return CALL(s, mount, NULL, path, NULL, flags, NULL);
}

long set_propagation(struct stage *s, const struct launch_operation *op) {
    s->subject = op->c;
    long fd = open_in_root(s, text(s, op->c), O_PATH, 0);
    if (fd < 0) return fd;
    char path[32];
    descriptor_path(path, (int)fd);
    long error = CALL(s, mount, NULL, path, NULL, op->x, NULL);
    close_descriptor((int)fd);
    return error;
}

long propagate_tree(struct stage *s, const struct launch_operation *op) {
    return CALL(s, mount, NULL, text(s, op->a), NULL, op->x, NULL);
}

/* Lets go what lies over the new root, by which the host could be reached as "/..": the old root, and what somebody has
 * mounted over that. Each time it is what lies on top. Nothing of it is propagated, for the old tree is a slave already. */
static long uncover_root(struct stage *s) {
    static const char above[] = "/..";
    enum { LAYERS = 64 };
    struct stat root, seen;
    long error = CALL(s, newfstatat, s->root, here, &root, AT_EMPTY_PATH);
    for (int i = 0; error >= 0 && i < LAYERS; i++) {
        error = CALL(s, umount2, dot, MNT_DETACH);
        if (error >= 0) error = CALL(s, newfstatat, s->root, above, &seen, 0);
        if (error >= 0 && seen.inode == root.inode && seen.device == root.device) return 0;
    }
    return error < 0 ? error : -EBUSY;
}

/* pivot_root(2), "pivot_root(".", ".")". */
long pivot(struct stage *s, const struct launch_operation *op) {
    (void)op;
    long error = CALL(s, fchdir, s->root);
    if (error >= 0) error = CALL(s, pivot_root, dot, dot);
    if (error >= 0) error = uncover_root(s);
    if (error >= 0) error = CALL(s, chdir, slash);
    return error;
}

static long make_root(struct stage *s, long directory) {
    long error = CALL(s, fchdir, directory);
    if (error >= 0) error = CALL(s, chroot, dot);
    return error < 0 ? error : CALL(s, chdir, slash);
}

long change_root(struct stage *s, const struct launch_operation *op) {
    return make_root(s, s->header->descriptors[op->a]);
}

/* The namespace that we leave goes with us, and what is attached there is let go one by one. A copy that is attached nowhere
 * stays in one piece as long as somebody's root is in it, also when its descriptor is closed. */
long leave_mounts(struct stage *s, const struct launch_operation *op) {
    long root = CALL(s, open_tree, AT_FDCWD, slash, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE);
    if (root < 0) return root;
    long error = CALL(s, setns, s->header->descriptors[op->a], CLONE_NEWNS);
    if (error >= 0) error = make_root(s, root);
    close_descriptor((int)root);
    return error;
}
