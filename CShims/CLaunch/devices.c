/* Moves network interfaces between namespaces. It is C for netlink's messages, which are structures with a tail. */
#define _GNU_SOURCE
#include "launch_devices.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 16384, ADDRESSES = 64, ADDRESS_ROOM = 160 };

struct request {
    struct nlmsghdr header;
    union { struct ifinfomsg link; struct ifaddrmsg address; };
    char tail[256];
};

/* Addresses as messages that make them again. */
struct addresses {
    int count;
    struct { uint16_t length; char message[ADDRESS_ROOM]; } list[ADDRESSES];
};

static void add(struct request *r, unsigned type, const void *value, size_t size) {
    struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));
    a->rta_type = (unsigned short)type;
    a->rta_len = (unsigned short)RTA_LENGTH(size);
    memcpy(RTA_DATA(a), value, size);
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + (uint32_t)RTA_ALIGN(a->rta_len);
}

static struct request link_request(int type, int index) {
    struct request r = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = (uint16_t)type,
                                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK, .nlmsg_seq = 1}};
    r.link.ifi_index = index;
    return r;
}

static long say(int socket, const struct nlmsghdr *message) {
    return send(socket, message, message->nlmsg_len, 0) < 0 ? -errno : 0;
}

/* Sends, and returns what the kernel answers: 0, or -errno. */
static long ask(int socket, const struct nlmsghdr *message) {
    long error = say(socket, message);
    char answer[ROOM];
    while (!error) {
        ssize_t n = recv(socket, answer, sizeof answer, 0);
        if (n < 0) return -errno;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n))
            if (h->nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
    }
    return error;
}

/* The index of the interface of that name, or -errno; its IFF_* in `flags`. */
static long find(int socket, const char *name, unsigned *flags) {
    struct request r = link_request(RTM_GETLINK, 0);
    r.header.nlmsg_flags = NLM_F_REQUEST;
    add(&r, IFLA_IFNAME, name, strlen(name) + 1);
    long error = say(socket, &r.header);
    if (error) return error;
    char answer[ROOM];
    ssize_t n = recv(socket, answer, sizeof answer, 0);
    if (n < 0) return -errno;
    struct nlmsghdr *h = (void *)answer;
    if (!NLMSG_OK(h, (size_t)n)) return -EPROTO;
    if (h->nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
    const struct ifinfomsg *link = NLMSG_DATA(h);
    *flags = link->ifi_flags;
    return link->ifi_index;
}

/* The address again, for the interface that it will be; 0: it is not one to keep, or what is wrong. */
static long keep(struct addresses *kept, const struct nlmsghdr *h, int index) {
    const struct ifaddrmsg *from = NLMSG_DATA(h);
    if ((int)from->ifa_index != index || from->ifa_scope != RT_SCOPE_UNIVERSE) return 0;
    uint32_t flags = from->ifa_flags;
    struct request r = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof *from), .nlmsg_type = RTM_NEWADDR, .nlmsg_seq = 1,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL}};
    r.address = *from;
    size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof *from);
    for (const struct rtattr *a = IFA_RTA(from); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFA_FLAGS) memcpy(&flags, RTA_DATA(a), sizeof flags);
        int is_kept = a->rta_type == IFA_LOCAL || a->rta_type == IFA_ADDRESS || a->rta_type == IFA_BROADCAST;
        if (is_kept && RTA_PAYLOAD(a) <= 16) add(&r, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a));
    }
    if (!(flags & IFA_F_PERMANENT)) return 0;
    if (kept->count == ADDRESSES || r.header.nlmsg_len > ADDRESS_ROOM) return -E2BIG;
    kept->list[kept->count].length = (uint16_t)r.header.nlmsg_len;
    memcpy(kept->list[kept->count++].message, &r, r.header.nlmsg_len);
    return 0;
}

static long list_addresses(int socket, int index, struct addresses *kept) {
    struct request r = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)), .nlmsg_type = RTM_GETADDR,
                                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1}};
    long error = say(socket, &r.header);
    char answer[ROOM];
    for (;;) {
        if (error) return error;
        ssize_t n = recv(socket, answer, sizeof answer, 0);
        if (n < 0) return -errno;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_type == NLMSG_DONE) return 0;
            if (h->nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
            if (!error && h->nlmsg_type == RTM_NEWADDR) error = keep(kept, h, index);
        }
    }
}

static long make_addresses(int socket, int index, struct addresses *kept) {
    for (int i = 0; i < kept->count; i++) {
        struct request r;
        memcpy(&r, kept->list[i].message, kept->list[i].length);
        r.address.ifa_index = (uint32_t)index;
        long error = ask(socket, &r.header);
        if (error && error != -EEXIST) return error;
    }
    return 0;
}

static long set_up(int socket, int index, int up) {
    struct request r = link_request(RTM_NEWLINK, index);
    r.link.ifi_flags = up ? IFF_UP : 0;
    r.link.ifi_change = IFF_UP;
    return ask(socket, &r.header);
}

static long move(int socket, int index, int space, const char *name) {
    struct request r = link_request(RTM_NEWLINK, index);
    uint32_t number = (uint32_t)space;
    add(&r, IFLA_NET_NS_FD, &number, sizeof number);
    add(&r, IFLA_IFNAME, name, strlen(name) + 1);
    return ask(socket, &r.header);
}

static int open_socket(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

/* A socket of the namespace `there`. We are there for no longer than it takes. */
static long open_socket_there(int here, int there) {
    if (setns(there, CLONE_NEWNET)) return -errno;
    int socket = open_socket();
    long error = socket < 0 ? -errno : socket;
    if (setns(here, CLONE_NEWNET)) {
        long lost = -errno;
        if (socket >= 0) close(socket);
        return lost;
    }
    return error;
}

/* The name that it gets, which must be free. */
static long choose(int socket, const char *pattern, char name[IFNAMSIZ]) {
    unsigned flags;
    const char *place = strstr(pattern, "%d");
    for (int n = 0; n < 4096; n++) {
        if (place) {
            int size = snprintf(name, IFNAMSIZ, "%.*s%d%s", (int)(place - pattern), pattern, n, place + 2);
            if (size >= IFNAMSIZ) return -ENAMETOOLONG;
        } else
            snprintf(name, IFNAMSIZ, "%s", pattern);
        long index = find(socket, name, &flags);
        if (index == -ENODEV) return 0;
        if (index < 0) return index;
        if (!place) return -EEXIST;
    }
    return -EEXIST;
}

/* What was moved goes back, and is as it was. */
static void move_back(int here, int socket, int back, int index, const char *name, struct addresses *kept) {
    unsigned flags;
    set_up(back, index, 0);
    if (move(back, index, here, name)) return;
    long now = find(socket, name, &flags);
    if (now < 0) return;
    make_addresses(socket, (int)now, kept);
    set_up(socket, (int)now, 1);
}

static long move_between(const struct launch_device *d, int here, int socket, int there, const char **doing) {
    char name[IFNAMSIZ];
    unsigned flags = 0, ignored;
    struct addresses kept = {.count = 0};
    *doing = "finding it";
    long index = find(socket, d->host_name, &flags);
    if (index < 0) return index;
    *doing = "finding a name for it in the container";
    long error = choose(there, d->name, name);
    if (error) return error;
    *doing = "listing its addresses";
    error = list_addresses(socket, (int)index, &kept);
    /* An interface that is up can't be renamed. */
    *doing = "taking it down";
    if (!error) error = set_up(socket, (int)index, 0);
    if (error) return error;
    *doing = "moving it";
    error = move(socket, (int)index, d->space, name);
    if (error) {
        if (flags & IFF_UP) set_up(socket, (int)index, 1);
        return error;
    }
    *doing = "finding it in the container";
    long moved = find(there, name, &ignored);
    if (moved < 0) return moved;
    *doing = "giving it its addresses again";
    error = make_addresses(there, (int)moved, &kept);
    *doing = error ? *doing : "bringing it up";
    if (!error) error = set_up(there, (int)moved, 1);
    if (error) move_back(here, socket, there, (int)moved, d->host_name, &kept);
    return error;
}

long launch_move_device(const struct launch_device *device, const char **doing) {
    *doing = "opening a netlink socket";
    int socket = open_socket();
    if (socket < 0) return -errno;
    int here = ioctl(socket, SIOCGSKNS);
    long there = here < 0 ? -errno : open_socket_there(here, device->space), error = there;
    if (there >= 0) {
        error = move_between(device, here, socket, (int)there, doing);
        close((int)there);
    }
    if (here >= 0) close(here);
    close(socket);
    return error;
}
