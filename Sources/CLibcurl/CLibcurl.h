#ifndef CLIBCURL_H
#define CLIBCURL_H

#include <curl/curl.h>

/// Typed wrappers for libcurl's variadic functions, which Swift cannot call, and the only place with conditions on the
/// headers' version. The names say the type of the option's value, as in the option's manual page.

#if LIBCURL_VERSION_NUM < 0x075100
#error "libcurl 7.81.0 or newer is required"
#endif

// MARK: curl_easy_setopt

static inline CURLcode stacks_easy_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode stacks_easy_set_large(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode stacks_easy_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode stacks_easy_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode stacks_easy_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

/// Copies `length` bytes into the handle (CURL_BLOB_COPY).
static inline CURLcode stacks_easy_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t length) {
    struct curl_blob blob = {(void *)bytes, length, CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

typedef size_t (*stacks_data_callback)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode stacks_easy_set_data_callback(CURL *easy, CURLoption option, stacks_data_callback value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode stacks_easy_set_prereq_callback(CURL *easy, curl_prereq_callback value) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, value);
}

static inline CURLcode stacks_easy_set_socket_option_callback(CURL *easy, curl_sockopt_callback value) {
    return curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, value);
}

static inline CURLcode stacks_easy_set_resolver_start_callback(CURL *easy, curl_resolver_start_callback value) {
    return curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, value);
}

// The options below are newer than the oldest supported libcurl. The build headers and the library at run time may have
// different versions: this header checks the build headers only, its callers check both.

/// The version of the build headers.
static const unsigned int stacks_header_version = LIBCURL_VERSION_NUM;

/// The newest option that sets the allowed protocols. The bit mask is deprecated, and naming it is a warning.
#if LIBCURL_VERSION_NUM >= 0x075500
static const CURLoption stacks_option_protocols = CURLOPT_PROTOCOLS_STR;
#else
static const CURLoption stacks_option_protocols = CURLOPT_PROTOCOLS;
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static const CURLoption stacks_option_protocol_mask = CURLOPT_PROTOCOLS;
#pragma GCC diagnostic pop

/// CURLOPT_PROTOCOLS_STR, or before 7.85.0 the bit mask that it replaces.
static inline CURLcode stacks_easy_set_protocols(CURL *easy, int allows_http, int by_name) {
#if LIBCURL_VERSION_NUM >= 0x075500
    if(by_name) return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, allows_http ? "http,https" : "https");
#endif
    (void)by_name;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, allows_http ? (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)
                                                                 : (long)CURLPROTO_HTTPS);
#pragma GCC diagnostic pop
}

/// The option that stacks_easy_set_quick_exit sets, for error messages. With older headers, that function does nothing.
#if LIBCURL_VERSION_NUM >= 0x075700
static const CURLoption stacks_option_quick_exit = CURLOPT_QUICK_EXIT;
#else
static const CURLoption stacks_option_quick_exit = (CURLoption)0;
#endif

/// CURLOPT_QUICK_EXIT (7.87.0): removing a handle does not wait for the thread that resolves its name. Without it, the
/// removal can block until the resolution ends.
static inline CURLcode stacks_easy_set_quick_exit(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
    return curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)easy;
    return CURLE_OK;
#endif
}

// MARK: curl_easy_getinfo

static inline CURLcode stacks_easy_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode stacks_easy_get_large(CURL *easy, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode stacks_easy_get_pointer(CURL *easy, CURLINFO info, void **value) {
    return curl_easy_getinfo(easy, info, value);
}

// MARK: curl_multi_setopt

static inline CURLMcode stacks_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode stacks_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode stacks_multi_set_socket_callback(CURLM *multi, curl_socket_callback value) {
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, value);
}

static inline CURLMcode stacks_multi_set_timer_callback(CURLM *multi, curl_multi_timer_callback value) {
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, value);
}

/// CURLMOPT_QUICK_EXIT (8.20.0): freeing a multi handle does not wait for running resolutions. Before 8.20, a multi handle
/// had no threads of its own.
static inline CURLMcode stacks_multi_set_quick_exit(CURLM *multi) {
#if LIBCURL_VERSION_NUM >= 0x081400
    return curl_multi_setopt(multi, CURLMOPT_QUICK_EXIT, 1L);
#else
    (void)multi;
    return CURLM_OK;
#endif
}

// MARK: Values that the importer cannot see

/// Parse a URL as libcurl does for a request, except that a scheme is required.
static const unsigned int stacks_url_as_it_is = CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME;

/// The result of a transfer that `curl_multi_info_read` reported: a member of a C union.
static inline CURLcode stacks_message_result(const CURLMsg *message) { return message->data.result; }

/// `curl_version_info` in the layout of the build headers.
static inline const curl_version_info_data *stacks_version_info(void) { return curl_version_info(CURLVERSION_NOW); }

static const curl_socket_t stacks_socket_timeout = CURL_SOCKET_TIMEOUT;
static const long stacks_global_default = CURL_GLOBAL_DEFAULT;
static const long stacks_http_version_2tls = CURL_HTTP_VERSION_2TLS;
static const long stacks_http_version_1_1 = CURL_HTTP_VERSION_1_1;
static const long stacks_header_separate = CURLHEADER_SEPARATE;
static const long stacks_pipe_multiplex = CURLPIPE_MULTIPLEX;
static const long stacks_tls_1_2 = CURL_SSLVERSION_TLSv1_2;

#endif
