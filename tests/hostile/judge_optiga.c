/*
 * judge_optiga.c: an OPTIGA Trust M (docs/chips/optiga.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "judge_inner.h"

static int
is_counted(const char *path)
{
    return strcmp(path, "objects/E0C5/data") == 0 || strcmp(path, "objects/F1C2/data") == 0;
}

static int
is_makers(const char *path)
{
    return judge_among(
        " objects/E0C2/data objects/E0E0/data objects/E0E0/metadata objects/E0F0/data ", path);
}

static int
is_own(const char *path)
{
    return is_makers(path) ||
           judge_among(" objects/E140/data objects/E0F1/data objects/F1D8/data objects/E0E1/data "
                       "objects/E0E2/data objects/E0E8/data ",
                       path);
}

/* How many bytes are in use (C5) is as the content is. */
static void
split(struct judge_facts *f)
{
    const char *path, *text;
    char copy[256], *used;
    json_t *value;

    json_object_foreach(f->map, path, value)
    {
        if (strcmp(path, "objects/E0E1/metadata") != 0)
            continue;
        text = json_string_value(value);
        (void)snprintf(copy, sizeof(copy), "%s", text);
        used = strstr(copy, "c502");
        if (used != NULL && strlen(used) >= 8)
            memcpy(used + 4, "----", 4);
        (void)json_string_set(value, copy);
    }
}

static const char *
uid(const struct judge_facts *f)
{
    return judge_text(f, "objects/E0C2/data");
}

/* So many bytes; the simulator leaves out zeros at their end. */
static int
get(const struct judge_facts *f, const char *path, size_t len, struct judge_bytes *ret)
{
    if (!judge_get(f, path, ret) || ret->len > len || len > sizeof(ret->p))
        return 0;
    memset(ret->p + ret->len, 0, len - ret->len);
    ret->len = len;
    return 1;
}

static int
key(const struct judge_facts *f, uint8_t d[32])
{
    struct judge_bytes b;

    return get(f, "objects/E0F1/data", 32, &b) && memcpy(d, b.p, 32) != NULL;
}

static int
is_there(const struct judge_facts *f, const char *path, const uint8_t *p, size_t len)
{
    struct judge_bytes b;

    return get(f, path, len, &b) && judge_is(&b, p, len);
}

static int
check(const struct judge *j, const struct judge_facts *start, const struct judge_facts *now,
      const struct judge_claim *claim, char why[JUDGE_TEXT])
{
    const struct judge_bytes *issuer = judge_issuer(j, claim->cert, claim->cert_len);
    uint8_t secret[64], d[32], point[64];
    struct judge_bytes b;

    if (!is_there(now, "objects/E0E1/data", claim->cert, claim->cert_len))
        return judge_not(why, "E0E1 has not the certificate");
    if (issuer == NULL || !is_there(now, "objects/E0E2/data", issuer->p, issuer->len))
        return judge_not(why, "E0E2 has not the issuer's certificate");
    if (!is_there(now, "objects/E0E8/data", j->ca_der[0].p, j->ca_der[0].len))
        return judge_not(why, "E0E8 has not the trust anchor");
    if (!key(now, d) || !judge_point(d, point) || !get(now, "objects/F1D8/data", 91, &b) ||
        memcmp(b.p + 27, point, 64) != 0)
        return judge_not(why, "F1D8 has not the public key");
    if (!j->has_master)
        return strcmp(judge_text(start, "objects/E140/data"),
                      judge_text(now, "objects/E140/data")) == 0 ||
               judge_not(why, "E140 was written to");
    judge_secret(j, uid(now), secret, sizeof(secret));
    return is_there(now, "objects/E140/data", secret, sizeof(secret)) ||
           judge_not(why, "E140 has not the part's own secret");
}

static int
holds(const struct judge_facts *f, const uint8_t *cert, size_t len)
{
    return is_there(f, "objects/E0E1/data", cert, len);
}

const struct judge_family judge_optiga = {
    .driver = "optiga",
    .members = " oid ",
    .split = split,
    .is_counted = is_counted,
    .is_own = is_own,
    .is_makers = is_makers,
    .uid = uid,
    .key = key,
    .check = check,
    .holds = holds,
    .secrets = " objects/E0F0/data objects/E0F1/data objects/E140/data ",
};
