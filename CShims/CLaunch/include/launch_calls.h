/* The system calls that the stage makes: name, number on x86-64, number on arm64 (the generic table). The stage takes
 * its numbers from here, the runtime the names for its errors. */
#pragma once
#define LAUNCH_CALLS(X)                                                                                             \
    X(read, 0, 63) X(write, 1, 64) X(close, 3, 57) X(mmap, 9, 222) X(rt_sigaction, 13, 134)                         \
    X(rt_sigprocmask, 14, 135) X(ioctl, 16, 29) X(socket, 41, 198) X(recvmsg, 47, 212) X(execve, 59, 221) X(fcntl, 72, 25)              \
    X(chdir, 80, 49) X(fchdir, 81, 50) X(umask, 95, 166) X(setsid, 112, 157) X(setgroups, 116, 159)                 \
    X(setresuid, 117, 147) X(setresgid, 119, 149) X(capset, 126, 91) X(pivot_root, 155, 41) X(prctl, 157, 167)      \
    X(mount, 165, 40) X(umount2, 166, 39) X(sethostname, 170, 161) X(setdomainname, 171, 162)                       \
    X(clock_gettime, 228, 113) X(exit_group, 231, 94) X(keyctl, 250, 219) X(openat, 257, 56) X(mkdirat, 258, 34)    \
    X(mknodat, 259, 33) X(fchownat, 260, 54) X(newfstatat, 262, 79) X(symlinkat, 266, 36) X(fchmodat, 268, 53)      \
    X(unshare, 272, 97) X(prlimit64, 302, 261) X(setns, 308, 268) X(seccomp, 317, 277) X(open_tree, 428, 428)       \
    X(move_mount, 429, 429) X(fsopen, 430, 430) X(fsconfig, 431, 431) X(fsmount, 432, 432)                          \
    X(close_range, 436, 436) X(openat2, 437, 437) X(mount_setattr, 442, 442) X(getcwd, 79, 17) \
    X(recvfrom, 45, 207) X(sendmsg, 46, 211) X(fstatfs, 138, 44) X(dup3, 292, 24) \
    X(lseek, 8, 62) X(sendfile, 40, 71) X(ftruncate, 77, 46) X(fchmod, 91, 52) X(fsetxattr, 190, 7)                 \
    X(fgetxattr, 193, 10) X(flistxattr, 196, 13) X(getdents64, 217, 61) X(linkat, 265, 37) X(readlinkat, 267, 78)   \
    X(utimensat, 280, 88) X(personality, 135, 92) X(sched_setaffinity, 203, 122) X(set_mempolicy, 238, 237)         \
    X(ioprio_set, 251, 30) X(sched_setattr, 314, 274)                               \
    X(clone, 56, 220) X(wait4, 61, 260) X(waitid, 247, 95) X(kill, 62, 129) X(setpgid, 109, 154) X(rt_sigtimedwait, 128, 137) X(getpid, 39, 172) \
    X(chroot, 161, 51)
