#ifndef SOCKET_DRIVER_H
#define SOCKET_DRIVER_H

#include <curl/curl.h>
#include <poll.h>
#include <stdint.h>

/// More sockets than one connection and its successor can be.
#define SOCKET_DRIVER_CAPACITY 16

/// What libcurl asked to be watched, where the loop drives the sockets itself.
typedef struct {
    CURLM *multi;
    struct pollfd sockets[SOCKET_DRIVER_CAPACITY];
    nfds_t count;
    /// The one that was watched last: libcurl watches none while there is nothing to do, and the connection stays.
    curl_socket_t last;
    /// When libcurl's timer is due on the monotonic clock, 0 at once, UINT64_MAX never.
    uint64_t timer_ns;
    /// Transfers that libcurl runs.
    int running;
} socket_driver;

uint64_t socket_driver_now(void);

/// Has `multi` say what to watch. `driver` must stay where it is as long as `multi` is used.
void socket_driver_begin(socket_driver *driver, CURLM *multi);

/// Drives the sockets that the last wait found ready, and the timer when it is due; what libcurl writes meanwhile is
/// gathered when `gathers` is not 0. Returns 0, or -1 when libcurl fails.
int socket_driver_perform(socket_driver *driver, int gathers);

/// Sleeps until a socket is ready or the timer is due. Returns 0, or -1 when nothing could wake it.
int socket_driver_wait(socket_driver *driver);

#endif
