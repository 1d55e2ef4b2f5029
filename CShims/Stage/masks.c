/* Masked and read-only paths. The root is the process's own by now; paths are still resolved inside it, and what is
 * mounted over them was made here or checked here. */
#include "stage.h"

static const char here[] = "";

long clone_of(struct stage *s, int fd, int recursive) {
    return CALL(s, open_tree, fd, here, OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));
}

static long cover(struct stage *s, int mount, int target) {
    return CALL(s, move_mount, mount, here, target, here, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* A file is covered by the container's /dev/null, which must be the null device and not what an image made of it
 * (CVE-2025-31133). */
static long mask_file(struct stage *s, int target) {
    if (s->null < 0) {
        long fd = open_in_root(s, "/dev/null", O_PATH | O_NOFOLLOW, 0);
        if (fd < 0) return fd;
        struct stat st;
        long error = CALL(s, newfstatat, fd, here, &st, AT_EMPTY_PATH);
        if (error < 0) return error;
        if ((st.mode & S_IFMT) != S_IFCHR || st.rdev != 0x103) return -EINVAL;
        s->null = (int)fd;
    }
    long mount = clone_of(s, s->null, 0);
    if (mount < 0) return mount;
    long error = cover(s, (int)mount, target);
    close_descriptor((int)mount);
    return error;
}

/* A directory is covered by an empty read-only one, the same for all of them: the first is mounted, the others are
 * clones of it. */
static long mask_directory(struct stage *s, int target) {
    if (s->empty >= 0) {
        long mount = clone_of(s, s->empty, 0);
        if (mount < 0) return mount;
        long error = cover(s, (int)mount, target);
        close_descriptor((int)mount);
        return error;
    }
    long context = CALL(s, fsopen, "tmpfs", 1);
    if (context < 0) return context;
    long error = CALL(s, fsconfig, context, FSCONFIG_SET_STRING, "mode", "0555", 0);
    if (error >= 0) error = CALL(s, fsconfig, context, FSCONFIG_SET_STRING, "nr_inodes", "2", 0);
    if (error >= 0) error = CALL(s, fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (error >= 0)
        error = CALL(s, fsmount, context, 1, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    close_descriptor((int)context);
    if (error < 0) return error;
    s->empty = (int)error;
    return cover(s, s->empty, target);
}

long mask_path(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long target = open_in_root(s, text(s, op->a), O_PATH, 0);
    if (target == -ENOENT || target == -ENOTDIR) return 0; /* what is not there shows nothing */
    if (target < 0) return target;
    struct stat st;
    long error = CALL(s, newfstatat, target, here, &st, AT_EMPTY_PATH);
    if (error >= 0) error = (st.mode & S_IFMT) == S_IFDIR ? mask_directory(s, (int)target) : mask_file(s, (int)target);
    close_descriptor((int)target);
    return error;
}

long readonly_path(struct stage *s, const struct launch_operation *op) {
    s->subject = op->a;
    long target = open_in_root(s, text(s, op->a), O_PATH, 0);
    if (target == -ENOENT || target == -ENOTDIR) return 0;
    if (target < 0) return target;
    long error = clone_of(s, (int)target, 1);
    if (error >= 0) {
        int mount = (int)error;
        error = change_attributes(s, mount, MOUNT_ATTR_RDONLY, 0, 1);
        if (error == -ENOSYS) { /* before 5.12: attached first, then this mount alone */
            error = cover(s, mount, (int)target);
            if (error >= 0)
                error = change_attributes(s, mount, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0);
        } else if (error >= 0) error = cover(s, mount, (int)target);
        close_descriptor(mount);
    }
    close_descriptor((int)target);
    return error;
}
