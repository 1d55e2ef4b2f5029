/* The loop over the operations, and the report. */
#include "stage.h"

__attribute__((noreturn)) void leave(int status) {
    for (;;) {
        syscall6(SYS_exit_group, status, 0, 0, 0, 0, 0);
        __builtin_trap(); /* a filter that denies exit_group */
    }
}

uint64_t clock_of(int clock) {
    struct timespec t = {0, 0};
    syscall6(SYS_clock_gettime, clock, (long)&t, 0, 0, 0, 0);
    return (uint64_t)t.seconds * 1000000000u + (uint64_t)t.nanoseconds;
}

static void stamp(struct stage *s, uint32_t step) {
    if (!(s->header->flags & LAUNCH_TIMELINE)) return;
    s->result->times[step].wall = clock_of(CLOCK_MONOTONIC);
    s->result->times[step].processor = clock_of(CLOCK_THREAD_CPUTIME_ID);
}

/* The runtime's end of the socket closes when it dies: then there is nobody to be a container for. */
static long wait_for(struct stage *s, const struct launch_operation *op) {
    unsigned char byte = 0;
    for (;;) {
        long n = CALL(s, read, s->header->control, &byte, 1);
        if (n == -EINTR) continue;
        if (n < 0) return n;
        if (n == 0) leave(1);
        if (byte == op->a) return 0;
    }
}

/* The same for who waits for nothing any more. Asked before a filter is loaded, else before the command is executed: a
 * runtime that dies later leaves a container that runs, and its repair ends that. */
static void leave_if_alone(struct stage *s) {
    unsigned char byte;
    if (s->is_filtered || s->fifo != NONE) return;
    if (syscall6(SYS_recvfrom, s->header->control, (long)&byte, 1, MSG_PEEK | MSG_DONTWAIT, 0, 0) == 0) leave(1);
}

static long signal_to(struct stage *s, const struct launch_operation *op) {
    unsigned char byte = (unsigned char)op->a;
    long n = CALL(s, write, s->header->control, &byte, 1);
    return n < 0 ? n : 0;
}

static long await_byte(struct stage *s, int fd) {
    unsigned char byte;
    for (;;) {
        long n = CALL(s, read, fd, &byte, 1);
        if (n != -EINTR) return n < 0 ? n : 0;
    }
}

/* Closes what is open between the two, where the kernel or a host's filter has no close_range(2) one by one. */
void close_between(int first, int last) {
    if (first > last || syscall6(SYS_close_range, first, last, 0, 0, 0, 0) == 0) return;
    struct rlimit64 limit = {0, 0};
    syscall6(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0);
    for (int fd = first; fd <= last && (uint64_t)fd < limit.hard && fd < 1 << 20; fd++) close_descriptor(fd);
}

/* Its maker goes now, and takes the other end of the socket along. The FIFO is open for both ways here, so that it never
 * ends; it closes when the command is executed, which is how the starter sees that. What comes after the start needs no
 * other descriptor, and what our maker's caller had open is somebody's who may wait for its end. */
static long park(struct stage *s, const struct launch_operation *op) {
    int fifo = s->header->descriptors[op->a], socket = s->header->control;
    int low = fifo < socket ? fifo : socket, high = fifo < socket ? socket : fifo;
    s->fifo = fifo;
    s->root = s->proc = s->parent = s->empty = s->null = NONE;
    close_between(3 + s->preserved, low - 1);
    close_between(low + 1, high - 1);
    close_between(high + 1, 0x7fffffff);
    unsigned char byte = LAUNCH_PARKED_BYTE;
    long n = CALL(s, write, socket, &byte, 1);
    close_descriptor(socket);
    return n < 0 ? n : await_byte(s, fifo);
}

/* Nearly a minute, where a turn takes 50 ns. */
enum { PATIENCE = 1 << 30 };

/* Whoever decides on calls has not begun, and any call may wait for that: the number is left on the page, where the
 * runtime looks, and it takes the descriptor without us. If the read is one of those calls, it comes to its answer
 * afterwards; where the filter denies it, all that is left is to look at the page. */
static long show_listener(struct stage *s, const struct launch_operation *op) {
    (void)op;
    if (s->listener == NONE) return 0;
    __atomic_store_n(&s->result->listener, (uint32_t)s->listener, __ATOMIC_RELEASE);
    int from = s->fifo != NONE ? s->fifo : s->header->control, is_readable = 1;
    for (uint32_t n = 0; !__atomic_load_n(&s->result->listener_taken, __ATOMIC_ACQUIRE); n++) {
        unsigned char byte;
        long r = is_readable ? CALL(s, read, from, &byte, 1) : 1;
        if (r == 0 || n == PATIENCE) leave(1);
        if (r < 0 && r != -EINTR) is_readable = 0;
#if defined(__x86_64__)
        __asm__ volatile("pause");
#else
        __asm__ volatile("yield");
#endif
    }
    return 0;
}

static long perform(struct stage *s, const struct launch_operation *op) {
    switch ((enum launch_kind)op->kind) {
    case LAUNCH_OP_WAIT: return wait_for(s, op);
    case LAUNCH_OP_SIGNAL: return signal_to(s, op);
    case LAUNCH_OP_PARK: return park(s, op);
    case LAUNCH_OP_NAMESPACE_ROOT: return namespace_root(s, op);
    case LAUNCH_OP_JOIN: return join_namespace(s, op);
    case LAUNCH_OP_UNSHARE: return unshare_namespaces(s, op);
    case LAUNCH_OP_SESSION: return new_session(s, op);
    case LAUNCH_OP_KEYRING: return session_keyring(s, op);
    case LAUNCH_OP_HOSTNAME: return set_hostname(s, op);
    case LAUNCH_OP_DOMAINNAME: return set_domainname(s, op);
    case LAUNCH_OP_LOOPBACK: return loopback_up(s, op);
    case LAUNCH_OP_TAKE_NETWORK: return take_network(s, op);
    case LAUNCH_OP_PROPAGATION: return propagate_tree(s, op);
    case LAUNCH_OP_ATTACH_ROOT: return attach_root(s, op);
    case LAUNCH_OP_OPEN_PROC: return open_proc(s, op);
    case LAUNCH_OP_MOUNT: return mount_file_system(s, op);
    case LAUNCH_OP_BIND: return bind_tree(s, op);
    case LAUNCH_OP_BIND_PATH: return bind_path(s, op);
    case LAUNCH_OP_MOUNT_ATTRIBUTES: return set_attributes(s, op);
    case LAUNCH_OP_MOUNT_PROPAGATION: return set_propagation(s, op);
    case LAUNCH_OP_DEVICE: return make_device(s, op);
    case LAUNCH_OP_SYMLINK: return make_symlink(s, op);
    case LAUNCH_OP_DIRECTORY: return make_directory(s, op);
    case LAUNCH_OP_PIVOT: return pivot(s, op);
    case LAUNCH_OP_SYSCTL: return write_sysctl(s, op);
    case LAUNCH_OP_MASK: return mask_path(s, op);
    case LAUNCH_OP_READONLY: return readonly_path(s, op);
    case LAUNCH_OP_RLIMIT: return set_rlimit(s, op);
    case LAUNCH_OP_OWN_STREAMS: return own_streams(s, op);
    case LAUNCH_OP_BOUNDING: return drop_bounding(s, op);
    case LAUNCH_OP_SECCOMP:
        leave_if_alone(s);
        s->is_filtered = 1;
        return load_seccomp(s, op);
    case LAUNCH_OP_LISTENER: return show_listener(s, op);
    case LAUNCH_OP_KEEP_CAPABILITIES: return keep_capabilities(s, op);
    case LAUNCH_OP_GROUPS: return set_groups(s, op);
    case LAUNCH_OP_GID: return set_gid(s, op);
    case LAUNCH_OP_UID: return set_uid(s, op);
    case LAUNCH_OP_CAPABILITIES: return set_capabilities(s, op);
    case LAUNCH_OP_AMBIENT: return raise_ambient(s, op);
    case LAUNCH_OP_NO_NEW_PRIVILEGES: return no_new_privileges(s, op);
    case LAUNCH_OP_UMASK: return set_umask(s, op);
    case LAUNCH_OP_RESET_SIGNALS: return reset_signals(s, op);
    case LAUNCH_OP_CHDIR: return change_directory(s, op);
    case LAUNCH_OP_EXEC: leave_if_alone(s); return execute(s, op);
    case LAUNCH_OP_TERMINAL: return open_terminal(s, op);
    case LAUNCH_OP_PRESERVE: return preserve_descriptors(s, op);
    case LAUNCH_OP_SCHEDULER: return set_scheduler(s, op);
    case LAUNCH_OP_IO_PRIORITY: return set_io_priority(s, op);
    case LAUNCH_OP_AFFINITY: return set_affinity(s, op);
    case LAUNCH_OP_PERSONALITY: return set_personality(s, op);
    case LAUNCH_OP_MEMORY_POLICY: return set_memory_policy(s, op);
    case LAUNCH_OP_INIT: return become_init(s, op);
    case LAUNCH_OP_LEAVE_MOUNTS: return leave_mounts(s, op);
    case LAUNCH_OP_CHANGE_ROOT: return change_root(s, op);
    case LAUNCH_KINDS: break;
    }
    return -ENOSYS;
}

static void fail(struct stage *s, const struct launch_operation *op, long error) {
    struct launch_result *r = s->result;
    r->step = op->step;
    r->call = s->call;
    r->subject = s->subject;
    r->error = (int32_t)-error;
    __atomic_store_n(&r->state, LAUNCH_FAILED, __ATOMIC_RELEASE);
    /* The runtime may now look through our root why; if the filter denies it, it goes without. */
    unsigned char byte = LAUNCH_FAILURE_BYTE;
    if (s->fifo != NONE) {
        await_byte(s, s->fifo);
        leave(127);
    }
    if (syscall6(SYS_write, s->header->control, (long)&byte, 1, 0, 0, 0) == 1)
        syscall6(SYS_read, s->header->control, (long)&byte, 1, 0, 0, 0);
    leave(127);
}

static unsigned long number(const char *digits) {
    unsigned long n = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++) n = n * 10 + (unsigned long)(*digits - '0');
    return n;
}

/* A container finds the stage behind /proc/self/exe, once: as what executes this path, or a script that names it as its
 * interpreter. It may: these bytes are sealed, and it can do with them what it can do anyhow. */
__attribute__((noreturn)) static void refuse(void) {
    static const char why[] =
        "perigee-stage: no launch plan; neither a command nor a script's interpreter can be /proc/self/exe\n";
    syscall6(SYS_write, 2, (long)why, sizeof why - 1, 0, 0, 0);
    leave(126);
}

/* Linux before 5.11 has no such flag of close_range(2). What is open lies below the highest limit that there is. */
static void close_on_exec_one_by_one(void) {
    struct rlimit64 limit = {0, 0};
    syscall6(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0);
    for (uint64_t fd = 3; fd < limit.hard && fd < 1 << 20; fd++)
        syscall6(SYS_fcntl, (long)fd, F_SETFD, FD_CLOEXEC, 0, 0, 0);
}

void stage_main(unsigned long *stack) {
    if (stack[0] != 3) refuse();
    int fd = (int)number((const char *)stack[2]);
    size_t size = number((const char *)stack[3]);
    struct stage s = {.root = NONE, .proc = NONE, .parent = NONE, .empty = NONE, .null = NONE, .fifo = NONE, .listener = NONE};
    CALL(&s, prctl, PR_SET_DUMPABLE, 0, 0, 0, 0); /* nobody with our uid may look into us or take our descriptors */
    long closing = CALL(&s, close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
    if (closing == -EINVAL || closing == -ENOSYS) close_on_exec_one_by_one();
    long address = CALL(&s, mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == -EBADF || address == -EINVAL || address == -EACCES || address == -ENODEV) refuse(); /* no arena */
    if (address < 0 && address > -4096) leave((int)-address); /* there is no page to report on */
    s.arena = (char *)address;
    s.header = (const struct launch_header *)s.arena;
    if (size < sizeof *s.header || s.header->magic != LAUNCH_MAGIC || s.header->size != size) refuse();
    s.result = (struct launch_result *)(s.arena + s.header->result);
    CALL(&s, umask, 0); /* nodes get the modes that the plan says */
    stamp(&s, 0);
    __atomic_store_n(&s.result->state, LAUNCH_RUNNING, __ATOMIC_RELEASE);
    const struct launch_operation *ops = (const struct launch_operation *)(s.arena + s.header->operations);
    for (uint32_t n = 0; n < s.header->operation_count; n++) {
        s.result->step = ops[n].step;
        s.subject = 0;
        long error = perform(&s, &ops[n]);
        if (error < 0) fail(&s, &ops[n], error);
        stamp(&s, ops[n].step);
    }
    leave(2);
}
