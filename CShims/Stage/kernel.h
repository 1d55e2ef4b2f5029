/* The kernel's interface as the stage uses it: numbers, structures, and the system calls themselves. Nothing of libc
 * and none of the host's headers, so that the stage compiles for every architecture on any of them. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "launch.h"
#include "launch_calls.h"

enum {
#if defined(__x86_64__)
#define NUMBER(name, x86, arm) SYS_##name = x86,
#elif defined(__aarch64__)
#define NUMBER(name, x86, arm) SYS_##name = arm,
#else
#error "perigee-stage knows x86-64 and arm64"
#endif
    LAUNCH_CALLS(NUMBER)
#undef NUMBER
};

#if defined(PERIGEE_FUZZ)
/* The fuzzer's: it looks at the arguments and makes up the result. */
long syscall6(long n, long a, long b, long c, long d, long e, long f);
#else
#include "clinux_syscall.h"
#endif

/* Makes a call and remembers in the stage which one it was, for the error. */
#define CALL(s, name, ...) CALL_(s, name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(s, name, a, b, c, d, e, f, ...) \
    ((s)->call = SYS_##name, syscall6(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))

enum { EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, ENXIO = 6, E2BIG = 7, ENOEXEC = 8, EBADF = 9, ECHILD = 10,
       EAGAIN = 11, EACCES = 13, EBUSY = 16, EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20, EINVAL = 22, EPIPE = 32, ENAMETOOLONG = 36,
       ENOSYS = 38, ELOOP = 40, ENODATA = 61, EOPNOTSUPP = 95 };
enum { O_WRONLY = 1, O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400, O_NONBLOCK = 04000,
       O_CLOEXEC = 02000000, O_PATH = 010000000,
#if defined(__x86_64__)
       O_NOFOLLOW = 0400000, O_DIRECTORY = 0200000,
#else
       O_NOFOLLOW = 0100000, O_DIRECTORY = 040000,
#endif
};
enum { F_SETFD = 2, FD_CLOEXEC = 1, RLIMIT_NOFILE = 7 };
enum { AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000 };
enum { RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8, RESOLVE_IN_ROOT = 16 };
enum { S_IFMT = 0170000, S_IFDIR = 0040000, S_IFCHR = 0020000, S_IFIFO = 0010000, S_IFREG = 0100000, S_IFLNK = 0120000 };
enum { SEEK_SET = 0, SEEK_DATA = 3, SEEK_HOLE = 4 };
enum { MS_RDONLY = 1, MS_REMOUNT = 32, MS_BIND = 4096, MS_REC = 16384, MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19, MNT_DETACH = 2 };
enum { OPEN_TREE_CLONE = 1, MOVE_MOUNT_F_EMPTY_PATH = 4, MOVE_MOUNT_T_SYMLINKS = 0x10, MOVE_MOUNT_T_EMPTY_PATH = 0x40 };
enum { FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_CMD_CREATE = 6 };
enum { MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4, MOUNT_ATTR_NOEXEC = 8 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2 };
enum { PR_SET_DUMPABLE = 4, PR_SET_CHILD_SUBREAPER = 36, PR_SET_KEEPCAPS = 8, PR_CAPBSET_DROP = 24, PR_SET_NO_NEW_PRIVS = 38, PR_CAP_AMBIENT = 47,
       PR_CAP_AMBIENT_RAISE = 2, PR_CAP_AMBIENT_CLEAR_ALL = 4 };
enum { SIGKILL = 9, SIGCHLD = 17, SIGCONT = 18, SIGTTIN = 21, SIGTTOU = 22, WNOHANG = 1, WEXITED = 4,
       WNOWAIT = 0x1000000, P_PID = 1, TIOCSPGRP = 0x5410, FIONREAD = 0x541b };
enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_BOOTTIME = 7, SIG_SETMASK = 2, CLOSE_RANGE_CLOEXEC = 4 };
enum { KEYCTL_JOIN_SESSION_KEYRING = 1, SECCOMP_SET_MODE_FILTER = 1, SECCOMP_FILTER_FLAG_NEW_LISTENER = 8, AF_INET = 2, SOCK_DGRAM = 2, MSG_PEEK = 2,
       MSG_DONTWAIT = 0x40, SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_CMSG_CLOEXEC = 0x40000000, CLONE_NEWNET = 0x40000000,
       CLONE_NEWNS = 0x20000,
       SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914, IFF_UP = 1, SOCK_CLOEXEC = 02000000 };
enum { TIOCSCTTY = 0x540e, TIOCSWINSZ = 0x5414, TIOCSPTLCK = 0x40045431, TIOCGPTPEER = 0x5441, MSG_NOSIGNAL = 0x4000,
       DEVPTS_SUPER_MAGIC = 0x1cd1 };

struct open_how { uint64_t flags, mode, resolve; };
struct mount_attr { uint64_t set, clear, propagation, userns; };
struct timespec { int64_t seconds, nanoseconds; };
struct rlimit64 { uint64_t soft, hard; };
struct sock_fprog { uint16_t count; const void *filter; };
struct ifreq { char name[16]; union { int16_t flags; char room[24]; }; };
struct capability_header { uint32_t version; int pid; };
struct capability_data { uint32_t effective, permitted, inheritable; };
struct iovec { void *base; size_t length; };
struct msghdr { void *name; int name_length; struct iovec *parts; size_t part_count; void *control; size_t control_length; unsigned flags; };
struct winsize { uint16_t rows, columns, width, height; };
struct statfs { uint64_t type; uint64_t room[14]; };
struct cmsghdr { size_t length; int level, type; };
struct kernel_sigaction { uint64_t handler, flags, restorer, mask; };
#if defined(__x86_64__)
struct stat { uint64_t device, inode, links; uint32_t mode, uid, gid, pad; uint64_t rdev; int64_t room[13]; };
enum { STAT_SIZE = 0, STAT_ATIME = 3, STAT_MTIME = 5 }; /* in `room`; a time's nanoseconds follow it */
#else
struct stat { uint64_t device, inode; uint32_t mode, links, uid, gid; uint64_t rdev; int64_t room[13]; };
enum { STAT_SIZE = 1, STAT_ATIME = 4, STAT_MTIME = 6 };
#endif
