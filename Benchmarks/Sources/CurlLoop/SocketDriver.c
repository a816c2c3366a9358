#include "SocketDriver.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

uint64_t socket_driver_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/// libcurl says what to watch (https://curl.se/libcurl/c/CURLMOPT_SOCKETFUNCTION.html).
static int watch(CURL *easy, curl_socket_t socket, int what, void *context, void *socket_context) {
    (void)easy;
    (void)socket_context;
    socket_driver *driver = context;
    nfds_t index = 0;
    while (index < driver->count && driver->sockets[index].fd != socket) index++;
    if (what == CURL_POLL_REMOVE) {
        if (index < driver->count) driver->sockets[index] = driver->sockets[--driver->count];
        return 0;
    }
    if (index == SOCKET_DRIVER_CAPACITY) return -1;
    if (index == driver->count) driver->sockets[driver->count++] = (struct pollfd){.fd = socket};
    driver->last = socket;
    driver->sockets[index].events = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    return 0;
}

/// libcurl sets its one timer (https://curl.se/libcurl/c/CURLMOPT_TIMERFUNCTION.html).
static int set_timer(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    socket_driver *driver = context;
    if (milliseconds < 0) {
        driver->timer_ns = UINT64_MAX;
    } else {
        driver->timer_ns = milliseconds == 0 ? 0 : socket_driver_now() + (uint64_t)milliseconds * 1000000u;
    }
    return 0;
}

void socket_driver_begin(socket_driver *driver, CURLM *multi) {
    *driver = (socket_driver){.multi = multi, .last = -1, .timer_ns = UINT64_MAX};
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, driver);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, driver);
}

/// Holds back what is written until a segment is full, or sends it (https://man7.org/linux/man-pages/man7/tcp.7.html). Does
/// no harm to another socket that has the number of one that was closed: it is let go in the same turn.
static void cork(const socket_driver *driver, int is_on) {
#ifdef TCP_CORK
    setsockopt(driver->last, IPPROTO_TCP, TCP_CORK, &is_on, sizeof(is_on));
#else
    (void)driver;
    (void)is_on;
#endif
}

int socket_driver_perform(socket_driver *driver, int gathers) {
    // A copy, because libcurl changes what is watched while it is driven.
    struct pollfd ready[SOCKET_DRIVER_CAPACITY];
    nfds_t count = 0;
    for (nfds_t index = 0; index < driver->count; index++) {
        if (driver->sockets[index].revents) ready[count++] = driver->sockets[index];
        driver->sockets[index].revents = 0;
    }
    for (nfds_t index = 0; index < count; index++) {
        short events = ready[index].revents;
        int mask = (events & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) | (events & POLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (curl_multi_socket_action(driver->multi, ready[index].fd, mask, &driver->running) != CURLM_OK) return -1;
    }
    if (driver->timer_ns == UINT64_MAX || (driver->timer_ns > 0 && driver->timer_ns > socket_driver_now())) return 0;
    // Before the call, in which libcurl may set it anew.
    driver->timer_ns = UINT64_MAX;
    if (gathers) cork(driver, 1);
    CURLMcode code = curl_multi_socket_action(driver->multi, CURL_SOCKET_TIMEOUT, 0, &driver->running);
    if (gathers) cork(driver, 0);
    return code == CURLM_OK ? 0 : -1;
}

int socket_driver_wait(socket_driver *driver) {
    int timeout = -1;
    if (driver->timer_ns == 0) return 0;
    if (driver->timer_ns != UINT64_MAX) {
        uint64_t now = socket_driver_now();
        // Rounded up: a timer that is driven early is lost.
        timeout = driver->timer_ns > now ? (int)((driver->timer_ns - now + 999999u) / 1000000u) : 0;
    }
    if (driver->count == 0 && timeout < 0) return -1;
    poll(driver->sockets, driver->count, timeout);
    return 0;
}
