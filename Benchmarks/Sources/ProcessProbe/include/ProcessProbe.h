#ifndef PROCESS_PROBE_H
#define PROCESS_PROBE_H

#include <stddef.h>
#include <stdint.h>

/// Instructions that all threads of this process have executed so far, the kernel's on their behalf included, or -1 where
/// the machine does not count them or does not tell.
int64_t probe_instructions(void);

enum {
    PROBE_OFF = 0,
    /// Every allocation is counted.
    PROBE_COUNT = 1,
    /// And where it was made is remembered.
    PROBE_SITES = 2,
};

/// Whether allocations can be counted here: on Linux with glibc, whose `malloc` a program may define itself.
int probe_can_count_allocations(void);

/// Starts counting anew, or stops counting.
void probe_allocations(int mode);

/// How many allocations, and how many bytes, were asked for while they were counted.
uint64_t probe_allocation_count(void);
uint64_t probe_allocation_bytes(void);

/// The system calls that are counted.
enum {
    PROBE_SENDS,
    PROBE_RECEIVES,
    /// To what is no socket: a byte that wakes the I/O thread, for example.
    PROBE_WRITES,
    PROBE_READS,
    PROBE_POLLS,
    PROBE_SOCKET_OPTIONS,
    /// How many kinds there are.
    PROBE_SYSTEM_CALLS,
};

/// Whether system calls can be counted here: on Linux with glibc, whose functions a program may define itself.
int probe_can_count_system_calls(void);

/// Starts counting anew, or stops counting.
void probe_system_calls(int counts_from_now);

/// How many calls of a kind were made while they were counted.
uint64_t probe_system_call_count(int kind);

/// The most frames that are remembered of one place.
#define PROBE_FRAMES 20

typedef struct {
    /// From the allocation outwards: return addresses.
    void *frames[PROBE_FRAMES];
    int depth;
    uint64_t count;
    uint64_t bytes;
} probe_site;

/// The places that allocations were made in, in no order. Read them after counting has been stopped.
size_t probe_site_count(void);
const probe_site *probe_site_at(size_t index);

/// The function that `address` is in and the file that it comes from, as far as they are known. Both live as long as
/// the process.
void probe_symbol(const void *address, const char **function, const char **file);

/// Swift's own demangler: a string for `free`, or NULL.
char *swift_demangle(const char *name, size_t length, char *buffer, size_t *buffer_size, uint32_t flags);

#endif
