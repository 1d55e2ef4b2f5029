/* The plan's validator: pure, no system call, no allocation. */
#include "launch.h"
#include "launch_calls.h"
#include <string.h>

static const char *const fields_of[] = {
#define FIELDS(name, fields) fields,
    LAUNCH_OPERATIONS(FIELDS)
#undef FIELDS
};

struct view { const unsigned char *base; size_t size, pool, end; };

static int is_string(const struct view *v, uint64_t at) {
    return at >= v->pool && at < v->end && memchr(v->base + at, 0, v->end - at) != NULL;
}

/* Where an array of strings ends, 0 if `at` is none. */
static uint64_t end_of_array(const struct view *v, uint64_t at) {
    if (at % 8 || at < v->pool) return 0;
    for (; at + 8 <= v->end; at += 8) {
        uint64_t item;
        memcpy(&item, v->base + at, 8);
        if (!item) return at + 8;
        if (!is_string(v, item)) return 0;
    }
    return 0;
}

/* The stage makes addresses of the arrays' offsets in place: what two of them shared would be changed twice. */
static int are_apart(const struct view *v, const struct launch_operation *op) {
    return end_of_array(v, op->a) <= op->b && end_of_array(v, op->b) <= op->c;
}

static int is_pairs(const struct view *v, uint64_t at) {
    while (is_string(v, at)) {
        size_t key = strlen((const char *)v->base + at);
        if (!key) return 1;
        at += key + 1;
        if (!is_string(v, at)) return 0;
        at += strlen((const char *)v->base + at) + 1;
    }
    return 0;
}

static int is_block(const struct view *v, uint64_t at, uint64_t bytes) {
    return at % 8 == 0 && at >= v->pool && at <= v->end && bytes <= v->end - at;
}

static int holds(const struct view *v, const struct launch_header *h, const struct launch_operation *op, int i) {
    const uint32_t values[] = {op->a, op->b, op->c, op->d}, value = values[i];
    switch (fields_of[op->kind][i]) {
    case 's': return is_string(v, value);
    case 'o': return !value || is_string(v, value);
    case 'l': return value == strlen((const char *)v->base + values[i - 1]);
    case 'v': return end_of_array(v, value) != 0;
    case 'p': return is_pairs(v, value);
    case 'g': return is_block(v, value, (uint64_t)op->b * 4);
    case 'f': return op->b % 8 == 0 && op->b > 0 && op->b / 8 <= 65535 && is_block(v, value, op->b);
    case 'h': return value < LAUNCH_PARKED_BYTE;
    case 'k': return value <= LAUNCH_PRESERVED;
    case 'd': return value < h->descriptor_count && h->descriptors[value] >= 0;
    case 'e': return !value || (value <= h->descriptor_count && h->descriptors[value - 1] >= 0);
    default: return 1;
    }
}

const char *launch_validate(const void *arena, size_t size, uint32_t *at) {
    const struct launch_header *h = arena;
    *at = 0;
    if (size < sizeof *h) return "the arena is shorter than its header";
    if (h->magic != LAUNCH_MAGIC) return "no launch plan";
    if (h->size != size) return "the size is not the header's";
    if (h->descriptor_count > LAUNCH_DESCRIPTORS) return "too many descriptors";
    if (h->step_count > 65534) return "too many steps";
    uint64_t end = (uint64_t)h->operations + (uint64_t)h->operation_count * sizeof(struct launch_operation);
    if (h->operations < sizeof *h || h->operations % 8 || end > h->result) return "operations outside the arena";
    if (h->result % LAUNCH_PAGE || h->result > size ||
        size - h->result < sizeof(struct launch_result) + ((uint64_t)h->step_count + 1) * sizeof(struct launch_time))
        return "the result page is outside the arena";
    if (!h->operation_count) return "no operation";
    struct view v = {arena, size, sizeof *h, h->operations};
    const struct launch_operation *ops = (const void *)((const char *)arena + h->operations);
    for (uint32_t n = 0; n < h->operation_count; n++) {
        *at = n;
        if (ops[n].kind >= LAUNCH_KINDS) return "an unknown operation";
        if (ops[n].step == 0 || ops[n].step > h->step_count) return "an operation of no step";
        for (int i = 0; i < 4; i++)
            if (!holds(&v, h, &ops[n], i)) return "a field that points to no such thing";
        if (ops[n].kind == LAUNCH_OP_EXEC && !are_apart(&v, &ops[n])) return "arrays that overlap";
    }
    if (ops[h->operation_count - 1].kind != LAUNCH_OP_EXEC) return "the last operation does not execute";
    return NULL;
}

const char *launch_call_name(uint32_t number) {
    switch (number) {
#if defined(__x86_64__)
#define NAME(name, x86, arm) case x86: return #name;
#else
#define NAME(name, x86, arm) case arm: return #name;
#endif
        LAUNCH_CALLS(NAME)
#undef NAME
    }
    return NULL;
}
