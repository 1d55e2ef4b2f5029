/* CLinux: what Swift's import of libc lacks. Every function returns what the call returns, or -errno; libc's
 * `errno` is read here, directly behind the call, and nowhere in Swift, where ARC traffic could come between.
 * It is C because Swift cannot import variadic calls (open, fcntl, ioctl, syscall), function-like macros
 * (makedev, WIFEXITED, S_ISREG), nor calls that the C library has no wrapper for. */
#pragma once
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* libc's sys/mount.h and the kernel's linux/mount.h define the same names; the kernel's is the newer one, so the two
 * old calls that we need are declared here as mount(2) and umount2(2) give them. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
#define CLINUX_MNT_DETACH 2

#define CLINUX(call) __extension__({ long r_ = (long)(call); r_ < 0 ? -(long)errno : r_; })

/* Files */
static inline long clinux_openat(int dir, const char *path, int flags, unsigned mode) {
    return CLINUX(openat(dir, path, flags | O_CLOEXEC | O_NOCTTY, mode));
}
static inline long clinux_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return CLINUX(syscall(SYS_openat2, dir, path, &how, sizeof how));
}
static inline long clinux_close(int fd) { return CLINUX(close(fd)); }
static inline long clinux_read(int fd, void *p, size_t n) { return CLINUX(read(fd, p, n)); }
static inline long clinux_pread(int fd, void *p, size_t n, int64_t at) { return CLINUX(pread(fd, p, n, at)); }
static inline long clinux_write(int fd, const void *p, size_t n) { return CLINUX(write(fd, p, n)); }
static inline long clinux_pwrite(int fd, const void *p, size_t n, int64_t at) { return CLINUX(pwrite(fd, p, n, at)); }
static inline long clinux_lseek(int fd, int64_t at, int whence) { return CLINUX(lseek(fd, at, whence)); }
static inline long clinux_ftruncate(int fd, int64_t size) { return CLINUX(ftruncate(fd, size)); }
static inline long clinux_fsync(int fd) { return CLINUX(fsync(fd)); }
static inline long clinux_syncfs(int fd) { return CLINUX(syncfs(fd)); }
static inline long clinux_fcntl(int fd, int command, long argument) { return CLINUX(fcntl(fd, command, argument)); }
static inline long clinux_flock(int fd, int operation) { return CLINUX(flock(fd, operation)); }
/* Not close-on-exec: for the standard streams, which a container inherits. */
static inline long clinux_dup2(int from, int to) { return CLINUX(dup3(from, to, 0)); }
static inline long clinux_pipe(int *two) { return CLINUX(pipe2(two, O_CLOEXEC)); }
/* Whether the signal is ignored, as nohup(1) and a shell's & leave some. */
static inline int clinux_is_ignored(int signal) {
    struct sigaction present;
    return !sigaction(signal, 0, &present) && present.sa_handler == SIG_IGN;
}
/* Children are ours to wait for, whatever the caller has made of SIGCHLD: ignored, the kernel would take them. */
static inline void clinux_keep_children(void) {
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &usual, 0);
}
/* send(2) of one byte. No SIGPIPE: who sends learns of a closed end by EPIPE. */
static inline long clinux_send_byte(int fd, unsigned char byte) { return CLINUX(send(fd, &byte, 1, MSG_NOSIGNAL)); }
static inline long clinux_send(int fd, const void *p, size_t n) { return CLINUX(send(fd, p, n, MSG_NOSIGNAL)); }
/* A send(2) that waits longer fails with EAGAIN. */
static inline void clinux_limit_sending(int fd, long seconds) {
    struct timeval limit = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}
static inline long clinux_socketpair(int type, int *two) {
    return CLINUX(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, two));
}
static inline long clinux_memfd_create(const char *name, unsigned flags) {
    return CLINUX(syscall(SYS_memfd_create, name, flags | 1u /* MFD_CLOEXEC */));
}
static inline long clinux_fstat(int fd, struct stat *s) { return CLINUX(fstatat(fd, "", s, AT_EMPTY_PATH)); }
static inline long clinux_fstatat(int dir, const char *path, struct stat *s, int flags) {
    return CLINUX(fstatat(dir, path, s, flags));
}
static inline long clinux_statfs(const char *path, struct statfs *s) { return CLINUX(statfs(path, s)); }
static inline long clinux_fstatfs(int fd, struct statfs *s) { return CLINUX(fstatfs(fd, s)); }
/* Both return who it was before, and never fail for root. */
static inline unsigned clinux_setfsuid(unsigned user) { return (unsigned)syscall(SYS_setfsuid, user); }
static inline unsigned clinux_setfsgid(unsigned group) { return (unsigned)syscall(SYS_setfsgid, group); }
static inline long clinux_mkdirat(int dir, const char *path, unsigned mode) { return CLINUX(mkdirat(dir, path, mode)); }
static inline long clinux_mknodat(int dir, const char *path, unsigned mode, uint64_t device) {
    return CLINUX(mknodat(dir, path, mode, device));
}
static inline long clinux_symlinkat(const char *target, int dir, const char *path) {
    return CLINUX(symlinkat(target, dir, path));
}
static inline long clinux_readlinkat(int dir, const char *path, char *p, size_t n) {
    return CLINUX(readlinkat(dir, path, p, n));
}
/* The call itself: how long the path is with its NUL; it may begin with "(unreachable)". */
static inline long clinux_getcwd(char *p, size_t n) { return CLINUX(syscall(SYS_getcwd, p, n)); }
static inline long clinux_linkat(int from, const char *path, int to, const char *name, int flags) {
    return CLINUX(linkat(from, path, to, name, flags));
}
static inline long clinux_unlinkat(int dir, const char *path, int flags) { return CLINUX(unlinkat(dir, path, flags)); }
static inline long clinux_renameat2(int from, const char *path, int to, const char *name, unsigned flags) {
    return CLINUX(syscall(SYS_renameat2, from, path, to, name, flags));
}
static inline long clinux_fchmod(int fd, unsigned mode) { return CLINUX(fchmod(fd, mode)); }
static inline long clinux_fchmodat(int dir, const char *path, unsigned mode) {
    return CLINUX(fchmodat(dir, path, mode, 0));
}
static inline long clinux_fchownat(int dir, const char *path, uint32_t uid, uint32_t gid, int flags) {
    return CLINUX(fchownat(dir, path, uid, gid, flags));
}
static inline long clinux_utimensat(int dir, const char *path, const struct timespec *two, int flags) {
    return CLINUX(syscall(SYS_utimensat, dir, path, two, flags));
}
static inline long clinux_fsetxattr(int fd, const char *name, const void *p, size_t n, int flags) {
    return CLINUX(fsetxattr(fd, name, p, n, flags));
}
static inline long clinux_fgetxattr(int fd, const char *name, void *p, size_t n) {
    return CLINUX(fgetxattr(fd, name, p, n));
}
static inline long clinux_flistxattr(int fd, char *p, size_t n) { return CLINUX(flistxattr(fd, p, n)); }
static inline long clinux_fchdir(int fd) { return CLINUX(fchdir(fd)); }
static inline long clinux_lsetxattr(const char *path, const char *name, const void *p, size_t n, int flags) {
    return CLINUX(lsetxattr(path, name, p, n, flags));
}
static inline long clinux_lgetxattr(const char *path, const char *name, void *p, size_t n) {
    return CLINUX(lgetxattr(path, name, p, n));
}
static inline long clinux_llistxattr(const char *path, char *p, size_t n) { return CLINUX(llistxattr(path, p, n)); }
static inline long clinux_getdents(int fd, void *p, size_t n) { return CLINUX(syscall(SYS_getdents64, fd, p, n)); }
static inline long clinux_access(const char *path, int mode) { return CLINUX(access(path, mode)); }
static inline uint64_t clinux_makedev(unsigned major_, unsigned minor_) { return makedev(major_, minor_); }
static inline unsigned clinux_major(uint64_t device) { return major(device); }
static inline unsigned clinux_minor(uint64_t device) { return minor(device); }
static inline long clinux_mmap_shared(int fd, size_t size, void **address) {
    void *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return -(long)errno;
    *address = p;
    return 0;
}
static inline long clinux_munmap(void *p, size_t size) { return CLINUX(munmap(p, size)); }
static inline long clinux_chdir(const char *path) { return CLINUX(chdir(path)); }

/* Processes */
static inline long clinux_pidfd_open(int pid) { return CLINUX(syscall(SYS_pidfd_open, pid, 0)); }
static inline long clinux_pidfd_send_signal(int pidfd, int signal_) {
    return CLINUX(syscall(SYS_pidfd_send_signal, pidfd, signal_, 0, 0));
}
/* Linux 5.6, newer than some headers. */
static inline long clinux_pidfd_getfd(int pidfd, int fd) { return CLINUX(syscall(438, pidfd, fd, 0)); }
static inline long clinux_kill(int pid, int signal_) { return CLINUX(kill(pid, signal_)); }
static inline long clinux_waitid_pidfd(int pidfd, siginfo_t *info, int options, struct rusage *usage) {
    return CLINUX(syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd, info, options, usage));
}
static inline int clinux_siginfo_status(const siginfo_t *info) { return info->si_status; }
static inline int clinux_siginfo_code(const siginfo_t *info) { return info->si_code; }
static inline int clinux_siginfo_pid(const siginfo_t *info) { return info->si_pid; }
static inline long clinux_poll(struct pollfd *p, unsigned long n, int timeout_ms) { return CLINUX(poll(p, n, timeout_ms)); }
static inline long clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return CLINUX(prctl(option, a, b, c, d));
}
static inline long clinux_capget_permitted(uint32_t *low, uint32_t *high) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2];
    long r = CLINUX(syscall(SYS_capget, &header, data));
    if (r >= 0) { *low = data[0].permitted; *high = data[1].permitted; }
    return r;
}
static inline long clinux_sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    return CLINUX(sigprocmask(how, set, old));
}
static inline long clinux_signalfd(const sigset_t *set) { return CLINUX(signalfd(-1, set, SFD_CLOEXEC)); }
static inline long clinux_timerfd_create(int clock) { return CLINUX(timerfd_create(clock, TFD_CLOEXEC)); }
static inline long clinux_timerfd_settime(int fd, int flags, int64_t seconds, int64_t nanoseconds) {
    struct itimerspec when = {.it_value = {.tv_sec = seconds, .tv_nsec = nanoseconds}};
    return CLINUX(timerfd_settime(fd, flags, &when, 0));
}
static inline long clinux_loop_free(int control) { return CLINUX(ioctl(control, LOOP_CTL_GET_FREE)); }
/* LOOP_CONFIGURE; the device is free again when nobody has it open. */
static inline long clinux_loop_configure(int device, int file) {
    struct loop_config how = {.fd = (uint32_t)file, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    return CLINUX(ioctl(device, LOOP_CONFIGURE, &how));
}
static inline long clinux_chroot(const char *path) { return CLINUX(chroot(path)); }
static inline long clinux_setns(int fd, int type) { return CLINUX(setns(fd, type)); }
static inline long clinux_unshare(int flags) { return CLINUX(unshare(flags)); }
static inline long clinux_getrlimit(int resource, struct rlimit *r) { return CLINUX(getrlimit(resource, r)); }

static inline long clinux_sched_setaffinity(int pid, size_t bytes, const void *set) {
    return CLINUX(syscall(SYS_sched_setaffinity, pid, bytes, set));
}

/* Mounts: fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2) */
static inline long clinux_fsopen(const char *type) { return CLINUX(syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */)); }
static inline long clinux_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux) {
    return CLINUX(syscall(SYS_fsconfig, fd, command, key, value, aux));
}
static inline long clinux_fsmount(int fd, unsigned attributes) {
    return CLINUX(syscall(SYS_fsmount, fd, 1 /* FSMOUNT_CLOEXEC */, attributes));
}
static inline long clinux_open_tree(int dir, const char *path, unsigned flags) {
    return CLINUX(syscall(SYS_open_tree, dir, path, flags | O_CLOEXEC));
}
static inline long clinux_move_mount(int from, const char *path, int to, const char *name, unsigned flags) {
    return CLINUX(syscall(SYS_move_mount, from, path, to, name, flags));
}
static inline long clinux_mount_setattr(int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear,
                                        uint64_t propagation, int userns) {
    struct mount_attr a = {.attr_set = set, .attr_clr = clear, .propagation = propagation, .userns_fd = (uint64_t)userns};
    return CLINUX(syscall(SYS_mount_setattr, fd, path, flags, &a, sizeof a));
}
static inline long clinux_mount(const char *source, const char *target, const char *type, unsigned long flags,
                                const char *data) {
    return CLINUX(mount(source, target, type, flags, data));
}
static inline long clinux_umount2(const char *target, int flags) { return CLINUX(umount2(target, flags)); }

/* eBPF, for cgroup v2 device rules: bpf(2) */
static inline long clinux_bpf(int command, void *attributes, unsigned size) {
    return CLINUX(syscall(SYS_bpf, command, attributes, size));
}
/* Loads a cgroup device filter; `instructions` holds `count` of them, eight bytes each. */
static inline long clinux_bpf_load_device_filter(const uint64_t *instructions, unsigned count) {
    union bpf_attr a = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = count,
                        .insns = (uint64_t)(uintptr_t)instructions, .license = (uint64_t)(uintptr_t)"Apache-2.0"};
    return clinux_bpf(BPF_PROG_LOAD, &a, sizeof a);
}
/* BPF_F_ALLOW_MULTI: filters of the groups above stay in force, and those below may add theirs. */
static inline long clinux_bpf_attach_device_filter(int program, int group) {
    union bpf_attr a = {.target_fd = (uint32_t)group, .attach_bpf_fd = (uint32_t)program,
                        .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
    return clinux_bpf(BPF_PROG_ATTACH, &a, sizeof a);
}

/* From a pipe to a place in a file, as much as there is now. */
static inline long clinux_splice_to_file(int pipe, int file, int64_t offset, size_t count) {
    return CLINUX(splice(pipe, NULL, file, &offset, count, SPLICE_F_NONBLOCK));
}
static inline long clinux_inotify_init(void) { return CLINUX(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }
static inline long clinux_inotify_add_watch(int fd, const char *path, uint32_t events) {
    return CLINUX(inotify_add_watch(fd, path, events));
}

/* Pages of the heap in which nothing is kept go back to the kernel: malloc_trim(3). */
static inline void clinux_trim_heap(void) { malloc_trim(0); }

/* Waits `nanoseconds`, or less where a signal came: nanosleep(2). */
static inline long clinux_nanosleep(int64_t nanoseconds) {
    struct timespec t = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return CLINUX(nanosleep(&t, 0));
}
