/*
 * judge_atecc.c: an ATECC608 (docs/chips/atecc.md, docs/chips/atecc-driver.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "judge_inner.h"

#define WINDOW 1024
#define PACKED 352 /* bytes of slot 8 that are the certificate's */

/* What a certificate is packed against: DER that most have, with the part's point in between. */
static const char before_point[] = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
static const char behind_point[] =
    "a0030201020213300a06082a8648ce3d04030230310b3009060355040a0c06035504030c060355040513170d3330"
    "30303030305a180f39393939313233313233353935395a300c0603551d130101ff04023000300e0603551d0f0101"
    "ff040403020780301d0603551d0e04160414301f0603551d230418301680140603551d1104a006082b0601050507"
    "080406082b06010505070101043006082b0601050507300186687474703a2f2f3006082b06010505073002860603"
    "551d1f0430a0862f6f6373702e63726c2e63657264657669636573";

static size_t
put_hex(uint8_t *out, const char *hex)
{
    size_t n = 0;

    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1 && hex[0] != '\0'; hex += 2)
        out[n++] = (uint8_t)byte;
    return n;
}

static void
split(struct judge_facts *f)
{
    char serial[19], rest[65];
    const char *config = judge_text(f, "config/0");

    if (strlen(config) != 64)
        return;
    (void)snprintf(serial, sizeof(serial), "%.8s%.10s", config, config + 16);
    (void)snprintf(rest, sizeof(rest), "%s", config);
    memset(rest, '-', 8);
    memset(rest + 16, '-', 10);
    (void)json_object_set_new(f->map, "serial", json_string(serial));
    (void)json_object_set_new(f->map, "config/0", json_string(rest));
}

static int
is_counted(const char *path)
{
    (void)path;
    return 0;
}

static int
is_own(const char *path)
{
    return judge_among(" serial slots/0 slots/1 slots/6 slots/8 slots/10 ", path);
}

static int
is_makers(const char *path)
{
    return strcmp(path, "serial") == 0;
}

static const char *
uid(const struct judge_facts *f)
{
    return judge_text(f, "serial");
}

/* 36 bytes: four of padding, the key. */
static int
key_in(const struct judge_facts *f, const char *path, uint8_t d[32])
{
    struct judge_bytes slot;

    if (!judge_get(f, path, &slot) || slot.len < 36)
        return 0;
    memcpy(d, slot.p + 4, 32);
    for (size_t i = 0; i < 4; i++) {
        if (slot.p[i] != 0)
            return 0;
    }
    return 1;
}

static int
key(const struct judge_facts *f, uint8_t d[32])
{
    return key_in(f, "slots/0", d);
}

/* 0nnnnnnn: n+1 bytes; 1lllllpp pppppppp: l+3 bytes of the window from p on. */
static size_t
unpack(const uint8_t *in, size_t len, uint8_t *window, size_t at)
{
    for (size_t i = 0; i < len;) {
        unsigned head = in[i++];
        unsigned n = head < 0x80 ? head + 1 : (head >> 2 & 31) + 3;
        size_t from;

        if (at + n > WINDOW)
            return 0;
        from = head < 0x80 ? i : ((size_t)(head & 3) << 8) + (i < len ? in[i] : WINDOW);
        if (head < 0x80 ? i + n > len : from >= at)
            return 0;
        for (unsigned k = 0; k < n; k++)
            window[at++] = head < 0x80 ? in[from + k] : window[from + k];
        i += head < 0x80 ? n : 1;
    }
    return at;
}

/* The signature's two numbers, as 64 bytes. */
static int
raw_signature(const uint8_t *cert, size_t len, uint8_t raw[64])
{
    const uint8_t *p = cert;
    X509 *x = d2i_X509(NULL, &p, (long)len);
    const ASN1_BIT_STRING *bits = NULL;
    ECDSA_SIG *sig = NULL;
    int ok;

    if (x == NULL)
        return 0;
    X509_get0_signature(&bits, NULL, x);
    p = ASN1_STRING_get0_data(bits);
    sig = d2i_ECDSA_SIG(NULL, &p, ASN1_STRING_length(bits));
    ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    X509_free(x);
    return ok;
}

/* What slot 8 keeps is the certificate without its signature. */
static int
keeps_body(const struct judge_facts *f, const struct judge_claim *claim)
{
    uint8_t window[WINDOW], d[32], *tbs = NULL;
    struct judge_bytes slot;
    const uint8_t *p = claim->cert;
    X509 *x;
    size_t start, end, packed;
    int len, ok;

    if (!judge_get(f, "slots/8", &slot) || !key(f, d))
        return 0;
    packed = (size_t)slot.p[0] << 8 | slot.p[1];
    if (packed == 0 || packed + 4 > PACKED)
        return 0;
    start = put_hex(window, before_point);
    if (!judge_point(d, window + start))
        return 0;
    start += 64;
    start += put_hex(window + start, behind_point);
    end = unpack(slot.p + 4, packed, window, start);
    x = d2i_X509(NULL, &p, (long)claim->cert_len);
    if (x == NULL || end == 0)
        return 0;
    len = i2d_re_X509_tbs(x, &tbs);
    ok = len > 0 && end - start == (size_t)len && memcmp(window + start, tbs, (size_t)len) == 0;
    OPENSSL_free(tbs);
    X509_free(x);
    return ok;
}

static int
holds(const struct judge_facts *f, const uint8_t *cert, size_t len)
{
    struct judge_bytes slot;
    uint8_t raw[64];

    return judge_get(f, "slots/10", &slot) && raw_signature(cert, len, raw) &&
           memcmp(slot.p, raw, sizeof(raw)) == 0;
}

/* The 64 bytes at the end of slot 8 are for data that nobody wrote yet. */
static int
keeps_rest(const struct judge_facts *a, const struct judge_facts *b)
{
    return strcmp(judge_text(a, "slots/8") + (size_t)2 * PACKED,
                  judge_text(b, "slots/8") + (size_t)2 * PACKED) == 0;
}

static int
check(const struct judge *j, const struct judge_facts *start, const struct judge_facts *now,
      const struct judge_claim *claim, char why[JUDGE_TEXT])
{
    uint8_t d[32], point[64], secret[32];
    struct judge_bytes slot;

    /* Byte 86 is the data's lock, 87 the configuration's; 55 is open. */
    if (strncmp(judge_text(now, "config/2") + 44, "0000", 4) != 0)
        return judge_not(why, "it is not locked");
    if (!holds(now, claim->cert, claim->cert_len))
        return judge_not(why, "slot 10 has not the certificate's signature");
    if (!keeps_body(now, claim))
        return judge_not(why, "slot 8 has not the rest of the certificate");
    if (!keeps_rest(start, now))
        return judge_not(why, "the end of slot 8 was written to");
    if (!key_in(now, "slots/1", d) || !judge_point(d, point))
        return judge_not(why, "slot 1 has no key");
    if (!j->has_master)
        return strcmp(judge_text(start, "slots/6"), judge_text(now, "slots/6")) == 0 ||
               judge_not(why, "slot 6 was written to");
    judge_secret(j, uid(now), secret, sizeof(secret));
    return (judge_get(now, "slots/6", &slot) && memcmp(slot.p, secret, sizeof(secret)) == 0) ||
           judge_not(why, "slot 6 has not the part's own secret");
}

const struct judge_family judge_atecc = {
    .driver = "atecc",
    .members = "",
    .split = split,
    .is_counted = is_counted,
    .is_own = is_own,
    .is_makers = is_makers,
    .uid = uid,
    .key = key,
    .check = check,
    .holds = holds,
    .secrets = " slots/0 slots/1 slots/6 ",
};
