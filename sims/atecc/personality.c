/*
 * personality.c: parts that come from the factory with contents.
 *
 * Trust&GO (tngtls) and TrustFLEX (tflxtls): the published configurations, both
 * zones locked, private keys in slots 0 and 1, and a certificate chain under
 * the simulated maker: compressed device certificate in slot 10, public key of
 * the signer in 11, compressed signer certificate in 12.  The first bytes of
 * OTP say which template belongs to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sims/atecc/chip.h"
#include "sims/atecc/vendor.h"

#define DEVICE_YEARS 28
#define SIGNER_YEARS 31

struct personality {
    const char *name;
    const char *otp_marker;
    int has_eui48;      /* slot 5 and the certificate carry a network address */
    const char *config; /* from byte 16, in hex */
};

static const struct personality personalities[] = {
    {"tngtls", "KQp2ZkD8", 1,
     "6A000001850082008520852085200F8F"
     "8F0F8F8F0F0F8F0F0F8F0F8F0F8F8F8F"
     "8F8F8F8FFFFFFFFF00000000FFFFFFFF"
     "00000000000000F70069760000000000"
     "0000000000000000FFFF0E6000000000"
     "530053007300730073001C007C001C00"
     "3C001A001C0010001C001C001C001C00"},
    {"tflxtls", "MKMwyhP1", 0,
     "6C000001850082008520852085208F46"
     "8F0F9F8F0F0F8F0F0F0F0F0F0F0F0F0F"
     "0D1F0F0FFFFFFFFF00000000FFFFFFFF"
     "00000000000003F70069760000000000"
     "0000000000000000FFFF0E6000000000"
     "5300530073007300730038007C001C00"
     "3C001A003C0030003C00300012003000"},
};

static const struct personality *
find(const char *name)
{
    for (size_t i = 0; i < sizeof(personalities) / sizeof(personalities[0]); i++)
        if (strcmp(personalities[i].name, name) == 0)
            return &personalities[i];
    return NULL;
}

static rs_code
make_key(struct atecc_chip *c, unsigned slot, uint8_t xy[64], struct rs_err *err)
{
    uint8_t *at = atecc_slot(c, slot);

    memset(at, 0, 4);
    for (int tries = 0; tries < 8; tries++) {
        c->run.host->random(c->run.host->self, at + 4, 32);
        if (atecc_p256_public(c->p256, at + 4, xy))
            return RS_OK;
    }
    return rs_fail(err, RS_E_CRYPTO_RANDOM, "simulator: no private key could be drawn");
}

/* A public key as the part keeps it: four bytes of padding before each number. */
static void
put_public(struct atecc_chip *c, unsigned slot, const uint8_t xy[64])
{
    uint8_t *at = atecc_slot(c, slot);

    memset(at, 0, 72);
    for (size_t i = 0; i < 32; i++) {
        at[4 + i] = xy[i];
        at[40 + i] = xy[32 + i];
    }
}

static void
put_config(struct atecc_chip *c, const struct personality *p)
{
    size_t len = 0;

    if (!rs_hex_read(p->config, strlen(p->config), c->config + 16, 112, &len))
        len = 0;
    c->config[12] = 0x01; /* the last byte of a Trust part's serial number */
    memset(c->otp, 0, sizeof(c->otp));
    memcpy(c->otp, p->otp_marker, 8);
    for (unsigned slot = 5; slot < ATECC_SLOT_COUNT; slot++)
        memset(atecc_slot(c, slot), 0, atecc_slot_size(slot));
}

/* Locally administered, individual: 02 and five random bytes. */
static void
make_eui48(struct atecc_chip *c, char text[13])
{
    uint8_t drawn[5];

    c->run.host->random(c->run.host->self, drawn, sizeof(drawn));
    (void)snprintf(text, 13, "02%02X%02X%02X%02X%02X", drawn[0], drawn[1], drawn[2], drawn[3],
                   drawn[4]);
    memcpy(atecc_slot(c, 5), text, 12);
}

static rs_code
put_chain(struct atecc_chip *c, const struct sim_vendor *vendor, const uint8_t device_public[64],
          const char *eui48, struct rs_err *err)
{
    uint8_t room[ATECC_CERT_MAX], serial[ATECC_SERIAL_SIZE];
    char serial_text[2 * ATECC_SERIAL_SIZE + 1];
    struct rs_buf der;
    struct atecc_cert cert = {
        .kind = ATECC_CERT_SIGNER, .public_key = vendor->signer_public, .dates = vendor->since};
    rs_code rc;

    rs_buf_init_fixed(&der, room, sizeof(room));
    cert.dates.expire_years = SIGNER_YEARS;
    rc = atecc_cert_make(c->p256, vendor, &cert, &der, atecc_slot(c, 12), err);
    if (rc != RS_OK)
        return rc;
    put_public(c, 11, vendor->signer_public);

    atecc_serial(c, serial);
    for (size_t i = 0; i < sizeof(serial); i++)
        (void)snprintf(serial_text + 2 * i, 3, "%02X", serial[i]);
    cert.kind = ATECC_CERT_DEVICE;
    cert.public_key = device_public;
    cert.dates.expire_years = DEVICE_YEARS;
    cert.device_serial = serial_text;
    cert.eui48 = eui48;
    return atecc_cert_make(c->p256, vendor, &cert, &der, atecc_slot(c, 10), err);
}

rs_code
atecc_personality_apply(struct atecc_chip *c, const struct sim_create *how, struct rs_err *err)
{
    const struct personality *p = find(how->personality);
    uint8_t first[64], second[64];
    char eui48[13];
    rs_code rc;

    if (strncmp(how->personality, "blank", 5) == 0)
        return RS_OK;
    if (p == NULL || how->vendor == NULL)
        return rs_fail(err, RS_E_USAGE, "simulator: no personality %s", how->personality);
    put_config(c, p);
    rc = make_key(c, 0, first, err);
    if (rc == RS_OK)
        rc = make_key(c, 1, second, err);
    if (rc != RS_OK)
        return rc;
    if (p->has_eui48)
        make_eui48(c, eui48);
    rc = put_chain(c, how->vendor, first, p->has_eui48 ? eui48 : NULL, err);
    /* The published configuration has the lock bytes as locked already. */
    return rc;
}
