#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "TestEnvironment.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__APPLE__)
#include <malloc/malloc.h>
#elif defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__APPLE__)
// A bundle, which tests are there, cannot name the variable itself: environ(7).
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

static int is_clean;

static const char *const prefixes[] = {"BUILDKITE_", "LC_", "SSL_CERT_", "CURL_"};

static const char *const names[] = {
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "LANG", "LANGUAGE", "TZ", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "TERM", "COLUMNS", "LINES",
    "BASH_ENV", "ENV", "CDPATH", "POSIXLY_CORRECT", "GREP_OPTIONS", "NOTIFY_SOCKET", "LOG_LEVEL",
};

static int is_foreign(const char *variable) {
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0) return 1;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(variable, names[i], length) == 0 && variable[length] == '=') return 1;
    }
    return 0;
}

__attribute__((constructor)) static void clean(void) {
    for (char **variable = environ; variable != NULL && *variable != NULL;) {
        const char *end = strchr(*variable, '=');
        char *name = is_foreign(*variable) && end != NULL ? strndup(*variable, (size_t)(end - *variable)) : NULL;
        if (name != NULL && unsetenv(name) == 0) {
            // The list has moved up, or is another one: from its beginning.
            variable = environ;
        } else {
            variable++;
        }
        free(name);
    }
    is_clean = 1;
}

// At the end of the process OpenSSL would free its locks, with which a thread of URLSession's may be closing connections.
// Who initializes it first can tell it not to (OPENSSL_init_crypto(3)); it is there already, as libcurl needs it.
__attribute__((constructor)) static void keep_openssl(void) {
    const uint64_t no_atexit = 0x00080000;
    int (*initialize)(uint64_t, const void *) =
        (int (*)(uint64_t, const void *))dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto");
    if (initialize != NULL) (void)initialize(no_atexit, NULL);
}

int test_environment_is_clean(void) { return is_clean; }

size_t test_environment_allocated_bytes(void) {
#if defined(__APPLE__)
    malloc_statistics_t statistics;
    malloc_zone_statistics(NULL, &statistics);
    return statistics.size_in_use;
#elif defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}
