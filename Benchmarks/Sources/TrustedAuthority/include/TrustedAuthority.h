#ifndef TRUSTED_AUTHORITY_H
#define TRUSTED_AUTHORITY_H

/// Makes every libcurl handle of this process trust the authority in `file`, in PEM format, and no other.
///
/// Foundation's URLSession on Linux takes its authorities from the system alone, and a benchmark has no business adding
/// one there. Its handles come from `curl_easy_init`, which this program defines itself, in front of libcurl's own.
/// Returns 0, or -1 where that is not possible.
int trusted_authority_use(const char *file);

#endif
