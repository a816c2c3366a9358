#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "SlowResolver.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// The state of a name. There are few, and none is freed.
struct entry {
    char *name;
    int count;
    int is_released;
    struct entry *next;
};

static struct entry *entries;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/// With the lock held.
static struct entry *entry_of(const char *name) {
    struct entry *entry = entries;
    while (entry != NULL && strcmp(entry->name, name) != 0) entry = entry->next;
    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        entry->name = strdup(name);
        entry->next = entries;
        entries = entry;
    }
    return entry;
}

static void unlock(void *unused) { pthread_mutex_unlock(&lock); }

static void hold(const char *name) {
    pthread_mutex_lock(&lock);
    // libcurl 8.16 cancels the thread of a resolution that URLSession has abandoned.
    pthread_cleanup_push(unlock, NULL);
    struct entry *entry = entry_of(name);
    entry->count++;
    while (!entry->is_released) pthread_cond_wait(&changed, &lock);
    pthread_cleanup_pop(1);
}

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
        hold(name);
        name = "127.0.0.1";
    }
    return next(name, service, hints, result);
}

int slow_resolver_count(const char *name) {
    pthread_mutex_lock(&lock);
    int count = entry_of(name)->count;
    pthread_mutex_unlock(&lock);
    return count;
}

void slow_resolver_release(const char *name) {
    pthread_mutex_lock(&lock);
    entry_of(name)->is_released = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}
#else
int slow_resolver_count(const char *name) { return -1; }
void slow_resolver_release(const char *name) {}
#endif
