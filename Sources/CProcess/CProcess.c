#if defined(__linux__)
    #define _GNU_SOURCE 1
#endif

#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
    #include <sys/prctl.h>
#elif defined(__APPLE__)
    #include <crt_externs.h>
#endif

// Descriptors that a library has opened without close-on-exec, sockets of an older libcurl among them, stay out of the
// process: it could speak over them.
static int close_others(posix_spawn_file_actions_t *actions) {
#if defined(__GLIBC__)
    return posix_spawn_file_actions_addclosefrom_np(actions, 3);
#elif defined(__linux__)
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > 65536) limit = 65536;
    for (int descriptor = 3; descriptor < limit; descriptor++) {
        int flags = fcntl(descriptor, F_GETFD);
        if (flags >= 0) (void)fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
    }
    return 0;
#else
    return 0;
#endif
}

static int add_actions(
    posix_spawn_file_actions_t *actions, const char *directory, const int descriptors[3]
) {
    int code = 0;
#if defined(__APPLE__)
    #pragma clang diagnostic push
    #pragma clang diagnostic ignored "-Wdeprecated-declarations"
#endif
    if (directory) code = posix_spawn_file_actions_addchdir_np(actions, directory);
#if defined(__APPLE__)
    #pragma clang diagnostic pop
#endif
    // Onto itself too: that takes close-on-exec away.
    for (int target = 0; code == 0 && target < 3; target++) {
        code = posix_spawn_file_actions_adddup2(actions, descriptors[target], target);
    }
    return code ? code : close_others(actions);
}

static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    int code = posix_spawnattr_setsigmask(attributes, &none);
    if (code == 0) code = posix_spawnattr_setsigdefault(attributes, &all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID;
#if defined(POSIX_SPAWN_CLOEXEC_DEFAULT)
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    return code ? code : posix_spawnattr_setflags(attributes, flags);
}

int cprocess_spawn(
    pid_t *process, const char *path, char *const arguments[], char *const environment[], const char *directory,
    int input, int output, int error
) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = posix_spawnattr_init(&attributes);
    if (code == 0) {
        code = add_actions(&actions, directory, (int[3]){input, output, error});
        if (code == 0) code = set_attributes(&attributes);
        if (code == 0) code = posix_spawn(process, path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

void cprocess_keep_statuses(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) != 0 || action.sa_handler != SIG_IGN) return;
    action.sa_handler = SIG_DFL;
    (void)sigaction(SIGCHLD, &action, NULL);
}

pid_t cprocess_wait_for_any(void) {
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    return waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0 ? info.si_pid : -1;
}

int cprocess_reap(pid_t process, int *status) {
    pid_t reaped = waitpid(process, status, WNOHANG);
    return reaped == process ? 1 : reaped == 0 ? 0 : -1;
}

bool cprocess_was_signalled(int status) { return WIFSIGNALED(status); }

int cprocess_code(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status); }

int cprocess_forbid_reading(void) {
#if defined(__linux__)
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
#else
    return ENOTSUP;
#endif
}

void cprocess_erase_arguments(const char *secret) {
    size_t length = strlen(secret);
    if (length == 0) return;
#if defined(__APPLE__)
    char **arguments = *_NSGetArgv();
    for (int index = 0; index < *_NSGetArgc(); index++) {
        char *argument = arguments[index];
        for (char *found; (found = strstr(argument, secret)); argument = found + length) memset(found, 'x', length);
    }
#elif defined(__linux__)
    // The system says where they begin and end, also where a loader was started with this program as its argument: fields
    // 48 and 49, counted from behind the program's name, which may hold anything (proc_pid_stat(5)).
    char text[2048];
    FILE *facts = fopen("/proc/self/stat", "re");
    if (!facts) return;
    size_t size = fread(text, 1, sizeof(text) - 1, facts);
    fclose(facts);
    text[size] = 0;
    char *field = strrchr(text, ')');
    for (int number = 2; field && number < 48; number++) field = strchr(field + 1, ' ');
    unsigned long begin = 0, end = 0;
    if (!field || sscanf(field, " %lu %lu", &begin, &end) != 2 || begin == 0) return;
    for (char *at = (char *)begin; at + length <= (char *)end; at++) {
        if (memcmp(at, secret, length) == 0) memset(at, 'x', length);
    }
#endif
}

void cprocess_limit_descriptors(pid_t process, unsigned long limit) {
#if defined(__linux__)
    struct rlimit own;
    if (prlimit(process, RLIMIT_NOFILE, NULL, &own) != 0) return;
    if (own.rlim_max != RLIM_INFINITY && limit > own.rlim_max) limit = own.rlim_max;
    own.rlim_cur = limit;
    (void)prlimit(process, RLIMIT_NOFILE, &own, NULL);
#else
    (void)process;
    (void)limit;
#endif
}
