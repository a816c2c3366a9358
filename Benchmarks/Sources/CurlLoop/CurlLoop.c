#include "CurlLoop.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "SocketDriver.h"

/// The fewest requests that are sent before the others are written.
#define SMALLEST_HALF 4

/// One easy handle, and what has come in on it.
typedef struct {
    CURL *easy;
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    /// When the caller whose turn it is asked.
    uint64_t asked_at;
    /// What libcurl said when it was done.
    CURLcode outcome;
} transfer;

struct curl_loop {
    curl_loop_kind kind;
    CURLM *multi;
    socket_driver driver;
    /// The request's URL, taken apart: libcurl then copies its parts for each call instead of finding them
    /// (https://curl.se/libcurl/c/CURLOPT_CURLU.html).
    CURLU *url;
    char *ca_file;
    struct curl_slist *headers;
    transfer transfers[CURL_LOOP_STREAMS];
    size_t count;
};

static size_t collect(char *bytes, size_t size, size_t count, void *context) {
    transfer *transfer = context;
    size_t length = size * count;
    if (transfer->length + length > transfer->capacity) {
        size_t capacity = 2 * transfer->capacity + length;
        uint8_t *grown = realloc(transfer->bytes, capacity);
        if (!grown) return 0;
        transfer->bytes = grown;
        transfer->capacity = capacity;
    }
    memcpy(transfer->bytes + transfer->length, bytes, length);
    transfer->length += length;
    return length;
}

curl_loop *curl_loop_create(const char *ca_file, curl_loop_kind kind) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return NULL;
    curl_loop *loop = calloc(1, sizeof(curl_loop));
    if (!loop) return NULL;
    loop->kind = kind;
    loop->multi = curl_multi_init();
    loop->url = curl_url();
    loop->ca_file = strdup(ca_file);
    if (!loop->multi || !loop->url || !loop->ca_file) {
        curl_loop_destroy(loop);
        return NULL;
    }
    if (kind == CURL_LOOP_GATHERING) socket_driver_begin(&loop->driver, loop->multi);
    curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(loop->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)CURL_LOOP_STREAMS);
    return loop;
}

void curl_loop_destroy(curl_loop *loop) {
    for (size_t index = 0; index < loop->count; index++) {
        curl_easy_cleanup(loop->transfers[index].easy);
        free(loop->transfers[index].bytes);
    }
    if (loop->multi) curl_multi_cleanup(loop->multi);
    curl_slist_free_all(loop->headers);
    curl_url_cleanup(loop->url);
    free(loop->ca_file);
    free(loop);
}

/// The options that are the same for every request.
static int add_transfer(curl_loop *loop) {
    transfer *transfer = &loop->transfers[loop->count];
    CURL *easy = curl_easy_init();
    if (!easy) return -1;
    transfer->easy = easy;
    loop->count++;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CAINFO, loop->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    // Allocated for each request with a body, with 64 KB otherwise.
    if (loop->kind == CURL_LOOP_GATHERING) curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024L);
    return 0;
}

/// The options of one request, on every handle.
static int prepare(curl_loop *loop, const curl_loop_request *request, size_t handles) {
    while (loop->count < handles) {
        if (add_transfer(loop) != 0) return -1;
    }
    if (curl_url_set(loop->url, CURLUPART_URL, request->url, 0) != CURLUE_OK) return -1;
    char authorization[256] = "Authorization: Token ";
    strncat(authorization, request->token, sizeof(authorization) - strlen(authorization) - 1);
    struct curl_slist *headers = curl_slist_append(NULL, authorization);
    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "User-Agent: stacksapi-floor/1");
    if (request->body) headers = curl_slist_append(headers, "Content-Type: application/json");
    for (size_t index = 0; index < loop->count; index++) {
        CURL *easy = loop->transfers[index].easy;
        if (loop->kind == CURL_LOOP_GATHERING) {
            curl_easy_setopt(easy, CURLOPT_CURLU, loop->url);
        } else {
            curl_easy_setopt(easy, CURLOPT_URL, request->url);
        }
        if (request->body) {
            curl_easy_setopt(easy, CURLOPT_POST, 1L);
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        } else {
            curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        }
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    }
    curl_slist_free_all(loop->headers);
    loop->headers = headers;
    return 0;
}

static int start(curl_loop *loop, transfer *transfer, uint64_t asked_at) {
    transfer->length = 0;
    transfer->asked_at = asked_at;
    return curl_multi_add_handle(loop->multi, transfer->easy) == CURLM_OK ? 0 : -1;
}

/// Lets libcurl do what it can at once. `starts` is how many transfers were added since the last time. Returns 0, or -1
/// when libcurl fails.
static int perform(curl_loop *loop, const curl_loop_request *request, size_t starts) {
    if (loop->kind == CURL_LOOP_PLAIN) {
        return curl_multi_perform(loop->multi, &loop->driver.running) == CURLM_OK ? 0 : -1;
    }
    // libcurl writes a request without a body in one piece.
    return socket_driver_perform(&loop->driver, starts > 1 || (starts == 1 && request->body));
}

static int wait_for_more(curl_loop *loop) {
    if (loop->kind == CURL_LOOP_GATHERING) return socket_driver_wait(&loop->driver);
    return curl_multi_poll(loop->multi, NULL, 0, 1000, NULL) == CURLM_OK ? 0 : -1;
}

/// Collects the transfers that are done. Returns how many there are.
static size_t collect_done(curl_loop *loop, transfer **done) {
    size_t count = 0;
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &done[count]);
        done[count++]->outcome = message->data.result;
    }
    return count;
}

/// Ends a transfer and counts it.
static void finish(curl_loop *loop, transfer *transfer, curl_loop_result *result) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(loop->multi, transfer->easy);
    result->calls++;
    result->response_length = transfer->length;
    if (transfer->outcome == CURLE_OK && status == 200) return;
    result->errors++;
    const char *message =
        transfer->outcome == CURLE_OK ? "not a status of 200" : curl_easy_strerror(transfer->outcome);
    strncpy(result->message, message, sizeof(result->message) - 1);
}

int curl_loop_run(curl_loop *loop, const curl_loop_request *request, size_t callers, uint64_t calls, uint64_t limit_ns,
                  uint64_t *latencies, curl_loop_result *result) {
    memset(result, 0, sizeof(*result));
    if (callers > calls) callers = (size_t)calls;
    size_t handles = callers < CURL_LOOP_STREAMS ? callers : CURL_LOOP_STREAMS;
    size_t size = callers - handles, queued = size, head = 0;
    if (prepare(loop, request, handles) != 0) return -1;
    /// When each caller who waits for a transfer asked: a ring, first come, first served.
    uint64_t *queue = calloc(size + 1, sizeof(uint64_t));
    if (!queue) return -1;
    uint64_t began = socket_driver_now();
    uint64_t asked = callers;
    int outcome = 0;
    for (size_t index = 0; index < size; index++) queue[index] = began;
    for (size_t index = 0; index < handles && outcome == 0; index++) {
        outcome = start(loop, &loop->transfers[index], began);
    }
    size_t in_flight = handles, starts = handles;
    while (in_flight > 0 && outcome == 0) {
        if (perform(loop, request, starts) != 0) outcome = -1;
        starts = 0;
        transfer *done[CURL_LOOP_STREAMS];
        size_t count = collect_done(loop, done);
        if (count == 0) {
            if (loop->driver.running == 0 || wait_for_more(loop) != 0) outcome = -1;
            continue;
        }
        uint64_t now = socket_driver_now();
        int sent_half = 0;
        for (size_t index = 0; index < count; index++) {
            finish(loop, done[index], result);
            latencies[result->calls - 1] = now - done[index]->asked_at;
            int asks_again = asked < calls && now - began < limit_ns;
            if (asks_again) asked++;
            uint64_t next = now;
            if (queued > 0) {
                next = queue[head];
                head = (head + 1) % size;
                queued--;
                if (asks_again) queue[(head + queued++) % size] = now;
            } else if (!asks_again) {
                in_flight--;
                continue;
            }
            if (start(loop, done[index], next) != 0) outcome = -1;
            starts++;
            // Half of the calls in flight are sent first, once, for the server to work on while the others are written.
            if (loop->kind == CURL_LOOP_GATHERING && !sent_half && starts >= SMALLEST_HALF && starts == in_flight / 2) {
                if (perform(loop, request, starts) != 0) outcome = -1;
                sent_half = 1;
                starts = 0;
            }
        }
    }
    free(queue);
    return outcome;
}

long curl_loop_fetch(curl_loop *loop, const curl_loop_request *request, uint8_t *response, size_t capacity) {
    curl_loop_result result;
    uint64_t latency = 0;
    if (curl_loop_run(loop, request, 1, 1, UINT64_MAX, &latency, &result) != 0 || result.errors > 0) return -1;
    transfer *transfer = &loop->transfers[0];
    memcpy(response, transfer->bytes, transfer->length < capacity ? transfer->length : capacity);
    return (long)transfer->length;
}

const char *curl_loop_version(void) { return curl_version(); }
