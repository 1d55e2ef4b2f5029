/* Signals as a process has them that nobody has told anything. */
#pragma once
#include "clinux.h"

static inline void usual_signals(void) {
    /* The kernel's structure: handler, flags, restorer, mask. libc's call refuses two of the numbers. */
    const uint64_t standard[4] = {0, 0, 0, 0};
    for (int n = 1; n <= 64; n++) syscall(SYS_rt_sigaction, n, standard, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
