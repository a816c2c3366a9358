#ifndef SLOW_RESOLVER_H
#define SLOW_RESOLVER_H

/// How many look-ups of names that end in `.slow.test` have begun. They take 3 seconds and find 127.0.0.1. Names that
/// end in `.invalid` are not found, at once, whatever the machine's resolver would do.
///
/// Linux only: there this program's getaddrinfo takes the place of the C library's in libcurl too. Elsewhere it is -1.
int slow_resolver_count(void);

#endif
