/* The binary form of a launch plan: one arena in a memfd that the runtime fills and checks before the clone and the
 * stage maps and carries out. Position-independent: every reference is an offset from the arena's start.
 *
 *   header | pool of strings, arrays and BPF | operations | (page boundary) result page
 *
 * The result page is how the stage reports. It is shared memory and not a pipe, since a write(2) may be denied by the
 * filter that was just loaded, and a process that the kernel kills writes nothing. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LAUNCH_MAGIC = 0x31475250 /* "PRG1" */, LAUNCH_DESCRIPTORS = 96, LAUNCH_PAGE = 4096, LAUNCH_PRESERVED = 1024 };

/* What an operation does; the letters say what its fields hold, in the order a, b, c, d: s a string, o a string or 0,
 * l the length of the string before it, v a 0-terminated array of string references, p pairs of strings (an empty key
 * ends them; "\001" as value: a flag), g an array of `b` uint32, f words of 8 bytes, `b` bytes of them (BPF, a structure,
 * a set), d the index of a descriptor, e such an index plus 1, or 0, h a handshake, k a count of at most LAUNCH_PRESERVED, - a number. */
#define LAUNCH_OPERATIONS(X)                                                                                        \
    X(WAIT, "h---")                                                                                                 \
    X(SIGNAL, "h---")                                                                                               \
    X(NAMESPACE_ROOT, "----")                                                                                       \
    X(JOIN, "d---")            /* x: CLONE_NEW* */                                                                  \
    X(UNSHARE, "----")         /* x: CLONE_NEW* */                                                                  \
    X(SESSION, "----")                                                                                              \
    X(KEYRING, "s---")                                                                                              \
    X(HOSTNAME, "sl--")                                                                                             \
    X(DOMAINNAME, "sl--")                                                                                           \
    X(LOOPBACK, "----")                                                                                             \
    X(TAKE_NETWORK, "d---")                                                                                         \
    X(PROPAGATION, "s---")     /* of the mount at a; x: MS_* */                                                     \
    X(ATTACH_ROOT, "do--")     /* at the path b, else over the old root; x: MS_* of its propagation; 0: private */  \
    X(OPEN_PROC, "----")       /* x: 1: in the old tree, with which it goes */                                      \
    X(MOUNT, "sosp")           /* type, source, target, options; x: attributes; y: LAUNCH_MOUNT_* */                \
    X(BIND, "d-s-")            /* descriptor, -, target; x: set, y: clear; b: LAUNCH_MOUNT_* */                     \
    X(MOUNT_ATTRIBUTES, "--s-")/* target; x: set, y: clear; b: LAUNCH_MOUNT_* */                                    \
    X(MOUNT_PROPAGATION, "--s-")/* target; x: MS_* */                                                               \
    X(DEVICE, "ss--")          /* directory, name; c: uid, d: gid; x: device, y: mode */                            \
    X(SYMLINK, "sss-")         /* directory, name, target; x: 1: another one there is an error */                   \
    X(DIRECTORY, "s---")       /* x: mode */                                                                        \
    X(PIVOT, "----")                                                                                                \
    X(SYSCTL, "ssl-")          /* path below /proc, value */                                                        \
    X(MASK, "s---")                                                                                                 \
    X(READONLY, "s---")                                                                                             \
    X(RLIMIT, "----")          /* a: resource; x: soft, y: hard */                                                  \
    X(OWN_STREAMS, "----")     /* a: uid, b: gid */                                                                 \
    X(BOUNDING, "----")        /* x: kept; a: last capability */                                                    \
    X(SECCOMP, "f---")         /* b: bytes; x: flags */                                                             \
    X(KEEP_CAPABILITIES, "----")                                                                                    \
    X(GROUPS, "g---")          /* b: count */                                                                       \
    X(GID, "----")             /* a */                                                                              \
    X(UID, "----")             /* a */                                                                              \
    X(CAPABILITIES, "----")    /* x: effective, y: permitted, a|b<<32: inheritable */                               \
    X(AMBIENT, "----")         /* x; a: last capability */                                                          \
    X(NO_NEW_PRIVILEGES, "----")                                                                                    \
    X(UMASK, "----")           /* a */                                                                              \
    X(RESET_SIGNALS, "----")                                                                                        \
    X(CHDIR, "s---")                                                                                                \
    X(EXEC, "vvv-")            /* arguments, environment, candidates, laid in this order */                         \
    X(PARK, "d---")            /* a FIFO: says that all is made, and goes on when a byte comes */                    \
    X(TERMINAL, "d-so")        /* a socket for its other end, -, devpts, console; b: uid; x: LAUNCH_TERMINAL_SIZE */  \
    X(PRESERVE, "k---")        /* a: how many descriptors from 3 on the command gets */                             \
    X(SCHEDULER, "f---")       /* struct sched_attr */                                                              \
    X(IO_PRIORITY, "----")     /* a: class << 13 | priority */                                                      \
    X(AFFINITY, "f---")        /* a set of processors */                                                            \
    X(PERSONALITY, "----")     /* a */                                                                              \
    X(MEMORY_POLICY, "f---")   /* a set of nodes; x: MPOL_* */                                                      \
    X(LISTENER, "----")        /* shows the descriptor that SECCOMP made, and goes on when it is taken */                                                                                   \
    X(BIND_PATH, "s-s-")       /* a path of the host's, -, target; the rest as BIND */                               \
    X(INIT, "d--e")            /* a file for struct launch_exit; b: stop signal, c: milliseconds from it to KILL; a lock to  \
                                * hold; x: when to send the signal, nanoseconds of CLOCK_BOOTTIME, or 0; y: LAUNCH_INIT_* */ \
    X(LEAVE_MOUNTS, "d---")    /* the runtime's mount namespace */                                                  \
    X(CHANGE_ROOT, "d---")     /* a directory */

#define LAUNCH_ENUM(name, fields) LAUNCH_OP_##name,
enum launch_kind { LAUNCH_OPERATIONS(LAUNCH_ENUM) LAUNCH_KINDS };
#undef LAUNCH_ENUM

enum launch_init_flags {
    LAUNCH_INIT_TERMINAL = 1, /* the command has one */
    LAUNCH_INIT_MEMBER = 2,   /* others are in the same pid namespace, whose first process is another one */
    LAUNCH_INIT_SANDBOX = 4,  /* it is the first for those, and has no command */
};

enum launch_mount_flags {
    LAUNCH_MOUNT_STRICT = 1,    /* no symbolic link on the way to the target */
    LAUNCH_MOUNT_RECURSIVE = 2, /* attributes hold for the mounts below too */
    LAUNCH_MOUNT_FILE = 4,      /* the source is not a directory: a missing target is made a file */
    LAUNCH_MOUNT_COPY = 8,      /* what is in the target is copied into the new file system */
    LAUNCH_MOUNT_MODE = 16,     /* the new file system has the target's permissions */
    LAUNCH_MOUNT_NOFOLLOW = 32, /* a symbolic link at the end of the target is the target */
    LAUNCH_MOUNT_TREE = 64,     /* what is mounted below the source comes with it */
};

/* A terminal's size in x: rows, columns; 0: as the kernel has it. */
#define LAUNCH_TERMINAL_SIZE(rows, columns) ((uint64_t)(rows) | (uint64_t)(columns) << 16)

struct launch_operation {
    uint16_t kind;
    uint16_t step; /* number in the plan, from 1 */
    uint32_t a, b, c, d, reserved;
    uint64_t x, y;
};
_Static_assert(sizeof(struct launch_operation) == 40, "fixed size");

enum launch_flags { LAUNCH_TIMELINE = 1 };

struct launch_header {
    uint32_t magic, size;
    uint32_t operations, operation_count;
    uint32_t result, step_count;
    uint32_t flags;
    int32_t control; /* the stage's end of the socket pair */
    uint32_t descriptor_count, reserved;
    int32_t descriptors[LAUNCH_DESCRIPTORS];
};

enum launch_state { LAUNCH_BORN, LAUNCH_RUNNING, LAUNCH_EXECUTING, LAUNCH_FAILED };

struct launch_time { uint64_t wall, processor; }; /* nanoseconds; of a step: when it had ended */

struct launch_result {
    uint32_t state, step, call; /* call: number of the system call that failed */
    int32_t error;              /* positive */
    uint32_t subject;           /* offset of the string that it failed on, or 0 */
    uint32_t candidate;         /* of exec: which candidate the error is from */
    uint32_t listener;          /* the stage's number of a filter's listener; 0: there is none */
    uint32_t listener_taken;    /* the runtime's word that it has it */
    struct launch_time times[]; /* [0]: the stage's start; [n]: the end of step n */
};

/* What an init writes of its command's end, in one piece. */
struct launch_exit {
    uint32_t magic;      /* LAUNCH_MAGIC */
    int32_t status;      /* as wait(2) has it */
    uint32_t is_overdue; /* it was still there at its deadline, and the init ended it */
    uint32_t reserved;
    uint64_t boot, wall; /* nanoseconds of CLOCK_BOOTTIME and of CLOCK_REALTIME */
};

/* On the control socket: the number of a handshake, or one of these: "look at the result page, and at my root; I wait",
 * and "all is made". After that one nobody listens there: whoever starts the command has the FIFO and the page, where a
 * failure is seen, and lets the child go with one more byte. */
enum { LAUNCH_FAILURE_BYTE = 0xff, LAUNCH_PARKED_BYTE = 0xfe };

/* Checks every offset, count and kind, so that the stage need not. NULL: it is well formed; else what is not.
 * `at` is the index of the operation. */
const char *launch_validate(const void *arena, size_t size, uint32_t *at);

/* The name of a system call by its number on this architecture, NULL if the stage makes no such call. */
const char *launch_call_name(uint32_t number);

/* What `launch_clone` needs. */
struct launch_clone {
    uint64_t flags;     /* CLONE_NEW*, CLONE_INTO_CGROUP */
    int cgroup;         /* with CLONE_INTO_CGROUP */
    int stage;          /* memfd of the stage's executable */
    int arena;          /* memfd of the arena */
    int user;           /* a user namespace that the child is born in, or 0 */
    const struct launch_header *header;
};

/* What a child needs until it has executed the stage: its stack, and a word for why it could not. */
struct launch_birth;

/* Makes the child, which executes the stage. Returns its pid and stores a pidfd, or returns -errno of clone3(2). The
 * child shares this memory until it executes (CLONE_VM), so no page table is copied, and none of our code runs in it
 * but what is in clone.c. Unlike vfork(2) this does not wait for that: the caller goes on beside it, and keeps
 * `how->header`, and the birth, until the child has executed its command or has ended. */
long launch_clone(const struct launch_clone *how, int *pidfd, struct launch_birth **birth);

/* Makes a process that makes `directory`, unless that is NULL, and the one above it where that is missing and `above`
 * names it; then a network namespace, its loopback interface up, which it sends on `socket`, see launch_network.h; and
 * ends. The paths must stay until then. Returns its pid and stores a pidfd, or returns -errno of clone3(2). */
long launch_helper(int socket, const char *directory, const char *above, int *pidfd, struct launch_birth **birth);

/* Waits for the directory: 0, -errno of mkdirat(2), or -ESRCH: the helper has died before it could tell. */
long launch_helper_directory(struct launch_birth *birth, int pidfd);

/* Makes a process that holds a new user namespace, for somebody to write its maps and to open it, until it is killed.
 * Returns its pid and stores a pidfd, or returns -errno of clone3(2). */
long launch_user_namespace(int *pidfd, struct launch_birth **birth);

/* -errno of the child's execveat(2), once the child has ended; 0: it could. */
long launch_birth_failure(const struct launch_birth *birth);

/* Gives the memory back, once the child does not use it any more. NULL is nothing. */
void launch_birth_end(struct launch_birth *birth);
