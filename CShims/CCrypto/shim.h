#pragma once
/* As in CLinux: libc's types look different without it, and Swift refuses two forms of one type. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
/* OpenSSL 3 marks the one-shot-context SHA calls deprecated; they are what a streaming digest
 * without provider set-up needs. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
