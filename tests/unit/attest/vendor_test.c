/*
 * vendor_test.c: what parts of four families say about themselves, and who is not believed.
 *
 * The evidence is put together here by hand, after docs/chips/, with keys of this test; what
 * real drivers and simulated parts give is checked in tests/meet.  The ATECC's digests are the
 * project's vectors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "attest/vendor.h"
#include "base/clock.h"

static EVP_PKEY *root_key, *leaf_key, *new_key;
static X509 *root;
static struct makers *makers;
static uint8_t nonce[32];
static uint8_t bytes[4096];
static size_t len;

static void
must(int ok)
{
    if (!ok)
        abort();
}

/* ---- A maker ---------------------------------------------------------------------------- */

struct leaf {
    const char *cn;
    const char *serial; /* hex */
    long from_s, until_s;
    int is_ca;
    EVP_PKEY *by;
    int is_strange; /* a critical extension that nobody knows */
};

static X509 *
make_cert(EVP_PKEY *key, const struct leaf *l)
{
    X509 *x = X509_new();
    BIGNUM *bn = NULL;
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && BN_hex2bn(&bn, l->serial) > 0 &&
         BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL);
    BN_free(bn);
    must(X509_gmtime_adj(X509_getm_notBefore(x), l->from_s) != NULL &&
         X509_gmtime_adj(X509_getm_notAfter(x), l->until_s) != NULL);
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                    (const unsigned char *)l->cn, -1, -1, 0) == 1 &&
         X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
                                    (const unsigned char *)"Test maker", -1, -1, 0) == 1);
    must(X509_set_pubkey(x, key) == 1);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
                            l->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    must(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
    if (l->is_strange) {
        e = X509V3_EXT_conf(NULL, &ctx, "1.3.6.1.4.1.32473.99", "critical,DER:0500");
        must(e != NULL && X509_add_ext(x, e, -1) == 1);
        X509_EXTENSION_free(e);
    }
    must(X509_sign(x, l->by, EVP_sha256()) > 0);
    return x;
}

static int
make(void **state)
{
    struct leaf r = {"Test maker", "01", -3600, 86400L * 3650, 1, NULL, 0};
    uint8_t der[1024], *p = der;
    int n;

    (void)state;
    root_key = EVP_EC_gen("P-256");
    leaf_key = EVP_EC_gen("P-256");
    new_key = EVP_EC_gen("P-256");
    r.by = root_key;
    root = make_cert(root_key, &r);
    n = i2d_X509(root, &p);
    must(n > 0 && makers_new(&makers, NULL) == RS_OK);
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)(i * 7 + 1);
    return makers_add(makers, "root", rs_bytes_of(der, (size_t)n), NULL) == RS_OK ? 0 : -1;
}

static int
drop(void **state)
{
    (void)state;
    makers_free(makers);
    X509_free(root);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(leaf_key);
    EVP_PKEY_free(new_key);
    return 0;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static void
put(const void *p, size_t n)
{
    must(len + n <= sizeof(bytes));
    memcpy(bytes + len, p, n);
    len += n;
}

static void
put_number(unsigned v, size_t n)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

    put(b + 4 - n, n);
}

/* size_bytes of length, then the bytes. */
static void
put_sized(const void *p, size_t n, size_t size_bytes)
{
    put_number((unsigned)n, size_bytes);
    put(p, n);
}

static size_t
spki_of(EVP_PKEY *key, uint8_t out[128])
{
    uint8_t *p = out;
    int n = i2d_PUBKEY(key, &p);

    must(n > 0 && n <= 128);
    return (size_t)n;
}

static size_t
der_of(X509 *x, uint8_t out[1024])
{
    uint8_t *p = out;
    int n = i2d_X509(x, &p);

    must(n > 0 && n <= 1024);
    X509_free(x);
    return (size_t)n;
}

static size_t
sign(EVP_PKEY *key, const void *message, size_t n, uint8_t sig[80])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t sig_len = 80;

    must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(ctx, sig, &sig_len, message, n) == 1);
    EVP_MD_CTX_free(ctx);
    return sig_len;
}

/* ---- Judging ----------------------------------------------------------------------------------- */

static rs_code
judge(unsigned format, enum vendor_level *ret_level, struct rs_err *err)
{
    struct vendor_evidence e;
    rs_code rc = vendor_read(format, rs_bytes_of(bytes, len), &e, err);

    return rc == RS_OK ? vendor_check(&e, makers, nonce, rs_now(), ret_level, err) : rc;
}

/* Believed as it is, at this level; not with any byte changed, cut, or with one more. */
static void
holds_and_nothing_near_it(unsigned format, enum vendor_level want, size_t uncovered_from,
                          size_t uncovered_to)
{
    enum vendor_level level = VENDOR_STATION;
    struct rs_err err = {0};
    size_t whole = len;

    if (judge(format, &level, &err) != RS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(level, want);
    for (len = 0; len < whole; len++)
        assert_int_not_equal(judge(format, &level, NULL), RS_OK);
    bytes[whole] = 0;
    len = whole + 1;
    assert_int_not_equal(judge(format, &level, NULL), RS_OK);
    len = whole;
    for (size_t i = 0; i < whole; i++) {
        if (i >= uncovered_from && i < uncovered_to)
            continue;
        bytes[i] ^= 0x01;
        if (judge(format, &level, NULL) == RS_OK)
            fail_msg("byte %zu of %zu does not count", i, whole);
        bytes[i] ^= 0x01;
    }
    nonce[31] ^= 1;
    assert_int_equal(judge(format, &level, NULL), RS_E_ATTEST_INVALID);
    nonce[31] ^= 1;
    assert_int_equal(judge(format, &level, NULL), RS_OK);
}

static void
says(unsigned format, rs_code code, const char *word)
{
    enum vendor_level level;
    struct rs_err err = {0};

    assert_int_equal(judge(format, &level, &err), code);
    if (strstr(err.text, word) == NULL)
        fail_msg("no \"%s\" in \"%s\"", word, err.text);
}

/* ---- STSAFE -------------------------------------------------------------------------------------- */

static const struct leaf st_leaf = {"stsafe", "0209A0325711000102030405", -60, 86400, 0, NULL, 0};

static void
make_stsafe(const struct leaf *how, EVP_PKEY *about)
{
    uint8_t der[1024], spki[128], sig[80], message[256] = "rootsmith stsafe 1";
    struct leaf l = *how;
    size_t n, spki_len = spki_of(about, spki);

    l.by = l.by != NULL ? l.by : root_key;
    n = der_of(make_cert(leaf_key, &l), der);
    len = 0;
    put_sized(der, n, 2);
    put_sized(spki, spki_len, 2);
    memcpy(message + 19, nonce, 32);
    memcpy(message + 51, spki, spki_len);
    n = sign(leaf_key, message, 51 + spki_len, sig);
    put_sized(sig, n, 2);
}

static void
stsafe(void **state)
{
    struct leaf l = st_leaf;
    struct vendor_evidence e;
    static const uint8_t number[] = {0xa0, 0x32, 0x57, 0x11, 0, 1, 2, 3, 4};

    (void)state;
    len = 0;
    says(VENDOR_STSAFE_CHAIN, RS_E_ATTEST_INVALID, "malformed");
    l.by = new_key;
    make_stsafe(&l, leaf_key);
    says(VENDOR_STSAFE_CHAIN, RS_E_CHIP_NOT_GENUINE, "no maker");
    l = st_leaf;
    l.until_s = -1;
    make_stsafe(&l, leaf_key);
    says(VENDOR_STSAFE_CHAIN, RS_E_CHIP_NOT_GENUINE, "no maker");
    l = st_leaf;
    l.is_ca = 1;
    make_stsafe(&l, leaf_key);
    says(VENDOR_STSAFE_CHAIN, RS_E_CHIP_NOT_GENUINE, "a CA's");
    l = st_leaf;
    l.is_strange = 1;
    make_stsafe(&l, leaf_key);
    says(VENDOR_STSAFE_CHAIN, RS_E_CHIP_NOT_GENUINE, "unknown critical");
    l = st_leaf;
    l.serial = "0209A032";
    make_stsafe(&l, leaf_key);
    says(VENDOR_STSAFE_CHAIN, RS_E_ATTEST_INVALID, "no certificate of ST's");

    /* Another key than the certified one: the part was there, and no more. */
    make_stsafe(&st_leaf, new_key);
    holds_and_nothing_near_it(VENDOR_STSAFE_CHAIN, VENDOR_GENUINE, 0, 0);
    l.serial = "0209A0325711000102030405";
    make_stsafe(&st_leaf, leaf_key);
    holds_and_nothing_near_it(VENDOR_STSAFE_CHAIN, VENDOR_ATTESTED, 0, 0);
    assert_int_equal(vendor_read(VENDOR_STSAFE_CHAIN, rs_bytes_of(bytes, len), &e, NULL), RS_OK);
    assert_int_equal(e.uid_len, 9);
    assert_memory_equal(e.uid + 4, number + 5, 4);
}

/* ---- OPTIGA -------------------------------------------------------------------------------------- */

static const uint8_t optiga_uid[27] = {0xcd, 0x16, 0x33, 0x93, 0x01, 0x00, 0x1c, 0x00, 0x05};

static void
make_optiga(const char *cn, int as_list, const char *meta, size_t meta_len)
{
    uint8_t der[1024], spki[128], sig[80], message[2048] = "rootsmith optiga evidence";
    struct leaf l = {cn, "01", -60, 86400, 0, root_key, 0};
    size_t n = der_of(make_cert(leaf_key, &l), der), spki_len = spki_of(new_key, spki);

    len = 0;
    put_number(1, 1);
    put_number((unsigned)(n + (as_list ? 9 : 0)), 2);
    if (as_list) {
        put_number(0xc0, 1);
        put_number((unsigned)n + 6, 2);
        put_number((unsigned)n + 3, 3);
        put_number((unsigned)n, 3);
    }
    put(der, n);
    put_sized(optiga_uid, 27, 2);
    put_sized(meta, meta_len, 2);
    put_sized(spki, spki_len, 2);
    memcpy(message + 26, nonce, 32);
    memcpy(message + 58, bytes, len);
    n = sign(leaf_key, message, 58 + len, sig);
    put_sized(sig, n, 2);
}

static void
optiga(void **state)
{
    static const char meta[] = "\xe0\xf1\x20\x03\xc0\x01\x03";

    (void)state;
    /* The name has a number, and it is not this part's. */
    make_optiga("OPTIGA Trust M 0001020304050607", 1, meta, 7);
    says(VENDOR_OPTIGA_CHAIN, RS_E_CHIP_NOT_GENUINE, "another part");
    make_optiga("x", 1, meta, 6);
    says(VENDOR_OPTIGA_CHAIN, RS_E_ATTEST_INVALID, "malformed");
    make_optiga("OPTIGA Trust M 33930100 cd16339301001c0005", 1, meta, 7);
    holds_and_nothing_near_it(VENDOR_OPTIGA_CHAIN, VENDOR_GENUINE, 0, 0);
    make_optiga("Infineon IoT Node", 0, meta, 7);
    holds_and_nothing_near_it(VENDOR_OPTIGA_CHAIN, VENDOR_GENUINE, 0, 0);
}

/* ---- SE05x ------------------------------------------------------------------------------------- */

static const uint8_t se_uid[18] = {4, 0, 0x50, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

struct se {
    int generation;
    unsigned origin;
    unsigned algorithm;  /* in the command; 0: 21 */
    unsigned object;     /* in the attributes; 0: the command's */
    unsigned signer;     /* in the command; 0: the one that is named */
    const uint8_t *data; /* NULL: the new key's point */
    size_t data_len;
    size_t uid_len;   /* 0: 18 */
    size_t uid_at;    /* of se_uid */
    int wrong_answer; /* freshness of the answer, first generation */
    int long_lengths; /* the answer writes lengths in the long form */
    size_t padding;   /* behind the certificate */
};

static void
put_tlv(uint8_t *out, size_t *at, unsigned tag, const void *p, size_t n, int is_long)
{
    out[(*at)++] = (uint8_t)tag;
    if (is_long) {
        out[(*at)++] = 0x82;
        out[(*at)++] = (uint8_t)(n >> 8);
    } else if (n >= 0x80) {
        out[(*at)++] = 0x81;
    }
    out[(*at)++] = (uint8_t)n;
    memcpy(out + *at, p, n);
    *at += n;
}

static void
make_se05x(const struct se *how)
{
    uint8_t command[40] = {0x80, 0x22, 0, 0,    0, 0, 33,   0x41, 4, 0x52, 0x53, 0,
                           1,    0x45, 4, 0xf0, 0, 0, 0x12, 0x46, 1, 0x21, 0x47, 16};
    uint8_t attributes[64] = {0x52, 0x53, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0x10};
    uint8_t spki[128], stamp[12] = {9}, size[2] = {0, 32}, hash[32], message[1024], answer[512];
    uint8_t sig[80], der[1200] = {0};
    const uint8_t *data = how->data != NULL ? how->data : spki + 26;
    size_t data_len = how->data != NULL ? how->data_len : 65, at = 0, m = 0, n;
    size_t uid_len = how->uid_len != 0 ? how->uid_len : 18, attr_len = 23;
    struct leaf l = {
        "0400500102030405060708090a0b0c0d0e0f attest", "02", -60, 86400, 0, root_key, 0};
    int modern = how->generation != 1;

    (void)spki_of(new_key, spki);
    SHA256(nonce, 32, hash);
    memcpy(command + 24, hash, 16);
    if (how->algorithm != 0)
        command[21] = (uint8_t)how->algorithm;
    if (how->signer != 0)
        command[18] = (uint8_t)how->signer;
    if (how->object != 0)
        attributes[3] = (uint8_t)how->object;
    attributes[attr_len++] = (uint8_t)how->origin;
    if (modern)
        attr_len += 4;
    if (how->wrong_answer)
        hash[0] ^= 1;
    if (modern) {
        SHA256(command, sizeof(command), message);
        m = 32;
        put_tlv(answer, &at, 0x41, data, data_len, how->long_lengths);
        put_tlv(answer, &at, 0x42, se_uid + how->uid_at, uid_len, how->long_lengths);
        put_tlv(answer, &at, 0x43, attributes, attr_len, how->long_lengths);
        put_tlv(answer, &at, 0x44, size, 2, how->long_lengths);
        put_tlv(answer, &at, 0x4f, stamp, 12, how->long_lengths);
        put_tlv(message, &m, 0x41, data, data_len, 1);
        put_tlv(message, &m, 0x42, se_uid + how->uid_at, uid_len, 1);
        put_tlv(message, &m, 0x43, attributes, attr_len, 1);
        put_tlv(message, &m, 0x44, size, 2, 1);
        put_tlv(message, &m, 0x4f, stamp, 12, 1);
    } else {
        put_tlv(answer, &at, 0x41, data, data_len, 0);
        put_tlv(answer, &at, 0x42, attributes, attr_len, 0);
        put_tlv(answer, &at, 0x43, stamp, 12, 0);
        put_tlv(answer, &at, 0x44, hash, 16, 0);
        put_tlv(answer, &at, 0x45, se_uid + how->uid_at, uid_len, 0);
        memcpy(message, data, data_len);
        m = data_len;
        memcpy(message + m, attributes, attr_len);
        memcpy(message + m + attr_len, stamp, 12);
        memcpy(message + m + attr_len + 12, hash, 16);
        memcpy(message + m + attr_len + 28, se_uid + how->uid_at, uid_len);
        m += attr_len + 28 + uid_len;
    }
    n = sign(leaf_key, message, m, sig);
    put_tlv(answer, &at, modern ? 0x52 : 0x46, sig, n, modern && how->long_lengths);
    n = der_of(make_cert(leaf_key, &l), der);
    len = 0;
    put_number(1, 1);
    put_number((unsigned)how->generation, 1);
    put_number(0xf0000012, 4);
    put_sized(command, sizeof(command), 2);
    put_sized(answer, at, 2);
    memset(der + n, 0, how->padding);
    put_sized(der, n + how->padding, 2);
}

static void
se05x(void **state)
{
    uint8_t compressed[65] = {3};
    size_t padded;

    (void)state;
    make_se05x(&(struct se){.generation = 3, .origin = 2});
    says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "malformed");
    for (int g = 1; g <= 2; g++) {
        make_se05x(&(struct se){.generation = g, .origin = 2, .algorithm = 0x11});
        says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "no attested read");
        make_se05x(&(struct se){.generation = g, .origin = 2, .signer = 0x13});
        says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "no attested read");
        make_se05x(&(struct se){.generation = g, .origin = 2, .object = 2});
        says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "not the object's");
        make_se05x(&(struct se){.generation = g, .origin = 2, .uid_len = 17});
        says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "answer is malformed");
        make_se05x(&(struct se){.generation = g, .origin = 2, .data = compressed, .data_len = 65});
        says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "no public key");
        make_se05x(&(struct se){.generation = g, .origin = 2, .data = compressed, .data_len = 64});
        says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "no public key");
        /* Brought from outside, or by the maker: the part is genuine, the key anybody's. */
        make_se05x(&(struct se){.generation = g, .origin = 1});
        holds_and_nothing_near_it(VENDOR_SE05X_READ, VENDOR_GENUINE, 0, 0);
        make_se05x(&(struct se){.generation = g, .origin = 3});
        holds_and_nothing_near_it(VENDOR_SE05X_READ, VENDOR_GENUINE, 0, 0);
        make_se05x(&(struct se){.generation = g, .origin = 2});
        holds_and_nothing_near_it(VENDOR_SE05X_READ, VENDOR_ATTESTED, 0, 0);
        make_se05x(&(struct se){.generation = g, .origin = 2, .padding = 100});
        padded = len;
        holds_and_nothing_near_it(VENDOR_SE05X_READ, VENDOR_ATTESTED, padded - 100, padded);
    }
    make_se05x(&(struct se){.generation = 1, .origin = 2, .wrong_answer = 1});
    says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "another freshness");
    make_se05x(&(struct se){.generation = 2, .origin = 2, .long_lengths = 1});
    holds_and_nothing_near_it(VENDOR_SE05X_READ, VENDOR_ATTESTED, 0, 0);
}

/* The certificate's number is another part's. */
static void
se05x_of_another_part(void **state)
{
    struct vendor_evidence e;
    enum vendor_level level;
    struct rs_err err = {0};

    (void)state;
    make_se05x(&(struct se){.generation = 2, .origin = 2});
    assert_int_equal(vendor_read(VENDOR_SE05X_READ, rs_bytes_of(bytes, len), &e, NULL), RS_OK);
    assert_memory_equal(e.uid, se_uid, 18);
    e.uid[17] ^= 1;
    assert_int_equal(vendor_check(&e, makers, nonce, rs_now(), &level, &err),
                     RS_E_CHIP_NOT_GENUINE);
    assert_non_null(strstr(err.text, "another part"));
    assert_int_equal(vendor_check(&e, NULL, nonce, rs_now(), &level, NULL), RS_E_CHIP_NOT_GENUINE);
}

/* ---- ATECC --------------------------------------------------------------------------------------- */

static void
from_hex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i] != '\0'; i++) {
        unsigned v = 0;

        must(sscanf(hex + 2 * i, "%2x", &v) == 1);
        out[i] = (uint8_t)v;
    }
}

/* What the part's Sign would have hashed, by the reference's formulas and not by our code. */
static void
atecc_digest(const uint8_t *e, uint8_t digest[32])
{
    const uint8_t *config = e + 34;
    uint8_t m[200] = {0}, temp[32];

    memcpy(m, e + 2, 32);
    memcpy(m + 32, nonce, 20);
    m[52] = 0x16;
    SHA256(m, 55, temp);
    memset(m, 0, sizeof(m));
    memcpy(m, temp, 32);
    m[32] = 0x40;
    m[33] = 8;
    m[34] = e[0];
    m[36] = config[12];
    memcpy(m + 37, config, 2);
    memcpy(m + 64, e + 226, 64);
    SHA256(m, 128, temp);
    memset(m, 0, sizeof(m));
    memcpy(m, temp, 32);
    m[32] = 0x41;
    m[33] = 0x40;
    m[34] = e[1];
    memcpy(m + 36, config + 20 + 2 * e[0], 2);
    memcpy(m + 38, config + 96 + 2 * e[0], 2);
    m[40] = (uint8_t)(0x40 | e[0]);
    m[43] = config[12];
    memcpy(m + 44, config + 8, 4);
    memcpy(m + 48, config, 4);
    m[52] = config[88 + e[0] / 8] >> (e[0] % 8) & 1;
    SHA256(m, 55, digest);
}

static void
make_atecc(unsigned slot, unsigned signer)
{
    uint8_t spki[128], digest[32], sig[80];
    const uint8_t *p = sig;
    EVP_PKEY_CTX *ctx;
    ECDSA_SIG *rs = NULL;
    size_t n = sizeof(sig);

    memset(bytes, 0, 354);
    bytes[0] = (uint8_t)slot;
    bytes[1] = (uint8_t)signer;
    for (unsigned i = 0; i < 32; i++)
        bytes[2 + i] = (uint8_t)(0xa0 + i);
    from_hex("01238b26000060035365dc418801"
             "ee",
             bytes + 34);
    from_hex("850082", bytes + 34 + 20);
    from_hex("53005300", bytes + 34 + 96);
    bytes[34 + 88] = bytes[34 + 89] = 0xff;
    (void)spki_of(leaf_key, spki);
    memcpy(bytes + 162, spki + 27, 64);
    (void)spki_of(new_key, spki);
    memcpy(bytes + 226, spki + 27, 64);
    atecc_digest(bytes, digest);
    ctx = EVP_PKEY_CTX_new(leaf_key, NULL);
    must(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, sig, &n, digest, 32) == 1);
    EVP_PKEY_CTX_free(ctx);
    must(d2i_ECDSA_SIG(&rs, &p, (long)n) != NULL &&
         BN_bn2binpad(ECDSA_SIG_get0_r(rs), bytes + 290, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(rs), bytes + 322, 32) == 32);
    ECDSA_SIG_free(rs);
    len = 354;
}

/*
 * All that the signature covers counts: slots, RandOut, serial number, the key's configuration
 * and lock, both keys.  The rest of the configuration does not.
 */
static void
atecc(void **state)
{
    static const uint8_t covered[] = {0, 1, 2, 3, 8, 9, 10, 11, 12, 20, 21, 96, 97};
    enum vendor_level level = VENDOR_ATTESTED;
    struct rs_err err = {0};

    (void)state;
    make_atecc(3, 3);
    says(VENDOR_ATECC_INTERNAL, RS_E_ATTEST_INVALID, "malformed");
    make_atecc(0, 16);
    says(VENDOR_ATECC_INTERNAL, RS_E_ATTEST_INVALID, "malformed");
    make_atecc(0, 1);
    bytes[34 + 21] |= 0x40; /* PrivWrite is allowed */
    says(VENDOR_ATECC_INTERNAL, RS_E_ATTEST_INVALID, "need not have been made there");
    make_atecc(0, 1);
    bytes[34 + 23] |= 0x40; /* for the key that signs */
    says(VENDOR_ATECC_INTERNAL, RS_E_ATTEST_INVALID, "need not have been made there");
    make_atecc(0, 1);
    bytes[34 + 96] &= 0xfe; /* not private */
    says(VENDOR_ATECC_INTERNAL, RS_E_ATTEST_INVALID, "need not have been made there");
    make_atecc(0, 1);
    if (judge(VENDOR_ATECC_INTERNAL, &level, &err) != RS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(level, VENDOR_STATION);
    for (len = 0; len < 360; len++)
        assert_int_equal(judge(VENDOR_ATECC_INTERNAL, &level, NULL) == RS_OK, len == 354);
    len = 354;
    for (size_t i = 0; i < sizeof(covered); i++) {
        bytes[34 + covered[i]] ^= 0x02;
        assert_int_equal(judge(VENDOR_ATECC_INTERNAL, &level, NULL), RS_E_ATTEST_INVALID);
        bytes[34 + covered[i]] ^= 0x02;
    }
    for (size_t i = 162; i < len; i++) {
        bytes[i] ^= 0x01;
        assert_int_equal(judge(VENDOR_ATECC_INTERNAL, &level, NULL), RS_E_ATTEST_INVALID);
        bytes[i] ^= 0x01;
    }
    nonce[19] ^= 1;
    assert_int_equal(judge(VENDOR_ATECC_INTERNAL, &level, NULL), RS_E_ATTEST_INVALID);
    nonce[19] ^= 1;
    assert_int_equal(judge(VENDOR_ATECC_INTERNAL, &level, NULL), RS_OK);
}

/* ---- The rest ------------------------------------------------------------------------------------ */

static void
formats_that_are_none(void **state)
{
    (void)state;
    make_stsafe(&st_leaf, leaf_key);
    says(0, RS_E_ATTEST_INVALID, "not known");
    says(5, RS_E_ATTEST_INVALID, "not known");
    says(7, RS_E_ATTEST_INVALID, "not known");
    says(VENDOR_OPTIGA_CHAIN, RS_E_ATTEST_INVALID, "malformed");
    says(VENDOR_SE05X_READ, RS_E_ATTEST_INVALID, "malformed");
}

static void
levels(void **state)
{
    static const char *const models[] = {"se050", "se051",           "stsafe-a110",
                                         "tpm2",  "optiga-trust-m3", "atecc608b"};
    static const enum vendor_level want[] = {VENDOR_ATTESTED, VENDOR_ATTESTED, VENDOR_ATTESTED,
                                             VENDOR_ATTESTED, VENDOR_GENUINE,  VENDOR_STATION};
    enum vendor_level level = VENDOR_STATION;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(vendor_level_of(rs_bytes_str(models[i])), want[i]);
    assert_int_equal(vendor_level_of(rs_bytes_str("")), VENDOR_STATION);
    assert_false(vendor_level_read("genuine", &level));
    assert_true(vendor_level_read("vendor", &level));
    assert_int_equal(level, VENDOR_GENUINE);
    assert_string_equal(vendor_level_name(VENDOR_ATTESTED), "attested");
}

static void
simulators_makers_are_told(void **state)
{
    struct leaf l = {"SIMULATOR nxp test root", "05", -60, 86400, 1, root_key, 0};
    struct makers *m = NULL;
    uint8_t der[1024];
    size_t n;

    (void)state;
    assert_false(makers_have_simulator(makers));
    n = der_of(make_cert(leaf_key, &l), der);
    assert_int_equal(makers_new(&m, NULL), RS_OK);
    assert_int_equal(makers_add(m, "x", rs_bytes_of(der, n), NULL), RS_OK);
    assert_true(makers_have_simulator(m));
    assert_int_equal(makers_add(m, "x", rs_bytes_of(der, n - 1), NULL), RS_E_CONFIG_INVALID);
    makers_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_that_are_none),
        cmocka_unit_test(stsafe),
        cmocka_unit_test(optiga),
        cmocka_unit_test(se05x),
        cmocka_unit_test(se05x_of_another_part),
        cmocka_unit_test(atecc),
        cmocka_unit_test(levels),
        cmocka_unit_test(simulators_makers_are_told),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
