/* The start of the C library without its questions to the processor. A static executable of glibc's asks some forty of
 * them (CPUID: caches, vector units) to choose among its copies of memcpy and the like, and in a virtual machine each
 * leaves the machine: 0.2 to 0.4 ms, a twentieth of a launch. Here it is begun as for a processor that has what every
 * x86-64 has, and nothing more.
 *
 * --wrap=__libc_start_main (Package.swift) leads here. The calls below are the library's own and have no promise from one
 * version to the next: this is for the version that it was written for, and with any other, and elsewhere, the library
 * begins as it always does. */
#include <features.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef PERIGEE_LEAN_START
typedef int program(int, char **, char **);
typedef void function(void);

int __real___libc_start_main(program *, int, char **, function *, function *, function *, void *);
int __wrap___libc_start_main(program *, int, char **, function *, function *, function *, void *);

#if defined(__x86_64__) && __GLIBC__ == 2 && __GLIBC_MINOR__ == 36
#include <elf.h>

extern char **__environ;
extern void *__libc_stack_end;
extern void *_dl_random;
extern long __x86_shared_non_temporal_threshold, __x86_rep_movsb_stop_threshold;
void _dl_aux_init(Elf64_auxv_t *);
void __tunables_init(char **);
void __libc_setup_tls(void);
void __libc_early_init(_Bool);
void __libc_init_first(int, char **, char **);

/* What the linker says of the executable: functions that choose among copies, and what runs before main. */
extern const Elf64_Rela __rela_iplt_start[], __rela_iplt_end[];
extern void (*__init_array_start[])(int, char **, char **), (*__init_array_end[])(int, char **, char **);
void _init(void);

/* What follows the variables on the stack. */
static Elf64_auxv_t *auxiliary(char **variable) {
    while (*variable) variable++;
    return (Elf64_auxv_t *)(variable + 1);
}

/* No stack protector: its canary is put into place here. It and what garbles stored pointers are of the kernel's 16
 * random bytes; a canary begins with a zero, so that no string can be read through it. */
__attribute__((noreturn, no_stack_protector)) int __wrap___libc_start_main(
    program *run, int argc, char **argv, function *init, function *fini, function *loader_fini, void *stack_end) {
    (void)init, (void)fini, (void)loader_fini; /* Of dynamic executables, and of old ones. */
    char **environment = argv + argc + 1;
    __environ = environment;
    __libc_stack_end = stack_end;
    _dl_aux_init(auxiliary(environment));
    __tunables_init(environment);
    /* The size from which a copy goes past the cache: three quarters of 1 MiB, as where the cache is not known. */
    __x86_shared_non_temporal_threshold = __x86_rep_movsb_stop_threshold = 0xc0000;
    for (const Elf64_Rela *r = __rela_iplt_start; r < __rela_iplt_end; r++)
        *(uint64_t *)r->r_offset = ((uint64_t(*)(void))r->r_addend)();
    __libc_setup_tls();
    const uint64_t *random = _dl_random;
    __asm__ volatile("mov %0, %%fs:0x28\n\tmov %1, %%fs:0x30" : : "r"(random[0] & ~UINT64_C(0xff)), "r"(random[1]));
    __libc_early_init(1);
    __libc_init_first(argc, argv, environment);
    _init();
    for (long i = 0; i < __init_array_end - __init_array_start; i++) __init_array_start[i](argc, argv, environment);
    exit(run(argc, argv, environment));
}
#else
int __wrap___libc_start_main(
    program *run, int argc, char **argv, function *init, function *fini, function *loader_fini, void *stack_end) {
    return __real___libc_start_main(run, argc, argv, init, fini, loader_fini, stack_end);
}
#endif
#endif
