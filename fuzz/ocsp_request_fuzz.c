/*
 * ocsp_request_fuzz.c: OCSP requests, as bodies and as GET paths.
 *
 * A request that reads well is answered: its certificate identifiers and its
 * nonce go back as they came, so they must lie inside the input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "msg/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct rs_bytes whole, struct rs_bytes part)
{
    if (part.len > 0 &&
        (part.p < whole.p || part.len > whole.len || part.p > whole.p + whole.len - part.len))
        abort();
}

static void
answer(const struct ocsp_request *r)
{
    static const uint8_t key_hash[20];
    static uint8_t room[2 * OCSP_REQUEST_MAX];
    struct ocsp_single singles[OCSP_IDS_MAX];
    struct ocsp_response_spec spec = {
        .singles = singles,
        .count = r->count,
        .responder_key_hash = RS_BYTES(key_hash),
        .nonce = r->nonce,
        .sig_alg = CRYPTO_ECDSA_SHA256,
    };
    struct rs_bytes tbs;
    struct rs_buf out;

    for (size_t i = 0; i < r->count; i++)
        singles[i] =
            (struct ocsp_single){.id = r->ids[i].whole, .status = (enum ocsp_status)(i % 3)};
    if (ocsp_response_data(&spec, room, sizeof(room), &tbs, NULL) != RS_OK)
        abort();
    rs_buf_init(&out, (size_t)4 * OCSP_REQUEST_MAX);
    if (ocsp_response_put(&out, tbs, spec.sig_alg, r->nonce, r->ids[0].whole, NULL) != RS_OK)
        abort();
    rs_buf_reset(&out);
    if (r->nonce.len <= 64 && ocsp_request_put(&out, r->ids[0].hash, r->ids[0].whole, r->nonce,
                                               r->ids[0].serial, r->nonce, NULL) != RS_OK)
        abort();
    rs_buf_done(&out);
}

static void
read_request(struct rs_bytes whole)
{
    static struct ocsp_request r;

    if (ocsp_request_read(whole, &r, NULL) != RS_OK)
        return;
    if (r.count == 0 || r.count > OCSP_IDS_MAX || r.nonce.len > OCSP_NONCE_MAX)
        abort();
    check_inside(whole, r.nonce);
    for (size_t i = 0; i < r.count; i++) {
        check_inside(whole, r.ids[i].whole);
        check_inside(whole, r.ids[i].name_hash);
        check_inside(whole, r.ids[i].key_hash);
        check_inside(whole, r.ids[i].serial);
    }
    answer(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_bytes whole = rs_bytes_of(data, size);
    struct rs_buf der;

    read_request(whole);
    rs_buf_init(&der, OCSP_REQUEST_MAX);
    if (ocsp_path_read(whole, &der, NULL) == RS_OK)
        read_request(rs_buf_bytes(&der));
    rs_buf_done(&der);
    return 0;
}
