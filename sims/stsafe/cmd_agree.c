/*
 * cmd_agree.c: what an A120 agrees on with a host over its ephemeral key: KEK sessions and their
 * envelopes, host keys, symmetric keys.
 *
 *   1F 03, 04:  curve id, host's point, algorithm
 *   1F 18:      the same, type of the host keys
 *   and signed: 00, slot of a public key, hash id, r, s
 *
 * What is signed: curve id, host's point, the part's point.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/crypto.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define ALGORITHM_KEK       0x01u
#define ALGORITHM_SYMMETRIC 0x02u
#define ALGORITHM_HOST      0x03u
#define ENVELOPE_MIN        24u
#define ENVELOPE_MAX        80u
#define ENVELOPE_HOST_128   48u
#define SECRETS_MAX         64u /* MAC key and cipher key */
#define CONFIRM_KEY         32u
#define CONFIRM_MAC         8u

/* Salt of every key derivation (reference section 6). */
static const uint8_t salt[32] = {0xE4, 0x5D, 0x4C, 0xFD, 0x20, 0x15, 0xDE, 0x9E, 0x0A, 0xA9, 0xA9,
                                 0xF6, 0xA4, 0x9F, 0x45, 0x10, 0x0F, 0x99, 0xD9, 0x63, 0x3F, 0xB1,
                                 0xB2, 0xDD, 0xDB, 0xEE, 0xE6, 0x75, 0xD5, 0x4D, 0xE2, 0x5B};

/* ---- The host's half --------------------------------------------------------------------------- */

struct agreement {
    enum sim_curve curve;
    uint8_t peer[SIM_POINT_MAX];
    unsigned type; /* of host keys */
    unsigned slot; /* of the public key that it was signed for; STSAFE_ANONYMOUS: not signed */
    uint8_t secret[SIM_KEY_MAX];
    size_t secret_len;
};

static int
read_host(const struct stsafe_chip *c, struct rs_reader *in, unsigned algorithm,
          struct agreement *a)
{
    unsigned given;

    a->curve = stsafe_read_curve(c, in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (a->curve == SIM_CURVE_NONE)
        return STSAFE_U_RANGE_STATUS;
    if (a->curve == SIM_CURVE_ED25519)
        return STSAFE_U_KEY_KIND_STATUS;
    stsafe_read_point(a->curve, in, a->peer);
    given = rs_read_u8(in);
    if (algorithm == ALGORITHM_HOST)
        a->type = rs_read_u8(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (given != algorithm)
        return STSAFE_U_RANGE_STATUS;
    return sim_curve_point_ok(a->curve, a->peer) ? STSAFE_OK : STSAFE_INVALID_PUBLIC;
}

/* Who signed both points, of those that may do so for this. */
static int
check_signer(struct stsafe_chip *c, struct rs_reader *in, const uint8_t *own, unsigned right,
             struct agreement *a)
{
    uint8_t room[32 + 2 * (SIM_POINT_MAX + 5)];
    struct stsafe_public *key;
    struct stsafe_signature sig;
    struct rs_buf points;
    unsigned filler;
    int status;

    filler = rs_read_u8(in);
    a->slot = rs_read_u8(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (filler != 0)
        return STSAFE_U_RANGE_STATUS;
    status = stsafe_find_public(c, a->slot, right, &key);
    if (status != STSAFE_OK)
        return status;
    status = stsafe_read_signed(key, in, &sig);
    if (status != STSAFE_OK)
        return status;
    rs_buf_init_fixed(&points, room, sizeof(room));
    stsafe_put_curve(a->curve, &points);
    stsafe_put_point(a->curve, a->peer, &points);
    stsafe_put_point(a->curve, own, &points);
    return stsafe_verify(key, &sig, rs_buf_bytes(&points)) ? STSAFE_OK
                                                           : STSAFE_U_WRONG_SIGNATURE_STATUS;
}

/* All of it, up to the secret that both now have. */
static int
agree(struct stsafe_chip *c, struct rs_reader *in, unsigned algorithm, unsigned right,
      struct agreement *a)
{
    const struct stsafe_private *key = &c->v.ephemeral;
    uint8_t own[SIM_POINT_MAX];
    int status = read_host(c, in, algorithm, a);

    a->slot = STSAFE_ANONYMOUS;
    if (status != STSAFE_OK)
        return status;
    if (key->curve != a->curve || !sim_curve_public(key->curve, key->key, own))
        return STSAFE_KEY_NOT_FOUND;
    if (in->left > 0)
        status = check_signer(c, in, own, right, a);
    if (status != STSAFE_OK)
        return status;
    a->secret_len = sim_curve_info(key->curve)->size;
    return sim_curve_agree(key->curve, key->key, a->peer, a->secret) ? STSAFE_OK
                                                                     : STSAFE_INVALID_PUBLIC;
}

static int
derive(struct rs_bytes secret, struct rs_bytes info, uint8_t *out, size_t len)
{
    uint8_t prk[32];
    int ok = sim_hkdf_extract(RS_BYTES(salt), secret, prk) && sim_hkdf_expand(prk, info, out, len);

    rs_wipe(prk, sizeof(prk));
    return ok;
}

/* info: both public keys, bare, in an order that says what for. */
static int
derive_of_points(const struct stsafe_chip *c, const struct agreement *a, int chip_first,
                 uint8_t *out, size_t len)
{
    const struct stsafe_private *key = &c->v.ephemeral;
    size_t size = sim_curve_point_size(a->curve);
    uint8_t info[2 * SIM_POINT_MAX];

    memcpy(info + (chip_first ? size : 0), a->peer, size);
    return sim_curve_public(key->curve, key->key, info + (chip_first ? 0 : size)) &&
           derive(rs_bytes_of(a->secret, a->secret_len), rs_bytes_of(info, 2 * size), out, len);
}

/* ---- KEK sessions and envelopes ------------------------------------------------------------------ */

int
stsafe_do_kek_start(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                    struct rs_buf *out)
{
    struct agreement a;
    int status = agree(c, in, ALGORITHM_KEK, STSAFE_PUBLIC_KEK, &a);

    (void)cmd;
    (void)out;
    if (status == STSAFE_OK)
        status = stsafe_read_end(in);
    if (status == STSAFE_OK && !derive_of_points(c, &a, 1, c->v.kek, sizeof(c->v.kek)))
        status = STSAFE_UNEXPECTED;
    if (status == STSAFE_OK) {
        c->v.kek_active = 1;
        c->v.kek_signer = (uint8_t)a.slot;
        c->v.envelopes = 1;
    }
    rs_wipe(&a, sizeof(a));
    return status;
}

int
stsafe_do_kek_stop(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    if (!c->v.kek_active)
        return STSAFE_INVALID_SESSION;
    rs_wipe(c->v.kek, sizeof(c->v.kek));
    c->v.kek_active = 0;
    return STSAFE_OK;
}

/*
 * What is in it, without the 80 and the zeros that fill it up to whole blocks.  Each envelope has a
 * key of its own and is tried once.
 */
static int
open_envelope(struct stsafe_chip *c, struct rs_bytes envelope, uint8_t plain[ENVELOPE_MAX],
              struct rs_bytes *ret_content)
{
    const uint8_t info[] = {0x10, 0x11, (uint8_t)c->v.envelopes};
    uint8_t key[32];
    size_t len = envelope.len - 8, zeros = 0;

    if (!c->v.kek_active)
        return STSAFE_INVALID_SESSION;
    c->v.envelopes++;
    if (!derive(RS_BYTES(c->v.kek), RS_BYTES(info), key, sizeof(key)) ||
        !sim_aes_unwrap((struct sim_aes){key, sizeof(key)}, envelope, plain))
        return STSAFE_U_UNWRAP_STATUS;
    while (zeros < 7 && plain[len - 1 - zeros] == 0)
        zeros++;
    if (plain[len - 1 - zeros] != 0x80)
        return STSAFE_U_UNWRAP_STATUS;
    *ret_content = rs_bytes_of(plain, len - 1 - zeros);
    return STSAFE_OK;
}

/* What control says of those who did not sign, or of the one who did. */
static int
is_open(unsigned flags, unsigned anonymous, unsigned signer_slot, unsigned signer)
{
    return signer == STSAFE_ANONYMOUS ? (flags & anonymous) != 0 : signer == signer_slot;
}

int
stsafe_do_host_wrapped(struct stsafe_chip *c, const struct stsafe_command *cmd,
                       struct rs_reader *in, struct rs_buf *out)
{
    const struct stsafe_control *control = &c->nvm.host_control;
    struct rs_bytes content, envelope = rs_read_bytes(in, in->left);
    uint8_t plain[ENVELOPE_MAX];
    int status;

    (void)out;
    if (envelope.len != ENVELOPE_MAX && envelope.len != ENVELOPE_HOST_128)
        return STSAFE_U_LENGTH_STATUS;
    status = open_envelope(c, envelope, plain, &content);
    if (status == STSAFE_OK)
        status = stsafe_host_record_write(
            c, cmd, is_open(control->flags, STSAFE_CONTROL_WRAPPED, control->slot, c->v.kek_signer),
            content);
    rs_wipe(plain, sizeof(plain));
    return status;
}

/* Key information with its slot, then the key. */
int
stsafe_do_symmetric_wrapped(struct stsafe_chip *c, const struct stsafe_command *cmd,
                            struct rs_reader *in, struct rs_buf *out)
{
    struct rs_bytes content, envelope = rs_read_bytes(in, in->left);
    const struct stsafe_control *control;
    struct stsafe_symmetric key;
    uint8_t plain[ENVELOPE_MAX];
    struct rs_reader inside;
    unsigned slot = 0;
    int status;

    (void)cmd;
    (void)out;
    if (envelope.len < ENVELOPE_MIN || envelope.len > ENVELOPE_MAX || envelope.len % 8 != 0)
        return STSAFE_U_LENGTH_STATUS;
    status = open_envelope(c, envelope, plain, &content);
    if (status != STSAFE_OK)
        return status;
    rs_reader_init(&inside, content);
    status = stsafe_read_key(&inside, &key, &slot);
    control = &c->nvm.symmetric_control[slot % STSAFE_SYMMETRIC_MAX];
    if (status == STSAFE_OK)
        status = stsafe_symmetric_place(
            c, slot,
            is_open(control->flags, STSAFE_SYMMETRIC_WRAPPED, control->slot, c->v.kek_signer));
    if (status == STSAFE_OK)
        status = stsafe_store_whole(c, &c->nvm.symmetric[slot], &key, sizeof(key));
    rs_wipe(plain, sizeof(plain));
    rs_wipe(&key, sizeof(key));
    return status;
}

/* ---- Host keys ------------------------------------------------------------------------------------ */

int
stsafe_do_host_establish(struct stsafe_chip *c, const struct stsafe_command *cmd,
                         struct rs_reader *in, struct rs_buf *out)
{
    const struct stsafe_control *control = &c->nvm.host_control;
    struct agreement a;
    uint8_t keys[SECRETS_MAX];
    int status = agree(c, in, ALGORITHM_HOST, STSAFE_PUBLIC_HOST, &a);

    (void)out;
    if (status == STSAFE_OK)
        status = stsafe_read_end(in);
    if (status == STSAFE_OK && !derive_of_points(c, &a, 0, keys, sizeof(keys)))
        status = STSAFE_UNEXPECTED;
    if (status == STSAFE_OK)
        status = stsafe_host_key_write(
            c, cmd, is_open(control->flags, STSAFE_CONTROL_WRAPPED, control->slot, a.slot), a.type,
            rs_bytes_of(keys, a.type == STSAFE_U_HOST_TYPE_AES256 ? 64 : 32));
    rs_wipe(keys, sizeof(keys));
    rs_wipe(&a, sizeof(a));
    return status;
}

/* ---- Symmetric keys: a secret, then the keys that both make of it ---------------------------------- */

int
stsafe_do_symmetric_establish(struct stsafe_chip *c, const struct stsafe_command *cmd,
                              struct rs_reader *in, struct rs_buf *out)
{
    struct agreement a;
    int status = agree(c, in, ALGORITHM_SYMMETRIC, STSAFE_PUBLIC_SYMMETRIC, &a);

    (void)cmd;
    (void)out;
    if (status == STSAFE_OK)
        status = stsafe_read_end(in);
    if (status == STSAFE_OK) {
        memcpy(c->v.secret, a.secret, a.secret_len);
        c->v.secret_len = (uint8_t)a.secret_len;
        c->v.secret_signer = (uint8_t)a.slot;
    }
    rs_wipe(&a, sizeof(a));
    return status;
}

struct key_list {
    struct stsafe_symmetric keys[STSAFE_SYMMETRIC_MAX];
    unsigned slots[STSAFE_SYMMETRIC_MAX];
    unsigned count;
    size_t bytes;
};

/* length(2) and key information, for each key; no slot twice. */
static int
read_list(struct stsafe_chip *c, struct rs_bytes bytes, struct key_list *list)
{
    unsigned taken = 0;
    struct rs_reader in;

    rs_reader_init(&in, bytes);
    memset(list, 0, sizeof(*list));
    do {
        struct rs_reader info;
        struct stsafe_symmetric *key = &list->keys[list->count];
        const struct stsafe_control *control;
        unsigned slot = 0;
        int status;

        rs_reader_init(&info, rs_read_u16_bytes(&in, STSAFE_FRAME_MAX));
        status = stsafe_read_key_info(&info, key, &slot);
        if (status == STSAFE_OK)
            status = stsafe_read_end(&info);
        control = &c->nvm.symmetric_control[slot % STSAFE_SYMMETRIC_MAX];
        if (status == STSAFE_OK)
            status = stsafe_symmetric_place(c, slot,
                                            is_open(control->flags, STSAFE_SYMMETRIC_ECDHE,
                                                    control->other_slot, c->v.secret_signer));
        if (status != STSAFE_OK)
            return status;
        if (taken >> slot & 1u)
            return STSAFE_U_RANGE_STATUS;
        taken |= 1u << slot;
        list->bytes += key->len;
        list->slots[list->count++] = slot;
    } while (in.left > 0);
    return STSAFE_OK;
}

/* The key of the confirmation, then the keys in the order of the list. */
static int
make_keys(struct stsafe_chip *c, struct rs_bytes mac, struct rs_bytes list_bytes,
          const struct key_list *list)
{
    static const uint8_t info[] = {0x12, 0x13};
    uint8_t output[CONFIRM_KEY + STSAFE_SYMMETRIC_MAX * SIM_AES_MAX], right[SIM_AES_BLOCK];
    size_t at = CONFIRM_KEY;
    int status = STSAFE_OK;

    if (!derive(rs_bytes_of(c->v.secret, c->v.secret_len), RS_BYTES(info), output,
                CONFIRM_KEY + list->bytes) ||
        !sim_aes_cmac((struct sim_aes){output, CONFIRM_KEY}, list_bytes, right))
        return STSAFE_UNEXPECTED;
    if (CRYPTO_memcmp(right, mac.p, CONFIRM_MAC) != 0)
        status = STSAFE_U_CONFIRM_STATUS;
    for (unsigned i = 0; status == STSAFE_OK && i < list->count; i++) {
        struct stsafe_symmetric key = list->keys[i];

        memcpy(key.key, output + at, key.len);
        at += key.len;
        status = stsafe_store_whole(c, &c->nvm.symmetric[list->slots[i]], &key, sizeof(key));
    }
    rs_wipe(output, sizeof(output));
    return status;
}

/* One try: the secret is gone then, whatever comes out. */
int
stsafe_do_symmetric_confirm(struct stsafe_chip *c, const struct stsafe_command *cmd,
                            struct rs_reader *in, struct rs_buf *out)
{
    struct rs_bytes mac = rs_read_bytes(in, CONFIRM_MAC), bytes = rs_read_bytes(in, in->left);
    struct key_list list;
    int status;

    (void)cmd;
    (void)out;
    if (!rs_reader_ok(in) || bytes.len == 0)
        return STSAFE_U_LENGTH_STATUS;
    if (c->v.secret_len == 0)
        return STSAFE_INVALID_SESSION;
    status = read_list(c, bytes, &list);
    if (status == STSAFE_OK)
        status = make_keys(c, mac, bytes, &list);
    rs_wipe(c->v.secret, sizeof(c->v.secret));
    c->v.secret_len = 0;
    return status;
}
