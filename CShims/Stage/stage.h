/* perigee-stage: carries out the child's half of a launch plan. Freestanding C: it runs where nothing of the runtime
 * may be, with half-made namespaces and soon without privileges, and does nothing but system calls. An operation
 * returns 0 (or what its call returned) or -errno. */
#pragma once
#include "kernel.h"

enum { PARENT_CACHE_EMPTY = -1, NONE = -1 };

struct stage {
    char *arena;
    const struct launch_header *header;
    struct launch_result *result;
    uint32_t call;    /* the system call made last */
    uint32_t subject; /* offset of the string that it was about */
    int root;         /* the container's root directory, NONE until it is attached */
    int proc;         /* a procfs that is attached nowhere */
    int parent;       /* the directory opened last for devices, and the offset of its name */
    uint32_t parent_name;
    int empty;        /* an empty read-only directory, to mask directories with */
    int null;         /* /dev/null of the container, to mask files with */
    int fifo;         /* where the start comes from, once parked; else NONE */
    int preserved;    /* so many descriptors from 3 on are the command's */
    int listener;     /* of the filter that was loaded last, or NONE */
    int is_filtered;  /* a filter is loaded: calls that the plan does not need may be denied, or kill */
};

static inline const char *text(const struct stage *s, uint32_t offset) { return offset ? s->arena + offset : NULL; }

static inline size_t length(const char *t) {
    size_t n = 0;
    while (t[n]) n++;
    return n;
}

/* main.c: `stack` as the kernel leaves it, argc first */
__attribute__((noreturn, used)) void stage_main(unsigned long *stack);
__attribute__((noreturn)) void leave(int status);
uint64_t clock_of(int clock);
void close_between(int first, int last);

/* tree.c: paths, directories and nodes inside the root */
long open_in_root(struct stage *s, const char *path, uint64_t flags, int strict);
long open_making(struct stage *s, const char *path, uint64_t flags, int strict, int file, uint32_t mode);
long make_directory(struct stage *s, const struct launch_operation *op);
long make_device(struct stage *s, const struct launch_operation *op);
long make_symlink(struct stage *s, const struct launch_operation *op);
void close_descriptor(int fd);

/* mounts.c */
long attach_root(struct stage *s, const struct launch_operation *op);
long open_proc(struct stage *s, const struct launch_operation *op);
long mount_file_system(struct stage *s, const struct launch_operation *op);
long bind_tree(struct stage *s, const struct launch_operation *op);
long bind_path(struct stage *s, const struct launch_operation *op);
long clone_of(struct stage *s, int fd, int recursive);
long set_attributes(struct stage *s, const struct launch_operation *op);
long set_propagation(struct stage *s, const struct launch_operation *op);
long propagate_tree(struct stage *s, const struct launch_operation *op);
long pivot(struct stage *s, const struct launch_operation *op);
long leave_mounts(struct stage *s, const struct launch_operation *op);
long change_root(struct stage *s, const struct launch_operation *op);

/* copy.c */
long take_over(struct stage *s, int mount, int covered, uint64_t flags);

/* masks.c */
long mask_path(struct stage *s, const struct launch_operation *op);
long readonly_path(struct stage *s, const struct launch_operation *op);
long change_attributes(struct stage *s, int fd, uint64_t set, uint64_t clear, int recursive);

/* namespaces.c */
long namespace_root(struct stage *s, const struct launch_operation *op);
long join_namespace(struct stage *s, const struct launch_operation *op);
long unshare_namespaces(struct stage *s, const struct launch_operation *op);
long set_hostname(struct stage *s, const struct launch_operation *op);
long set_domainname(struct stage *s, const struct launch_operation *op);
long loopback_up(struct stage *s, const struct launch_operation *op);
long take_network(struct stage *s, const struct launch_operation *op);
long write_sysctl(struct stage *s, const struct launch_operation *op);

/* terminal.c */
long open_terminal(struct stage *s, const struct launch_operation *op);

/* identity.c: users, capabilities, filters */
long drop_bounding(struct stage *s, const struct launch_operation *op);
long load_seccomp(struct stage *s, const struct launch_operation *op);
long keep_capabilities(struct stage *s, const struct launch_operation *op);
long set_groups(struct stage *s, const struct launch_operation *op);
long set_gid(struct stage *s, const struct launch_operation *op);
long set_uid(struct stage *s, const struct launch_operation *op);
long set_capabilities(struct stage *s, const struct launch_operation *op);
long raise_ambient(struct stage *s, const struct launch_operation *op);
long no_new_privileges(struct stage *s, const struct launch_operation *op);

/* process.c */
long new_session(struct stage *s, const struct launch_operation *op);
long session_keyring(struct stage *s, const struct launch_operation *op);
long set_rlimit(struct stage *s, const struct launch_operation *op);
long preserve_descriptors(struct stage *s, const struct launch_operation *op);
long own_streams(struct stage *s, const struct launch_operation *op);
long set_umask(struct stage *s, const struct launch_operation *op);
long reset_signals(struct stage *s, const struct launch_operation *op);
long change_directory(struct stage *s, const struct launch_operation *op);
long execute(struct stage *s, const struct launch_operation *op);

/* init.c */
long become_init(struct stage *s, const struct launch_operation *op);

/* settings.c: how the process is scheduled, and what memory it gets */
long set_scheduler(struct stage *s, const struct launch_operation *op);
long set_io_priority(struct stage *s, const struct launch_operation *op);
long set_affinity(struct stage *s, const struct launch_operation *op);
long set_personality(struct stage *s, const struct launch_operation *op);
long set_memory_policy(struct stage *s, const struct launch_operation *op);
