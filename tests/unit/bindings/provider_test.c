/*
 * provider_test.c: the OpenSSL provider inside a program, with a soft board.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/store.h>
#include <openssl/x509.h>

#include "provider/rot_provider.h"
#include "shared/chips.h"
#include "shared/reference.h"

static char dir[64], chip_name[128];
static OSSL_LIB_CTX *ctx;
static OSSL_PROVIDER *standard, *ours;

static char *
uri(const char *rest)
{
    static _Thread_local char text[4][512];
    static _Thread_local unsigned turn;
    char *one = text[turn++ % 4];

    (void)snprintf(one, sizeof(text[0]), "rot:%s%s", chip_name, rest);
    return one;
}

/* All that is on the queue: newer OpenSSLs put a sentence of their own behind ours. */
static const char *
reason(void)
{
    static _Thread_local char text[2048];
    const char *data = "";
    unsigned long e;
    size_t len = 0;

    text[0] = '\0';
    while ((e = ERR_get_error_all(NULL, NULL, NULL, &data, NULL)) != 0 && len < sizeof(text)) {
        const char *why = ERR_reason_error_string(e);
        int n = snprintf(text + len, sizeof(text) - len, "%s: %s\n", why != NULL ? why : "", data);
        len += n > 0 ? (size_t)n : 0;
    }
    return text;
}

#define assert_says(words)                                                                         \
    do {                                                                                           \
        const char *said_ = reason();                                                              \
        if (strstr(said_, (words)) == NULL)                                                        \
            fail_msg("\"%s\" does not say \"%s\"", said_, (words));                                \
    } while (0)

static EVP_PKEY *
key_of(const char *rest)
{
    EVP_PKEY *key = rot_provider_key(ctx, uri(rest));

    if (key == NULL)
        fail_msg("%s: %s", rest, reason());
    return key;
}

/* ---- The stage ---------------------------------------------------------------------------- */

static void
put(struct rot_chip *chip, rot_object obj, enum rot_part part, X509 *cert, int twice)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    uint8_t bytes[4096];
    size_t need = 0;

    assert_in_range(len, 1, 2000);
    memcpy(bytes, der, (size_t)len);
    memcpy(bytes + len, der, (size_t)len);
    OPENSSL_free(der);
    len *= twice ? 2 : 1;
    assert_int_equal(rot_object_write(chip, obj, part, 0, bytes, (size_t)len, (size_t)len, &need),
                     ROT_OK);
}

static X509 *
make_certificate(EVP_PKEY *key)
{
    X509 *x = X509_new_ex(ctx, NULL);

    assert_non_null(x);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

/* A board with keys in idevid, ldevid/0 (no secret leaves), /1 (it does), /2 (P-384) and /3 (Ed25519). */
static int
set_up(void **state)
{
    static const rot_object made[] = {ROT_IDEVID, ROT_LDEVID(0), ROT_LDEVID(1), ROT_LDEVID(2),
                                      ROT_LDEVID(3)};
    static const enum rot_alg algs[] = {ROT_ALG_P256, ROT_ALG_P256, ROT_ALG_P256, ROT_ALG_P384,
                                        ROT_ALG_ED25519};
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    struct chips *chips = NULL;
    struct rot_chip *chip;
    X509 *cert;
    EVP_PKEY *key;
    size_t len;

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/rs-provider-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(chip_name, sizeof(chip_name), "soft:%s/a.rot", dir);
    (void)setenv("ROOTSMITH_LOCK_DIR", dir, 1);
    (void)setenv("ROOTSMITH_LOCK_WAIT", "20", 1);
    ctx = OSSL_LIB_CTX_new();
    standard = OSSL_PROVIDER_load(ctx, "default");
    assert_int_equal(OSSL_PROVIDER_add_builtin(ctx, "rot", rot_provider_init), 1);
    ours = OSSL_PROVIDER_load(ctx, "rot");
    assert_non_null(ours);
    assert_int_equal(chips_take(chip_name, &chips, NULL), ROT_OK);
    assert_int_equal(chips_lock(chips, &chip), ROT_OK);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(rot_key_generate(chip, made[i], algs[i], pub, sizeof(pub), &len), ROT_OK);
    chips_unlock(chips);
    key = key_of(";object=idevid");
    cert = make_certificate(key);
    assert_int_equal(chips_lock(chips, &chip), ROT_OK);
    put(chip, ROT_IDEVID, ROT_PART_CERT, cert, 0);
    put(chip, ROT_IDEVID, ROT_PART_CHAIN, cert, 1);
    put(chip, ROT_TRUST(2), ROT_PART_DATA, cert, 0);
    chips_unlock(chips);
    X509_free(cert);
    EVP_PKEY_free(key);
    chips_drop(chips);
    return 0;
}

static int
tear_down(void **state)
{
    char path[512];
    struct dirent *e;
    DIR *d;

    (void)state;
    (void)OSSL_PROVIDER_unload(ours);
    (void)OSSL_PROVIDER_unload(standard);
    OSSL_LIB_CTX_free(ctx);
    d = opendir(dir);
    while (d != NULL && (e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    return rmdir(dir);
}

/* ---- Names ---------------------------------------------------------------------------------- */

static void
keys_that_are_none(void **state)
{
    (void)state;
    assert_null(rot_provider_key(ctx, NULL));
    assert_null(rot_provider_key(ctx, "file:/dev/null"));
    assert_null(rot_provider_key(ctx, "rot:"));
    assert_says("want rot:CHIP");
    assert_null(rot_provider_key(ctx, uri(";object=ldevid/3")));
    assert_says("unsupported");
    assert_null(rot_provider_key(ctx, uri(";object=idevid;type=cert")));
    ERR_clear_error();
    assert_null(rot_provider_key(ctx, uri(";object=trust/0")));
    assert_says("empty");
    assert_null(rot_provider_key(ctx, uri(";object=idevid;layout=none")));
    assert_says("no layout none");
    assert_null(rot_provider_key(ctx, "rot:sim:/nonexistent#a/b;object=idevid"));
    assert_says("the part does not answer");
}

/* ---- Signing ------------------------------------------------------------------------------------ */

static int
sign(EVP_PKEY *key, const char *digest, const uint8_t *msg, size_t len, uint8_t *sig,
     size_t *sig_len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = EVP_DigestSignInit_ex(md, NULL, digest, ctx, NULL, key, NULL) == 1 &&
             EVP_DigestSign(md, sig, sig_len, msg, len) == 1;

    EVP_MD_CTX_free(md);
    return ok;
}

static int
verify(EVP_PKEY *key, const char *digest, const uint8_t *msg, size_t len, const uint8_t *sig,
       size_t sig_len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = EVP_DigestVerifyInit_ex(md, NULL, digest, ctx, NULL, key, NULL) == 1 &&
             EVP_DigestVerify(md, sig, sig_len, msg, len) == 1;

    EVP_MD_CTX_free(md);
    return ok;
}

/* The same point in the provider "default". */
static EVP_PKEY *
public_twin(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    const unsigned char *p;
    int len = i2d_PUBKEY(key, &der);
    EVP_PKEY *twin;

    assert_true(len > 0);
    p = der;
    twin = d2i_PUBKEY_ex(NULL, &p, len, ctx, "provider=default");
    OPENSSL_free(der);
    assert_non_null(twin);
    return twin;
}

static void
sign_with(const char *rest, const char *digest)
{
    static const uint8_t msg[] = "what is signed";
    EVP_PKEY *key = key_of(rest), *twin = public_twin(key);
    uint8_t sig[256];
    size_t len = sizeof(sig);

    assert_int_equal(sign(key, digest, msg, sizeof(msg), sig, &len), 1);
    assert_true(len <= (size_t)EVP_PKEY_get_size(key));
    assert_int_equal(verify(twin, digest, msg, sizeof(msg) - 1, sig, len), 0);
    assert_int_equal(verify(key, digest, msg, sizeof(msg) - 1, sig, len), 0);
    assert_int_equal(verify(twin, digest, msg, sizeof(msg), sig, len), 1);
    assert_int_equal(verify(key, digest, msg, sizeof(msg), sig, len), 1);
    sig[len - 1] ^= 1;
    assert_int_equal(verify(key, digest, msg, sizeof(msg), sig, len), 0);
    EVP_PKEY_free(twin);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

static void
messages_are_signed(void **state)
{
    (void)state;
    sign_with(";object=idevid", "SHA256");
    sign_with(";object=idevid", NULL);
    sign_with(";object=ldevid/1", "SHA512");
    sign_with(";object=ldevid/2", "SHA384");
    sign_with(";object=ldevid/2", "SHA256"); /* a digest shorter than the curve */
}

static void
what_is_not_signed(void **state)
{
    EVP_PKEY *key = key_of(";object=idevid"), *twin = public_twin(key);
    EVP_PKEY_CTX *c;
    uint8_t digest[80] = {1}, sig[256];
    size_t len = sizeof(sig);

    (void)state;
    assert_int_equal(sign(key, "SHA1", digest, 20, sig, &len), 0);
    assert_says("SHA1 is not signed");
    assert_int_equal(sign(key, "NONE-SUCH", digest, 20, sig, &len), 0);
    c = EVP_PKEY_CTX_new_from_pkey(ctx, key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(c), 1);
    len = sizeof(sig);
    assert_int_not_equal(EVP_PKEY_sign(c, sig, &len, digest, 31), 1);
    assert_says("31 bytes");
    assert_int_not_equal(EVP_PKEY_sign(c, sig, &len, digest, 65), 1);
    assert_says("65 bytes");
    len = 10;
    assert_int_not_equal(EVP_PKEY_sign(c, sig, &len, digest, 32), 1);
    assert_says("no room");
    len = sizeof(sig);
    assert_int_equal(EVP_PKEY_sign(c, sig, &len, digest, 32), 1);
    EVP_PKEY_CTX_free(c);
    c = EVP_PKEY_CTX_new_from_pkey(ctx, twin, NULL);
    assert_int_equal(EVP_PKEY_verify_init(c), 1);
    assert_int_equal(EVP_PKEY_verify(c, sig, len, digest, 32), 1);
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(twin);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

/* Whoever was given one key must not get a signature of another. */
static void
a_part_that_was_re_keyed(void **state)
{
    EVP_PKEY *key = key_of(";object=ldevid/0"), *fresh;
    uint8_t pub[ROT_PUBLIC_KEY_MAX], sig[256];
    struct chips *chips = NULL;
    struct rot_chip *chip;
    size_t len = sizeof(sig), pub_len;

    (void)state;
    assert_int_equal(sign(key, "SHA256", sig, 3, sig, &len), 1);
    assert_int_equal(chips_take(chip_name, &chips, NULL), ROT_OK);
    assert_int_equal(chips_lock(chips, &chip), ROT_OK);
    assert_int_equal(
        rot_key_generate(chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &pub_len), ROT_OK);
    len = sizeof(sig);
    assert_int_equal(sign(key, "SHA256", sig, 3, sig, &len), 0);
    assert_says("this thread is using it already");
    chips_unlock(chips);
    len = sizeof(sig);
    assert_int_equal(sign(key, "SHA256", sig, 3, sig, &len), 0);
    assert_says("not by the key that was named");
    fresh = key_of(";object=ldevid/0");
    assert_int_not_equal(EVP_PKEY_eq(key, fresh), 1);
    len = sizeof(sig);
    assert_int_equal(sign(fresh, "SHA256", sig, 3, sig, &len), 1);
    chips_drop(chips);
    EVP_PKEY_free(fresh);
    EVP_PKEY_free(key);
}

/* ---- What comes out ------------------------------------------------------------------------------ */

static void
the_private_half_stays(void **state)
{
    EVP_PKEY *key = key_of(";object=ldevid/1"), *twin = public_twin(key), *copy;
    OSSL_PARAM *params = NULL;
    BIGNUM *n = NULL;
    char group[32] = "";
    size_t len = 0;

    (void)state;
    assert_int_not_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 1);
    assert_null(params);
    assert_true(i2d_PrivateKey(key, NULL) <= 0);
    assert_int_not_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &n), 1);
    ERR_clear_error();
    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1);
    assert_null(OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY));
    OSSL_PARAM_free(params);
    assert_int_equal(EVP_PKEY_eq(key, twin), 1);
    assert_int_equal(EVP_PKEY_eq(twin, key), 1);
    assert_int_equal(EVP_PKEY_get_bits(key), 256);
    assert_int_equal(EVP_PKEY_get_security_bits(key), 128);
    assert_int_equal(EVP_PKEY_is_a(key, "id-ecPublicKey"), 1);
    assert_int_equal(EVP_PKEY_get_group_name(key, group, sizeof(group), &len), 1);
    assert_string_equal(group, "prime256v1");
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &n), 1);
    BN_free(n);
    copy = EVP_PKEY_dup(key);
    assert_int_equal(EVP_PKEY_eq(key, copy), 1);
    EVP_PKEY_free(copy);
    EVP_PKEY_free(twin);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

static EVP_PKEY *
stranger(const char *group)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(ctx, "provider=default", "EC", group);

    assert_non_null(key);
    return key;
}

static int
derive(EVP_PKEY *mine, EVP_PKEY *theirs, uint8_t *secret, size_t *len)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(ctx, mine, NULL);
    int ok = EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, theirs) == 1 &&
             EVP_PKEY_derive(c, secret, len) == 1;

    EVP_PKEY_CTX_free(c);
    return ok;
}

static void
agree_with(const char *rest, const char *group, size_t size)
{
    EVP_PKEY *key = key_of(rest), *twin = public_twin(key), *other = stranger(group);
    EVP_PKEY *shown = public_twin(other);
    uint8_t a[64], b[64];
    size_t a_len = sizeof(a), b_len = sizeof(b);

    assert_int_equal(derive(key, other, a, &a_len), 0); /* nobody's private key is taken in */
    ERR_clear_error();
    assert_int_equal(derive(key, shown, a, &a_len), 1);
    assert_int_equal(derive(other, twin, b, &b_len), 1);
    assert_int_equal(a_len, size);
    assert_int_equal(b_len, size);
    assert_memory_equal(a, b, size);
    EVP_PKEY_free(shown);
    EVP_PKEY_free(other);
    EVP_PKEY_free(twin);
    EVP_PKEY_free(key);
}

static void
secrets_are_agreed(void **state)
{
    EVP_PKEY *closed = key_of(";object=ldevid/0"), *key = key_of(";object=ldevid/1");
    EVP_PKEY *full = stranger("prime256v1"), *longer = stranger("secp384r1");
    EVP_PKEY *other = public_twin(full);
    uint8_t secret[64];
    size_t len = sizeof(secret);

    (void)state;
    assert_int_equal(derive(closed, other, secret, &len), 0);
    assert_says("no secret that leaves the part");
    assert_int_equal(derive(key, longer, secret, &len), 0);
    ERR_clear_error();
    agree_with(";object=ldevid/1", "prime256v1", 32);
    agree_with(";object=ldevid/2", "secp384r1", 48);
    EVP_PKEY_free(longer);
    EVP_PKEY_free(other);
    EVP_PKEY_free(full);
    EVP_PKEY_free(key);
    EVP_PKEY_free(closed);
}

/* ---- Stores ----------------------------------------------------------------------------------------- */

/* How many of each kind a URI gives. */
static void
count(const char *rest, int expect, int keys, int publics, int certs)
{
    OSSL_STORE_CTX *s =
        OSSL_STORE_open_ex(uri(rest), ctx, "provider=rot", NULL, NULL, NULL, NULL, NULL);
    int found[8] = {0};

    assert_non_null(s);
    if (expect != 0)
        assert_int_equal(OSSL_STORE_expect(s, expect), 1);
    while (!OSSL_STORE_eof(s)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(s);

        if (info != NULL)
            found[OSSL_STORE_INFO_get_type(info)]++;
        OSSL_STORE_INFO_free(info);
    }
    (void)OSSL_STORE_close(s);
    if (found[OSSL_STORE_INFO_PKEY] != keys || found[OSSL_STORE_INFO_PUBKEY] != publics ||
        found[OSSL_STORE_INFO_CERT] != certs)
        fail_msg("%s: %d keys, %d public keys, %d certificates", rest, found[OSSL_STORE_INFO_PKEY],
                 found[OSSL_STORE_INFO_PUBKEY], found[OSSL_STORE_INFO_CERT]);
    ERR_clear_error();
}

static void
what_a_store_holds(void **state)
{
    (void)state;
    count(";object=idevid", 0, 1, 0, 3);
    count(";object=idevid;type=private", 0, 1, 0, 0);
    count(";object=idevid;type=public", 0, 0, 1, 0);
    count(";object=idevid;type=cert", 0, 0, 0, 1);
    count(";object=idevid;type=chain", 0, 0, 0, 2);
    count(";object=idevid;type=trust", 0, 0, 0, 0);
    count(";object=idevid", OSSL_STORE_INFO_CERT, 0, 0, 3);
    count(";object=idevid", OSSL_STORE_INFO_PKEY, 1, 0, 0);
    count(";object=idevid;type=cert", OSSL_STORE_INFO_PKEY, 0, 0, 0);
    count(";object=idevid;type=cert", OSSL_STORE_INFO_CRL, 0, 0, 0);
    count(";type=trust", 0, 0, 0, 1);
    count(";object=trust/2", 0, 0, 0, 1);
    count("", 0, 4, 0, 4); /* the Ed25519 key is passed over */
}

/* ---- Files -------------------------------------------------------------------------------------------- */

static EVP_PKEY *
read_pem(const uint8_t *der, size_t len, const char *label)
{
    BIO *b = BIO_new(BIO_s_mem());
    EVP_PKEY *key;

    assert_non_null(b);
    assert_true(PEM_write_bio(b, label, "", der, (long)len) > 0);
    key = PEM_read_bio_PrivateKey_ex(b, NULL, NULL, NULL, ctx, NULL);
    BIO_free(b);
    ERR_clear_error();
    return key;
}

static void
references_are_keys(void **state)
{
    EVP_PKEY *key = key_of(";object=ldevid/2"), *read;
    unsigned char *spki = NULL;
    int spki_len = i2d_PUBKEY(key, &spki);
    uint8_t der[ROT_REFERENCE_MAX], sig[256];
    struct rot_reference ref;
    struct rot_bytes pub = {spki, (size_t)spki_len};
    size_t len = 0, sig_len = sizeof(sig);

    (void)state;
    assert_int_equal(rot_reference_write(NULL, pub, der, sizeof(der), &len), ROT_E_ARG);
    assert_int_equal(rot_reference_write("rot:auto", pub, der, sizeof(der), &len), ROT_E_FORMAT);
    assert_int_equal(
        rot_reference_write(uri(";object=idevid;type=private"), pub, der, sizeof(der), &len),
        ROT_E_FORMAT);
    assert_int_equal(rot_reference_write(uri(";object=ldevid/2"), pub, der, 20, &len), ROT_E_SPACE);
    assert_int_equal(rot_reference_write(uri(";object=ldevid/2"), pub, der, sizeof(der), &len),
                     ROT_OK);
    assert_null(read_pem(der, len, "ROT KEY"));
    assert_null(read_pem(der, len - 1, ROT_REFERENCE_LABEL));
    assert_int_equal(rot_reference_read(NULL, len, &ref), ROT_E_ARG);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(rot_reference_read(der, cut, &ref), ROT_E_FORMAT);
    der[len] = 0;
    assert_int_equal(rot_reference_read(der, len + 1, &ref), ROT_E_FORMAT);
    der[5] ^= 3; /* the version */
    assert_null(read_pem(der, len, ROT_REFERENCE_LABEL));
    der[5] ^= 3;
    der[len - 1] ^= 1; /* no longer on the curve */
    assert_null(read_pem(der, len, ROT_REFERENCE_LABEL));
    der[len - 1] ^= 1;
    read = read_pem(der, len, ROT_REFERENCE_LABEL);
    assert_non_null(read);
    assert_int_equal(EVP_PKEY_eq(key, read), 1);
    assert_int_equal(sign(read, "SHA384", der, 9, sig, &sig_len), 1);
    assert_int_equal(verify(key, "SHA384", der, 9, sig, sig_len), 1);
    EVP_PKEY_free(read);
    EVP_PKEY_free(key);
    OPENSSL_free(spki);
}

/* ---- Random ----------------------------------------------------------------------------------------------- */

static void
a_soft_board_is_no_generator(void **state)
{
    EVP_RAND *rand = EVP_RAND_fetch(ctx, "ROT-RANDOM", NULL);
    EVP_RAND_CTX *c = EVP_RAND_CTX_new(rand, NULL);
    unsigned char out[32];

    (void)state;
    assert_non_null(c);
    assert_int_equal(EVP_RAND_generate(c, out, sizeof(out), 0, 0, NULL, 0), 0);
    assert_int_equal(EVP_RAND_instantiate(c, 256, 0, NULL, 0, NULL), 0);
    assert_says("random = CHIP");
    EVP_RAND_CTX_free(c);
    EVP_RAND_free(rand);
}

/* ---- Many at once -------------------------------------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS  20

static const char *shared_key;

static void *
sign_often(void *arg)
{
    EVP_PKEY *key = arg, *own = rot_provider_key(ctx, shared_key);
    uint8_t sig[256];
    int ok = own != NULL;

    for (int i = 0; ok && i < ROUNDS; i++) {
        uint8_t msg[4] = {(uint8_t)i, 1, 2, 3};
        size_t len = sizeof(sig);

        ok = sign(i % 2 == 0 ? key : own, "SHA256", msg, sizeof(msg), sig, &len) &&
             verify(key, "SHA256", msg, sizeof(msg), sig, len);
    }
    EVP_PKEY_free(own);
    return ok ? arg : NULL; /* NULL: it went wrong */
}

static void
threads_share_a_key(void **state)
{
    EVP_PKEY *key;
    pthread_t threads[THREADS];
    void *done[THREADS];

    (void)state;
    shared_key = shared_key != NULL ? shared_key : uri(";object=ldevid/1");
    key = rot_provider_key(ctx, shared_key);
    if (key == NULL)
        fail_msg("%s", reason());
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, key), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], &done[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_non_null(done[i]);
    EVP_PKEY_free(key);
    shared_key = NULL;
}

static void
children_sign_too(void **state)
{
    EVP_PKEY *key = key_of(";object=ldevid/1");
    uint8_t sig[256];
    size_t len = sizeof(sig);
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(sign(key, "SHA256", sig, 3, sig, &len), 1);
    child = fork();
    if (child == 0) {
        len = sizeof(sig);
        _exit(sign(key, "SHA256", sig, 3, sig, &len) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    len = sizeof(sig);
    assert_int_equal(sign(key, "SHA256", sig, 3, sig, &len), 1);
    EVP_PKEY_free(key);
}

/* provider_test URI: only the threads, on that key. */
int
main(int argc, char **argv)
{
    const struct CMUnitTest threads[] = {
        cmocka_unit_test_setup_teardown(threads_share_a_key, set_up, tear_down),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_are_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_that_was_re_keyed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_private_half_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_are_agreed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_store_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(references_are_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_soft_board_is_no_generator, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_a_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(children_sign_too, set_up, tear_down),
    };

    if (argc < 2)
        return cmocka_run_group_tests(tests, NULL, NULL);
    shared_key = argv[1];
    return cmocka_run_group_tests(threads, NULL, NULL);
}
