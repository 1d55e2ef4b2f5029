/* A program of the host's or a container's choice, beside us. It is C because between clone and exec the child must run
 * no Swift. */
#pragma once
#include <stdint.h>

/* What is executed, and where. */
struct clinux_program {
    const char *path;
    char *const *arguments, *const *environment; /* ended by NULL */
    int input, output, errors;                   /* its streams 0, 1 and 2 */
    int control, others;                         /* its end of a socket pair; ours, which it closes */
    const int *namespaces;                       /* it joins them, in this order, a user namespace first */
    unsigned namespace_count;
    int has_user;         /* the first of them is a user namespace: it becomes root there */
    int root, place;      /* directories inside them, its root and working directory; -1: ours */
    const char *directory; /* its working directory; NULL: `place` */
};

/* What the child says on the control socket when it could not execute the program. */
struct clinux_program_failure {
    int32_t code; /* of errno */
    int32_t step; /* CLINUX_PROGRAM_* */
};
enum {
    CLINUX_PROGRAM_STREAMS, CLINUX_PROGRAM_JOIN, CLINUX_PROGRAM_IDENTITY, CLINUX_PROGRAM_ROOT,
    CLINUX_PROGRAM_DIRECTORY, CLINUX_PROGRAM_EXECUTE
};

/* Starts it. The child waits for a byte on the control socket, and goes away if there is an end instead. Then it
 * becomes the leader of a session of its own, with all signals at their defaults and none blocked, the mask 022 and no
 * other descriptor, and executes the program, when the socket closes. It is killed when the thread that has started it
 * ends; its own children are not. Returns its number and puts its pidfd into `pidfd`, or returns -errno. */
long clinux_start_program(const struct clinux_program *how, int *pidfd);

/* Kills the process group `leader`, while nobody has waited for its leader. */
long clinux_kill_group(int leader);
