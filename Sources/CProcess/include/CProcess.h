#ifndef CPROCESS_H
#define CPROCESS_H

// What the launcher needs of the system and Swift cannot call: posix_spawn is typed differently by every C library,
// and prctl, waitid's result and prlimit are variadic, a macro, or hidden behind feature macros.

#include <stdbool.h>
#include <sys/types.h>

/// Starts a process that leads a session of its own, with every signal unblocked and at its default, and with no
/// descriptor but the three.
///
/// A directory is entered before the path is looked up; NULL for none. Returns 0, or an errno value when there is no
/// process.
int cprocess_spawn(
    pid_t *_Nonnull process,
    const char *_Nonnull path,
    char *_Nullable const arguments[_Nonnull],
    char *_Nullable const environment[_Nonnull],
    const char *_Nullable directory,
    int input,
    int output,
    int error
);

/// Has children leave a status when they end, also where this process was started with SIGCHLD ignored.
void cprocess_keep_statuses(void);

/// Waits until a child of this process has ended, and leaves it for waitpid. Returns its number, or -1 with errno.
pid_t cprocess_wait_for_any(void);

/// Takes the status of a child that has ended. Returns 1, 0 while it runs, or -1 with errno.
int cprocess_reap(pid_t process, int *_Nonnull status);

/// Whether a signal ended the process with this status, and the signal's number or the exit status.
bool cprocess_was_signalled(int status);
int cprocess_code(int status);

/// Keeps other processes of the same user from reading this one's memory and environment. A process that it starts is
/// readable again. Returns 0, or an errno value: ENOTSUP where a system has nothing like it.
int cprocess_forbid_reading(void);

/// Overwrites a secret where the system shows it to everybody, in the arguments that this process was started with.
void cprocess_erase_arguments(const char *_Nonnull secret);

/// Sets the soft limit on descriptors of another process back, within its hard one.
void cprocess_limit_descriptors(pid_t process, unsigned long limit);

#endif
