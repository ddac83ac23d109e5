/*
 * request.h: private to src/http: what is taken from a request before its handler sees it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/http.h"

struct evhttp;
struct evhttp_request;

#define HTTP_TYPE_SIZE 96 /* a longer media type is cut, and then known to nobody */

/* What the loop below may let through: methods, sizes. */
void http_request_limits(struct evhttp *http);

/*
 * Fill in method, path, query, content_type and body of *ret_request.  Path and
 * query stand in *ret_path, which the caller frees, also after a failure.  0: a
 * method or a target that we do not serve.
 */
RS_MUST_USE int http_request_take(struct evhttp_request *req, struct http_request *ret_request,
                                  char **ret_path, char content_type[HTTP_TYPE_SIZE]);

#endif /* HTTP_REQUEST_H */
