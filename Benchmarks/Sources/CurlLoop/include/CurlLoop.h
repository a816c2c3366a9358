#ifndef CURL_LOOP_H
#define CURL_LOOP_H

#include <stddef.h>
#include <stdint.h>

/// A client in C on libcurl's multi interface, as small as one can be that does the same work: one thread, easy handles
/// that are reused with their options set once, HTTP/2 streams on one connection, bodies collected whole, nothing of them
/// read.
typedef struct curl_loop curl_loop;

/// How libcurl is used.
typedef enum {
    /// As cheap as libcurl allows: sockets driven with `curl_multi_socket_action`, the writes of a turn gathered into two
    /// segments, half of the calls in flight in the first one (on Linux), and the URL taken apart once.
    CURL_LOOP_GATHERING,
    /// As one would write it at first: `curl_multi_perform` and `curl_multi_poll`.
    CURL_LOOP_PLAIN,
} curl_loop_kind;

/// The most transfers that libcurl is given at a time; further callers wait their turn.
#define CURL_LOOP_STREAMS 100

typedef struct {
    const char *method;
    const char *url;
    const char *token;
    /// NULL when there is none.
    const uint8_t *body;
    size_t body_length;
} curl_loop_request;

typedef struct {
    /// Calls that ended, failures among them.
    uint64_t calls;
    /// Calls that did not end with a status of 200.
    uint64_t errors;
    /// The length of the last response's body.
    size_t response_length;
    /// What libcurl said of the last call that failed, or nothing.
    char message[256];
} curl_loop_result;

/// NULL when there is no memory. `ca_file` is the one authority that is trusted.
curl_loop *curl_loop_create(const char *ca_file, curl_loop_kind kind);

void curl_loop_destroy(curl_loop *loop);

/// Plays `callers` callers each of whom sends `request` again as soon as the response is there, until `calls` were made
/// or `limit_ns` nanoseconds have passed. `latencies` takes the nanoseconds of each call, waiting for a stream included.
/// Returns 0, or -1 when libcurl or memory fails altogether.
int curl_loop_run(curl_loop *loop, const curl_loop_request *request, size_t callers, uint64_t calls, uint64_t limit_ns,
                  uint64_t *latencies, curl_loop_result *result);

/// Sends `request` once and copies up to `capacity` bytes of the response. Returns the response's length, or -1.
long curl_loop_fetch(curl_loop *loop, const curl_loop_request *request, uint8_t *response, size_t capacity);

/// The name and version of the library, "libcurl/8.5.0 …".
const char *curl_loop_version(void);

#endif
