#pragma once
/* As in CLinux: libc's types look different without it, and Swift refuses two forms of one type. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
/* OpenSSL 3 marks the one-shot-context SHA calls deprecated; they are what a streaming digest
 * without provider set-up needs. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

/* In the executable, and not in tests: CStart. */
extern void perigee_find_instructions(void) __attribute__((weak));

/* Has libcrypto use the processor's own instructions, where CStart keeps it from finding them before main. To be called
 * before much is hashed; any number of times. */
static inline void crypto_find_instructions(void) {
    if (perigee_find_instructions) perigee_find_instructions();
}
