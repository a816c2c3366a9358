#ifndef SLOW_RESOLVER_H
#define SLOW_RESOLVER_H

/// The number of resolutions of `name` that have begun. A resolution of a name that ends in `.slow.test` lasts until the
/// name is released, and returns 127.0.0.1. Names that end in `.invalid` fail at once, whatever the machine's resolver
/// would do.
///
/// Linux only: there, this program's getaddrinfo replaces the C library's, also in libcurl. Elsewhere, it returns -1.
int slow_resolver_count(const char *name);

/// Releases `name`: ends its resolutions, also later ones.
void slow_resolver_release(const char *name);

#endif
