#pragma once
/* OpenSSL 3 marks the one-shot-context SHA calls deprecated; they are what a streaming digest
 * without provider set-up needs. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
