/* What runs before main, and a launch does not need, is left out here. In release builds alone: tests are linked with these
 * targets too, and use CommandLine.
 *
 * First, of the Swift runtime: it reads /proc/self/maps to find the arguments for `CommandLine`, and looks through eight
 * directories for a program that prints backtraces. Both come with objects of the static library that are linked because
 * of the names below; defined here, the names are found, and the objects stay out. Weak: should a newer library need more of such an object, its own definitions come in and win. */
#include <stdint.h>

#ifdef PERIGEE_LEAN_START
#define REPLACES __attribute__((weak, visibility("hidden")))

/* Our main has the arguments; nothing here asks CommandLine. */
REPLACES char **_swift_stdlib_getUnsafeArgvArgc(int *count) {
    static char *none[] = {0};
    *count = 0;
    return none;
}
REPLACES void _swift_stdlib_overrideUnsafeArgvArgc(char **words, int count) {
    (void)words;
    (void)count;
}

/* All zero is "off". A trap still prints its message and raises its signal. */
REPLACES uint64_t _swift_backtraceSettings[64];
REPLACES _Bool _swift_backtrace_isThunkFunction(const char *name) {
    (void)name;
    return 0;
}
REPLACES char *_swift_backtrace_demangle(const char *name, uintptr_t length, char *buffer, uintptr_t *size) {
    (void)name;
    (void)length;
    (void)buffer;
    (void)size;
    return 0;
}
REPLACES _Bool _swift_spawnBacktracer(const char *const *words) {
    (void)words;
    return 0;
}
REPLACES void _swift_displayCrashMessage(int signal, const void *where) {
    (void)signal;
    (void)where;
}

/* Second, of the C libraries: the linker's --wrap (see Package.swift) leads their calls here. */

/* Where the executable lies, for libraries that are loaded relative to it: a static one loads none. -1 is "not known". */
const char *__wrap__dl_get_origin(void) { return (const char *)-1; }

/* libcrypto asks the processor what it can. Each such question leaves a virtual machine: 0.1 ms of a launch, which hashes
 * nothing or little. It is asked before much is hashed: see CCrypto. */
void __wrap_OPENSSL_cpuid_setup(void) {}
void __real_OPENSSL_cpuid_setup(void);
void perigee_find_instructions(void) { __real_OPENSSL_cpuid_setup(); }
#endif
