/*
 * pub.c: reading, checking and verifying with public keys.  See pub.h.
 *
 * The SPKI forms on the allow list are few, so their headers are compared as
 * bytes (RFC 5480, RFC 8410); only RSAPublicKey needs walking.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pub.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "crypto/hash.h"
#include "crypto/thread_cache.h"

/* ---- Algorithm table ---------------------------------------------------------------- */

/* SubjectPublicKeyInfo up to the first byte of the key, by algorithm. */
static const uint8_t head_p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
static const uint8_t head_p384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};
static const uint8_t head_p521[] = {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
                                    0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00};
static const uint8_t head_ed25519[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t rsa_identifier[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                         0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

struct fixed_form {
    enum crypto_alg alg;
    const uint8_t *head;
    size_t head_len;
    size_t key_len;
};

static const struct fixed_form fixed_forms[] = {
    {CRYPTO_P256, head_p256, sizeof(head_p256), 65},
    {CRYPTO_P384, head_p384, sizeof(head_p384), 97},
    {CRYPTO_P521, head_p521, sizeof(head_p521), 133},
    {CRYPTO_ED25519, head_ed25519, sizeof(head_ed25519), 32},
};

static const struct {
    enum crypto_alg alg;
    const char *name;
    enum crypto_sig sig;
} algs[] = {
    {CRYPTO_P256, "p256", CRYPTO_ECDSA_SHA256},     {CRYPTO_P384, "p384", CRYPTO_ECDSA_SHA384},
    {CRYPTO_P521, "p521", CRYPTO_ECDSA_SHA512},     {CRYPTO_ED25519, "ed25519", CRYPTO_ED25519_SIG},
    {CRYPTO_RSA2048, "rsa2048", CRYPTO_RSA_SHA256}, {CRYPTO_RSA3072, "rsa3072", CRYPTO_RSA_SHA256},
    {CRYPTO_RSA4096, "rsa4096", CRYPTO_RSA_SHA256},
};

const char *
crypto_alg_name(enum crypto_alg alg)
{
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        if (algs[i].alg == alg)
            return algs[i].name;
    }
    return "unknown";
}

int
crypto_alg_find(const char *name, enum crypto_alg *ret_alg)
{
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        if (strcmp(algs[i].name, name) == 0) {
            *ret_alg = algs[i].alg;
            return 1;
        }
    }
    return 0;
}

enum crypto_sig
crypto_sig_for(enum crypto_alg alg)
{
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        if (algs[i].alg == alg)
            return algs[i].sig;
    }
    return CRYPTO_ECDSA_SHA256;
}

/* AlgorithmIdentifiers (RFC 5758 3.2, RFC 8410 3, RFC 4055 5). */
static const uint8_t sig_ecdsa256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t sig_ecdsa384[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
static const uint8_t sig_ecdsa512[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x04};
static const uint8_t sig_ed25519[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t sig_rsa256[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                     0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
static const uint8_t sig_rsa384[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                     0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00};
static const uint8_t sig_rsa512[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                     0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00};

static const struct {
    enum crypto_sig sig;
    struct rs_bytes identifier;
} sigs[] = {
    {CRYPTO_ECDSA_SHA256, {sig_ecdsa256, sizeof(sig_ecdsa256)}},
    {CRYPTO_ECDSA_SHA384, {sig_ecdsa384, sizeof(sig_ecdsa384)}},
    {CRYPTO_ECDSA_SHA512, {sig_ecdsa512, sizeof(sig_ecdsa512)}},
    {CRYPTO_ED25519_SIG, {sig_ed25519, sizeof(sig_ed25519)}},
    {CRYPTO_RSA_SHA256, {sig_rsa256, sizeof(sig_rsa256)}},
    {CRYPTO_RSA_SHA384, {sig_rsa384, sizeof(sig_rsa384)}},
    {CRYPTO_RSA_SHA512, {sig_rsa512, sizeof(sig_rsa512)}},
};

struct rs_bytes
crypto_sig_identifier(enum crypto_sig sig)
{
    for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
        if (sigs[i].sig == sig)
            return sigs[i].identifier;
    }
    return (struct rs_bytes){NULL, 0};
}

int
crypto_sig_find(struct rs_bytes identifier, enum crypto_sig *ret_sig)
{
    for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
        if (rs_bytes_equal(sigs[i].identifier, identifier)) {
            *ret_sig = sigs[i].sig;
            return 1;
        }
    }
    return 0;
}

/* ---- RSA quality (TM-441) -------------------------------------------------------------- */

#define SMALL_FACTOR_MAX 752
#define FERMAT_ROUNDS    100

/* The primes whose residues betray the ROCA generator: N mod p is a power of 65537. */
static const unsigned roca_primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                       79, 97, 103, 107, 109, 127, 151, 157};

static int
is_power_of_f4(unsigned residue, unsigned prime)
{
    unsigned x = 1;

    do {
        if (x == residue)
            return 1;
        x = (unsigned)((uint64_t)x * (65537u % prime) % prime);
    } while (x != 1);
    return 0;
}

static int
has_roca_pattern(const BIGNUM *n)
{
    for (size_t i = 0; i < sizeof(roca_primes) / sizeof(roca_primes[0]); i++) {
        if (!is_power_of_f4((unsigned)BN_mod_word(n, roca_primes[i]), roca_primes[i]))
            return 0;
    }
    return 1;
}

static int
has_small_factor(const BIGNUM *n)
{
    for (BN_ULONG d = 3; d <= SMALL_FACTOR_MAX; d += 2) {
        if (BN_mod_word(n, d) == 0)
            return 1;
    }
    return !BN_is_odd(n);
}

static int
is_square(const BIGNUM *x, BIGNUM *root, BIGNUM *t, BN_CTX *ctx)
{
    /* Newton's iteration from above; x is far below 2^8192. */
    if (BN_is_zero(x) || !BN_one(root) || !BN_lshift(root, root, BN_num_bits(x) / 2 + 1))
        return BN_is_zero(x);
    for (;;) {
        if (!BN_div(t, NULL, x, root, ctx) || !BN_add(t, t, root) || !BN_rshift1(t, t))
            return 0;
        if (BN_cmp(t, root) >= 0)
            break;
        if (BN_copy(root, t) == NULL)
            return 0;
    }
    return BN_sqr(t, root, ctx) && BN_cmp(t, x) == 0;
}

/* Fermat: close primes make N = a^2 - b^2 with a near the square root of N. */
static int
has_close_primes(const BIGNUM *n, BN_CTX *ctx)
{
    BIGNUM *a, *b, *root, *t;
    int found = 0;

    BN_CTX_start(ctx);
    a = BN_CTX_get(ctx);
    b = BN_CTX_get(ctx);
    root = BN_CTX_get(ctx);
    t = BN_CTX_get(ctx);
    if (t != NULL && !is_square(n, a, t, ctx)) {
        for (int i = 0; i < FERMAT_ROUNDS && !found; i++) {
            if (!BN_add_word(a, 1) || !BN_sqr(b, a, ctx) || !BN_sub(b, b, n))
                break;
            found = is_square(b, root, t, ctx);
        }
    } else {
        found = 1;
    }
    BN_CTX_end(ctx);
    return found;
}

static rs_code
check_rsa(const struct crypto_pub *pub, struct rs_err *err)
{
    static const uint8_t f4[] = {1, 0, 1};
    BIGNUM *n;
    BN_CTX *ctx;
    const char *why = NULL;

    if (!rs_bytes_equal(pub->exponent, RS_BYTES(f4)))
        return rs_fail(err, RS_E_KEY_WEAK, "key: RSA exponent must be 65537");
    n = BN_bin2bn(pub->modulus.p, (int)pub->modulus.len, NULL);
    ctx = BN_CTX_new();
    if (n == NULL || ctx == NULL)
        why = "out of memory";
    else if (has_small_factor(n))
        why = "RSA modulus has a factor of 752 or less";
    else if (has_roca_pattern(n))
        why = "RSA modulus shows the ROCA pattern";
    else if (has_close_primes(n, ctx))
        why = "RSA primes are too close (Fermat)";
    BN_free(n);
    BN_CTX_free(ctx);
    if (why != NULL)
        return rs_fail(err, RS_E_KEY_WEAK, "key: %s", why);
    return RS_OK;
}

/* ---- Reading --------------------------------------------------------------------------- */

/* One DER header: tag, minimal length, content inside the reader. */
static struct rs_bytes
der_take(struct rs_reader *r, unsigned tag)
{
    unsigned first;
    size_t len;

    if (rs_read_u8(r) != tag)
        r->failed = 1;
    first = rs_read_u8(r);
    len = first;
    if (first == 0x81) {
        len = rs_read_u8(r);
        if (len < 0x80)
            r->failed = 1;
    } else if (first == 0x82) {
        len = rs_read_u16(r);
        if (len < 0x100)
            r->failed = 1;
    } else if (first >= 0x80) {
        r->failed = 1;
    }
    return rs_read_bytes(r, len);
}

/* A positive INTEGER without its sign byte; not minimal or negative fails. */
static struct rs_bytes
der_take_uint(struct rs_reader *r)
{
    struct rs_bytes v = der_take(r, 0x02);

    if (v.len == 0 || (v.p[0] & 0x80) != 0 || (v.len > 1 && v.p[0] == 0 && (v.p[1] & 0x80) == 0)) {
        r->failed = 1;
        return (struct rs_bytes){NULL, 0};
    }
    if (v.p[0] == 0) {
        v.p++;
        v.len--;
    }
    return v;
}

static int
rsa_alg(const struct crypto_pub *pub, enum crypto_alg *ret_alg)
{
    if (pub->modulus.len == 0 || (pub->modulus.p[0] & 0x80) == 0)
        return 0; /* not a multiple of 8 bits long: not 2048, 3072 or 4096 */
    *ret_alg = pub->modulus.len == 256   ? CRYPTO_RSA2048
               : pub->modulus.len == 384 ? CRYPTO_RSA3072
                                         : CRYPTO_RSA4096;
    return pub->modulus.len == 256 || pub->modulus.len == 384 || pub->modulus.len == 512;
}

static rs_code
read_rsa(struct rs_bytes spki, struct crypto_pub *pub, struct rs_err *err)
{
    struct rs_reader outer, inner, bits, body;

    rs_reader_init(&outer, spki);
    rs_reader_init(&inner, der_take(&outer, 0x30));
    struct rs_bytes id = rs_read_bytes(&inner, sizeof(rsa_identifier));
    if (!rs_bytes_equal(id, RS_BYTES(rsa_identifier)))
        return rs_fail(err, RS_E_KEY_WEAK, "key: algorithm or curve is not on the allow list");
    pub->key = der_take(&inner, 0x03);
    rs_reader_init(&bits, pub->key);
    if (rs_read_u8(&bits) != 0)
        bits.failed = 1;
    pub->key = rs_bytes_of(bits.p, bits.left);
    rs_reader_init(&body, der_take(&bits, 0x30));
    pub->modulus = der_take_uint(&body);
    pub->exponent = der_take_uint(&body);
    if (!rs_reader_done(&outer) || !rs_reader_done(&inner) || !rs_reader_done(&bits) ||
        !rs_reader_done(&body))
        return rs_fail(err, RS_E_CSR_FORMAT, "key: SubjectPublicKeyInfo is not strict DER");
    if (!rsa_alg(pub, &pub->alg))
        return rs_fail(err, RS_E_KEY_WEAK, "key: RSA modulus must have 2048, 3072 or 4096 bits");
    return check_rsa(pub, err);
}

static rs_code
check_point(const struct crypto_pub *pub, struct rs_err *err)
{
    if (pub->alg != CRYPTO_ED25519 && pub->key.p[0] != 0x04)
        return rs_fail(err, RS_E_KEY_WEAK, "key: only the uncompressed point form is accepted");
    /* Setting the key checks that the point is on its curve and not infinity. */
    if (crypto_cache_peer(pub) == NULL)
        return rs_fail(err, RS_E_KEY_WEAK, "key: the point is not on its curve");
    return RS_OK;
}

rs_code
crypto_pub_read(struct rs_bytes spki, struct crypto_pub *ret_pub, struct rs_err *err)
{
    struct crypto_pub pub = {.spki = spki};
    rs_code rc;

    for (size_t i = 0; i < sizeof(fixed_forms) / sizeof(fixed_forms[0]); i++) {
        const struct fixed_form *f = &fixed_forms[i];
        if (spki.len == f->head_len + f->key_len && memcmp(spki.p, f->head, f->head_len) == 0) {
            pub.alg = f->alg;
            pub.key = rs_bytes_of(spki.p + f->head_len, f->key_len);
            rc = check_point(&pub, err);
            if (rc == RS_OK)
                *ret_pub = pub;
            return rc;
        }
    }
    rc = read_rsa(spki, &pub, err);
    if (rc == RS_OK)
        *ret_pub = pub;
    return rc;
}

void
crypto_pub_hash(const struct crypto_pub *pub, uint8_t out[32])
{
    crypto_sha256(pub->spki, out);
}

/* ---- Verifying --------------------------------------------------------------------------- */

int
crypto_sig_fits(enum crypto_alg alg, enum crypto_sig sig)
{
    switch (alg) {
    case CRYPTO_P256:
    case CRYPTO_P384:
    case CRYPTO_P521:
        return sig >= CRYPTO_ECDSA_SHA256 && sig <= CRYPTO_ECDSA_SHA512;
    case CRYPTO_ED25519:
        return sig == CRYPTO_ED25519_SIG;
    case CRYPTO_RSA2048:
    case CRYPTO_RSA3072:
    case CRYPTO_RSA4096:
        return sig >= CRYPTO_RSA_SHA256 && sig <= CRYPTO_RSA_SHA512;
    default:
        return 0;
    }
}

rs_code
crypto_verify(const struct crypto_pub *pub, enum crypto_sig sig, struct rs_bytes message,
              struct rs_bytes signature, struct rs_err *err)
{
    EVP_PKEY *key;

    if (!crypto_sig_fits(pub->alg, sig))
        return rs_fail(err, RS_E_KEY_PROOF, "signature algorithm does not fit the key");
    key = crypto_cache_peer(pub);
    if (key == NULL)
        return rs_fail(err, RS_E_KEY_WEAK, "key: the point is not on its curve");
    if (!crypto_cache_verify_peer(key, sig, message, signature))
        return rs_fail(err, RS_E_KEY_PROOF, "the signature does not verify");
    return RS_OK;
}
