/*
 * foreign.c: see foreign.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/foreign.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/est.h"
#include "station/station_inner.h"

#define LOGIN_MAX 1024

rs_code
foreign_connect(const struct station_est *est, struct web **ret_web, struct rs_err *err)
{
    struct web_config config = {.base = est->server,
                                .trust_path = est->trust,
                                .cert_path = est->certificate,
                                .key_path = est->key};

    return web_open(&config, ret_web, err);
}

rs_code
foreign_open(struct station *st, const char *order, struct rs_err *err)
{
    struct station_order *o = &st->orders[0].order;
    uint64_t start_us = rs_mono_us();
    struct web *web = NULL;
    rs_code rc = station_load_root(st, st->est.trust, err);

    st->order_count = 1;
    (void)snprintf(o->name, sizeof(o->name), "%s", order != NULL ? order : "est");
    (void)snprintf(o->rot, sizeof(o->rot), "%s", st->est.rot);
    (void)snprintf(o->serials, sizeof(o->serials), "%s", st->est.serials);
    o->quantity = o->target = o->share = st->est.quantity;
    if (rc == RS_OK)
        rc = foreign_connect(&st->est, &web, err);
    if (rc == RS_OK)
        rc = client_est_cacerts(web, st->est.label, &st->arena, st->ca_certs, &st->ca_count, err);
    web_close(web);
    st->server_ok = rc == RS_OK;
    st->server_ms = (int64_t)(rs_mono_us() - start_us) / 1000;
    return rc;
}

rs_code
foreign_check(const struct station *st, uint64_t board, struct rs_err *err)
{
    uint64_t others = memory_asked(st->memory, st->orders[0].order.name, board);

    if (others < (uint64_t)st->est.quantity)
        return RS_OK;
    return rs_fail(err, RS_E_ORDER_EXHAUSTED, "%llu of %lld boards have asked for an identity",
                   (unsigned long long)others, (long long)st->est.quantity);
}

/* RFC 7617. */
static rs_code
put_login(const char *path, struct rs_buf *header, struct rs_err *err)
{
    RS_AUTO(rs_secret_done) struct rs_secret login = {0};
    rs_code rc = rs_secret_read_file(path, &login, err);

    if (rc != RS_OK)
        return rc;
    if (memchr(login.p, ':', login.len) == NULL)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%.120s has no user:password", path);
    web_put_basic(header, rs_bytes_of(login.p, login.len));
    return rs_buf_ok(header) ? RS_OK : rs_fail(err, RS_E_CONFIG_INVALID, "%.120s: too long", path);
}

rs_code
foreign_enroll(const struct station *st, struct web *web, struct rs_bytes csr,
               struct rs_buf *ret_cert, int64_t *ret_wait_s, struct rs_err *err)
{
    struct client_est_ask ask = {.label = st->est.label, .csr = csr};
    RS_AUTO(rs_buf_done) struct rs_buf header;
    rs_code rc = RS_OK;

    rs_buf_init(&header, LOGIN_MAX);
    header.secret = 1;
    *ret_wait_s = 0;
    if (st->est.login != NULL)
        rc = put_login(st->est.login, &header, err);
    if (rc == RS_OK && st->est.login != NULL)
        ask.authorization = (const char *)header.p;
    return rc == RS_OK ? client_est_ask(web, &ask, ret_cert, ret_wait_s, err) : rc;
}
