/*
 * judge_se05x.c: an SE05x (docs/chips/se05x.md).
 *
 * What is written stands in one of two files, the content and then eight bytes: "RS", 1, 0, and a
 * sequence.  The newest whole one counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "judge_inner.h"

#define TRAILER 8

struct pair {
    const char *first, *second;
};

static const struct pair cert_files = {"objects/52530101/value", "objects/52531101/value"};
static const struct pair chain_files = {"objects/52530102/value", "objects/52531102/value"};
static const struct pair trust_files = {"objects/52530120/value", "objects/52531120/value"};

static int
begins(const char *path, const char *start)
{
    return strncmp(path, start, strlen(start)) == 0;
}

static int
is_counted(const char *path)
{
    return strcmp(path, "starts") == 0;
}

static int
is_makers(const char *path)
{
    return strcmp(path, "uid") == 0 || begins(path, "objects/7fff") || begins(path, "objects/f000");
}

static int
is_own(const char *path)
{
    return is_makers(path) || begins(path, "scp_keys/") ||
           strcmp(path, "objects/52530001/private") == 0 ||
           strcmp(path, "objects/52530001/public") == 0 || begins(path, "objects/52530101/") ||
           begins(path, "objects/52531101/") || begins(path, "objects/52530102/") ||
           begins(path, "objects/52531102/") || begins(path, "objects/52530120/") ||
           begins(path, "objects/52531120/");
}

static const char *
uid(const struct judge_facts *f)
{
    return judge_text(f, "uid");
}

static int
key(const struct judge_facts *f, uint8_t d[32])
{
    struct judge_bytes b;

    if (!judge_get(f, "objects/52530001/private", &b) || b.len != 32)
        return 0;
    memcpy(d, b.p, 32);
    return 1;
}

/* The sequence of a whole file, 0 of any other; *out is then the content. */
static uint32_t
whole(const struct judge_facts *f, const char *path, struct judge_bytes *out)
{
    static const uint8_t mark[4] = {'R', 'S', 1, 0};
    const uint8_t *t;

    if (!judge_get(f, path, out) || out->len <= TRAILER)
        return 0;
    out->len -= TRAILER;
    t = out->p + out->len;
    if (memcmp(t, mark, sizeof(mark)) != 0)
        return 0;
    return (uint32_t)t[4] << 24 | (uint32_t)t[5] << 16 | (uint32_t)t[6] << 8 | t[7];
}

static int
content(const struct judge_facts *f, const struct pair *pair, struct judge_bytes *out)
{
    struct judge_bytes a, b;
    uint32_t first = whole(f, pair->first, &a), second = whole(f, pair->second, &b);

    if (first == 0 && second == 0)
        return 0;
    *out = first >= second ? a : b;
    return 1;
}

/* Of both files: how they were created, as in a board that nobody disturbed. */
static int
is_created_right(const struct judge *j, const struct judge_facts *now, const char *first,
                 const char *second, char why[JUDGE_TEXT])
{
    static const char *const members[] = {"kind", "origin", "policy"};
    const char *ids[] = {first, second};
    char path[64], like[64];

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned m = 0; m < 3; m++) {
            const char *is;

            (void)snprintf(path, sizeof(path), "objects/%s/%s", ids[i], members[m]);
            (void)snprintf(like, sizeof(like), "objects/%s/%s", first, members[m]);
            is = judge_text(now, path);
            if (is[0] != '\0' && strcmp(is, judge_text(&j->reference, like)) != 0)
                return judge_not(why, "%s is %s", path, is);
        }
    }
    return 1;
}

static int
has_keys(const struct judge *j, const struct judge_facts *start, const struct judge_facts *now,
         char why[JUDGE_TEXT])
{
    static const char *const names[] = {"scp_keys/enc", "scp_keys/mac", "scp_keys/dek"};
    uint8_t secret[48];
    struct judge_bytes b;

    if (j->has_master)
        judge_secret(j, uid(now), secret, sizeof(secret));
    for (size_t i = 0; i < 3; i++) {
        if (j->has_master ? !judge_get(now, names[i], &b) || !judge_is(&b, secret + 16 * i, 16)
                          : strcmp(judge_text(start, names[i]), judge_text(now, names[i])) != 0)
            return judge_not(why, "%s is not what it should be", names[i]);
    }
    return 1;
}

static int
check(const struct judge *j, const struct judge_facts *start, const struct judge_facts *now,
      const struct judge_claim *claim, char why[JUDGE_TEXT])
{
    const struct judge_bytes *issuer = judge_issuer(j, claim->cert, claim->cert_len);
    struct judge_bytes b;

    if (!content(now, &cert_files, &b) || !judge_is(&b, claim->cert, claim->cert_len))
        return judge_not(why, "it has not the certificate");
    if (!content(now, &chain_files, &b) || issuer == NULL || !judge_is(&b, issuer->p, issuer->len))
        return judge_not(why, "it has not the issuer's certificate");
    if (!content(now, &trust_files, &b) || !judge_is(&b, j->ca_der[0].p, j->ca_der[0].len))
        return judge_not(why, "it has not the trust anchor");
    return is_created_right(j, now, "52530101", "52531101", why) &&
           is_created_right(j, now, "52530102", "52531102", why) &&
           is_created_right(j, now, "52530120", "52531120", why) && has_keys(j, start, now, why);
}

static int
holds(const struct judge_facts *f, const uint8_t *cert, size_t len)
{
    struct judge_bytes b;

    return (whole(f, cert_files.first, &b) != 0 && judge_is(&b, cert, len)) ||
           (whole(f, cert_files.second, &b) != 0 && judge_is(&b, cert, len));
}

const struct judge_family judge_se05x = {
    .driver = "se05x",
    .members = " id ",
    .is_counted = is_counted,
    .is_own = is_own,
    .is_makers = is_makers,
    .uid = uid,
    .key = key,
    .check = check,
    .holds = holds,
    .secrets = " objects/52530001/private objects/f0000012/private objects/f0000100/private "
               "objects/f0000102/private objects/7fff0201/private scp_keys/enc scp_keys/mac "
               "scp_keys/dek ",
};
