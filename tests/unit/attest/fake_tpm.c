/*
 * fake_tpm.c: see fake_tpm.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_tpm.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

/* What cannot fail in a test stops it: no cmocka here, fuzz seeds are made with this too. */
static void
must(int ok)
{
    if (!ok)
        abort();
}

/* ---- Certificates ----------------------------------------------------------------------- */

static void
add(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    if (value == NULL || value[0] == '\0')
        return;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

/* subjectAltName, critical: the directory name with maker, model and version. */
static void
add_maker_name(X509 *x)
{
    static const struct {
        const char *oid, *value;
    } parts[] = {
        {"2.23.133.2.1", "id:46414B45"}, {"2.23.133.2.2", "fake"}, {"2.23.133.2.3", "id:1"}};
    X509_NAME *name = X509_NAME_new();
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *one = GENERAL_NAME_new();

    must(name != NULL && names != NULL && one != NULL);
    for (size_t i = 0; i < 3; i++) {
        ASN1_OBJECT *o = OBJ_txt2obj(parts[i].oid, 1);
        must(X509_NAME_add_entry_by_OBJ(name, o, V_ASN1_UTF8STRING,
                                        (const unsigned char *)parts[i].value, -1, -1, 0) == 1);
        ASN1_OBJECT_free(o);
    }
    one->type = GEN_DIRNAME;
    one->d.directoryName = name;
    must(sk_GENERAL_NAME_push(names, one) > 0);
    must(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 1, X509V3_ADD_APPEND) == 1);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static X509 *
begin_cert(const char *subject, const char *issuer, EVP_PKEY *key, long from_s, long until_s)
{
    static long serial = 1;
    X509 *x = X509_new();

    must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(x), from_s) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(x), until_s) != NULL);
    if (subject != NULL)
        must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                        (const unsigned char *)subject, -1, -1, 0) == 1);
    must(X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
                                    (const unsigned char *)issuer, -1, -1, 0) == 1);
    must(X509_set_pubkey(x, key) == 1);
    return x;
}

static size_t
end_cert(X509 *x, EVP_PKEY *signer, uint8_t *room, size_t cap)
{
    int len;

    must(X509_sign(x, signer, EVP_sha256()) > 0);
    len = i2d_X509(x, NULL);
    must(len > 0 && (size_t)len <= cap);
    (void)i2d_X509(x, &room);
    X509_free(x);
    return (size_t)len;
}

void
fake_maker_make(struct fake_maker *m)
{
    X509 *x;

    m->name = "Fake TPM CA";
    m->root_key = EVP_EC_gen("P-384");
    m->ca_key = EVP_EC_gen("P-256");
    must(m->root_key != NULL && m->ca_key != NULL);
    x = begin_cert("Fake TPM root", "Fake TPM root", m->root_key, -3600, 86400L * 3650);
    add(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:1");
    add(x, NID_key_usage, "critical,keyCertSign");
    m->root_len = end_cert(x, m->root_key, m->root, sizeof(m->root));
    x = begin_cert(m->name, "Fake TPM root", m->ca_key, -3600, 86400L * 3650);
    add(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add(x, NID_key_usage, "critical,keyCertSign");
    m->ca_len = end_cert(x, m->root_key, m->ca, sizeof(m->ca));
}

void
fake_maker_make_below(struct fake_maker *m, const struct fake_maker *above)
{
    X509 *x;

    memset(m, 0, sizeof(*m));
    m->name = "Fake TPM sub-CA";
    m->ca_key = EVP_EC_gen("P-256");
    x = begin_cert(m->name, above->name, m->ca_key, -3600, 86400L * 3650);
    add(x, NID_basic_constraints, "critical,CA:TRUE");
    add(x, NID_key_usage, "critical,keyCertSign");
    m->ca_len = end_cert(x, above->ca_key, m->ca, sizeof(m->ca));
}

void
fake_maker_drop(struct fake_maker *m)
{
    EVP_PKEY_free(m->root_key);
    EVP_PKEY_free(m->ca_key);
}

static void
put_pem(struct rs_buf *b, const uint8_t *der, size_t len)
{
    rs_buf_put_str(b, "-----BEGIN CERTIFICATE-----\n");
    rs_base64_put(b, rs_bytes_of(der, len), 64);
    rs_buf_put_str(b, "-----END CERTIFICATE-----\n");
}

struct rs_bytes
fake_maker_pem(const struct fake_maker *m, int with_root, int with_ca, uint8_t *room, size_t cap)
{
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, cap);
    if (with_root)
        put_pem(&b, m->root, m->root_len);
    if (with_ca)
        put_pem(&b, m->ca, m->ca_len);
    must(rs_buf_ok(&b));
    return rs_buf_bytes(&b);
}

void
fake_tpm_certify(struct fake_tpm *t, const struct fake_maker *m, const struct fake_cert *how)
{
    int rsa = EVP_PKEY_get_base_id(t->ek) == EVP_PKEY_RSA;
    EVP_PKEY *signer = m->ca_key;
    X509 *x = begin_cert(NULL, m->name, t->ek, how->from_s != 0 ? how->from_s : -60,
                         how->until_s != 0 ? how->until_s : 86400L * 3650);

    add(x, NID_basic_constraints,
        how->constraints != NULL ? how->constraints : "critical,CA:FALSE");
    add(x, NID_key_usage,
        how->usage != NULL ? how->usage
        : rsa              ? "critical,keyEncipherment"
                           : "critical,keyAgreement");
    add(x, NID_ext_key_usage, how->eku != NULL ? how->eku : "2.23.133.8.1");
    if (how->san == NULL)
        add_maker_name(x);
    else
        add(x, NID_subject_alt_name, how->san);
    if (how->signer != NULL)
        signer = (EVP_PKEY *)(uintptr_t)how->signer;
    t->cert_len = end_cert(x, signer, t->cert, sizeof(t->cert));
}

/* ---- Keys -------------------------------------------------------------------------------- */

static void
from_hex(const char *hex, uint8_t out[32])
{
    size_t n = 0;

    must(rs_hex_read(hex, 64, out, 32, &n) && n == 32);
}

void
fake_tpm_make(struct fake_tpm *t, const struct fake_maker *m, int rsa)
{
    const struct fake_cert how = {0};

    memset(t, 0, sizeof(*t));
    t->ek = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    t->iak = EVP_EC_gen("P-256");
    t->idevid = EVP_EC_gen("P-256");
    must(t->ek != NULL && t->iak != NULL && t->idevid != NULL);
    t->iak_attributes = FAKE_IAK_ATTRIBUTES;
    t->idevid_attributes = FAKE_IDEVID_ATTRIBUTES;
    from_hex("5437182326E414FCA797D5F174615A1641F61255797C3A2B22C21D120B2D1E07", t->iak_policy);
    from_hex("AD6B3A2284FD698A0710BF5CC1B9BDF15E2532E3F601FA4B93A6A8FA8DE579EA", t->idevid_policy);
    t->curve = 3;
    t->hash = 0x0b;
    t->magic = 0xff544347u;
    t->type = 0x8017;
    t->safe = 1;
    fake_tpm_certify(t, m, &how);
}

void
fake_tpm_drop(struct fake_tpm *t)
{
    EVP_PKEY_free(t->ek);
    EVP_PKEY_free(t->iak);
    EVP_PKEY_free(t->idevid);
}

static void
point_of(EVP_PKEY *key, uint8_t point[65])
{
    size_t len = 0;

    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, NULL, 0, &len) == 1);
    must(len <= 133);
    uint8_t room[133];
    must(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                        "uncompressed") == 1);
    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, room, sizeof(room), &len) ==
         1);
    must(len == 65);
    memcpy(point, room, 65);
}

/* TPMT_PUBLIC. */
static void
put_area(struct rs_buf *b, const struct fake_tpm *t, EVP_PKEY *key, uint32_t attributes,
         const uint8_t policy[32])
{
    uint8_t point[65];

    point_of(key, point);
    rs_buf_put_u16(b, 0x0023);
    rs_buf_put_u16(b, t->hash);
    rs_buf_put_u32(b, attributes);
    rs_buf_put_u16_bytes(b, rs_bytes_of(policy, 32));
    rs_buf_put_u16(b, 0x0010);
    rs_buf_put_u16(b, 0x0018);
    rs_buf_put_u16(b, 0x000b);
    rs_buf_put_u16(b, t->curve);
    rs_buf_put_u16(b, 0x0010);
    rs_buf_put_u16_bytes(b, rs_bytes_of(point + 1, 32));
    rs_buf_put_u16_bytes(b, rs_bytes_of(point + 33, 32));
}

static struct rs_bytes
area_of(const struct fake_tpm *t, int iak, EVP_PKEY *key, uint8_t room[256])
{
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, 256);
    put_area(&b, t, key, iak ? t->iak_attributes : t->idevid_attributes,
             iak ? t->iak_policy : t->idevid_policy);
    must(rs_buf_ok(&b));
    return rs_buf_bytes(&b);
}

static void
name_of(struct rs_bytes area, uint8_t name[34])
{
    name[0] = 0;
    name[1] = 0x0b;
    (void)SHA256(area.p, area.len, name + 2);
}

struct rs_bytes
fake_tpm_iak(const struct fake_tpm *t, uint8_t *room, size_t cap)
{
    uint8_t area[256];
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, cap);
    rs_buf_put_u16_bytes(&b, area_of(t, 1, t->iak, area));
    must(rs_buf_ok(&b));
    return rs_buf_bytes(&b);
}

struct rs_bytes
fake_tpm_spki(const struct fake_tpm *t, uint8_t *room, size_t cap)
{
    int len = i2d_PUBKEY(t->idevid, NULL);
    uint8_t *at = room;

    must(len > 0 && (size_t)len <= cap);
    (void)i2d_PUBKEY(t->idevid, &at);
    return rs_bytes_of(room, (size_t)len);
}

struct rs_bytes
fake_tpm_private(const struct fake_tpm *t, uint8_t *room, size_t cap)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(t->idevid);
    uint8_t *at = room;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);

    must(len > 0 && (size_t)len <= cap);
    (void)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    PKCS8_PRIV_KEY_INFO_free(info);
    return rs_bytes_of(room, (size_t)len);
}

/* ---- What it says -------------------------------------------------------------------------- */

static size_t
sign(EVP_PKEY *key, struct rs_bytes message, uint8_t *sig, size_t cap)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = cap;

    must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
    must(EVP_DigestSign(ctx, sig, &len, message.p, message.len) == 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

size_t
fake_tpm_sign(const struct fake_tpm *t, struct rs_bytes message, uint8_t *sig, size_t cap)
{
    return sign(t->idevid, message, sig, cap);
}

static void
put_signature(struct rs_buf *b, EVP_PKEY *key, struct rs_bytes message)
{
    uint8_t der[80], r[32], s[32];
    const uint8_t *at = der;
    size_t len = sign(key, message, der, sizeof(der));
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);

    must(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), r, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(sig), s, 32) == 32);
    ECDSA_SIG_free(sig);
    rs_buf_put_u16(b, 0x0018);
    rs_buf_put_u16(b, 0x000b);
    rs_buf_put_u16_bytes(b, RS_BYTES(r));
    rs_buf_put_u16_bytes(b, RS_BYTES(s));
}

static struct rs_bytes
attest(const struct fake_tpm *t, const uint8_t nonce[32], uint8_t *room, size_t cap)
{
    uint8_t area[256], name[34];
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, cap);
    rs_buf_put_u32(&b, t->magic);
    rs_buf_put_u16(&b, t->type);
    name_of(area_of(t, 1, t->iak, area), name);
    rs_buf_put_u16_bytes(&b, RS_BYTES(name)); /* not qualified: nobody looks */
    rs_buf_put_u16_bytes(&b, rs_bytes_of(nonce, 32));
    rs_buf_put_u64(&b, 123456);
    rs_buf_put_u32(&b, t->resets);
    rs_buf_put_u32(&b, 0);
    rs_buf_put_u8(&b, t->safe);
    rs_buf_put_u64(&b, 0x2019102300163636u);
    name_of(area_of(t, 0, t->attested != NULL ? t->attested : t->idevid, area), name);
    rs_buf_put_u16_bytes(&b, RS_BYTES(name));
    rs_buf_put_u16_bytes(&b, RS_BYTES(name));
    must(rs_buf_ok(&b));
    return rs_buf_bytes(&b);
}

struct rs_bytes
fake_tpm_evidence(const struct fake_tpm *t, const uint8_t nonce[32], uint8_t *room, size_t cap)
{
    uint8_t area[256], said[512];
    struct rs_bytes what = attest(t, nonce, said, sizeof(said));
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, cap);
    rs_buf_put_u16_bytes(&b, area_of(t, 1, t->iak, area));
    rs_buf_put_u16_bytes(&b, area_of(t, 0, t->idevid, area));
    rs_buf_put_u16_bytes(&b, what);
    put_signature(&b, t->signs != NULL ? t->signs : t->iak, what);
    must(rs_buf_ok(&b));
    return rs_buf_bytes(&b);
}

/* ---- What it opens --------------------------------------------------------------------------- */

static int
seed_by_rsa(EVP_PKEY *ek, struct rs_bytes wrapped, uint8_t seed[32])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
    uint8_t room[256];
    size_t len = sizeof(room);
    int ok;

    must(ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1);
    must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1);
    must(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1);
    must(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup("IDENTITY", 9), 9) == 1);
    ok = EVP_PKEY_decrypt(ctx, room, &len, wrapped.p, wrapped.len) == 1 && len == 32;
    EVP_PKEY_CTX_free(ctx);
    if (ok)
        memcpy(seed, room, 32);
    return ok;
}

static EVP_PKEY *
key_of_point(const uint8_t point[65])
{
    uint8_t der[91] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    const uint8_t *at = der;

    memcpy(der + 26, point, 65);
    return d2i_PUBKEY(NULL, &at, sizeof(der));
}

static int
seed_by_ecc(EVP_PKEY *ek, struct rs_bytes wrapped, uint8_t seed[32])
{
    uint8_t point[65] = {4}, own[65], z[32], text[4 + 32 + 9 + 64] = {0, 0, 0, 1};
    struct rs_reader r;
    EVP_PKEY *peer;
    EVP_PKEY_CTX *ctx;
    size_t len = 32;

    rs_reader_init(&r, wrapped);
    struct rs_bytes x = rs_read_u16_bytes(&r, 32), y = rs_read_u16_bytes(&r, 32);
    if (!rs_reader_done(&r) || x.len != 32 || y.len != 32)
        return 0;
    memcpy(point + 1, x.p, 32);
    memcpy(point + 33, y.p, 32);
    peer = key_of_point(point);
    if (peer == NULL)
        return 0;
    ctx = EVP_PKEY_CTX_new(ek, NULL);
    must(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
         EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, z, &len) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    point_of(ek, own);
    memcpy(text + 4, z, 32);
    memcpy(text + 36, "IDENTITY", 9);
    memcpy(text + 45, point + 1, 32);
    memcpy(text + 77, own + 1, 32);
    (void)SHA256(text, sizeof(text), seed);
    return 1;
}

/* HMAC(seed, 1, label with NUL, context, bits). */
static void
kdfa(const uint8_t seed[32], const char *label, struct rs_bytes context, unsigned bits,
     uint8_t out[32])
{
    uint8_t text[128] = {0, 0, 0, 1};
    size_t n = 4, label_len = strlen(label) + 1;

    memcpy(text + n, label, label_len);
    n += label_len;
    if (context.len > 0)
        memcpy(text + n, context.p, context.len);
    n += context.len;
    rs_set_u32(text + n, bits);
    must(HMAC(EVP_sha256(), seed, 32, text, n + 4, out, NULL) != NULL);
}

static void
decipher(const uint8_t key[16], struct rs_bytes in, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    static const uint8_t iv[16];
    int n = 0;

    must(ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, iv) == 1);
    must(EVP_DecryptUpdate(ctx, out, &n, in.p, (int)in.len) == 1 && (size_t)n == in.len);
    EVP_CIPHER_CTX_free(ctx);
}

int
fake_tpm_activate(const struct fake_tpm *t, struct rs_bytes challenge, uint8_t secret[32])
{
    uint8_t seed[32], key[32], mac[32], area[256], name[34], text[128], plain[64];
    struct rs_reader r, id;
    int ok;

    rs_reader_init(&r, challenge);
    rs_reader_init(&id, rs_read_u16_bytes(&r, 128));
    struct rs_bytes wrapped = rs_read_u16_bytes(&r, 256);
    struct rs_bytes want = rs_read_u16_bytes(&id, 32);
    struct rs_bytes sealed = rs_read_bytes(&id, id.left);
    if (!rs_reader_done(&r) || !rs_reader_done(&id) || want.len != 32 || sealed.len != 34)
        return 0;
    ok = EVP_PKEY_get_base_id(t->ek) == EVP_PKEY_RSA ? seed_by_rsa(t->ek, wrapped, seed)
                                                     : seed_by_ecc(t->ek, wrapped, seed);
    if (!ok)
        return 0;
    name_of(area_of(t, 1, t->iak, area), name);
    kdfa(seed, "INTEGRITY", rs_bytes_of(NULL, 0), 256, key);
    memcpy(text, sealed.p, sealed.len);
    memcpy(text + sealed.len, name, sizeof(name));
    must(HMAC(EVP_sha256(), key, 32, text, sealed.len + sizeof(name), mac, NULL) != NULL);
    if (memcmp(mac, want.p, 32) != 0)
        return 0;
    kdfa(seed, "STORAGE", RS_BYTES(name), 128, key);
    decipher(key, sealed, plain);
    if (rs_get_u16(plain) != 32)
        return 0;
    memcpy(secret, plain + 2, 32);
    return 1;
}
