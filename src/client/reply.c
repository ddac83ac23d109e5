/*
 * reply.c: what the other side said: header lines, and its refusal in words.
 *
 * Read from a server that TLS has named, and that may still be a hostile or a
 * broken one: everything here is bounded, and what is not understood is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/json.h"
#include "client/web.h"

#define LINE_MAX_WEB    256
#define STATUS_TEXT_MAX 160

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_est_client
#define SLACK 1u
#else
#define SLACK 0u
#endif

void
web_reply_done(struct web_reply *reply)
{
    if (reply != NULL)
        rs_buf_done(&reply->body);
}

/* ---- Header lines --------------------------------------------------------------------- */

static void
forget_header(struct web_reply *reply)
{
    reply->status = 0;
    reply->type[0] = '\0';
    reply->date = reply->retry_at = 0;
    reply->retry_after_s = -1;
}

void
web_reply_begin(struct web_reply *reply)
{
    if (reply->body.max == 0)
        rs_buf_init(&reply->body, WEB_REPLY_MAX);
    rs_buf_reset(&reply->body);
    forget_header(reply);
}

static void
take_type(struct web_reply *reply, const char *value)
{
    size_t n = 0;

    for (; value[n] != '\0' && value[n] != ';' && value[n] != ' ' && n + 1 < WEB_TYPE_MAX; n++) {
        char c = value[n];
        reply->type[n] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    reply->type[n] = '\0';
}

static int64_t
take_date(const char *value)
{
    time_t t = curl_getdate(value, NULL);

    return t > 0 ? (int64_t)t : 0;
}

/* RFC 9110 10.2.3: seconds, or a date, whose distance is known when all lines are read. */
static void
take_retry(struct web_reply *reply, const char *value)
{
    int64_t seconds = 0;

    if (value[0] < '0' || value[0] > '9') {
        reply->retry_at = take_date(value);
        return;
    }
    for (; *value >= '0' && *value <= '9' && seconds <= WEB_RETRY_MAX_S; value++)
        seconds = 10 * seconds + (*value - '0');
    reply->retry_after_s = seconds;
}

void
web_reply_line(struct web_reply *reply, const char *p, size_t len)
{
    char line[LINE_MAX_WEB];
    const char *value;

    if (len >= sizeof(line) + SLACK)
        return;
    memcpy(line, p, len);
    line[len] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    if (strncmp(line, "HTTP/", 5) == 0)
        forget_header(reply); /* what came before was an interim reply (RFC 9110 15.2) */
    value = strchr(line, ':');
    if (value == NULL)
        return;
    value++;
    value += strspn(value, " \t");
    if (strncasecmp(line, "content-type:", 13) == 0)
        take_type(reply, value);
    else if (strncasecmp(line, "retry-after:", 12) == 0)
        take_retry(reply, value);
    else if (strncasecmp(line, "date:", 5) == 0)
        reply->date = take_date(value);
}

void
web_reply_end(struct web_reply *reply, int status)
{
    int64_t now = reply->date != 0 ? reply->date : rs_now();

    reply->status = status;
    if (reply->retry_at > 0)
        reply->retry_after_s = reply->retry_at > now ? reply->retry_at - now : 0;
    if (reply->retry_after_s > WEB_RETRY_MAX_S)
        reply->retry_after_s = WEB_RETRY_MAX_S;
}

/* ---- Refusals ------------------------------------------------------------------------- */

/* A status of a server, or of a box between, that gave no code of ours. */
static rs_code
code_of_status(int status)
{
    switch (status) {
    case 401:
        return RS_E_AUTH_REQUIRED;
    case 403:
        return RS_E_AUTH_DENIED;
    case 404:
        return RS_E_REQUEST_UNKNOWN;
    case 405:
        return RS_E_REQUEST_METHOD;
    case 413:
        return RS_E_REQUEST_TOO_LARGE;
    case 415:
        return RS_E_REQUEST_MEDIA;
    case 429:
        return RS_E_REQUEST_LIMIT;
    case 502:
    case 503:
    case 504:
        return RS_E_NET_UNREACHABLE;
    case 507:
        return RS_E_DISK_FULL;
    default:
        return status >= 500 ? RS_E_INTERNAL : RS_E_REQUEST_FORMAT;
    }
}

static rs_code
fail_by_problem(const struct web_reply *reply, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *problem = NULL;
    const struct rs_code_info *info;
    const char *text;

    if (rs_json_read(rs_buf_bytes(&reply->body), &problem, NULL) != RS_OK)
        return RS_OK;
    info = rs_code_find(rs_json_text_or(problem, "code", ""));
    if (info == NULL)
        return RS_OK;
    text = rs_json_text_or(problem, "detail", rs_json_text_or(problem, "title", info->title));
    return rs_fail(err, info->code, "%s", text);
}

/* "dotted.code: text", as EST replies have it. */
static rs_code
fail_by_text(const struct web_reply *reply, struct rs_err *err)
{
    const struct rs_code_info *info;
    char text[STATUS_TEXT_MAX + 256];
    size_t len = reply->body.len < sizeof(text) - 1 ? reply->body.len : sizeof(text) - 1;
    char *colon;

    if (len > 0)
        memcpy(text, reply->body.p, len);
    text[len] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    colon = strchr(text, ':');
    if (colon == NULL)
        return RS_OK;
    *colon = '\0';
    info = rs_code_find(text);
    if (info == NULL)
        return RS_OK;
    colon++;
    return rs_fail(err, info->code, "%s", colon + strspn(colon, " "));
}

rs_code
web_check(const struct web_reply *reply, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (reply->status >= 200 && reply->status <= 299)
        return RS_OK;
    if (strcmp(reply->type, "text/plain") == 0)
        rc = fail_by_text(reply, err);
    else if (strstr(reply->type, "json") != NULL)
        rc = fail_by_problem(reply, err);
    if (rc != RS_OK)
        return rc;
    return rs_fail(err, code_of_status(reply->status), "the server answered with status %d",
                   reply->status);
}
