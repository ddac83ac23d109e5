/*
 * aes.c: modes of AES-128 over the part's block cipher.
 *
 * The key stays inside; the chaining is done here, a command for every block.  So
 * whoever listens on the bus sees what goes into the cipher and what comes out:
 * this keeps a key, not a conversation, from those who hold the board.
 *
 * CMAC: SP 800-38B.  GCM: SP 800-38D, nonce of 12 bytes.  CCM: SP 800-38C, nonce of
 * 13.  Tags have 16 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define BLOCK 16u

/* E(in) with the first key block of a slot. */
static rot_err
encrypt(struct rot_chip *chip, const struct rot_place *place, const uint8_t in[BLOCK],
        uint8_t out[BLOCK])
{
    struct atecc_command c = {ATECC_OP_AES, 0x00, (uint16_t)place->where, in, BLOCK};
    uint8_t rx[BLOCK]; /* the command is read from `in` until the answer is there */
    rot_err rc = atecc_run(chip, &c, rx, BLOCK);

    if (rc == ROT_OK)
        memcpy(out, rx, BLOCK);
    return rc;
}

static void
add(uint8_t *to, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] ^= p[i];
}

/* CBC-MAC over a piece that is filled up with zeroes. */
static rot_err
chain(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes m, uint8_t x[BLOCK])
{
    rot_err rc = ROT_OK;

    for (size_t at = 0; at < m.len && rc == ROT_OK; at += BLOCK) {
        add(x, m.p + at, m.len - at < BLOCK ? m.len - at : BLOCK);
        rc = encrypt(chip, place, x, x);
    }
    return rc;
}

/* Counter mode; the counter's last two bytes count up before each block. */
static rot_err
count(struct rot_chip *chip, const struct rot_place *place, uint8_t counter[BLOCK],
      struct rot_bytes in, uint8_t *out)
{
    rot_err rc = ROT_OK;

    for (size_t at = 0; at < in.len && rc == ROT_OK; at += BLOCK) {
        size_t n = in.len - at < BLOCK ? in.len - at : BLOCK;
        uint8_t stream[BLOCK];

        for (unsigned i = BLOCK; i-- > 12 && ++counter[i] == 0;)
            continue;
        rc = encrypt(chip, place, counter, stream);
        for (size_t i = 0; i < n && rc == ROT_OK; i++)
            out[at + i] = in.p[at + i] ^ stream[i];
    }
    return rc;
}

/* ---- CMAC ---------------------------------------------------------------------------- */

static void
double_it(uint8_t p[BLOCK])
{
    unsigned carry = (unsigned)p[0] >> 7;

    for (unsigned i = 0; i < BLOCK - 1; i++)
        p[i] = (uint8_t)(p[i] << 1 | p[i + 1] >> 7);
    p[BLOCK - 1] = (uint8_t)(p[BLOCK - 1] << 1 ^ (carry != 0 ? 0x87 : 0));
}

rot_err
atecc_cmac(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes msg,
           uint8_t mac[BLOCK])
{
    size_t whole = msg.len == 0 ? 0 : (msg.len - 1) / BLOCK * BLOCK, rest = msg.len - whole;
    uint8_t x[BLOCK] = {0}, subkey[BLOCK] = {0};
    rot_err rc = encrypt(chip, place, subkey, subkey);

    if (rc == ROT_OK)
        rc = chain(chip, place, (struct rot_bytes){msg.p, whole}, x);
    if (rc != ROT_OK)
        return rc;
    double_it(subkey);
    if (rest < BLOCK) {
        double_it(subkey);
        x[rest] ^= 0x80;
    }
    if (rest != 0)
        add(x, msg.p + whole, rest);
    add(x, subkey, BLOCK);
    rc = encrypt(chip, place, x, mac);
    rot_wipe_memory(subkey, sizeof(subkey));
    return rc;
}

/* ---- GCM -------------------------------------------------------------------------------- */

/* SP 800-38D 6.3: x times h, a bit at a time. */
static void
multiply(uint8_t x[BLOCK], const uint8_t h[BLOCK])
{
    uint8_t z[BLOCK] = {0}, v[BLOCK];

    memcpy(v, h, BLOCK);
    for (unsigned i = 0; i < 8 * BLOCK; i++) {
        unsigned low = v[BLOCK - 1] & 1u;

        if (((unsigned)x[i / 8] >> (7 - i % 8) & 1u) != 0)
            add(z, v, BLOCK);
        for (unsigned k = BLOCK - 1; k > 0; k--)
            v[k] = (uint8_t)(v[k] >> 1 | v[k - 1] << 7);
        v[0] = (uint8_t)(v[0] >> 1 ^ (low != 0 ? 0xe1 : 0));
    }
    memcpy(x, z, BLOCK);
}

static void
ghash(struct rot_bytes m, const uint8_t h[BLOCK], uint8_t x[BLOCK])
{
    for (size_t at = 0; at < m.len; at += BLOCK) {
        add(x, m.p + at, m.len - at < BLOCK ? m.len - at : BLOCK);
        multiply(x, h);
    }
}

static void
put_bits(uint8_t out[8], size_t bytes)
{
    uint64_t bits = (uint64_t)bytes * 8;

    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(bits >> (56 - 8 * i));
}

struct box {
    struct rot_bytes nonce, aad;
};

/* The tag over cipher text. */
static rot_err
gcm_tag(struct rot_chip *chip, const struct rot_place *place, const struct box *b,
        struct rot_bytes cipher, uint8_t tag[BLOCK])
{
    uint8_t h[BLOCK] = {0}, first[BLOCK] = {0}, x[BLOCK] = {0}, lengths[BLOCK];
    rot_err rc = encrypt(chip, place, h, h);

    if (rc != ROT_OK)
        return rc;
    ghash(b->aad, h, x);
    ghash(cipher, h, x);
    put_bits(lengths, b->aad.len);
    put_bits(lengths + 8, cipher.len);
    ghash((struct rot_bytes){lengths, BLOCK}, h, x);
    memcpy(first, b->nonce.p, 12);
    first[15] = 1;
    rc = encrypt(chip, place, first, tag);
    if (rc == ROT_OK)
        add(tag, x, BLOCK);
    rot_wipe_memory(h, sizeof(h));
    return rc;
}

static rot_err
gcm_crypt(struct rot_chip *chip, const struct rot_place *place, const struct box *b,
          struct rot_bytes in, uint8_t *out)
{
    uint8_t counter[BLOCK] = {0};

    memcpy(counter, b->nonce.p, 12);
    counter[15] = 1;
    return count(chip, place, counter, in, out);
}

/* ---- CCM ---------------------------------------------------------------------------------- */

/* The tag over plain text: length field of 2 bytes, tag of 16. */
static rot_err
ccm_tag(struct rot_chip *chip, const struct rot_place *place, const struct box *b,
        struct rot_bytes plain, uint8_t tag[BLOCK])
{
    uint8_t x[BLOCK] = {0x39}, first[BLOCK] = {0x01}, head[BLOCK] = {0};
    size_t n = b->aad.len < BLOCK - 2 ? b->aad.len : BLOCK - 2;
    rot_err rc;

    memcpy(x + 1, b->nonce.p, 13);
    memcpy(first + 1, b->nonce.p, 13);
    x[14] = (uint8_t)(plain.len >> 8);
    x[15] = (uint8_t)plain.len;
    if (n != 0) {
        x[0] |= 0x40;
        head[0] = (uint8_t)(b->aad.len >> 8);
        head[1] = (uint8_t)b->aad.len;
        memcpy(head + 2, b->aad.p, n);
    }
    rc = encrypt(chip, place, x, x);
    if (rc == ROT_OK && n != 0)
        rc = chain(chip, place, (struct rot_bytes){head, BLOCK}, x);
    if (rc == ROT_OK && n < b->aad.len)
        rc = chain(chip, place, (struct rot_bytes){b->aad.p + n, b->aad.len - n}, x);
    if (rc == ROT_OK)
        rc = chain(chip, place, plain, x);
    if (rc == ROT_OK)
        rc = encrypt(chip, place, first, tag);
    if (rc == ROT_OK)
        add(tag, x, BLOCK);
    return rc;
}

static rot_err
ccm_crypt(struct rot_chip *chip, const struct rot_place *place, const struct box *b,
          struct rot_bytes in, uint8_t *out)
{
    uint8_t counter[BLOCK] = {0x01};

    memcpy(counter + 1, b->nonce.p, 13);
    return count(chip, place, counter, in, out);
}

/* ---- Both ------------------------------------------------------------------------------------- */

static rot_err
seal_box(struct rot_chip *chip, const struct rot_place *place, int is_gcm, const struct box *b,
         struct rot_bytes in, uint8_t *out)
{
    rot_err rc;

    if (is_gcm) {
        rc = gcm_crypt(chip, place, b, in, out);
        return rc == ROT_OK ? gcm_tag(chip, place, b, (struct rot_bytes){out, in.len}, out + in.len)
                            : rc;
    }
    rc = ccm_tag(chip, place, b, in, out + in.len);
    return rc == ROT_OK ? ccm_crypt(chip, place, b, in, out) : rc;
}

/* GCM looks at the tag first; CCM must decrypt for it, and takes back what is wrong. */
static rot_err
open_box(struct rot_chip *chip, const struct rot_place *place, int is_gcm, const struct box *b,
         struct rot_bytes in, uint8_t *out)
{
    const struct rot_bytes cipher = {in.p, in.len - BLOCK};
    uint8_t tag[BLOCK];
    rot_err rc;

    if (is_gcm) {
        rc = gcm_tag(chip, place, b, cipher, tag);
    } else {
        rc = ccm_crypt(chip, place, b, cipher, out);
        if (rc == ROT_OK)
            rc = ccm_tag(chip, place, b, (struct rot_bytes){out, cipher.len}, tag);
    }
    if (rc == ROT_OK && !rot_equal(tag, in.p + cipher.len, BLOCK))
        rc = ROT_E_MISMATCH;
    if (rc == ROT_OK && is_gcm)
        rc = gcm_crypt(chip, place, b, cipher, out);
    if (rc != ROT_OK)
        rot_wipe_memory(out, cipher.len);
    return rc;
}

rot_err
atecc_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg, int seal,
           struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
           size_t cap, size_t *ret_len)
{
    const struct box b = {nonce, aad};
    int is_gcm = alg == ROT_AEAD_AES_GCM;
    rot_err rc;

    (void)cap;                        /* the core has checked it */
    if (!is_gcm && aad.len >= 0xff00) /* SP 800-38C A.2.2: longer ones are written otherwise */
        return ROT_E_UNSUPPORTED;
    rc = seal ? seal_box(chip, place, is_gcm, &b, in, out)
              : open_box(chip, place, is_gcm, &b, in, out);
    if (rc == ROT_OK)
        *ret_len = seal ? in.len + BLOCK : in.len - BLOCK;
    return rc;
}
