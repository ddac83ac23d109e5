/*
 * judge_stsafe.c: an STSAFE-A110 or A120 (docs/chips/stsafe.md).
 *
 * What is written stands at the start of its place; behind the room for it twelve bytes say that it
 * is whole: "RS", 1, 0, a sequence, the length in two bytes, and a CRC of two.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "judge_inner.h"

#define CERT_ROOM  850
#define CHAIN_AT   862
#define CHAIN_ROOM 704
#define TRUST_ROOM 588

static int
is_counted(const char *path)
{
    return strcmp(path, "host_key/counter") == 0;
}

static int
is_makers(const char *path)
{
    return judge_among(" number zones/0/data private_keys/0/key ", path);
}

static int
is_own(const char *path)
{
    return is_makers(path) ||
           judge_among(" host_key/mac host_key/cipher zones/7/data zones/3/data ", path);
}

static const char *
uid(const struct judge_facts *f)
{
    return judge_text(f, "number");
}

static int
key(const struct judge_facts *f, uint8_t d[32])
{
    struct judge_bytes b;

    if (!judge_get(f, "private_keys/0/key", &b) || b.len != 32)
        return 0;
    memcpy(d, b.p, 32);
    return 1;
}

/* CRC-16/X-25. */
static unsigned
crc_of(const uint8_t *p, size_t len)
{
    unsigned crc = 0xffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1;
    }
    return crc ^ 0xffff;
}

static int
has(const struct judge_facts *f, const char *path, size_t at, size_t room, const uint8_t *p,
    size_t len)
{
    static const uint8_t mark[4] = {'R', 'S', 1, 0};
    struct judge_bytes zone;
    const uint8_t *t;

    if (!judge_get(f, path, &zone) || zone.len < at + room + 12 || len > room)
        return 0;
    t = zone.p + at + room;
    return memcmp(zone.p + at, p, len) == 0 && memcmp(t, mark, sizeof(mark)) == 0 &&
           ((size_t)t[8] << 8 | t[9]) == len && ((unsigned)t[10] << 8 | t[11]) == crc_of(t, 10);
}

static int
check(const struct judge *j, const struct judge_facts *start, const struct judge_facts *now,
      const struct judge_claim *claim, char why[JUDGE_TEXT])
{
    const struct judge_bytes *issuer = judge_issuer(j, claim->cert, claim->cert_len);
    uint8_t secret[32];
    struct judge_bytes mac, cipher;

    if (!has(now, "zones/7/data", 0, CERT_ROOM, claim->cert, claim->cert_len))
        return judge_not(why, "zone 7 has not the certificate");
    if (issuer == NULL || !has(now, "zones/7/data", CHAIN_AT, CHAIN_ROOM, issuer->p, issuer->len))
        return judge_not(why, "zone 7 has not the issuer's certificate");
    if (!has(now, "zones/3/data", 0, TRUST_ROOM, j->ca_der[0].p, j->ca_der[0].len))
        return judge_not(why, "zone 3 has not the trust anchor");
    if (!j->has_master)
        return strcmp(judge_text(start, "host_key"), judge_text(now, "host_key")) == 0 ||
               judge_not(why, "it has a host key");
    judge_secret(j, uid(now), secret, sizeof(secret));
    return (judge_get(now, "host_key/mac", &mac) && judge_is(&mac, secret, 16) &&
            judge_get(now, "host_key/cipher", &cipher) && judge_is(&cipher, secret + 16, 16)) ||
           judge_not(why, "it has not its own host key");
}

static int
holds(const struct judge_facts *f, const uint8_t *cert, size_t len)
{
    struct judge_bytes zone;

    return judge_get(f, "zones/7/data", &zone) && len <= zone.len && memcmp(zone.p, cert, len) == 0;
}

const struct judge_family judge_stsafe = {
    .driver = "stsafe",
    .members = " zone slot command ",
    .is_counted = is_counted,
    .is_own = is_own,
    .is_makers = is_makers,
    .uid = uid,
    .key = key,
    .check = check,
    .holds = holds,
    .secrets = " private_keys/0/key host_key/mac host_key/cipher ",
};
