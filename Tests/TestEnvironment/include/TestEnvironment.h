#ifndef TEST_ENVIRONMENT_H
#define TEST_ENVIRONMENT_H

#include <stddef.h>

#include "SlowResolver.h"

/// Whether the variables that the surroundings of a test run may have set were taken away when this process started:
/// tokens of Buildkite, proxies, certificate stores, locale, terminal, and what makes shells and curl read files.
///
/// It is done before anything runs, while there is one thread: no test changes the environment of its own process,
/// which another thread may be reading.
int test_environment_is_clean(void);

/// How many bytes this process has allocated now, whether it has touched them or not; 0 where that is not known.
size_t test_environment_allocated_bytes(void);

#endif
