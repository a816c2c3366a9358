#define _GNU_SOURCE
#include "ProcessProbe.h"

#include <stdatomic.h>

static _Atomic int is_counting;
static _Atomic uint64_t counts[PROBE_SYSTEM_CALLS];

uint64_t probe_system_call_count(int kind) {
    return kind >= 0 && kind < PROBE_SYSTEM_CALLS ? atomic_load_explicit(&counts[kind], memory_order_relaxed) : 0;
}

void probe_system_calls(int counts_from_now) {
    if (counts_from_now)
        for (int kind = 0; kind < PROBE_SYSTEM_CALLS; kind++) counts[kind] = 0;
    is_counting = counts_from_now;
}

#if defined(__linux__) && defined(__GLIBC__)

#include <dlfcn.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int probe_can_count_system_calls(void) { return 1; }

// The program's own functions below are found before the library's, by the libraries that it uses too, and hand on to
// those: no privilege is needed for it, and what is counted depends on nothing else that runs.

#define COUNT(kind)                                                                                                    \
    if (__builtin_expect(atomic_load_explicit(&is_counting, memory_order_relaxed), 0))                                 \
    atomic_fetch_add_explicit(&counts[kind], 1, memory_order_relaxed)
#define REPLACES_LIBRARY __attribute__((visibility("default")))

/// Looked up by whoever comes first: each thread finds the same address.
#define NEXT(name)                                                                                                     \
    static _Atomic(__typeof__(&name)) next;                                                                            \
    __typeof__(&name) function = atomic_load_explicit(&next, memory_order_relaxed);                                    \
    if (!function) {                                                                                                   \
        function = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                                         \
        atomic_store_explicit(&next, function, memory_order_relaxed);                                                  \
    }

REPLACES_LIBRARY ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
    NEXT(send)
    COUNT(PROBE_SENDS);
    return function(descriptor, bytes, count, flags);
}

REPLACES_LIBRARY ssize_t sendto(int descriptor, const void *bytes, size_t count, int flags,
                                const struct sockaddr *address, socklen_t length) {
    NEXT(sendto)
    COUNT(PROBE_SENDS);
    return function(descriptor, bytes, count, flags, address, length);
}

REPLACES_LIBRARY ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    NEXT(sendmsg)
    COUNT(PROBE_SENDS);
    return function(descriptor, message, flags);
}

REPLACES_LIBRARY ssize_t recv(int descriptor, void *bytes, size_t count, int flags) {
    NEXT(recv)
    COUNT(PROBE_RECEIVES);
    return function(descriptor, bytes, count, flags);
}

REPLACES_LIBRARY ssize_t recvfrom(int descriptor, void *bytes, size_t count, int flags, struct sockaddr *address,
                                  socklen_t *length) {
    NEXT(recvfrom)
    COUNT(PROBE_RECEIVES);
    return function(descriptor, bytes, count, flags, address, length);
}

REPLACES_LIBRARY ssize_t recvmsg(int descriptor, struct msghdr *message, int flags) {
    NEXT(recvmsg)
    COUNT(PROBE_RECEIVES);
    return function(descriptor, message, flags);
}

REPLACES_LIBRARY ssize_t write(int descriptor, const void *bytes, size_t count) {
    NEXT(write)
    COUNT(PROBE_WRITES);
    return function(descriptor, bytes, count);
}

REPLACES_LIBRARY ssize_t read(int descriptor, void *bytes, size_t count) {
    NEXT(read)
    COUNT(PROBE_READS);
    return function(descriptor, bytes, count);
}

REPLACES_LIBRARY int poll(struct pollfd *descriptors, nfds_t count, int timeout) {
    NEXT(poll)
    COUNT(PROBE_POLLS);
    return function(descriptors, count, timeout);
}

REPLACES_LIBRARY int setsockopt(int descriptor, int level, int name, const void *value, socklen_t length) {
    NEXT(setsockopt)
    COUNT(PROBE_SOCKET_OPTIONS);
    return function(descriptor, level, name, value, length);
}

#else

int probe_can_count_system_calls(void) { return 0; }

#endif
