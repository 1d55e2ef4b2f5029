/* Who the process is and what it may do. */
#include "stage.h"

long drop_bounding(struct stage *s, const struct launch_operation *op) {
    for (uint32_t c = 0; c <= op->a && c < 64; c++) {
        if (op->x >> c & 1) continue;
        long error = CALL(s, prctl, PR_CAPBSET_DROP, c, 0, 0, 0);
        if (error == -EINVAL) break; /* beyond this kernel's last capability */
        if (error < 0) return error;
    }
    return 0;
}

long load_seccomp(struct stage *s, const struct launch_operation *op) {
    struct sock_fprog program = {.count = (uint16_t)(op->b / 8), .filter = s->arena + op->a};
    long r = CALL(s, seccomp, SECCOMP_SET_MODE_FILTER, op->x, &program);
    if (r <= 0) return r;
    if (!(op->x & SECCOMP_FILTER_FLAG_NEW_LISTENER)) return -EINVAL; /* a thread that could not be synchronized */
    s->listener = (int)r;
    return 0;
}

long keep_capabilities(struct stage *s, const struct launch_operation *op) {
    (void)op;
    return CALL(s, prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

/* No groups is a request as well: those of the caller must not stay. */
long set_groups(struct stage *s, const struct launch_operation *op) {
    return CALL(s, setgroups, op->b, s->arena + op->a);
}

long set_gid(struct stage *s, const struct launch_operation *op) {
    return CALL(s, setresgid, op->a, op->a, op->a);
}

long set_uid(struct stage *s, const struct launch_operation *op) {
    return CALL(s, setresuid, op->a, op->a, op->a);
}

long set_capabilities(struct stage *s, const struct launch_operation *op) {
    uint64_t inheritable = (uint64_t)op->b << 32 | op->a;
    struct capability_header header = {.version = 0x20080522, .pid = 0};
    struct capability_data data[2] = {
        {(uint32_t)op->x, (uint32_t)op->y, (uint32_t)inheritable},
        {(uint32_t)(op->x >> 32), (uint32_t)(op->y >> 32), (uint32_t)(inheritable >> 32)}};
    return CALL(s, capset, &header, data);
}

long raise_ambient(struct stage *s, const struct launch_operation *op) {
    long error = CALL(s, prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (uint32_t c = 0; error >= 0 && c <= op->a && c < 64; c++)
        if (op->x >> c & 1) error = CALL(s, prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
    return error;
}

long no_new_privileges(struct stage *s, const struct launch_operation *op) {
    (void)op;
    return CALL(s, prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
