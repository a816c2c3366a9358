#ifndef SLOW_RESOLVER_H
#define SLOW_RESOLVER_H

/// How many look-ups of `name` have begun. Those of names that end in `.slow.test` are held until the name is released,
/// and then find 127.0.0.1. Names that end in `.invalid` are not found, at once, whatever the machine's resolver would
/// do.
///
/// Linux only: there this program's getaddrinfo takes the place of the C library's in libcurl too. Elsewhere it is -1.
int slow_resolver_count(const char *name);

/// Lets the look-ups of `name` go on, those that come later too.
void slow_resolver_release(const char *name);

#endif
