/*
 * personality.c: what is in a part as delivered (section 5 of the reference).
 *
 * The unique id, the chip's key for ECKey sessions, a key that attests and two
 * that connect to clouds, each of the last three with a certificate of the
 * simulated maker.  Everything is the factory's: it cannot be deleted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "sims/common/ca.h"
#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

#define P256     0x03
#define CERT_MAX 1024

/* One rule for everybody. */
static rs_code
put_object(struct se05x_chip *c, struct se05x_object o, uint32_t rights, struct rs_bytes value,
           struct rs_err *err)
{
    uint8_t rule[9] = {0x08};

    rs_set_u32(rule + 5, rights);
    o.origin = SE05X_PROVISIONED;
    if (se05x_store_object(c, &o, RS_BYTES(rule), value) != SE05X_OK)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no room for what a new part holds");
    return RS_OK;
}

static rs_code
put_key(struct se05x_chip *c, uint32_t id, uint32_t rights, uint8_t point[65], struct rs_err *err)
{
    const struct se05x_curve *p256 = se05x_curve_find(P256);
    const struct se05x_object o = {.id = id, .kind = SE05X_EC_PAIR, .curve = P256};
    uint8_t value[32 + 65];
    rs_code rc;

    if (!se05x_key_generate(p256, c->host, value, value + 32))
        return rs_fail(err, RS_E_CRYPTO_RANDOM, "simulator: no private key could be drawn");
    memcpy(point, value + 32, 65);
    rc = put_object(c, o, rights, RS_BYTES(value), err);
    rs_wipe(value, sizeof(value));
    return rc;
}

/* Certificates are followed by zeros, as files of the real part may be. */
static rs_code
put_cert(struct se05x_chip *c, const struct sim_create *how, uint32_t id, const char *what,
         const uint8_t point[65], struct rs_err *err)
{
    const struct se05x_object o = {.id = id, .kind = SE05X_BINARY};
    uint8_t room[CERT_MAX] = {0};
    char uid[2 * SE05X_UID_SIZE + 1], name[64];
    struct rs_buf der;
    rs_code rc;

    rs_hex(RS_BYTES(c->uid), uid, sizeof(uid));
    (void)snprintf(name, sizeof(name), "%s %s", uid, what);
    rs_buf_init_fixed(&der, room, sizeof(room) - SE05X_U_CERT_PADDING);
    rc = sim_ca_issue(how->ca, name, point + 1, &der, err);
    if (rc != RS_OK)
        return rc;
    return put_object(
        c, o, SE05X_MAY_READ,
        rs_bytes_of(room, (der.len / SE05X_U_CERT_PADDING + 1) * SE05X_U_CERT_PADDING), err);
}

static rs_code
put_identity(struct se05x_chip *c, const struct sim_create *how, uint32_t id, uint32_t rights,
             const char *what, struct rs_err *err)
{
    uint8_t point[65];
    rs_code rc = put_key(c, id, rights, point, err);

    return rc == RS_OK ? put_cert(c, how, id + 1, what, point, err) : rc;
}

rs_code
se05x_provision(struct se05x_chip *c, const struct sim_create *how, struct rs_err *err)
{
    const struct se05x_object unique = {.id = SE05X_ID_UNIQUE, .kind = SE05X_BINARY};
    uint32_t use = SE05X_MAY_SIGN | SE05X_MAY_VERIFY | SE05X_MAY_AGREE | SE05X_MAY_READ;
    uint8_t point[65];
    rs_code rc = put_object(c, unique, SE05X_MAY_READ, RS_BYTES(c->uid), err);

    if (rc == RS_OK)
        rc = put_key(c, SE05X_ID_CHIP_KEY, SE05X_MAY_READ, point, err);
    if (rc == RS_OK)
        rc = put_identity(c, how, 0xF0000012, SE05X_MAY_ATTEST | SE05X_MAY_READ, "attest", err);
    if (rc == RS_OK)
        rc = put_identity(c, how, 0xF0000100, use, "cloud 0", err);
    return rc == RS_OK ? put_identity(c, how, 0xF0000102, use, "cloud 1", err) : rc;
}
