/* What a program without libc must bring itself: its entry, and the two functions that the compiler calls. Apart from
 * the rest, which a fuzzer links into a program that has both. */
#include "stage.h"

void *memset(void *p, int c, size_t n) {
    for (char *q = p; n--; q++) *(volatile char *)q = (char)c;
    return p;
}
void *memcpy(void *restrict p, const void *restrict from, size_t n) {
    char *q = p;
    for (const char *r = from; n--; q++, r++) *(volatile char *)q = *r;
    return p;
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall stage_main\n\thlt\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tbl stage_main\n\tbrk #1\n");
#endif
