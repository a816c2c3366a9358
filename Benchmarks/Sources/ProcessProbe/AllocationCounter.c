#define _GNU_SOURCE
#include "ProcessProbe.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MAXIMUM_SITES 4096

static _Atomic int mode;
static _Atomic uint64_t allocation_count;
static _Atomic uint64_t allocation_bytes;
static probe_site sites[MAXIMUM_SITES];
static size_t site_count;

size_t probe_site_count(void) { return site_count; }
const probe_site *probe_site_at(size_t index) { return &sites[index]; }
uint64_t probe_allocation_count(void) { return allocation_count; }
uint64_t probe_allocation_bytes(void) { return allocation_bytes; }

#if defined(__linux__) && defined(__GLIBC__)

#include <errno.h>
#include <execinfo.h>

// What glibc's own functions are called besides: the program's `malloc` below is found before the library's.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_flag lock = ATOMIC_FLAG_INIT;
/// Finding out where an allocation is made can allocate.
static _Thread_local int is_looking;

int probe_can_count_allocations(void) { return 1; }

void probe_allocations(int new_mode) {
    if (new_mode != PROBE_OFF) {
        allocation_count = 0;
        allocation_bytes = 0;
        site_count = 0;
        // The first one loads a library.
        void *frame[1];
        backtrace(frame, 1);
    }
    mode = new_mode;
}

__attribute__((noinline)) static void note_site(size_t size) {
    void *frames[PROBE_FRAMES + 3];
    is_looking = 1;
    // Past this function, the one that counts, and `malloc` itself.
    int depth = backtrace(frames, PROBE_FRAMES + 3) - 3;
    is_looking = 0;
    if (depth <= 0) return;
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {}
    size_t index = 0;
    while (index < site_count &&
           (sites[index].depth != depth || memcmp(sites[index].frames, frames + 3, sizeof(void *) * (size_t)depth)))
        index++;
    if (index == site_count && site_count < MAXIMUM_SITES) {
        memcpy(sites[index].frames, frames + 3, sizeof(void *) * (size_t)depth);
        sites[index].depth = depth;
        sites[index].count = 0;
        sites[index].bytes = 0;
        site_count++;
    }
    if (index < site_count) {
        sites[index].count++;
        sites[index].bytes += size;
    }
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

__attribute__((noinline)) static void note(size_t size) {
    if (is_looking) return;
    atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&allocation_bytes, size, memory_order_relaxed);
    if (atomic_load_explicit(&mode, memory_order_relaxed) == PROBE_SITES) {
        note_site(size);
        // Not a tail call: as many frames as are skipped have to be there.
        __asm__ volatile("");
    }
}

#define COUNT(size)                                                                                                    \
    if (__builtin_expect(atomic_load_explicit(&mode, memory_order_relaxed), 0)) note(size)
#define REPLACES_LIBRARY __attribute__((visibility("default")))

REPLACES_LIBRARY void *malloc(size_t size) {
    COUNT(size);
    return __libc_malloc(size);
}

REPLACES_LIBRARY void *calloc(size_t count, size_t size) {
    COUNT(count * size);
    return __libc_calloc(count, size);
}

REPLACES_LIBRARY void *realloc(void *memory, size_t size) {
    COUNT(size);
    return __libc_realloc(memory, size);
}

REPLACES_LIBRARY void *memalign(size_t alignment, size_t size) {
    COUNT(size);
    return __libc_memalign(alignment, size);
}

REPLACES_LIBRARY void *aligned_alloc(size_t alignment, size_t size) {
    COUNT(size);
    return __libc_memalign(alignment, size);
}

REPLACES_LIBRARY int posix_memalign(void **memory, size_t alignment, size_t size) {
    COUNT(size);
    void *result = __libc_memalign(alignment, size);
    if (!result && size) return ENOMEM;
    *memory = result;
    return 0;
}

#else

int probe_can_count_allocations(void) { return 0; }
void probe_allocations(int new_mode) { mode = new_mode; }

#endif
