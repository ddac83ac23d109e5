/*
 * optiga_update_test.c: keys that are brought by signed update sets, from the
 * one who signs them over the driver into a simulated OPTIGA Trust M.
 *
 * The sets are made here, by OpenSSL and a few lines of CBOR, as Infineon's CDDL
 * and its published sets have them: neither driver nor simulator lends anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>

#include "../../librot/drivers/optiga/optiga.h"

#define ANCHOR 0xe0e9u
#define OTHER  0xe0e8u
#define TARGET 0xe0f2u
#define SECRET 0xf1d4u

/* ---- CBOR -------------------------------------------------------------------------------- */

struct text {
    uint8_t p[1200];
    size_t len;
};

static void
put(struct text *t, const void *p, size_t len)
{
    assert_true(len <= sizeof(t->p) - t->len);
    if (len != 0)
        memcpy(t->p + t->len, p, len);
    t->len += len;
}

static void
put_head(struct text *t, unsigned major, unsigned long v)
{
    const uint8_t b[5] = {(uint8_t)(major << 5 | (v < 24      ? v
                                                  : v < 256   ? 24u
                                                  : v < 65536 ? 25u
                                                              : 26u)),
                          (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    size_t n = v < 24 ? 0 : v < 256 ? 1 : v < 65536 ? 2 : 4;

    put(t, b, 1);
    put(t, b + 5 - n, n);
}

static void
put_int(struct text *t, long v)
{
    put_head(t, v < 0 ? 1 : 0, (unsigned long)(v < 0 ? -1 - v : v));
}

static void
put_bytes(struct text *t, const void *p, size_t len)
{
    put_head(t, 2, len);
    put(t, p, len);
}

static void
put_oid(struct text *t, unsigned oid)
{
    const uint8_t b[2] = {(uint8_t)(oid >> 8), (uint8_t)oid};

    put_bytes(t, b, 2);
}

#define ARRAY(t, n) put_head(t, 4, n)
#define MAP(t, n)   put_head(t, 5, n)
#define NIL(t)      put(t, "\xf6", 1)

/* ---- A set ----------------------------------------------------------------------------------- */

struct order {
    EVP_PKEY *anchor;
    unsigned anchor_oid, oid, version, alg, usage;
    const uint8_t *uid;    /* NULL: for any part */
    const uint8_t *secret; /* NULL: in clear; else 64 bytes */
    uint8_t payload[200];
    size_t payload_len;
    uint8_t set[2400];
    size_t set_len;
};

static const uint8_t label[] = {'t', 'e', 's', 't'}, seed[16] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Key and nonce of a payload, by OpenSSL's TLS 1.2 PRF. */
static void
derive(const uint8_t secret[64], uint8_t out[27])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA256";
    uint8_t key[64], l[sizeof(label)], s[sizeof(seed)];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, key, sizeof(key)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, l, sizeof(l)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, s, sizeof(s)),
        OSSL_PARAM_construct_end()};

    memcpy(key, secret, sizeof(key));
    memcpy(l, label, sizeof(l));
    memcpy(s, seed, sizeof(s));
    assert_int_equal(EVP_KDF_derive(ctx, out, 27, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* The first and only fragment: AES-CCM with 8 bytes of tag, nonce from the secret and 0001. */
static size_t
encrypt(const struct order *o, uint8_t *out)
{
    const uint8_t aad[8] = {(uint8_t)(o->version >> 8),     (uint8_t)o->version,    0, 0, 0, 0,
                            (uint8_t)(o->payload_len >> 8), (uint8_t)o->payload_len};
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t keys[29];
    int n = 0, size = (int)o->payload_len;

    derive(o->secret, keys);
    keys[27] = 0;
    keys[28] = 1;
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_ccm(), NULL, NULL, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 13, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 8, NULL), 1);
    assert_int_equal(EVP_EncryptInit_ex(ctx, NULL, NULL, keys, keys + 16), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, NULL, size), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, aad, sizeof(aad)), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, o->payload, size), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, out + n, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 8, out + o->payload_len), 1);
    EVP_CIPHER_CTX_free(ctx);
    return o->payload_len + 8;
}

static void
put_decryption(struct text *t)
{
    struct text header = {.len = 0};

    MAP(&header, 3);
    put_int(&header, 4);
    put_oid(&header, SECRET);
    put_int(&header, 1);
    put_int(&header, -65720);
    put_int(&header, 5);
    ARRAY(&header, 2);
    put_bytes(&header, label, sizeof(label));
    put_bytes(&header, seed, sizeof(seed));
    ARRAY(t, 2);
    put_int(t, 1);
    ARRAY(t, 3);
    put_bytes(t, "\xa1\x01\x0a", 3);
    ARRAY(t, 1);
    ARRAY(t, 2);
    put_bytes(t, header.p, header.len);
    NIL(t);
    NIL(t);
}

static void
put_manifest(const struct order *o, const uint8_t *fragment, size_t fragment_len, struct text *t)
{
    struct text step = {.len = 0};
    uint8_t digest[32];

    assert_int_equal(EVP_Digest(fragment, fragment_len, digest, NULL, EVP_sha256(), NULL), 1);
    ARRAY(&step, 2);
    put_int(&step, 41);
    put_bytes(&step, digest, sizeof(digest));
    ARRAY(t, 6);
    put_int(t, 1);
    NIL(t);
    NIL(t);
    ARRAY(t, 4);
    put_int(t, -3);
    put_int(t, (long)o->payload_len);
    put_int(t, (long)o->version);
    ARRAY(t, 2);
    put_int(t, (long)o->alg);
    put_int(t, (long)o->usage);
    ARRAY(t, 2);
    ARRAY(t, 2);
    put_int(t, -1);
    put_bytes(t, step.p, step.len);
    if (o->secret != NULL)
        put_decryption(t);
    else
        NIL(t);
    ARRAY(t, 2);
    put_bytes(t, o->uid, o->uid != NULL ? 25 : 0);
    put_oid(t, o->oid);
}

/* r and s of 32 bytes each. */
static void
sign_bytes(EVP_PKEY *key, const uint8_t *p, size_t len, uint8_t raw[64])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[80];
    size_t n = sizeof(der);

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &n, p, len), 1);
    EVP_MD_CTX_free(ctx);
    IS(rot_ecdsa_from_der(der, n, 32, raw), ROT_OK);
}

static void
put_tlv(struct order *o, unsigned tag, const uint8_t *p, size_t len)
{
    uint8_t *to = o->set + o->set_len;

    to[0] = (uint8_t)tag;
    to[1] = (uint8_t)(len >> 8);
    to[2] = (uint8_t)len;
    memcpy(to + 3, p, len);
    o->set_len += 3 + len;
}

static void
make(struct order *o)
{
    struct text manifest = {.len = 0}, covered = {.len = 0}, cose = {.len = 0};
    uint8_t fragment[256], sig[64];
    size_t n = o->payload_len;

    memcpy(fragment, o->payload, n);
    if (o->secret != NULL)
        n = encrypt(o, fragment);
    put_manifest(o, fragment, n, &manifest);
    ARRAY(&covered, 4);
    put_bytes(&covered, "Signature1", 10); /* text in COSE; a byte string in the vendor's sets */
    put_bytes(&covered, "\xa1\x01\x26", 3);
    put_bytes(&covered, NULL, 0);
    put_bytes(&covered, manifest.p, manifest.len);
    sign_bytes(o->anchor, covered.p, covered.len, sig);
    ARRAY(&cose, 4);
    put_bytes(&cose, "\xa1\x01\x26", 3);
    MAP(&cose, 1);
    put_int(&cose, 4);
    put_oid(&cose, o->anchor_oid);
    put_bytes(&cose, manifest.p, manifest.len);
    put_bytes(&cose, sig, sizeof(sig));
    o->set_len = 0;
    put_tlv(o, 0x30, cose.p, cose.len);
    put_tlv(o, 0x31, fragment, n);
}

/* ---- Keys and anchors ---------------------------------------------------------------------------- */

/* A new key into the payload: 01, private; 02, X and Y. */
static EVP_PKEY *
draw(struct order *o)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIGNUM *d = NULL;
    uint8_t point[65];
    size_t n = 0;

    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n), 1);
    assert_int_equal(n, 65);
    memcpy(o->payload, "\x01\x00\x20", 3);
    assert_int_equal(BN_bn2binpad(d, o->payload + 3, 32), 32);
    memcpy(o->payload + 35, "\x02\x00\x40", 3);
    memcpy(o->payload + 38, point + 1, 64);
    o->payload_len = 102;
    BN_clear_free(d);
    return key;
}

/* Its certificate into both places for one. */
static void
install(struct bench *b, EVP_PKEY *key)
{
    X509 *x = X509_new();
    uint8_t *der = NULL;
    size_t need = 0;
    int len;

    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                                (const unsigned char *)"updates", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    len = i2d_X509(x, &der);
    assert_true(len > 0);
    for (unsigned i = 0; i < 2; i++)
        IS(rot_object_write(&b->rot, ROT_TRUST(i), ROT_PART_DATA, 0, der, (size_t)len, (size_t)len,
                            &need),
           ROT_OK);
    OPENSSL_free(der);
    X509_free(x);
}

/* What the part signs now verifies with this key. */
static int
holds(struct bench *b, EVP_PKEY *key)
{
    uint8_t text[] = "signed by the part", sig[80];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 0;
    int ok;

    IS(rot_sign_message(&b->rot, ROT_LDEVID(0), text, sizeof(text), sig, sizeof(sig), &n), ROT_OK);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    ok = EVP_DigestVerify(ctx, sig, n, text, sizeof(text)) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static rot_err
bring(struct bench *b, const struct order *o)
{
    return rot_key_import(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, o->set, o->set_len);
}

static struct bench *
prepared(const char *kind, struct order *o)
{
    struct bench *b = bench_new(kind);

    memset(o, 0, sizeof(*o));
    o->anchor = EVP_EC_gen("P-256");
    o->anchor_oid = ANCHOR;
    o->oid = TARGET;
    o->version = 1;
    o->alg = 0x03;
    o->usage = 0x30;
    bench_host(b, "ours");
    IS(bench_open(b, ROT_OPEN_PRODUCTION), ROT_OK);
    IS(rot_channel_pair(&b->rot), ROT_OK);
    install(b, o->anchor);
    return b;
}

/* With the conditions of the layout, which let the anchor in. */
static struct bench *
conditioned(const char *kind, struct order *o)
{
    struct bench *b = prepared(kind, o);

    IS(rot_seal_prepare(&b->rot, ROT_STAGE_DATA, 0), ROT_OK);
    return b;
}

static void
done(struct bench *b, struct order *o)
{
    EVP_PKEY_free(o->anchor);
    bench_free(b);
}

/* ---- Tests ----------------------------------------------------------------------------------------- */

static void
a_key_is_brought(void **state)
{
    struct rot_identity id;
    uint8_t pub[128];
    struct order o;
    struct bench *b = conditioned("blank-m3", &o);
    EVP_PKEY *key;
    size_t n = 0;

    (void)state;
    IS(rot_identify(&b->rot, &id), ROT_OK);
    for (unsigned i = 0; i < 2; i++) {
        o.version = i + 1;
        o.uid = i == 0 ? NULL : id.uid; /* for any part, then for this one */
        key = draw(&o);
        make(&o);
        IS(bring(b, &o), ROT_OK);
        assert_true(holds(b, key));
        IS(rot_key_public(&b->rot, ROT_LDEVID(0), pub, sizeof(pub), &n), ROT_E_EMPTY);
        EVP_PKEY_free(key);
    }
    IS(bring(b, &o), ROT_E_FORMAT); /* not twice */
    assert_int_equal(rot_raw_status(&b->rot), 0x10);
    done(b, &o);
}

static void
a_key_is_brought_encrypted(void **state)
{
    static const uint8_t meta[] = {0x20, 6, 0xe8, 1, 0x23, 0xd3, 1, 0x00};
    uint8_t secret[64];
    struct order o;
    struct bench *b = conditioned("blank-m3", &o);
    EVP_PKEY *key = draw(&o);

    (void)state;
    memset(secret, 0x3c, sizeof(secret));
    o.secret = secret;
    make(&o);
    IS(bring(b, &o), ROT_E_STATE); /* there is no such secret yet */
    IS(optiga_set(&b->rot, OPTIGA_ERASE, SECRET, 0, secret, sizeof(secret)), ROT_OK);
    IS(optiga_set(&b->rot, OPTIGA_META, SECRET, 0, meta, sizeof(meta)), ROT_OK);
    IS(bring(b, &o), ROT_OK);
    assert_true(holds(b, key));
    secret[0] ^= 1;
    o.version = 2;
    make(&o);
    IS(bring(b, &o), ROT_E_CHIP);
    assert_int_equal(rot_raw_status(&b->rot), 0x2e);
    assert_true(holds(b, key));
    EVP_PKEY_free(key);
    done(b, &o);
}

/* A part that refuses keeps its key, and the host its public key. */
static void
what_is_refused(void **state)
{
    struct rot_identity id;
    uint8_t other[25], pub[128], again[128];
    struct order good, o;
    struct bench *b = conditioned("blank-m3", &good);
    EVP_PKEY *key = draw(&good), *stranger = EVP_EC_gen("P-256"), *anchor = good.anchor;
    size_t n = 0, m = 0;

    (void)state;
    IS(rot_identify(&b->rot, &id), ROT_OK);
    memcpy(other, id.uid, sizeof(other));
    other[20] ^= 1;
    IS(rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
#define REFUSED(change, code, raw)                                                                 \
    do {                                                                                           \
        o = good;                                                                                  \
        change;                                                                                    \
        make(&o);                                                                                  \
        IS(bring(b, &o), code);                                                                    \
        assert_int_equal(rot_raw_status(&b->rot), raw);                                            \
        IS(rot_key_public(&b->rot, ROT_LDEVID(0), again, sizeof(again), &m), ROT_OK);              \
        assert_int_equal(m, n);                                                                    \
        assert_memory_equal(again, pub, n);                                                        \
    } while (0)
    REFUSED(o.anchor = stranger, ROT_E_MISMATCH, 0x2c);
    REFUSED(o.uid = other, ROT_E_FORMAT, 0x0f);
    REFUSED(o.version = 0, ROT_E_FORMAT, 0x10);
    REFUSED(o.alg = 0x07, ROT_E_FORMAT, 0x24);
    REFUSED(o.payload[40] ^= 1, ROT_E_CHIP, 0x05); /* the halves do not belong together */
    REFUSED(o.oid = 0xe0f3, ROT_E_FORMAT, 0);      /* another object's: not even sent */
    o = good;
    make(&o);
    o.set[o.set_len - 1] ^= 1;
    IS(bring(b, &o), ROT_E_MISMATCH);
    assert_int_equal(rot_raw_status(&b->rot), 0x2d);
    o = good;
    make(&o);
    IS(rot_key_import(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, o.set, o.set_len - 1), ROT_E_FORMAT);
    IS(rot_key_public(&b->rot, ROT_LDEVID(0), again, sizeof(again), &m), ROT_OK);
    assert_false(holds(b, key));
    IS(bring(b, &o), ROT_OK);
    assert_true(holds(b, key));
    EVP_PKEY_free(key);
    EVP_PKEY_free(stranger);
    good.anchor = anchor;
    done(b, &good);
}

/* As parts come, and by another anchor than the one that the conditions name. */
static void
nobody_was_let_in(void **state)
{
    struct order o;
    struct bench *b = prepared("blank-m3", &o);
    EVP_PKEY *key = draw(&o);
    uint8_t pub[128];
    size_t n = 0;

    (void)state;
    IS(rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
    make(&o);
    IS(bring(b, &o), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&b->rot), 0x07);
    assert_false(holds(b, key));
    IS(rot_seal_prepare(&b->rot, ROT_STAGE_DATA, 0), ROT_OK);
    o.anchor_oid = OTHER;
    make(&o);
    IS(bring(b, &o), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&b->rot), 0x07);
    assert_false(holds(b, key));
    o.anchor_oid = ANCHOR;
    make(&o);
    IS(bring(b, &o), ROT_OK);
    assert_true(holds(b, key));
    EVP_PKEY_free(key);
    done(b, &o);
}

static void
without_an_anchor_or_on_v1(void **state)
{
    struct order o;
    struct bench *b = prepared("blank-m1", &o);
    EVP_PKEY *key = draw(&o);

    (void)state;
    make(&o);
    IS(bring(b, &o), ROT_E_UNSUPPORTED);
    done(b, &o);
    EVP_PKEY_free(key);
    b = conditioned("blank-m3", &o);
    IS(optiga_clear(&b->rot, ANCHOR), ROT_OK);
    key = draw(&o);
    make(&o);
    IS(bring(b, &o), ROT_E_FORMAT);
    assert_int_equal(rot_raw_status(&b->rot), 0x29);
    EVP_PKEY_free(key);
    done(b, &o);
}

/* Sealed, a key still changes by a signed set; only who has the channel may bring it. */
static void
after_the_seal(void **state)
{
    struct order o;
    struct bench *b = prepared("blank-m3", &o);
    EVP_PKEY *key = draw(&o);
    uint8_t pub[128];
    size_t n = 0;

    (void)state;
    IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
    IS(rot_seal_prepare(&b->rot, ROT_STAGE_DATA, 0), ROT_OK);
    IS(rot_seal(&b->rot, ROT_STAGE_DATA, 0), ROT_OK);
    make(&o);
    bench_host(b, NULL);
    IS(bench_open(b, 0), ROT_OK);
    IS(bring(b, &o), ROT_E_AUTH);
    bench_host(b, "ours");
    IS(bench_open(b, ROT_OPEN_PRODUCTION), ROT_OK);
    IS(bring(b, &o), ROT_OK);
    assert_true(holds(b, key));
    o.oid = 0xe0f1; /* the identity: never */
    o.version = 2;
    make(&o);
    IS(rot_key_import(&b->rot, ROT_IDEVID, ROT_ALG_P256, o.set, o.set_len), ROT_E_UNSUPPORTED);
    EVP_PKEY_free(key);
    done(b, &o);
}

/* Cut anywhere: the old key or the new one, never a public key of another, and a set of the next version ends it. */
static void
cuts(void **state)
{
    static const char *const points[] = {"cut-before", "cut-write", "cut-after", "cut-answered"};
    uint8_t pub[128], again[128];
    unsigned count = 0, was_new = 0;
    struct order o;
    struct bench *b = conditioned("blank-m3", &o);
    EVP_PKEY *key = draw(&o);
    size_t n = 0, m = 0;
    char *memory;

    (void)state;
    IS(rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
    memory = far_memory(b->far);
    for (size_t i = 0; i < 4; i++) {
        for (unsigned at = 1;; at++) {
            char rule[32];
            int was_cut;
            rot_err rc;

            far_remember(b->far, memory);
            IS(bench_open(b, ROT_OPEN_PRODUCTION), ROT_OK);
            (void)snprintf(rule, sizeof(rule), "%s@%u", points[i], at);
            far_fault(b->far, rule);
            o.version = 1;
            make(&o);
            (void)!bring(b, &o);
            was_cut = !far_has_power(b->far);
            far_clear(b->far);
            far_power(b->far, 1);
            IS(bench_open(b, ROT_OPEN_PRODUCTION), ROT_OK);
            rc = rot_key_public(&b->rot, ROT_LDEVID(0), again, sizeof(again), &m);
            assert_true(rc == ROT_E_EMPTY || (rc == ROT_OK && memcmp(again, pub, n) == 0));
            if (holds(b, key)) {
                assert_int_equal(rc, ROT_E_EMPTY);
                was_new++;
            }
            o.version = 2;
            make(&o);
            IS(bring(b, &o), ROT_OK);
            assert_true(holds(b, key));
            if (!was_cut)
                break;
            count++;
        }
    }
    print_message("%u power cuts; %u times the new key was there\n", count, was_new);
    assert_true(count > 20 && was_new > 4 && was_new < count);
    free(memory);
    EVP_PKEY_free(key);
    done(b, &o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_brought),
        cmocka_unit_test(a_key_is_brought_encrypted),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(nobody_was_let_in),
        cmocka_unit_test(without_an_anchor_or_on_v1),
        cmocka_unit_test(after_the_seal),
        cmocka_unit_test(cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
