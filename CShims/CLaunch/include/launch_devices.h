/* Interfaces of the host that become a container's: rtnetlink(7). */
#pragma once

struct launch_device {
    int space;             /* the container's network namespace */
    const char *host_name; /* in our own */
    const char *name;      /* in the container's; a %d in it becomes the first number that is free */
};

/* Moves the interface with its permanent global addresses, and brings it up. Returns 0, or -errno, and stores what was
 * being done in words; then it is where it was, as far as the kernel lets it come back. */
long launch_move_device(const struct launch_device *device, const char **doing);
