/*
 * cmd_key.c: GenKey, Sign, Verify, ECDH on P-256.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/ta100/chip.h"

#define DIGEST_SIZE 32
#define POINT_SIZE  64
#define KEY_SIZE    32

enum {
    GENKEY_CREATE = 0,
    GENKEY_PUBLIC = 1,
};

enum {
    SIGN_EXTERNAL = 0,
    SIGN_INTERNAL = 1,
};

enum {
    VERIFY_GIVEN = 0,
    VERIFY_ELEMENT = 1,
};

enum {
    ECDH_ANSWER = 0,
    ECDH_REGISTER = 1,
};

static int
is_private(const struct ta100_element *e)
{
    return e != NULL && TA100_CLASS(&e->attributes) == TA100_CLASS_PRIVATE;
}

/* The private key of an element that may be used for this property, or of a register. */
static int
find_key(struct ta100_chip *c, unsigned handle, unsigned property, const uint8_t **ret_key)
{
    const struct ta100_register *r = ta100_find_register(c, handle);
    const struct ta100_element *e = ta100_find(&c->nvm, handle);

    if (r != NULL) {
        *ret_key = r->value;
        return r->is_private ? TA100_P_OK : TA100_P_E_EMPTY;
    }
    if (!is_private(e))
        return TA100_P_E_HANDLE;
    if (!(e->attributes.property & property) || !ta100_allows(e, TA100_P_USE_SHIFT))
        return TA100_P_E_DENIED;
    if (!e->filled)
        return TA100_P_E_EMPTY;
    *ret_key = c->nvm.memory + e->at;
    return TA100_P_OK;
}

static int
put_public(const uint8_t *key, struct rs_buf *out)
{
    uint8_t point[POINT_SIZE];

    if (!sim_curve_public(SIM_CURVE_P256, key, point))
        return TA100_P_E_KEY;
    rs_buf_put(out, point, sizeof(point));
    return TA100_P_OK;
}

/* ---- GenKey --------------------------------------------------------------------------------- */

static int
generate(struct ta100_chip *c, unsigned handle, struct rs_buf *out)
{
    struct ta100_register *r = ta100_find_register(c, handle);
    struct ta100_element *e = ta100_find(&c->nvm, handle);
    uint8_t key[KEY_SIZE];
    int status;

    if (r == NULL && !is_private(e))
        return TA100_P_E_HANDLE;
    if (r == NULL && e->locked)
        return TA100_P_E_LOCKED;
    if (r == NULL && !(e->attributes.property & TA100_P_GENERATE))
        return TA100_P_E_DENIED;
    if (!sim_curve_draw(SIM_CURVE_P256, c->run.host->random, c->run.host->self, key))
        return TA100_P_E_FAILED;
    status = put_public(key, out);
    if (status != TA100_P_OK)
        return status;
    if (r == NULL)
        return ta100_fill(c, e, key);
    *r = (struct ta100_register){.len = KEY_SIZE, .is_private = 1};
    memcpy(r->value, key, KEY_SIZE);
    return TA100_P_OK;
}

int
ta100_do_genkey(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    const struct ta100_element *e = ta100_find(&c->nvm, cmd->handle);

    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode == GENKEY_CREATE)
        return generate(c, cmd->handle, out);
    if (cmd->mode != GENKEY_PUBLIC)
        return TA100_P_E_MODE;
    if (!is_private(e))
        return TA100_P_E_HANDLE;
    return e->filled ? put_public(c->nvm.memory + e->at, out) : TA100_P_E_EMPTY;
}

/* ---- Sign, Verify ----------------------------------------------------------------------------- */

/*
 * What an internal signature is over: marker, version, serial number, the
 * target's handle, attributes, state and content, the nonce.  Of a private key
 * the content is its public key.
 */
static int
internal_digest(struct ta100_chip *c, unsigned target, struct rs_bytes nonce,
                uint8_t digest[DIGEST_SIZE])
{
    const struct ta100_element *e = ta100_find(&c->nvm, target);
    uint8_t room[TA100_MEMORY_SIZE + 128];
    struct rs_buf b;
    int status = TA100_P_OK;

    if (e == NULL)
        return TA100_P_E_HANDLE;
    if (!e->filled)
        return TA100_P_E_EMPTY;
    if (TA100_CLASS(&e->attributes) == TA100_CLASS_SYMMETRIC)
        return TA100_P_E_DENIED;
    rs_buf_init_fixed(&b, room, sizeof(room));
    rs_buf_put_str(&b, TA100_P_MARKER);
    rs_buf_put_u8(&b, TA100_P_VERSION);
    rs_buf_put(&b, c->nvm.serial, sizeof(c->nvm.serial));
    rs_buf_put_u16(&b, target);
    ta100_put_attributes(&e->attributes, &b);
    rs_buf_put_u8(&b, (unsigned)e->filled | (unsigned)e->locked << 1);
    if (is_private(e))
        status = put_public(c->nvm.memory + e->at, &b);
    else
        rs_buf_put(&b, c->nvm.memory + e->at, e->size);
    rs_buf_put_bytes(&b, nonce);
    if (status == TA100_P_OK &&
        (!rs_buf_ok(&b) || sim_hash(SIM_HASH_SHA256, rs_buf_bytes(&b), digest) != DIGEST_SIZE))
        status = TA100_P_E_FAILED;
    return status;
}

static int
sign(struct ta100_chip *c, const uint8_t *key, const uint8_t digest[DIGEST_SIZE],
     struct rs_buf *out)
{
    uint8_t rs[POINT_SIZE];

    if (!sim_curve_sign(SIM_CURVE_P256, key, digest, DIGEST_SIZE, c->run.host->random,
                        c->run.host->self, rs))
        return TA100_P_E_FAILED;
    rs_buf_put(out, rs, sizeof(rs));
    return TA100_P_OK;
}

int
ta100_do_sign(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    int internal = cmd->mode == SIGN_INTERNAL, status;
    unsigned target = internal ? rs_read_u16(in) : 0;
    struct rs_bytes given = rs_read_bytes(in, DIGEST_SIZE); /* or a nonce of that length */
    uint8_t digest[DIGEST_SIZE];
    const uint8_t *key;

    if (cmd->mode > SIGN_INTERNAL)
        return TA100_P_E_MODE;
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (ta100_find_register(c, cmd->handle) != NULL)
        return TA100_P_E_HANDLE;
    status =
        find_key(c, cmd->handle, internal ? TA100_P_SIGN_INTERNAL : TA100_P_SIGN_EXTERNAL, &key);
    if (status != TA100_P_OK)
        return status;
    if (!internal)
        return sign(c, key, given.p, out);
    status = internal_digest(c, target, given, digest);
    return status == TA100_P_OK ? sign(c, key, digest, out) : status;
}

static int
public_of_element(struct ta100_chip *c, unsigned handle, struct rs_bytes *ret_point)
{
    const struct ta100_element *e = ta100_find(&c->nvm, handle);

    if (e == NULL || TA100_CLASS(&e->attributes) != TA100_CLASS_PUBLIC)
        return TA100_P_E_HANDLE;
    if (!ta100_allows(e, TA100_P_USE_SHIFT))
        return TA100_P_E_DENIED;
    if (!e->filled)
        return TA100_P_E_EMPTY;
    *ret_point = rs_bytes_of(c->nvm.memory + e->at, e->size);
    return TA100_P_OK;
}

int
ta100_do_verify(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    struct rs_bytes digest = rs_read_bytes(in, DIGEST_SIZE);
    struct rs_bytes rs = rs_read_bytes(in, POINT_SIZE), point = {NULL, 0};
    int status = TA100_P_OK;

    if (cmd->mode > VERIFY_ELEMENT)
        return TA100_P_E_MODE;
    if (cmd->mode == VERIFY_GIVEN)
        point = rs_read_bytes(in, POINT_SIZE);
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode == VERIFY_ELEMENT)
        status = public_of_element(c, cmd->handle, &point);
    if (status != TA100_P_OK)
        return status;
    if (!sim_curve_point_ok(SIM_CURVE_P256, point.p))
        return TA100_P_E_KEY;
    rs_buf_put_u8(out, sim_curve_verify(SIM_CURVE_P256, point.p, digest.p, digest.len, rs.p) != 0);
    return TA100_P_OK;
}

/* ---- ECDH ------------------------------------------------------------------------------------- */

/* The secret of an element's key leaves the part only where the key says so. */
static int
may_leave(struct ta100_chip *c, unsigned handle)
{
    const struct ta100_element *e = ta100_find(&c->nvm, handle);

    return e == NULL || e->attributes.property & TA100_P_SECRET_OUT;
}

int
ta100_do_ecdh(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    struct rs_bytes peer = rs_read_bytes(in, POINT_SIZE);
    unsigned target = cmd->mode == ECDH_REGISTER ? rs_read_u16(in) : 0;
    struct ta100_register *r = ta100_find_register(c, target);
    uint8_t secret[KEY_SIZE];
    const uint8_t *key;
    int status;

    if (cmd->mode > ECDH_REGISTER)
        return TA100_P_E_MODE;
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode == ECDH_REGISTER && r == NULL)
        return TA100_P_E_HANDLE;
    status = find_key(c, cmd->handle, TA100_P_AGREE, &key);
    if (status != TA100_P_OK)
        return status;
    if (r == NULL && !may_leave(c, cmd->handle))
        return TA100_P_E_DENIED;
    if (!sim_curve_agree(SIM_CURVE_P256, key, peer.p, secret))
        return TA100_P_E_KEY;
    if (r == NULL) {
        rs_buf_put(out, secret, sizeof(secret));
        return TA100_P_OK;
    }
    *r = (struct ta100_register){.len = KEY_SIZE};
    memcpy(r->value, secret, sizeof(secret));
    return TA100_P_OK;
}
