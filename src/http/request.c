/*
 * request.c: from evhttp's request to ours.
 *
 * Apart from the loop, so that it can be tried with hostile bytes alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/request.h"

#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

static const struct {
    enum evhttp_cmd_type type;
    enum http_method method;
} known[] = {
    {EVHTTP_REQ_GET, HTTP_GET}, {EVHTTP_REQ_HEAD, HTTP_HEAD},   {EVHTTP_REQ_POST, HTTP_POST},
    {EVHTTP_REQ_PUT, HTTP_PUT}, {EVHTTP_REQ_PATCH, HTTP_PATCH}, {EVHTTP_REQ_DELETE, HTTP_DELETE},
};

void
http_request_limits(struct evhttp *http)
{
    unsigned methods = 0;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        methods |= known[i].type;
    evhttp_set_max_body_size(http, HTTP_BODY_MAX);
    evhttp_set_max_headers_size(http, HTTP_HEADERS_MAX);
    evhttp_set_allowed_methods(http, (ev_uint16_t)methods);
    evhttp_set_default_content_type(http, NULL);
}

static int
take_method(struct evhttp_request *req, enum http_method *ret_method)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].type == evhttp_request_get_command(req)) {
            *ret_method = known[i].method;
            return 1;
        }
    }
    return 0;
}

/* RFC 9112 3.2.1: origin form only; "*" and authority form name nothing here. */
static int
take_target(struct evhttp_request *req, struct http_request *r, char **ret_path)
{
    const char *uri = evhttp_request_get_uri(req);
    char *query;

    *ret_path = strdup(uri != NULL ? uri : "");
    if (*ret_path == NULL || (*ret_path)[0] != '/')
        return 0;
    query = strchr(*ret_path, '?');
    if (query != NULL)
        *query++ = '\0';
    r->path = *ret_path;
    r->query = query != NULL ? query : "";
    return 1;
}

/* RFC 9110 8.3.1: the type without its parameters; letter case means nothing in it. */
static void
take_type(struct evhttp_request *req, char type[HTTP_TYPE_SIZE])
{
    const char *text = evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");
    size_t n = 0, max = HTTP_TYPE_SIZE - 1;

#ifdef RS_PLANTED_BUG_http
    max = HTTP_TYPE_SIZE; /* no room for the end of the text */
#endif
    for (; text != NULL && text[n] != '\0' && text[n] != ';' && text[n] != ' ' && n < max; n++)
        type[n] = (char)(text[n] >= 'A' && text[n] <= 'Z' ? text[n] - 'A' + 'a' : text[n]);
    type[n] = '\0';
}

int
http_request_take(struct evhttp_request *req, struct http_request *r, char **ret_path,
                  char content_type[HTTP_TYPE_SIZE])
{
    struct evbuffer *in = evhttp_request_get_input_buffer(req);
    size_t len = evbuffer_get_length(in);

    if (!take_method(req, &r->method) || !take_target(req, r, ret_path))
        return 0;
    take_type(req, content_type);
    r->content_type = content_type;
    r->body = rs_bytes_of(len > 0 ? evbuffer_pullup(in, -1) : NULL, len);
    return r->body.p != NULL || len == 0;
}
