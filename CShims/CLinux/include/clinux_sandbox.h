/* Calls about a pod's own namespaces, and connections that are begun and not waited for. Every function returns what the call
 * returns, or -errno. */
#pragma once
#include "clinux.h"

/* The name of the host, as uname(2) tells it in this process's UTS namespace. */
long clinux_sethostname(const char *name, size_t n);

/* A stream socket that does not block, and whose connection to an address of 4 bytes, or of 16, has begun. */
long clinux_begin_connection(const void *address, size_t n, uint16_t port);

/* The error of a socket that is pending, SO_ERROR; 0: none. */
long clinux_socket_error(int fd);
