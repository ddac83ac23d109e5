/*
 * update_test.c: protected updates: what the signature covers, what it opens, what a cut leaves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cbor.h"
#include "desk.h"
#include "sims/optiga/uncertain.h"

#define ANCHOR   0xE0E8
#define SECRET   0xF1D4
#define TARGET   0xF1E0
#define FRAGMENT 640

/* An order for an update, and the payload that belongs to it. */
struct order {
    uint8_t key[32]; /* of the anchor */
    EVP_PKEY *rsa;   /* instead */
    int type;
    unsigned anchor, oid, size, version, first, second;
    const uint8_t *uid;
    size_t uid_len;
    uint8_t payload[2000];
    size_t fragments, last_len;
    uint8_t wire[8][FRAGMENT];
    int encrypted;
    uint8_t secret[32];
    uint8_t manifest[FRAGMENT];
    size_t manifest_len;
};

static const uint8_t label_and_seed[] = "test: Firmware update's seed, random";
#define LABEL 4

/* ---- Making one ---------------------------------------------------------------------------- */

static void
encrypt_fragment(const struct order *o, size_t index, size_t offset, const uint8_t *plain,
                 size_t len, uint8_t *out)
{
    struct optiga_ccm ccm = {.nonce_len = 13, .aad_len = 8};
    uint8_t keys[27];

    assert_true(optiga_prf(256, RS_BYTES(o->secret), RS_BYTES(label_and_seed), keys, sizeof(keys)));
    memcpy(ccm.key, keys, 16);
    memcpy(ccm.nonce, keys + 16, 11);
    rs_set_u16(ccm.nonce + 11, (unsigned)index);
    rs_set_u16(ccm.aad, o->version);
    rs_set_u16(ccm.aad + 3, (unsigned)offset);
    rs_set_u16(ccm.aad + 6, o->size);
    assert_true(optiga_ccm_seal(&ccm, rs_bytes_of(plain, len), out));
}

/* Last fragment first, since each carries the digest of the next. */
static void
cut_payload(struct order *o, uint8_t digest[32])
{
    size_t room = o->encrypted ? 600 : 608, most = o->encrypted ? 632 : 640, at;

    o->fragments = 1;
    for (at = 0; o->size - at > most; at += room)
        o->fragments++;
    for (size_t i = o->fragments; i > 0; i--) {
        int last = i == o->fragments;
        size_t start = (i - 1) * room, len = last ? o->size - start : room;
        uint8_t plain[FRAGMENT];

        memcpy(plain, o->payload + start, len);
        if (o->encrypted)
            encrypt_fragment(o, i, start, plain, len, o->wire[i - 1]);
        else
            memcpy(o->wire[i - 1], plain, len);
        len += o->encrypted ? 8 : 0;
        if (last) {
            o->last_len = len;
        } else {
            memcpy(o->wire[i - 1] + len, digest, 32);
            len += 32;
        }
        assert_int_equal(EVP_Digest(o->wire[i - 1], len, digest, NULL, EVP_sha256(), NULL), 1);
    }
}

static void
put_oid(struct rs_buf *b, unsigned oid)
{
    uint8_t bytes[2];

    rs_set_u16(bytes, oid);
    rs_cbor_put_bytes(b, RS_BYTES(bytes));
}

static void
put_decrypt(struct rs_buf *b)
{
    static const uint8_t ccm[] = {0xA1, 0x01, 0x0A};
    uint8_t inside[120];
    struct rs_buf in;

    rs_buf_init_fixed(&in, inside, sizeof(inside));
    rs_cbor_put_map(&in, 3);
    rs_cbor_put_uint(&in, 4);
    put_oid(&in, SECRET);
    rs_cbor_put_uint(&in, 1);
    rs_cbor_put_int(&in, -65720);
    rs_cbor_put_uint(&in, 5);
    rs_cbor_put_array(&in, 2);
    rs_cbor_put_bytes(&in, rs_bytes_of(label_and_seed, LABEL));
    rs_cbor_put_bytes(&in, rs_bytes_of(label_and_seed + LABEL, sizeof(label_and_seed) - LABEL));
    assert_true(rs_buf_ok(&in));
    rs_cbor_put_array(b, 2);
    rs_cbor_put_int(b, 1);
    rs_cbor_put_array(b, 3);
    rs_cbor_put_bytes(b, RS_BYTES(ccm));
    rs_cbor_put_array(b, 1);
    rs_cbor_put_array(b, 2);
    rs_cbor_put_bytes(b, rs_buf_bytes(&in));
    rs_cbor_put_null(b);
    rs_cbor_put_null(b);
}

static void
put_payload(const struct order *o, const uint8_t digest[32], struct rs_buf *b)
{
    uint8_t inside[64];
    struct rs_buf in;

    rs_buf_init_fixed(&in, inside, sizeof(inside));
    rs_cbor_put_array(&in, 2);
    rs_cbor_put_uint(&in, 41);
    rs_cbor_put_bytes(&in, rs_bytes_of(digest, 32));
    rs_cbor_put_array(b, 6);
    rs_cbor_put_uint(b, 1);
    rs_cbor_put_null(b);
    rs_cbor_put_null(b);
    rs_cbor_put_array(b, 4);
    rs_cbor_put_int(b, o->type);
    rs_cbor_put_uint(b, o->size);
    rs_cbor_put_uint(b, o->version);
    rs_cbor_put_array(b, 2);
    rs_cbor_put_uint(b, o->first);
    rs_cbor_put_uint(b, o->second);
    rs_cbor_put_array(b, 2);
    rs_cbor_put_array(b, 2);
    rs_cbor_put_int(b, -1);
    rs_cbor_put_bytes(b, rs_buf_bytes(&in));
    if (o->encrypted)
        put_decrypt(b);
    else
        rs_cbor_put_null(b);
    rs_cbor_put_array(b, 2);
    rs_cbor_put_bytes(b, rs_bytes_of(o->uid, o->uid_len));
    put_oid(b, o->oid);
}

static size_t
sign_order(struct order *o, struct desk *d, struct rs_bytes to_sign, uint8_t *sig)
{
    uint8_t digest[32];
    EVP_MD_CTX *ctx;
    size_t len = 256;

    if (o->rsa == NULL) {
        assert_int_equal(EVP_Digest(to_sign.p, to_sign.len, digest, NULL, EVP_sha256(), NULL), 1);
        assert_true(sim_curve_sign(SIM_CURVE_P256, o->key, digest, 32, d->host.random, d, sig));
        return 64;
    }
    ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, o->rsa), 1);
    assert_int_equal(EVP_DigestSign(ctx, sig, &len, to_sign.p, to_sign.len), 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

/* Fragments, manifest, signature. */
static void
make_order(struct order *o, struct desk *d)
{
    static const uint8_t es256[] = {0xA1, 0x01, 0x26};
    static const uint8_t rsa[] = {0xA1, 0x01, 0x3A, 0x00, 0x01, 0x00, 0xA3};
    struct rs_bytes header = o->rsa == NULL ? RS_BYTES(es256) : RS_BYTES(rsa);
    uint8_t digest[32], payload[400], to_sign[500], sig[256];
    struct rs_buf p, s, m;

    cut_payload(o, digest);
    rs_buf_init_fixed(&p, payload, sizeof(payload));
    put_payload(o, digest, &p);
    rs_buf_init_fixed(&s, to_sign, sizeof(to_sign));
    rs_cbor_put_array(&s, 4);
    rs_cbor_put_bytes(&s, rs_bytes_str("Signature1"));
    rs_cbor_put_bytes(&s, header);
    rs_cbor_put_bytes(&s, rs_bytes_of(NULL, 0));
    rs_cbor_put_bytes(&s, rs_buf_bytes(&p));
    rs_buf_init_fixed(&m, o->manifest, sizeof(o->manifest));
    rs_cbor_put_array(&m, 4);
    rs_cbor_put_bytes(&m, header);
    rs_cbor_put_map(&m, 1);
    rs_cbor_put_uint(&m, 4);
    put_oid(&m, o->anchor);
    rs_cbor_put_bytes(&m, rs_buf_bytes(&p));
    rs_cbor_put_bytes(&m, rs_bytes_of(sig, sign_order(o, d, rs_buf_bytes(&s), sig)));
    assert_true(rs_buf_ok(&m) && rs_buf_ok(&p) && rs_buf_ok(&s));
    o->manifest_len = m.len;
}

/* ---- Sending it ---------------------------------------------------------------------------------- */

static int
send_piece(struct desk *d, unsigned tag, const uint8_t *p, size_t len)
{
    uint8_t data[FRAGMENT + 8];

    return desk_run(d, 0x03, 0x01, data, put_tlv(data, 0, tag, p, len), NULL, NULL);
}

static int
send_start(struct desk *d, const struct order *o)
{
    return send_piece(d, 0x30, o->manifest, o->manifest_len);
}

/* From a fragment on; the first code that is not 0. */
static int
send_fragments(struct desk *d, const struct order *o, size_t from)
{
    int code = 0;

    for (size_t i = from; code == 0 && i < o->fragments; i++)
        code = i + 1 < o->fragments ? send_piece(d, 0x32, o->wire[i], FRAGMENT)
                                    : send_piece(d, 0x31, o->wire[i], o->last_len);
    return code;
}

static int
update(struct desk *d, struct order *o)
{
    int code;

    make_order(o, d);
    code = send_start(d, o);
    return code == 0 ? send_fragments(d, o, 0) : code;
}

/* An anchor in E0E8; F1E0 changes only by what it signs. */
static void
prepare(struct desk *d, struct order *o, int v3)
{
    uint8_t point[64], cert[1000];
    struct rs_buf der;

    desk_init(d, v3);
    desk_open(d);
    memset(o, 0, sizeof(*o));
    assert_true(sim_curve_draw(SIM_CURVE_P256, d->host.random, d, o->key));
    assert_true(sim_curve_public(SIM_CURVE_P256, o->key, point));
    rs_buf_init_fixed(&der, cert, sizeof(cert));
    assert_int_equal(sim_ca_issue(d->ca, "anchor", point, &der, NULL), RS_OK);
    assert_int_equal(desk_put(d, ANCHOR, cert, der.len), 0);
    assert_int_equal(desk_meta(d, TARGET, "2005 D00321E0E8"), 0);
    for (size_t i = 0; i < sizeof(o->payload); i++)
        o->payload[i] = (uint8_t)(i * 13 + 1);
    o->type = -1;
    o->anchor = ANCHOR;
    o->oid = TARGET;
    o->size = 1400;
    o->version = 1;
    o->second = 2;
}

/* ---- Data ------------------------------------------------------------------------------------------ */

static void
test_data(void **state)
{
    static const unsigned sizes[] = {1, 640, 641, 1248, 1249, 1500};
    uint8_t out[OPTIGA_DATA_MAX];
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 0);
    assert_int_equal(desk_put(&d, TARGET, (const uint8_t *)"x", 1), OPTIGA_E_ACCESS);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        o.size = sizes[i];
        o.version = i + 1;
        assert_int_equal(update(&d, &o), 0);
        assert_int_equal(desk_get(&d, TARGET, out), o.size);
        assert_memory_equal(out, o.payload, o.size);
    }
    /* Write at an offset: the rest stays. */
    o.size = 5;
    o.version = 100;
    o.first = 10;
    o.second = 1;
    assert_int_equal(update(&d, &o), 0);
    assert_int_equal(desk_get(&d, TARGET, out), 1500);
    assert_memory_equal(out + 10, o.payload, 5);
    assert_memory_equal(out + 15, o.payload + 15, 1485);
    desk_meta_is(&d, TARGET, "2017 C00101 C1020064 C40205DC C50205DC D00321E0E8 D10100");
    desk_done(&d);
}

static void
test_refused_orders(void **state)
{
    struct order o, good;
    uint8_t uid[27];
    struct desk d;

    (void)state;
    prepare(&d, &good, 1);
    assert_int_equal(desk_get(&d, 0xE0C2, uid), 27);
    assert_int_equal(desk_meta(&d, 0xF1E1, "2005 D00321E0E9"), 0);
#define REFUSED(change, code)                                                                      \
    do {                                                                                           \
        o = good;                                                                                  \
        change;                                                                                    \
        make_order(&o, &d);                                                                        \
        assert_int_equal(send_start(&d, &o), (code));                                              \
    } while (0)
    REFUSED(o.key[31] ^= 1, OPTIGA_E_SIGNATURE);
    REFUSED(o.anchor = 0xE0E9, OPTIGA_E_CERT_FORMAT);
    REFUSED(o.anchor = 0xE0E0, OPTIGA_U_TYPE_ERROR);
    REFUSED(o.anchor = 0xE0E4, OPTIGA_E_OID);
    REFUSED(o.oid = 0xF1DF, OPTIGA_E_OID);
    REFUSED(o.oid = 0xF1E1, OPTIGA_E_ACCESS); /* another anchor */
    REFUSED(o.oid = 0xE0F1, OPTIGA_E_OID);    /* data for a key */
    REFUSED(o.size = 1501, OPTIGA_E_BOUNDS);
    REFUSED(o.first = 101, OPTIGA_E_BOUNDS);
    REFUSED(o.version = 0, OPTIGA_E_VERSION);
    REFUSED(o.version = 0x8000, OPTIGA_E_MANIFEST);
    REFUSED(o.second = 3, OPTIGA_E_MANIFEST);
    REFUSED(o.type = -4, OPTIGA_E_MANIFEST);
    REFUSED((o.uid = uid, o.uid_len = 24), OPTIGA_E_MANIFEST);
    REFUSED((o.uid = uid + 1, o.uid_len = 25), OPTIGA_E_MANIFEST);
    REFUSED((o.type = -3, o.first = 3, o.second = 0x10), OPTIGA_E_OID);
    REFUSED((o.type = -2, o.first = 0, o.second = 0, o.size = 45), OPTIGA_E_BOUNDS);
    REFUSED((o.type = -2, o.first = 0, o.second = 0, o.size = 5), OPTIGA_E_ACCESS); /* no D8 */
    assert_int_equal(send_piece(&d, 0x31, o.wire[0], 10), OPTIGA_E_SEQUENCE);
    /* This part by name. */
    o = good;
    o.uid = uid;
    o.uid_len = 25;
    assert_int_equal(update(&d, &o), 0);
    assert_int_equal(update(&d, &o), OPTIGA_E_VERSION); /* not twice */
    desk_done(&d);
}

/* Its change condition names the anchor that signed; that the condition is met is not enough. */
static void
test_needs_the_anchor(void **state)
{
    static const struct {
        const char *meta;
        unsigned protection;
        int code;
    } rows[] = {
        {"2005 D003E1FC07", 0, OPTIGA_E_ACCESS},
        {"2003 D00100", 0, OPTIGA_E_ACCESS},
        {"2005 D00320E140", 1, OPTIGA_E_ACCESS},
        {"2005 D00321E140", 1, OPTIGA_E_ACCESS},
        {"2005 D00321E0E9", 0, OPTIGA_E_ACCESS},
        {"2009 D00720E140FD21E0E9", 1, OPTIGA_E_ACCESS},
        {"2009 D00721E0E8FD20E140", 0, OPTIGA_E_ACCESS},
        {"2009 D00721E0E8FDE1FB07", 0, OPTIGA_E_ACCESS},
        {"200D D00BE1FC07FE21E0E8FDE1FB07", 0, OPTIGA_E_ACCESS}, /* one has it, the other is met */
        {"2009 D00721E0E8FD20E140", 1, 0},
        {"2009 D007E1FC07FD21E0E8", 0, 0},
        {"2009 D007E1FC07FE21E0E8", 0, 0},
        {"200D D00B20E140FE21E0E9FE21E0E8", 0, 0},
        {"2005 D00321E0E8", 0, 0},
    };
    struct order o;
    struct desk d;

    (void)state;
    for (int v3 = 0; v3 < 2; v3++) {
        prepare(&d, &o, v3);
        desk_pair(&d);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            assert_int_equal(desk_meta(&d, TARGET, rows[i].meta), 0);
            d.protection = rows[i].protection;
            assert_int_equal(update(&d, &o), rows[i].code);
            o.version += rows[i].code == 0;
        }
        desk_done(&d);
    }
}

/* As parts come, a key takes no update; nor does metadata whose update is open to anybody. */
static void
test_needs_the_anchor_too(void **state)
{
    uint8_t key[32];
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    assert_true(sim_curve_draw(SIM_CURVE_P256, d.host.random, &d, key));
    o.type = -3;
    o.oid = 0xE0F1;
    o.first = 0x03;
    o.second = 0x10;
    o.size = (unsigned)put_tlv(o.payload, 0, 0x01, key, 32);
    assert_int_equal(update(&d, &o), OPTIGA_E_ACCESS);
    o.type = -2;
    o.oid = 0xF1D6;
    o.first = o.second = 0;
    o.size = (unsigned)hex("2003 D101FF", o.payload, sizeof(o.payload));
    assert_int_equal(desk_meta(&d, 0xF1D6, "200B D003 21E0E8 D80100 F00101"), 0);
    assert_int_equal(update(&d, &o), OPTIGA_E_ACCESS);
    assert_int_equal(desk_meta(&d, 0xF1D6, "2005 D80321E0E8"), 0);
    assert_int_equal(update(&d, &o), 0);
    desk_done(&d);
}

/* Every byte of a manifest matters. */
static void
test_changed_manifest(void **state)
{
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    make_order(&o, &d);
    for (size_t i = 0; i < o.manifest_len; i++) {
        o.manifest[i] ^= 0x10;
        assert_int_not_equal(send_start(&d, &o), 0);
        o.manifest[i] ^= 0x10;
    }
    for (size_t n = 1; n < o.manifest_len; n += 9)
        assert_int_equal(send_piece(&d, 0x30, o.manifest, n), OPTIGA_E_MANIFEST);
    assert_int_equal(send_start(&d, &o), 0);
    desk_done(&d);
}

static void
test_changed_fragments(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    make_order(&o, &d);
    assert_int_equal(send_piece(&d, 0x32, o.wire[0], 640), OPTIGA_E_SEQUENCE);
    for (size_t i = 0; i < o.fragments; i++) {
        assert_int_equal(send_start(&d, &o), 0);
        for (size_t j = 0; j < i; j++)
            assert_int_equal(send_piece(&d, 0x32, o.wire[j], 640), 0);
        o.wire[i][3] ^= 1;
        assert_int_equal(send_fragments(&d, &o, i), OPTIGA_E_INTEGRITY);
        o.wire[i][3] ^= 1;
        /* The order is gone, and what was begun shows. */
        assert_int_equal(send_fragments(&d, &o, i), OPTIGA_E_SEQUENCE);
        assert_int_equal(desk_x(&d, 0x01, 0, "F1E0", NULL, NULL),
                         i > 0 ? OPTIGA_E_INVALID_OBJECT : 0);
    }
    assert_int_equal(send_start(&d, &o), 0);
    assert_int_equal(send_piece(&d, 0x32, o.wire[0], 639), OPTIGA_E_LENGTH);
    assert_int_equal(send_piece(&d, 0x31, o.wire[0], 0), OPTIGA_E_LENGTH);
    assert_int_equal(send_piece(&d, 0x33, o.wire[0], 10), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x03, 2, "31000141", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x03, 1, "", NULL, NULL), OPTIGA_E_PARAMETER);
    /* Too early an end. */
    assert_int_equal(send_piece(&d, 0x31, o.wire[0], 640), OPTIGA_E_MANIFEST);
    assert_int_equal(update(&d, &o), 0);
    assert_int_equal(desk_get(&d, TARGET, out), 1400);
    assert_memory_equal(out, o.payload, 1400);
    /* More than was announced. */
    o.version = 2;
    o.size = 10;
    make_order(&o, &d);
    assert_int_equal(send_start(&d, &o), 0);
    d.chip.app.update.size = 9;
    assert_int_equal(send_fragments(&d, &o, 0), OPTIGA_E_BOUNDS);
    desk_done(&d);
}

/* Cut in each memory write in turn: the object is old, new, or invalid, and the next update heals it. */
static void
test_cut_update(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    for (size_t cut = 0; cut < 3; cut++) {
        for (int bytes = -1; bytes < 900; bytes += 450) {
            o.version++;
            make_order(&o, &d);
            assert_int_equal(send_start(&d, &o), 0);
            for (size_t i = 0; i < o.fragments; i++) {
                if (i == cut)
                    d.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, bytes};
                if (send_piece(&d, i + 1 < o.fragments ? 0x32 : 0x31, o.wire[i],
                               i + 1 < o.fragments ? 640 : o.last_len) != 0)
                    break;
            }
            assert_int_equal(d.model->get_power(&d.chip), 0);
            desk_power_on(&d);
            desk_open(&d);
            if (desk_x(&d, 0x01, 0, "F1E0", NULL, NULL) != 0)
                assert_int_equal(desk_x(&d, 0x01, 0, "F1E0", NULL, NULL), OPTIGA_E_INVALID_OBJECT);
            assert_int_equal(update(&d, &o), 0);
            assert_int_equal(desk_get(&d, TARGET, out), 1400);
            assert_memory_equal(out, o.payload, 1400);
        }
    }
    desk_done(&d);
}

/* ---- RSA, V1 ---------------------------------------------------------------------------------------- */

static void
test_rsa_anchor(void **state)
{
    uint8_t *der = NULL;
    struct order o;
    struct desk d;
    X509 *x;
    int len;

    (void)state;
    prepare(&d, &o, 1);
    o.rsa = EVP_RSA_gen(1024);
    x = X509_new();
    (void)X509_set_version(x, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 77);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 1000);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"rsa", -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(x));
    (void)X509_set_pubkey(x, o.rsa);
    assert_true(X509_sign(x, o.rsa, EVP_sha256()) > 0);
    len = i2d_X509(x, &der);
    assert_true(len > 0);
    assert_int_equal(update(&d, &o), OPTIGA_E_SIGNATURE); /* an EC anchor for an RSA signature */
    assert_int_equal(desk_put(&d, ANCHOR, der, (size_t)len), 0);
    assert_int_equal(update(&d, &o), 0);
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(o.rsa);
    desk_done(&d);
}

static void
test_v1_lacks(void **state)
{
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 0);
    o.type = -3;
    o.oid = 0xE0F1;
    o.first = 3;
    o.second = 0x10;
    o.size = 35;
    assert_int_equal(update(&d, &o), OPTIGA_E_MANIFEST);
    desk_done(&d);
}

/* ---- Keys ----------------------------------------------------------------------------------------------- */

static void
test_ec_key(void **state)
{
    uint8_t key[32], point[64];
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    assert_int_equal(desk_meta(&d, 0xE0F1, "2005 D00321E0E8"), 0);
    assert_true(sim_curve_draw(SIM_CURVE_P256, d.host.random, &d, key));
    assert_true(sim_curve_public(SIM_CURVE_P256, key, point));
    o.type = -3;
    o.oid = 0xE0F1;
    o.first = 0x03;
    o.second = 0x11;
    o.size = (unsigned)put_tlv(o.payload, put_tlv(o.payload, 0, 0x01, key, 32), 0x02, point, 64);
    assert_int_equal(update(&d, &o), 0);
    desk_meta_is(&d, 0xE0F1, "2015 C00101 C1020001 D00321E0E8 D30100 E00103 E10111");
    assert_memory_equal(optiga_byte(&d.chip, 0xE0F1), key, 32);
    o.version = 2;
    o.payload[o.size - 1] ^= 1; /* the halves do not belong together */
    assert_int_equal(update(&d, &o), OPTIGA_E_PARAMETER);
    o.size = 35;
    memset(o.payload + 3, 0xFF, 32); /* not below the order */
    assert_int_equal(update(&d, &o), OPTIGA_E_PARAMETER);
    o.first = 0x41; /* an algorithm of another kind of key */
    assert_int_equal(update(&d, &o), OPTIGA_E_PARAMETER);
    o.first = 0x06;
    assert_int_equal(update(&d, &o), OPTIGA_U_ALGORITHM_ERROR);
    assert_memory_equal(optiga_byte(&d.chip, 0xE0F1), key, 32);
    desk_done(&d);
}

static void
test_aes_and_rsa_keys(void **state)
{
    uint8_t key[520], e[4];
    struct order o;
    struct desk d;
    size_t at;

    (void)state;
    prepare(&d, &o, 1);
    assert_int_equal(desk_meta(&d, 0xE200, "2008 D00321E0E8 D30100"), 0);
    o.type = -3;
    o.oid = 0xE200;
    o.first = 0x83;
    o.second = 0x02;
    o.size = (unsigned)put_tlv(o.payload, 0, 0x01, o.key, 32);
    assert_int_equal(update(&d, &o), 0);
    desk_meta_is(&d, 0xE200, "2015 C00101 C1020001 D00321E0E8 D30100 E00183 E10102");

    assert_int_equal(desk_meta(&d, 0xE0FD, "2005 D00321E0E8"), 0);
    assert_true(optiga_rsa_draw(0x41, key));
    memcpy(e, key + 128, 4);
    at = put_tlv(o.payload, 0, 0x01, key + 132, 128);
    at = put_tlv(o.payload, at, 0x02, key, 128);
    o.size = (unsigned)put_tlv(o.payload, at, 0x03, e, 4);
    o.oid = 0xE0FD;
    o.first = 0x41;
    o.second = 0x10;
    o.payload[20] ^= 1;
    assert_int_equal(update(&d, &o), OPTIGA_E_PARAMETER);
    o.payload[20] ^= 1;
    assert_int_equal(update(&d, &o), 0);
    assert_memory_equal(optiga_byte(&d.chip, 0xE0FD), key, 260);
    desk_done(&d);
}

/* ---- Metadata -------------------------------------------------------------------------------------------- */

static void
test_metadata(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    assert_int_equal(desk_put(&d, 0xF1D6, (const uint8_t *)"data", 4), 0);
    assert_int_equal(desk_meta(&d, 0xF1D6, "200B D80321E0E8 F00111 C00107"), 0);
    assert_int_equal(desk_meta(&d, 0xF1D6, "2003 D10100"), OPTIGA_E_ACCESS);
    o.type = -2;
    o.oid = 0xF1D6;
    o.second = 0;
    o.size = (unsigned)hex("2003 D101FF", o.payload, sizeof(o.payload));
    assert_int_equal(update(&d, &o), 0);
    /* F0: back to creation, and the content is gone. */
    desk_meta_is(&d, 0xF1D6,
                 "201D C00101 C1020001 C4018C C50104 D003E1FC07 D101FF D80321E0E8 F00111");
    assert_memory_equal(optiga_byte(&d.chip, 0xF1D6), "\0\0\0\0", 4);
    /* The payload's life cycle goes before that of F0, and may be an earlier one. */
    o.version = 2;
    o.size = (unsigned)hex("2009 C00107 D10100 F00123", o.payload, sizeof(o.payload));
    assert_int_equal(update(&d, &o), 0);
    desk_meta_is(&d, 0xF1D6,
                 "201D C00107 C1020002 C4018C C50104 D003E1FC07 D10100 D80321E0E8 F00123");
    /* The F0 that was there counts: random bytes now.  A payload may change nothing else. */
    o.version = 3;
    o.size = (unsigned)hex("2000", o.payload, sizeof(o.payload));
    assert_int_equal(update(&d, &o), 0);
    assert_int_equal(desk_get(&d, 0xF1D6, out), 4);
    assert_memory_not_equal(out, "\0\0\0\0", 4);
    assert_int_equal(optiga_object(&d.chip, 0xF1D6)->meta.lcso, 3);
    /* An F0 without a word on the content leaves it to the manifest. */
    assert_int_equal(desk_meta(&d, 0xF1D6, "2003 F00101"), 0);
    assert_int_equal(desk_put(&d, 0xF1D6, (const uint8_t *)"data", 4), 0);
    for (o.first = 0; o.first < 3; o.first++) {
        static const char *const content[] = {"data", "\0\0\0\0", NULL};

        o.version++;
        assert_int_equal(update(&d, &o), 0);
        if (content[o.first] != NULL)
            assert_memory_equal(optiga_byte(&d.chip, 0xF1D6), content[o.first], 4);
        else
            assert_memory_not_equal(optiga_byte(&d.chip, 0xF1D6), "\0\0\0\0", 4);
    }
    o.version++;
    assert_int_equal(update(&d, &o), OPTIGA_E_MANIFEST); /* 3 is no way to reset */
    o.first = 0;
    /* What the part itself sets stays its own. */
    o.size = (unsigned)hex("2003 C50101", o.payload, sizeof(o.payload));
    assert_int_equal(update(&d, &o), OPTIGA_U_META_TAG_ERROR);
    /* Without F0 metadata is not updated so. */
    assert_int_equal(desk_meta(&d, 0xF1D7, "2005 D80321E0E8"), 0);
    o.oid = 0xF1D7;
    o.size = (unsigned)hex("2003 D10100", o.payload, sizeof(o.payload));
    assert_int_equal(update(&d, &o), OPTIGA_E_ACCESS);
    desk_done(&d);
}

/* The monitor's settings by updates: as written from then on, and reset to what parts come with. */
static void
test_monitor(void **state)
{
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    assert_int_equal(desk_meta(&d, 0xE0C9, "200D D00321E0E8 D80321E0E8 F00111"), 0);
    *optiga_byte(&d.chip, 0xE0C5) = 9;
    o.oid = 0xE0C9;
    o.size = 8;
    memcpy(o.payload, "\0\0\5\1\0\0\0\0", 8);
    assert_int_equal(update(&d, &o), 0);
    assert_int_equal(*optiga_byte(&d.chip, 0xE0C5), 0);
    o.type = -2;
    o.version = 2;
    o.second = 0;
    o.size = (unsigned)hex("2003 D10100", o.payload, sizeof(o.payload));
    assert_int_equal(update(&d, &o), 0);
    assert_memory_equal(optiga_byte(&d.chip, 0xE0C9), "\x32\0\5\1\0\0\0\0", 8);
    desk_done(&d);
}

/* ---- Encrypted ---------------------------------------------------------------------------------------------- */

static void
test_encrypted(void **state)
{
    static const unsigned sizes[] = {1, 632, 633, 1232, 1233, 1500};
    uint8_t out[OPTIGA_DATA_MAX];
    struct order o;
    struct desk d;

    (void)state;
    prepare(&d, &o, 1);
    o.encrypted = 1;
    memset(o.secret, 0x6B, sizeof(o.secret));
    assert_int_equal(update(&d, &o), OPTIGA_U_TYPE_ERROR);
    assert_int_equal(desk_put(&d, SECRET, o.secret, 32), 0);
    assert_int_equal(desk_meta(&d, SECRET, "2006 E80123 D30100"), 0);
    assert_int_equal(desk_meta(&d, TARGET, "2009 D00721E0E8FD20F1D4"), 0);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        o.size = sizes[i];
        o.version = i + 1;
        assert_int_equal(update(&d, &o), 0);
        assert_int_equal(desk_get(&d, TARGET, out), o.size);
        assert_memory_equal(out, o.payload, o.size);
    }
    /* In clear it is not what the condition asks for; with another secret it does not open. */
    o.version = 50;
    o.encrypted = 0;
    assert_int_equal(update(&d, &o), OPTIGA_E_ACCESS);
    o.encrypted = 1;
    o.secret[0] ^= 1;
    assert_int_equal(update(&d, &o), OPTIGA_E_DECRYPTION);
    desk_done(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_refused_orders),
        cmocka_unit_test(test_needs_the_anchor),
        cmocka_unit_test(test_needs_the_anchor_too),
        cmocka_unit_test(test_changed_manifest),
        cmocka_unit_test(test_changed_fragments),
        cmocka_unit_test(test_cut_update),
        cmocka_unit_test(test_rsa_anchor),
        cmocka_unit_test(test_v1_lacks),
        cmocka_unit_test(test_ec_key),
        cmocka_unit_test(test_aes_and_rsa_keys),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_monitor),
        cmocka_unit_test(test_encrypted),
    };

    return cmocka_run_group_tests_name("optiga update", tests, NULL, NULL);
}
