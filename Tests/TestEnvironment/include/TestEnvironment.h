#ifndef TEST_ENVIRONMENT_H
#define TEST_ENVIRONMENT_H

#include "SlowResolver.h"

/// Whether the variables that the surroundings of a test run may have set were taken away when this process started:
/// tokens of Buildkite, proxies, certificate stores, locale, terminal, and what makes shells and curl read files.
///
/// It is done before anything runs, while there is one thread: no test changes the environment of its own process,
/// which another thread may be reading.
int test_environment_is_clean(void);

#endif
