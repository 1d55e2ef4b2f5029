/* See clinux_copy.h. */
#include "clinux.h"
#include "clinux_copy.h"
#include "signals.h"
#include <sys/auxv.h>

extern char **environ;

/* The arguments, and behind them the environment and the executable's name, are where the kernel put them; it shows what
 * is there now. Of what no longer ends where the arguments ended it shows all up to the first NUL (get_mm_cmdline in
 * fs/proc/base.c). prctl(2)'s PR_SET_MM would need CAP_SYS_RESOURCE. */
static void go_by(const char *words, size_t length) {
    char *begin = program_invocation_name, *end = (char *)getauxval(AT_EXECFN);
    char *arguments_end = environ && *environ ? *environ : end;
    if (!begin || !end || begin >= arguments_end || arguments_end > end) return;
    size_t room = (size_t)(end - begin);
    if (length >= room) return;
    int fits = length <= (size_t)(arguments_end - begin);
    for (size_t i = 0; i < length; i++) begin[i] = words[i] || fits || i == length - 1 ? words[i] : ' ';
    memset(begin + length, 0, room - length);
}

long clinux_fork_apart(const char *words, size_t length) {
    long pid = CLINUX(fork());
    if (pid) return pid;
    setsid();
    usual_signals();
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) _exit(127);
    closefrom(3);
    go_by(words, length);
    environ = NULL;
    return 0;
}
