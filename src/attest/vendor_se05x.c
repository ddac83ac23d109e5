/*
 * vendor_se05x.c: SE050 and SE051, an attested read (docs/chips/se05x.md, Evidence).
 *
 *   01 | generation | id of the signing key (4) | length (2), command | length (2), answer |
 *   length (2), certificate of the signing key, padded as the part has it
 *
 * Both generations sign by ECDSA with SHA-256 (section 6 of the project's reference).  The first:
 * the answer's values, without tags and lengths, so that each must have the length that
 * it has to have.  The second: SHA-256 of the command, then the answer's TLVs, each length
 * written as 82 and two bytes.
 *
 * That the key was born inside is what the object's attributes say: origin 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/vendor_inner.h"
#include "crypto/hash.h"

#define COMMAND_HEAD 7  /* CLA INS P1 P2, 00, Lc (2) */
#define COMMAND_SIZE 40 /* and tags 41, 45, 46, 47 */
#define FRESHNESS    16
#define STAMP        12
#define UID          18
#define ATTRIBUTES   15 /* without policy and version */
#define VERSION      4
#define ORIGIN_HERE  2
#define TLVS         6

enum place { DATA, UNIQUE, ATTRS, SIZE, TIME, FRESH, PLACES };

/* Tags in the order in which they come; each generation has its own. */
struct tlv {
    uint8_t tag;
    uint8_t place;
};

static const struct tlv generation_1[] = {{0x41, DATA},  {0x42, ATTRS},  {0x43, TIME},
                                          {0x44, FRESH}, {0x45, UNIQUE}, {0x46, PLACES}};
static const struct tlv generation_2[] = {{0x41, DATA}, {0x42, UNIQUE}, {0x43, ATTRS},
                                          {0x44, SIZE}, {0x4f, TIME},   {0x52, PLACES}};

static rs_code
malformed(struct rs_err *err, const char *what)
{
    return rs_fail(err, RS_E_ATTEST_INVALID, "se05x: evidence: %s", what);
}

/* ---- The command --------------------------------------------------------------------------- */

/* What was asked: this object, signed by that key, SHA-256 with ECDSA, a freshness. */
static int
read_command(struct rs_bytes c, uint32_t signer, uint32_t *ret_object, struct rs_bytes *ret_fresh)
{
    static const uint8_t head[COMMAND_HEAD] = {
        0x80, 0x22, 0x00, 0x00, 0x00, 0x00, COMMAND_SIZE - COMMAND_HEAD};

    /* 41 04 id, 45 04 id, 46 01 21, 47 10 freshness. */
    if (c.len != COMMAND_SIZE || memcmp(c.p, head, sizeof(head)) != 0)
        return 0;
    if (c.p[7] != 0x41 || c.p[8] != 4 || c.p[13] != 0x45 || c.p[14] != 4 || c.p[19] != 0x46 ||
        c.p[20] != 1 || c.p[21] != 0x21 || c.p[22] != 0x47 || c.p[23] != FRESHNESS)
        return 0;
    *ret_object = rs_get_u32(c.p + 9);
    *ret_fresh = rs_bytes_of(c.p + 24, FRESHNESS);
    return rs_get_u32(c.p + 15) == signer;
}

/* ---- The answer ------------------------------------------------------------------------------ */

static int
read_length(struct rs_reader *r, size_t *ret_len)
{
    unsigned first = rs_read_u8(r);

    *ret_len = first < 0x80 ? first : first == 0x81 ? rs_read_u8(r) : rs_read_u16(r);
    return rs_reader_ok(r) && first <= 0x82 && first != 0x80;
}

static int
read_answer(struct rs_bytes answer, const struct tlv *tlvs, struct rs_bytes said[PLACES],
            struct rs_bytes *ret_signature)
{
    struct rs_reader r;
    size_t len;

    rs_reader_init(&r, answer);
    for (size_t i = 0; i < TLVS; i++) {
        struct rs_bytes value;

        if (rs_read_u8(&r) != tlvs[i].tag || !read_length(&r, &len))
            return 0;
        value = rs_read_bytes(&r, len);
        if (tlvs[i].place == PLACES)
            *ret_signature = value;
        else
            said[tlvs[i].place] = value;
    }
    return rs_reader_done(&r);
}

/*
 * id (4), type, authentication flag, fail count or tag length (2), owner (4), attempts (2),
 * policy, origin, and since applet 7.2 a version (4).
 */
static int
read_attributes(struct rs_bytes a, int has_version, uint32_t object, int *ret_made_inside)
{
    size_t tail = has_version ? VERSION : 0;

    if (a.len < ATTRIBUTES + tail || rs_get_u32(a.p) != object)
        return 0;
    *ret_made_inside = a.p[a.len - tail - 1] == ORIGIN_HERE;
    return 1;
}

/* Lengths that the first generation's signature does not cover by itself. */
static int
fits(const struct rs_bytes said[PLACES], int is_first)
{
    return said[UNIQUE].len == UID && said[TIME].len == STAMP &&
           (is_first ? said[FRESH].len == FRESHNESS : said[SIZE].len == 2);
}

rs_code
vendor_read_se05x(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err)
{
    struct rs_bytes command, answer, cert, said[PLACES] = {{NULL, 0}};
    unsigned form, generation;
    uint32_t signer, object = 0;
    struct rs_reader r;

    rs_reader_init(&r, bytes);
    form = rs_read_u8(&r);
    generation = rs_read_u8(&r);
    signer = rs_read_u32(&r);
    command = rs_read_u16_bytes(&r, 64);
    answer = rs_read_u16_bytes(&r, 1024);
    cert = rs_read_u16_bytes(&r, CERT_BYTES_MAX);
    if (!rs_reader_done(&r) || form != 1 || (generation != 1 && generation != 2))
        return malformed(err, "malformed");
    if (!read_command(command, signer, &object, &e->freshness))
        return malformed(err, "the command is no attested read by the key that is named");
    if (!read_answer(answer, generation == 1 ? generation_1 : generation_2, said, &e->signature) ||
        !fits(said, generation == 1))
        return malformed(err, "the answer is malformed");
    if (!read_attributes(said[ATTRS], generation == 2, object, &e->made_inside))
        return malformed(err, "the attributes are not the object's");
    if (generation == 1 && !rs_bytes_equal(said[FRESH], e->freshness))
        return malformed(err, "the answer is to another freshness");
    e->spki_len = vendor_put_spki(said[DATA], e->spki);
    if (e->spki_len == 0)
        return malformed(err, "no public key in it");
    memcpy(e->uid, said[UNIQUE].p, UID);
    e->uid_len = UID;
    e->cert = vendor_trim(cert);
    e->head = generation == 2 ? command : rs_bytes_of(NULL, 0);
    e->tail = answer;
    return RS_OK;
}

/* ---- What is signed ----------------------------------------------------------------------------- */

rs_code
vendor_put_se05x(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                 struct rs_buf *out, struct rs_err *err)
{
    int is_second = e->head.len > 0;
    uint8_t hash[32];
    struct rs_reader r;
    size_t len = 0;

    crypto_sha256(rs_bytes_of(nonce, VENDOR_NONCE_SIZE), hash);
    if (!rs_bytes_equal(e->freshness, rs_bytes_of(hash, FRESHNESS)))
        return rs_fail(err, RS_E_ATTEST_INVALID, "se05x: nonce: not ours");
    if (is_second) {
        crypto_sha256(e->head, hash);
        rs_buf_put(out, hash, sizeof(hash));
    }
    rs_reader_init(&r, e->tail);
    for (size_t i = 0; i + 1 < TLVS; i++) {
        unsigned tag = rs_read_u8(&r);

        if (!read_length(&r, &len))
            return malformed(err, "the answer is malformed");
        if (is_second) {
            rs_buf_put_u8(out, tag);
            rs_buf_put_u8(out, 0x82);
            rs_buf_put_u16(out, (unsigned)len);
        }
        rs_buf_put_bytes(out, rs_read_bytes(&r, len));
    }
    return RS_OK;
}
