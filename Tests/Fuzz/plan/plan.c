/* Fuzzes launch_validate and the stage's interpreter. Whatever the bytes, the validator reads nothing outside the arena;
 * a plan that it accepts is carried out by the stage, with a kernel that is made up below: every result comes from the
 * input, every pointer handed to it must be readable as far as the kernel would read, descriptors are closed once and
 * by their owner, and the stage comes to an end.
 *
 * An input is one byte and a plan. 0: the plan as it is, its header's size telling where the kernel's results begin.
 * Else: number of operations, of descriptors, of steps, flags, two bytes with the pool's size, the pool, the operations;
 * the header is made here. What is left over are the kernel's results. */
#include "kernel.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stage_main(unsigned long *stack) __attribute__((noreturn));
int posix_memalign(void **at, size_t alignment, size_t size); /* POSIX's <stdlib.h> has structures of kernel.h */

enum { FIRST_DESCRIPTOR = 200, DESCRIPTORS = 4096 };

static const unsigned char *script, *script_end; /* the kernel's results */
static char *arena;
static size_t arena_size;
static unsigned long calls, most_calls;
/* The number of a child that is not ours to be, and whether it has been waited for. */
enum { CHILD = 7 };
static int reaped;
static unsigned char is_open[DESCRIPTORS];
static int opened;
static jmp_buf left;

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "the stage broke a rule: %s\n", what);
    abort();
}

/* The sanitizer looks at each byte that is read. */
static void readable(const void *at, size_t bytes) {
    volatile unsigned char sink = 0;
    for (size_t i = 0; i < bytes; i++) sink ^= ((const unsigned char *)at)[i];
}

static void is_text(const void *at) {
    if (at) readable(at, strlen(at) + 1);
}

static void are_texts(char *const *list) {
    for (; *list; list++) is_text(*list);
}

static unsigned next_byte(void) { return script < script_end ? *script++ : 0; }

static void fill(void *at, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) ((unsigned char *)at)[i] = (unsigned char)next_byte();
}

/* 0 succeeds, 1 to 127 are errors; without bytes left everything succeeds, so that a loop that waits for it ends. */
static long outcome(long success) {
    unsigned byte = next_byte();
    if (byte == 0 || byte >= 128) return success;
    return -(long)byte;
}

static long new_descriptor(void) {
    long r = outcome(0);
    if (r < 0) return r;
    if (opened == DESCRIPTORS) return -24;
    is_open[opened] = 1;
    return FIRST_DESCRIPTOR + opened++;
}

static void is_descriptor(long fd) {
    if (fd == AT_FDCWD) return;
    require(fd < FIRST_DESCRIPTOR || (fd < FIRST_DESCRIPTOR + opened && is_open[fd - FIRST_DESCRIPTOR]),
            "a descriptor is used after it was closed");
}

static long close_one(long fd) {
    if (fd == ((const struct launch_header *)arena)->control) return 0; /* a parked child lets its maker go */
    require(fd >= FIRST_DESCRIPTOR && fd < FIRST_DESCRIPTOR + opened, "a descriptor is closed that is another's");
    require(is_open[fd - FIRST_DESCRIPTOR], "a descriptor is closed twice");
    is_open[fd - FIRST_DESCRIPTOR] = 0;
    return 0;
}

static long made_up_status(struct stat *st) {
    long r = outcome(0);
    if (r < 0) return r;
    memset(st, 0, sizeof *st);
    fill(&st->mode, sizeof st->mode);
    unsigned device = next_byte();
    st->rdev = device & 1 ? 0x103 : device & 2 ? 0x502 : next_byte();
    st->uid = next_byte();
    st->links = st->uid & 3;
    st->room[STAT_SIZE] = st->uid;
    return 0;
}

static void is_message(const struct msghdr *m) {
    readable(m, sizeof *m);
    for (size_t i = 0; i < m->part_count; i++) readable(m->parts[i].base, m->parts[i].length);
    readable(m->control, m->control_length);
    is_descriptor(*(const int *)((const struct cmsghdr *)m->control + 1));
}

static long working_directory(char *at, size_t bytes) {
    long r = outcome(0);
    if (r < 0) return r;
    fill(at, bytes < 16 ? bytes : 16);
    return 16;
}

/* One entry, or the end of a directory, which it also is without bytes left. */
static long made_up_entry(char *at) {
    if (script == script_end || next_byte() & 1) return outcome(0);
    static const struct { uint64_t inode, next; uint16_t length; uint8_t type; char name[5]; } entry = {1, 1, 24, 0, "x"};
    memcpy(at, &entry, 24);
    return 24;
}

static long made_up_text(char *at, size_t bytes) {
    long r = outcome(2);
    if (r < 0 || bytes < 2) return r < 0 ? r : 0;
    memcpy(at, "n", 2);
    return 2;
}

long syscall6(long n, long a, long b, long c, long d, long e, long f) {
    (void)f;
    require(++calls < most_calls, "it does not come to an end");
    switch (n) {
    case SYS_mmap: return (long)arena;
    case SYS_exit_group: longjmp(left, 1);
    case SYS_read: {
        is_descriptor(a);
        if (script == script_end) return 0; /* the runtime has gone */
        long r = outcome(1);
        if (r > 0) fill((void *)b, (size_t)c);
        return r;
    }
    case SYS_write: is_descriptor(a); readable((void *)b, (size_t)c); return outcome(c);
    case SYS_close: return close_one(a);
    case SYS_clock_gettime: fill((void *)b, sizeof(struct timespec)); return 0;
    case SYS_rt_sigaction: readable((void *)b, sizeof(struct kernel_sigaction)); return outcome(0);
    case SYS_rt_sigprocmask: readable((void *)b, 8); return outcome(0);
    case SYS_ioctl:
        is_descriptor(a);
        if (b == TIOCGPTPEER) return new_descriptor();
        if (b == FIONREAD) {
            readable((void *)c, sizeof(int));
            *(int *)c = script == script_end ? 0 : next_byte();
            return outcome(0);
        }
        if (b == TIOCSPGRP) {
            readable((void *)c, sizeof(int));
            return outcome(0);
        }
        if (b != TIOCSCTTY)
            readable((void *)c, b == TIOCSPTLCK ? sizeof(int) : b == TIOCSWINSZ ? sizeof(struct winsize) : sizeof(struct ifreq));
        return outcome(0);
    case SYS_dup3: is_descriptor(a); return outcome(b);
    case SYS_sendmsg: is_descriptor(a), is_message((void *)b); return outcome(9);
    case SYS_fstatfs: {
        is_descriptor(a);
        long r = outcome(0);
        if (r == 0) ((struct statfs *)b)->type = next_byte() & 1 ? 0 : DEVPTS_SUPER_MAGIC;
        return r;
    }
    case SYS_socket: return new_descriptor();
    case SYS_execve: {
        is_text((void *)a), are_texts((char **)b), are_texts((char **)c);
        long r = outcome(-ENOENT); /* success does not come back */
        if (next_byte() == 255) longjmp(left, 1);
        return r;
    }
    case SYS_chdir:
    case SYS_chroot: is_text((void *)a); return outcome(0);
    case SYS_fchdir: is_descriptor(a); return outcome(0);
    case SYS_setgroups: readable((void *)b, (size_t)(uint32_t)a * 4); return outcome(0);
    case SYS_capset:
        readable((void *)a, sizeof(struct capability_header)), readable((void *)b, 2 * sizeof(struct capability_data));
        return outcome(0);
    case SYS_pivot_root: is_text((void *)a), is_text((void *)b); return outcome(0);
    case SYS_mount: is_text((void *)a), is_text((void *)b), is_text((void *)c); return outcome(0);
    case SYS_umount2: is_text((void *)a); return outcome(0);
    case SYS_sethostname:
    case SYS_setdomainname: readable((void *)a, (size_t)b); return outcome(0);
    case SYS_keyctl: is_text((void *)b); return outcome(0);
    case SYS_openat: is_descriptor(a), is_text((void *)b); return new_descriptor();
    case SYS_openat2: is_descriptor(a), is_text((void *)b), readable((void *)c, (size_t)d); return new_descriptor();
    case SYS_mkdirat:
    case SYS_mknodat:
    case SYS_fchownat: is_descriptor(a), is_text((void *)b); return outcome(0);
    case SYS_newfstatat: is_descriptor(a), is_text((void *)b); return made_up_status((void *)c);
    case SYS_symlinkat: is_text((void *)a), is_descriptor(b), is_text((void *)c); return outcome(0);
    case SYS_prlimit64:
        if (c) readable((void *)c, sizeof(struct rlimit64));
        return outcome(0);
    case SYS_setns: is_descriptor(a); return outcome(0);
    case SYS_seccomp: {
        const struct sock_fprog *program = (const void *)c;
        readable(program, sizeof *program), readable(program->filter, (size_t)program->count * 8);
        return outcome(0);
    }
    case SYS_open_tree: is_descriptor(a), is_text((void *)b); return new_descriptor();
    case SYS_move_mount: is_descriptor(a), is_text((void *)b), is_descriptor(c), is_text((void *)d); return outcome(0);
    case SYS_fsopen: is_text((void *)a); return new_descriptor();
    case SYS_fsconfig: is_descriptor(a), is_text((void *)c), is_text((void *)d); return outcome(0);
    case SYS_fsmount: is_descriptor(a); return new_descriptor();
    case SYS_mount_setattr: is_descriptor(a), is_text((void *)b), readable((void *)d, (size_t)e); return outcome(0);
    case SYS_sched_setattr: readable((void *)b, 8); return outcome(0);
    case SYS_sched_setaffinity: readable((void *)c, (size_t)b); return outcome(0);
    case SYS_set_mempolicy: readable((void *)b, (size_t)(c - 1) / 8); return outcome(0);
    case SYS_fchmod: is_descriptor(a); return outcome(0);
    case SYS_getdents64: is_descriptor(a); return made_up_entry((char *)b);
    case SYS_flistxattr: is_descriptor(a); return made_up_text((char *)b, (size_t)c);
    case SYS_fgetxattr: is_descriptor(a), is_text((void *)b); return made_up_text((char *)c, (size_t)d);
    case SYS_fsetxattr: is_descriptor(a), is_text((void *)b), readable((void *)c, (size_t)d); return outcome(0);
    case SYS_readlinkat: is_descriptor(a), is_text((void *)b); return made_up_text((char *)c, (size_t)d);
    case SYS_linkat: is_descriptor(a), is_text((void *)b), is_descriptor(c), is_text((void *)d); return outcome(0);
    case SYS_utimensat: is_descriptor(a), is_text((void *)b), readable((void *)c, 2 * sizeof(struct timespec)); return outcome(0);
    case SYS_ftruncate: is_descriptor(a); return outcome(0);
    case SYS_lseek: is_descriptor(a); return outcome(c == SEEK_HOLE ? b + 1 : b);
    case SYS_sendfile: is_descriptor(a), is_descriptor(b); return outcome(d);
    case SYS_clone: return next_byte() & 1 ? CHILD : outcome(0);
    case SYS_rt_sigtimedwait:
        readable((void *)a, 8);
        if (c) readable((void *)c, sizeof(struct timespec));
        return script == script_end ? SIGCHLD : outcome(next_byte() % 65);
    case SYS_wait4:
        readable((void *)b, sizeof(int));
        fill((void *)b, sizeof(int));
        reaped = !reaped && (script == script_end || next_byte() & 1);
        return reaped ? CHILD : outcome(0);
    /* What is killed is gone at last. */
    case SYS_kill: return script == script_end ? -ESRCH : outcome(0);
    case SYS_getcwd: return working_directory((char *)a, (size_t)b);
    default: return outcome(0); /* calls that take numbers alone */
    }
}

/* Page-aligned as a mapping, and of the exact size, so that the sanitizer sees a byte too many. */
static int allocate(size_t size) {
    void *at;
    if (posix_memalign(&at, LAUNCH_PAGE, size ? size : 1)) return 0;
    memset(at, 0, size);
    arena = at;
    arena_size = size;
    return 1;
}

static int take_whole(const unsigned char *data, size_t size) {
    uint32_t length = 0;
    if (size >= sizeof(struct launch_header)) memcpy(&length, data + 4, 4);
    size_t bytes = length && length < size ? length : size;
    if (!allocate(bytes)) return 0;
    memcpy(arena, data, bytes);
    script = data + bytes, script_end = data + size;
    return 1;
}

static int take_parts(const unsigned char *data, size_t size) {
    if (size < 6) return 0;
    uint32_t operations = data[0], descriptors = data[1] % LAUNCH_DESCRIPTORS, steps = data[2], flags = data[3];
    size_t pool = (data[4] | (size_t)data[5] << 8) & ~7u, listed = operations * sizeof(struct launch_operation);
    data += 6, size -= 6;
    if (pool + listed > size) return 0;
    size_t at = sizeof(struct launch_header) + pool;
    size_t result = (at + listed + LAUNCH_PAGE - 1) / LAUNCH_PAGE * LAUNCH_PAGE;
    if (!allocate(result + sizeof(struct launch_result) + (steps + 1) * sizeof(struct launch_time))) return 0;
    struct launch_header *h = (void *)arena;
    *h = (struct launch_header){LAUNCH_MAGIC, (uint32_t)arena_size, (uint32_t)at, operations, (uint32_t)result, steps,
                                flags, 3, descriptors, 0, {0}};
    for (uint32_t i = 0; i < descriptors; i++) h->descriptors[i] = (int32_t)(4 + i);
    memcpy(arena + sizeof *h, data, pool + listed);
    script = data + pool + listed, script_end = data + size;
    return 1;
}

static void run_stage(void) {
    const struct launch_header *h = (const void *)arena;
    char fd[] = "3", size[24];
    snprintf(size, sizeof size, "%zu", arena_size);
    unsigned long stack[] = {3, (unsigned long)"perigee-stage", (unsigned long)fd, (unsigned long)size, 0};
    calls = 0, opened = 0, reaped = 0;
    /* An operation makes some 70 calls, or three for each part of a path, or one for each result of the script. */
    most_calls = 1000 + 100ul * h->operation_count + 4ul * arena_size * (h->operation_count + 1)
        + (unsigned long)(script_end - script);
    if (!setjmp(left)) stage_main(stack);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (!size || !(*data ? take_parts : take_whole)(data + 1, size - 1)) return 0;
    uint32_t at;
    if (!launch_validate(arena, arena_size, &at)) run_stage();
    free(arena);
    return 0;
}
