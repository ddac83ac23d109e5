/*
 * chip.c: what the agent does with the chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "agent/inner.h"
#include "base/random.h"
#include "shared/chips.h"

rs_code
chip_enter(struct agent *a, struct rot_chip **ret_chip, struct rs_err *err)
{
    rot_err rot = chips_lock(a->chips, ret_chip);

    if (rot == ROT_OK) {
        a->chip = *ret_chip;
        return RS_OK;
    }
    return rs_fail(err,
                   rot == ROT_BUSY           ? RS_E_CHIP_BUSY
                   : rot == ROT_E_WRONG_PART ? RS_E_CHIP_WRONG_PART
                                             : RS_E_CHIP_ABSENT,
                   "%s", chips_error());
}

void
chip_leave(struct agent *a)
{
    a->raw_status = rot_raw_status(a->chip);
    chips_unlock(a->chips);
}

static rs_code
code_of(rot_err rot)
{
    switch (rot) {
    case ROT_BUSY:
        return RS_E_CHIP_BUSY;
    case ROT_E_BUS:
        return RS_E_CHIP_INTERRUPTED;
    case ROT_E_WRONG_PART:
        return RS_E_CHIP_WRONG_PART;
    case ROT_E_SPACE:
        return RS_E_CHIP_FULL;
    case ROT_E_AUTH:
        return RS_E_CHIP_AUTH;
    case ROT_E_ARG:
        return RS_E_INTERNAL;
    case ROT_E_UNSUPPORTED:
    case ROT_E_STATE:
        return RS_E_CHIP_FOREIGN;
    case ROT_OK:
    case ROT_E_CHIP:
    case ROT_E_EMPTY:
    case ROT_E_MISMATCH:
    case ROT_E_FORMAT:
    case ROT_E_PORT:
    default:
        return RS_E_CHIP_FAULT;
    }
}

rs_code
chip_fail(const struct agent *a, rot_err rot, const char *what, struct rs_err *err)
{
    if (err != NULL && err->detail[0] == '\0')
        (void)snprintf(err->detail, sizeof(err->detail), "raw status 0x%08lx",
                       (unsigned long)a->raw_status);
    return rs_fail(err, code_of(rot), "%s: the chip says %s", what, rot_err_name(rot));
}

/* ---- Objects ------------------------------------------------------------------------------- */

static rot_err
read_whole(struct rot_chip *chip, rot_object obj, enum rot_part part, struct rs_buf *out)
{
    uint8_t piece[512];
    size_t len = sizeof(piece);
    rot_err rot = ROT_OK;

    rs_buf_reset(out);
    while (rot == ROT_OK && len == sizeof(piece)) {
        rot = rot_object_read(chip, obj, part, out->len, piece, sizeof(piece), &len);
        if (rot == ROT_OK)
            rs_buf_put(out, piece, len);
    }
    return rot;
}

static int
is_nothing(rot_err rot)
{
    return rot == ROT_E_EMPTY || rot == ROT_E_UNSUPPORTED;
}

rs_code
chip_read(struct agent *a, rot_object obj, enum rot_part part, struct rs_buf *out,
          struct rs_err *err)
{
    struct rot_chip *chip;
    rot_err rot;
    rs_code rc = chip_enter(a, &chip, err);

    if (rc != RS_OK)
        return rc;
    rot = read_whole(chip, obj, part, out);
    chip_leave(a);
    if (is_nothing(rot)) {
        rs_buf_reset(out);
        return RS_OK;
    }
    return rot == ROT_OK ? RS_OK : chip_fail(a, rot, "read an object", err);
}

rs_code
chip_write(struct agent *a, rot_object obj, enum rot_part part, struct rs_bytes bytes,
           int *ret_kept, struct rs_err *err)
{
    struct rot_chip *chip;
    size_t need = 0;
    rot_err rot;
    rs_code rc = chip_enter(a, &chip, err);
    RS_AUTO(rs_buf_done) struct rs_buf there;

    rs_buf_init(&there, ROT_CERTIFICATE_MAX);
    *ret_kept = 0;
    if (rc != RS_OK)
        return rc;
    rot = read_whole(chip, obj, part, &there);
    if (rot != ROT_OK || !rs_bytes_equal(rs_buf_bytes(&there), bytes))
        rot = rot_object_write(chip, obj, part, 0, bytes.p, bytes.len, bytes.len, &need);
    chip_leave(a);
    *ret_kept = rot == ROT_OK;
    if (rot == ROT_OK || rot == ROT_E_SPACE || rot == ROT_E_FORMAT || rot == ROT_E_UNSUPPORTED ||
        rot == ROT_E_STATE)
        return RS_OK;
    return chip_fail(a, rot, "write an object", err);
}

/* ---- Keys -------------------------------------------------------------------------------------- */

rs_code
chip_public(struct agent *a, rot_object obj, struct rs_buf *out, struct rs_err *err)
{
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    struct rot_chip *chip;
    size_t len = 0;
    rot_err rot;
    rs_code rc = chip_enter(a, &chip, err);

    rs_buf_reset(out);
    if (rc != RS_OK)
        return rc;
    rot = rot_key_public(chip, obj, spki, sizeof(spki), &len);
    chip_leave(a);
    if (rot == ROT_OK)
        rs_buf_put(out, spki, len);
    return rot == ROT_OK || is_nothing(rot) ? RS_OK : chip_fail(a, rot, "read a public key", err);
}

rs_code
chip_generate(struct agent *a, rot_object obj, struct rs_buf *ret_spki, struct rs_err *err)
{
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    struct rot_capability cap;
    struct rot_chip *chip;
    size_t len = 0;
    rot_err rot;
    rs_code rc = chip_enter(a, &chip, err);

    if (rc != RS_OK)
        return rc;
    rot = rot_capabilities(chip, obj, &cap);
    if (rot == ROT_OK)
        rot = rot_key_generate(chip, obj, (enum rot_alg)cap.alg, spki, sizeof(spki), &len);
    chip_leave(a);
    if (rot != ROT_OK)
        return chip_fail(a, rot, "make a key", err);
    rs_buf_reset(ret_spki);
    rs_buf_put(ret_spki, spki, len);
    return rs_buf_ok(ret_spki) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "no memory for a key");
}

rs_code
chip_sign(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
          struct rs_err *err)
{
    const struct chip_signer *s = arg;
    struct rot_chip *chip;
    rot_err rot;
    rs_code rc = chip_enter(s->agent, &chip, err);

    if (rc != RS_OK)
        return rc;
    rot = rot_sign_message(chip, s->object, tbs.p, tbs.len, sig, cap, ret_len);
    chip_leave(s->agent);
    return rot == ROT_OK ? RS_OK : chip_fail(s->agent, rot, "sign", err);
}

rs_code
chip_prove(struct agent *a, rot_object obj, const struct cert *cert, struct rs_err *err)
{
    struct chip_signer signer = {a, obj};
    uint8_t nonce[32], sig[CRYPTO_SIGNATURE_MAX];
    struct crypto_pub pub;
    size_t len = 0;
    rs_code rc = rs_random(nonce, sizeof(nonce), err);

    if (rc == RS_OK)
        rc = crypto_pub_read(cert->spki, &pub, err);
    if (rc == RS_OK)
        rc = chip_sign(&signer, RS_BYTES(nonce), sig, sizeof(sig), &len, err);
    if (rc != RS_OK)
        return rc;
    if (crypto_verify(&pub, crypto_sig_for(pub.alg), RS_BYTES(nonce), rs_bytes_of(sig, len),
                      NULL) != RS_OK)
        return rs_fail(err, RS_E_CHIP_FAULT, "the chip's key is not the certificate's");
    return RS_OK;
}
