/*
 * judge.c: see judge.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "judge_inner.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#define PATH_MAX_CHARS 160

const char *const judge_names[3] = {"untouched", "provisioned", "other"};

static const struct {
    const char *model;
    const struct judge_family *family;
} models[] = {
    {"atecc608b", &judge_atecc},        {"se050", &judge_se05x},
    {"stsafe-a110", &judge_stsafe},     {"stsafe-a120", &judge_stsafe},
    {"optiga-trust-m3", &judge_optiga},
};

static void
need(int ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "judge: %s\n", what);
    exit(2);
}

int
judge_not(char why[JUDGE_TEXT], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, JUDGE_TEXT, format, args);
    va_end(args);
    return 0;
}

int
judge_among(const char *list, const char *path)
{
    char word[PATH_MAX_CHARS + 2];

    (void)snprintf(word, sizeof(word), " %s ", path);
    return strstr(list, word) != NULL;
}

/* ---- Facts ------------------------------------------------------------------------------- */

/* What an item of an array is called: by its own word, or else by its number. */
static void
name_item(const struct judge_family *family, const json_t *item, size_t n, char *name, size_t cap)
{
    static const char *const words[] = {"id", "oid", "zone", "slot", "command"};

    (void)snprintf(name, cap, "%zu", n);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && json_is_object(item); i++) {
        const json_t *j = json_object_get(item, words[i]);

        if (j == NULL || !judge_among(family->members, words[i]))
            continue;
        if (json_is_string(j))
            (void)snprintf(name, cap, "%s", json_string_value(j));
        else
            (void)snprintf(name, cap, "%lld", (long long)json_integer_value(j));
        return;
    }
}

static void
put(struct judge_facts *f, const char *path, const char *text)
{
    need(json_object_set_new(f->map, path, json_string(text)) == 0, path);
}

static void
join(char below[PATH_MAX_CHARS], const char *path, const char *name)
{
    int n = snprintf(below, PATH_MAX_CHARS, "%s%s%s", path, path[0] != '\0' ? "/" : "", name);

    need(n > 0 && n < PATH_MAX_CHARS, path);
}

static void flatten(const struct judge_family *family, struct judge_facts *f, const json_t *j,
                    const char *path, unsigned depth);

/* Lines of one thing, or several things. */
static void
flatten_array(const struct judge_family *family, struct judge_facts *f, const json_t *j,
              const char *path, unsigned depth)
{
    char text[2 * JUDGE_BYTES + 1] = "", name[64], below[PATH_MAX_CHARS];
    int is_lines = depth > 1 && (json_array_size(j) == 0 || json_is_string(json_array_get(j, 0)));
    size_t n, len = 0;
    const json_t *item;

    json_array_foreach(j, n, item)
    {
        if (is_lines) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", json_string_value(item));
            need(len < sizeof(text), path);
            continue;
        }
        name_item(family, item, n, name, sizeof(name));
        join(below, path, name);
        flatten(family, f, item, below, depth + 1);
    }
    if (is_lines)
        put(f, path, text);
}

static void
flatten(const struct judge_family *family, struct judge_facts *f, const json_t *j, const char *path,
        unsigned depth)
{
    char text[40], below[PATH_MAX_CHARS];
    const char *key;
    json_t *value;

    need(depth < 6, path);
    if (json_is_object(j)) {
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            join(below, path, key);
            flatten(family, f, value, below, depth + 1);
        }
    } else if (json_is_array(j)) {
        flatten_array(family, f, j, path, depth);
    } else if (json_is_string(j)) {
        put(f, path, json_string_value(j));
    } else if (json_is_integer(j)) {
        (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(j));
        put(f, path, text);
    } else {
        put(f, path, json_is_true(j) ? "true" : json_is_false(j) ? "false" : "null");
    }
}

static struct judge_facts
facts_of(const struct judge_family *family, const char *text)
{
    struct judge_facts f = {.map = json_object()};
    json_t *j = json_loads(text, 0, NULL);

    need(j != NULL && f.map != NULL, "a part's memory is no JSON");
    flatten(family, &f, j, "", 0);
    json_decref(j);
    if (family->split != NULL)
        family->split(&f);
    return f;
}

static void
facts_done(struct judge_facts *f)
{
    json_decref(f->map);
    f->map = NULL;
}

const char *
judge_text(const struct judge_facts *f, const char *path)
{
    const char *text = json_string_value(json_object_get(f->map, path));

    return text != NULL ? text : "";
}

int
judge_get(const struct judge_facts *f, const char *path, struct judge_bytes *out)
{
    const char *text = judge_text(f, path);
    size_t len = strlen(text);

    out->len = 0;
    if (len == 0 || len % 2 != 0 || len / 2 > JUDGE_BYTES)
        return 0;
    for (size_t i = 0; i < len / 2; i++) {
        unsigned byte;

        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return 0;
        out->p[out->len++] = (uint8_t)byte;
    }
    return 1;
}

int
judge_is(const struct judge_bytes *b, const uint8_t *p, size_t len)
{
    return b->len == len && memcmp(b->p, p, len) == 0;
}

/* Each thing of a is the same in b, but for those that skip() names. */
static int
covers(const struct judge_facts *a, const struct judge_facts *b, int (*skip)(const char *path),
       int (*skip_too)(const char *path), char why[JUDGE_TEXT])
{
    const char *path, *other;
    json_t *value;

    json_object_foreach(a->map, path, value)
    {
        if (skip(path) || (skip_too != NULL && skip_too(path)))
            continue;
        other = json_string_value(json_object_get(b->map, path));
        if (other == NULL)
            return judge_not(why, "%s is only in one of the two", path);
        if (strcmp(json_string_value(value), other) != 0)
            return judge_not(why, "%s: %.40s is not %.40s", path, json_string_value(value), other);
    }
    return 1;
}

static int
are_alike(const struct judge_facts *a, const struct judge_facts *b, int (*skip)(const char *path),
          int (*skip_too)(const char *path), char why[JUDGE_TEXT])
{
    return covers(a, b, skip, skip_too, why) && covers(b, a, skip, skip_too, why);
}

/* ---- Keys and certificates --------------------------------------------------------------------- */

int
judge_point(const uint8_t d[32], uint8_t point[64])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *p = group != NULL ? EC_POINT_new(group) : NULL;
    BIGNUM *n = BN_bin2bn(d, 32, NULL);
    uint8_t bytes[65];
    int ok =
        p != NULL && n != NULL && !BN_is_zero(n) && BN_cmp(n, EC_GROUP_get0_order(group)) < 0 &&
        EC_POINT_mul(group, p, n, NULL, NULL, NULL) == 1 &&
        EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof(bytes), NULL) ==
            sizeof(bytes);

    if (ok)
        memcpy(point, bytes + 1, 64);
    BN_free(n);
    EC_POINT_free(p);
    EC_GROUP_free(group);
    return ok;
}

static X509 *
read_cert(const uint8_t *der, size_t len)
{
    const uint8_t *p = der;
    X509 *x = d2i_X509(NULL, &p, (long)len);

    if (x != NULL && p != der + len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static int
find_issuer(const struct judge *j, X509 *x)
{
    for (size_t i = 0; i < j->ca_count; i++) {
        if (X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(j->cas[i])) == 0 &&
            X509_verify(x, X509_get0_pubkey(j->cas[i])) == 1)
            return (int)i;
    }
    return -1;
}

const struct judge_bytes *
judge_issuer(const struct judge *j, const uint8_t *cert, size_t len)
{
    X509 *x = read_cert(cert, len);
    int i = x != NULL ? find_issuer(j, x) : -1;

    X509_free(x);
    return i < 0 ? NULL : &j->ca_der[i];
}

/* Up to the root, each signed by the next. */
static int
is_below_root(const struct judge *j, X509 *x)
{
    int i = find_issuer(j, x);

    for (unsigned depth = 0; i > 0 && depth < JUDGE_CAS; depth++)
        i = find_issuer(j, j->cas[i]);
    return i == 0;
}

static int
has_label(X509 *x, const char *label)
{
    X509_NAME *name = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(name, NID_serialNumber, -1);
    const ASN1_STRING *s;

    if (at < 0)
        return 0;
    s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    return (size_t)ASN1_STRING_length(s) == strlen(label) &&
           memcmp(ASN1_STRING_get0_data(s), label, strlen(label)) == 0;
}

/* hwSerialNum of the hardwareModuleName (RFC 4108): an OCTET STRING with the part's id. */
static int
has_uid(const uint8_t *cert, size_t len, const char *uid)
{
    uint8_t want[2 + 64];
    size_t n = strlen(uid) / 2;

    if (n == 0 || n > 64)
        return 0;
    want[0] = 0x04;
    want[1] = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;
        (void)sscanf(uid + 2 * i, "%2x", &byte);
        want[2 + i] = (uint8_t)byte;
    }
    return memmem(cert, len, want, n + 2) != NULL;
}

/* SubjectPublicKeyInfo of a point on P-256 (RFC 5480). */
static void
put_spki(const uint8_t point[64], uint8_t spki[91])
{
    static const uint8_t head[27] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

    memcpy(spki, head, sizeof(head));
    memcpy(spki + sizeof(head), point, 64);
}

static int
has_key(X509 *x, const uint8_t d[32])
{
    uint8_t spki[91], point[64], *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    int ok = judge_point(d, point);

    if (ok)
        put_spki(point, spki);
    ok = ok && len == sizeof(spki) && memcmp(der, spki, sizeof(spki)) == 0;
    OPENSSL_free(der);
    return ok;
}

/* The identity: of our CA, for that label, over this part's key and id. */
static int
check_identity(const struct judge *j, const struct judge_facts *now,
               const struct judge_claim *claim, char why[JUDGE_TEXT])
{
    const char *uid = j->family->uid(now);
    X509 *x = read_cert(claim->cert, claim->cert_len);
    uint8_t d[32];
    int ok = 1;

    if (x == NULL)
        return judge_not(why, "there is no certificate");
    if (strcmp(uid, claim->uid) != 0)
        ok = judge_not(why, "the station knows it as %s", claim->uid);
    else if (!is_below_root(j, x))
        ok = judge_not(why, "the certificate does not lead to the root");
    else if (!has_label(x, claim->label))
        ok = judge_not(why, "the certificate is not for %s", claim->label);
    else if (!has_uid(claim->cert, claim->cert_len, uid))
        ok = judge_not(why, "the certificate names another part than %s", uid);
    else if (!j->family->key(now, d) || !has_key(x, d))
        ok = judge_not(why, "the part has not the certificate's key");
    X509_free(x);
    return ok;
}

/* ---- Channel secrets (docs/design/channel.md) ------------------------------------------------------ */

static void
hkdf(const uint8_t *key, size_t key_len, const uint8_t *info, size_t info_len, uint8_t *out,
     size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_len),
        OSSL_PARAM_construct_end()};

    need(EVP_KDF_derive(ctx, out, len, params) == 1, "HKDF");
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

void
judge_secret(const struct judge *j, const char *uid, uint8_t *out, size_t len)
{
    static const char keys[] = "rootsmith channel keys";
    uint8_t info[128], own[32];
    int n =
        snprintf((char *)info, sizeof(info), "rootsmith channel%c%s%c", 0, j->family->driver, 0);

    for (const char *p = uid; p[0] != '\0' && n < (int)sizeof(info); p += 2) {
        unsigned byte = 0;
        (void)sscanf(p, "%2x", &byte);
        info[n++] = (uint8_t)byte;
    }
    hkdf(j->master, sizeof(j->master), info, (size_t)n, own, sizeof(own));
    hkdf(own, sizeof(own), (const uint8_t *)keys, strlen(keys), out, len);
}

/* ---- The judge ------------------------------------------------------------------------------------- */

struct judge *
judge_new(const char *model, const uint8_t *master)
{
    struct judge *j = calloc(1, sizeof(*j));

    need(j != NULL, "no memory");
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        if (strcmp(models[i].model, model) == 0)
            j->family = models[i].family;
    }
    if (j->family == NULL) {
        free(j);
        return NULL;
    }
    j->has_master = master != NULL;
    if (master != NULL)
        memcpy(j->master, master, sizeof(j->master));
    return j;
}

void
judge_free(struct judge *j)
{
    for (size_t i = 0; i < j->ca_count; i++)
        X509_free(j->cas[i]);
    json_decref(j->reference.map);
    free(j);
}

void
judge_add_ca(struct judge *j, const uint8_t *der, size_t len)
{
    need(j->ca_count < JUDGE_CAS && len <= JUDGE_BYTES, "too many CAs");
    j->cas[j->ca_count] = read_cert(der, len);
    need(j->cas[j->ca_count] != NULL, "a CA's certificate is none");
    memcpy(j->ca_der[j->ca_count].p, der, len);
    j->ca_der[j->ca_count++].len = len;
}

/* What the maker put in stays, and what is the part's own is right. */
static int
check_own(const struct judge *j, const struct judge_facts *start, const struct judge_facts *now,
          const struct judge_claim *claim, char why[JUDGE_TEXT])
{
    const char *path;
    json_t *value;

    json_object_foreach(start->map, path, value)
    {
        if (j->family->is_makers(path) &&
            strcmp(json_string_value(value), judge_text(now, path)) != 0)
            return judge_not(why, "%s is not what its maker put in", path);
    }
    return check_identity(j, now, claim, why) && j->family->check(j, start, now, claim, why);
}

int
judge_learn(struct judge *j, const char *start, const char *end, const struct judge_claim *claim,
            char why[JUDGE_TEXT])
{
    struct judge_facts a = facts_of(j->family, start);
    int ok;

    j->reference = facts_of(j->family, end);
    ok = check_own(j, &a, &j->reference, claim, why);
    facts_done(&a);
    return ok;
}

static int
skip_none(const char *path)
{
    (void)path;
    return 0;
}

static int
is_untouched(const struct judge *j, const struct judge_facts *a, const struct judge_facts *b,
             char why[JUDGE_TEXT])
{
    return are_alike(a, b, j->family->is_counted, skip_none, why);
}

enum judge_verdict
judge_part(const struct judge *j, const char *start, const char *now,
           const struct judge_claim *claim, char why[JUDGE_TEXT])
{
    struct judge_facts a = facts_of(j->family, start), b = facts_of(j->family, now);
    enum judge_verdict v = JUDGE_OTHER;

    why[0] = '\0';
    if (is_untouched(j, &a, &b, why))
        v = JUDGE_UNTOUCHED;
    else if (are_alike(&j->reference, &b, j->family->is_counted, j->family->is_own, why) &&
             check_own(j, &a, &b, claim, why))
        v = JUDGE_PROVISIONED;
    facts_done(&a);
    facts_done(&b);
    return v;
}

int
judge_same(const struct judge *j, const char *a, const char *b, char why[JUDGE_TEXT])
{
    struct judge_facts fa = facts_of(j->family, a), fb = facts_of(j->family, b);
    int same = is_untouched(j, &fa, &fb, why);

    facts_done(&fa);
    facts_done(&fb);
    return same;
}

int
judge_holds(const struct judge *j, const char *now, const uint8_t *cert, size_t len)
{
    struct judge_facts f = facts_of(j->family, now);
    int holds = len > 0 && j->family->holds(&f, cert, len);

    facts_done(&f);
    return holds;
}

void
judge_uid(const struct judge *j, const char *now, char hex[65])
{
    struct judge_facts f = facts_of(j->family, now);

    (void)snprintf(hex, 65, "%s", j->family->uid(&f));
    facts_done(&f);
}

void
judge_key(const struct judge *j, const char *now, char hex[65])
{
    struct judge_facts f = facts_of(j->family, now);
    uint8_t d[32], point[64], spki[91], hash[32];

    hex[0] = '\0';
    if (j->family->key(&f, d) && judge_point(d, point)) {
        put_spki(point, spki);
        SHA256(spki, sizeof(spki), hash);
        for (size_t i = 0; i < sizeof(hash); i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    facts_done(&f);
}

void
judge_secrets(const struct judge *j, const char *now, FILE *out)
{
    struct judge_facts f = facts_of(j->family, now);
    const char *path;
    json_t *value;

    json_object_foreach(f.map, path, value)
    {
        if (judge_among(j->family->secrets, path))
            (void)fprintf(out, "%s %s\n", path, json_string_value(value));
    }
    facts_done(&f);
}
