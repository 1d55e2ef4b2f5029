/* A helper process that reads one descriptor and writes another, and can do nothing else. It is C because between
 * clone and exec the child must run no Swift. */
#pragma once

/* Starts `program` with `arguments`, standard input `in`, standard output `out`, no environment, and no other descriptor
 * but /dev/null as standard error. It is the user nobody without capabilities, can gain no privilege, and may make no
 * system call beyond what a filter and the dynamic loader need: it can open files for reading alone, it can't start
 * processes or reach the network. It dies with the thread that has started it. Returns its number and puts its pidfd into
 * `pidfd`, or -errno. A program that can't be executed ends with status 127. */
long clinux_start_filter(const char *program, char *const *arguments, int in, int out, int *pidfd);
