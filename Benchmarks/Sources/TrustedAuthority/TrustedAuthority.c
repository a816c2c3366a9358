#include "TrustedAuthority.h"

#if defined(__linux__)

#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static char *authority;

int trusted_authority_use(const char *file) {
    authority = strdup(file);
    return authority ? 0 : -1;
}

/// The dynamic linker finds a program's own function before that of a library.
__attribute__((visibility("default"))) CURL *curl_easy_init(void) {
    CURL *(*original)(void) = (CURL * (*)(void)) dlsym(RTLD_NEXT, "curl_easy_init");
    CURL *easy = original ? original() : NULL;
    if (easy && authority) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, authority);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    return easy;
}

#else

int trusted_authority_use(const char *file) {
    (void)file;
    return -1;
}

#endif
