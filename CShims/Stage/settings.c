/* How the process is scheduled, what it is told of the machine, and where its memory comes from. Its command inherits all
 * of it. */
#include "stage.h"

enum { IOPRIO_WHO_PROCESS = 1 };

long set_scheduler(struct stage *s, const struct launch_operation *op) {
    return CALL(s, sched_setattr, 0, s->arena + op->a, 0);
}

long set_io_priority(struct stage *s, const struct launch_operation *op) {
    return CALL(s, ioprio_set, IOPRIO_WHO_PROCESS, 0, op->a);
}

long set_affinity(struct stage *s, const struct launch_operation *op) {
    return CALL(s, sched_setaffinity, 0, op->b, s->arena + op->a);
}

long set_personality(struct stage *s, const struct launch_operation *op) {
    long before = CALL(s, personality, op->a);
    return before < 0 ? before : 0;
}

/* The kernel takes the number of bits and one. */
long set_memory_policy(struct stage *s, const struct launch_operation *op) {
    return CALL(s, set_mempolicy, op->x, s->arena + op->a, (uint64_t)op->b * 8 + 1);
}
