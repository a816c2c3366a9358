#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "SlowResolver.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static atomic_int count;

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int ends_with(const char *name, const char *end) {
    size_t name_length = strlen(name), end_length = strlen(end);
    return name_length >= end_length && strcmp(name + name_length - end_length, end) == 0;
}

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict result) {
    resolver next = (resolver)dlsym(RTLD_NEXT, "getaddrinfo");
    if (name != NULL && ends_with(name, ".invalid")) return EAI_NONAME;
    if (name != NULL && ends_with(name, ".slow.test")) {
        atomic_fetch_add(&count, 1);
        sleep(3);
        name = "127.0.0.1";
    }
    return next(name, service, hints, result);
}

int slow_resolver_count(void) { return atomic_load(&count); }
#else
int slow_resolver_count(void) { return -1; }
#endif
