/* What a network's maker sends on its socket, with the namespace's descriptor (SCM_RIGHTS) if there is no error. */
#pragma once
#include <stdint.h>

struct launch_network {
    int32_t error; /* -errno, or 0 */
    uint32_t call; /* the system call that failed */
};
