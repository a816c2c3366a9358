#define _GNU_SOURCE
#include "ProcessProbe.h"

#if defined(__linux__)

#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int descriptor = -1;

/// Before anything else of the program runs: a counter is inherited by threads that are started later, and by no other
/// (<https://man7.org/linux/man-pages/man2/perf_event_open.2.html>). Where the kernel's instructions may not be counted
/// there is none, because most of what a call costs is the kernel's work.
__attribute__((constructor)) static void start(void) {
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.inherit = 1;
    attributes.exclude_hv = 1;
    descriptor = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

int64_t probe_instructions(void) {
    uint64_t value = 0;
    if (descriptor < 0 || read(descriptor, &value, sizeof value) != sizeof value) return -1;
    // Some virtual machines let one open the counter and count nothing.
    return value > 0 ? (int64_t)value : -1;
}

#else

int64_t probe_instructions(void) { return -1; }

#endif
