/*
 * wire.c: one command, one answer.
 *
 * A command is built in place (Part 1, 18): header, handles, the authorisation
 * area, parameters.  The answer is somebody else's bytes: nothing in it is
 * believed before its length was checked, and no parameter is given out before
 * the session's HMAC was.
 *
 * A TPM may ask for patience.  It gets WAIT_TRIES times WAIT_US, 30 s in all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

#define HEADER     10u
#define WAIT_US    20000u
#define WAIT_TRIES 1500

/* Bytes that an off-by-some, planted to prove the fuzz target, reads too far. */
#ifdef RS_PLANTED_BUG_tpm2_response
#define SLACK TPM2_BUFFER
#else
#define SLACK 0u
#endif

/* Response codes (Part 2, 6.6.3): format zero, and the numbers of format one. */
#define RC_INITIALIZE       0x100u
#define RC_DISABLED         0x120u
#define RC_AUTH_MISSING     0x125u
#define RC_AUTH_UNAVAILABLE 0x12fu
#define RC_COMMAND_CODE     0x143u
#define RC_NV_RANGE         0x146u
#define RC_NV_SIZE          0x147u
#define RC_NV_LOCKED        0x148u
#define RC_NV_AUTHORIZATION 0x149u
#define RC_NV_UNINITIALIZED 0x14au
#define RC_NV_SPACE         0x14bu
#define RC_OBJECT_MEMORY    0x902u
#define RC_SESSION_MEMORY   0x903u
#define RC_SESSION_HANDLES  0x905u
#define RC_OBJECT_HANDLES   0x906u
#define RC_YIELDED          0x908u
#define RC_TESTING          0x90au
#define RC_REFERENCE_S0     0x918u
#define RC_REFERENCE_S6     0x91eu
#define RC_NV_RATE          0x920u
#define RC_LOCKOUT          0x921u
#define RC_RETRY            0x922u
#define RC_NV_UNAVAILABLE   0x923u

#define RC_FORMAT_ONE  0x080u
#define RC_ONE_MASK    0x0bfu /* the format bit and the number, without what it is about */
#define RC_IS_PARAM    0x040u
#define RC_IS_SESSION  0x800u
#define RC_HIERARCHY   0x085u
#define RC_HANDLE      0x08bu
#define RC_AUTH_FAIL   0x08eu
#define RC_VALUE       0x084u
#define RC_POLICY_FAIL 0x09du
#define RC_SIGNATURE   0x09bu
#define RC_INTEGRITY   0x09fu
#define RC_BAD_AUTH    0x0a2u
#define RC_NONCE       0x08fu
#define RC_POLICY_CC   0x0a4u
#define RC_BINDING     0x0a5u
#define RC_CURVE       0x0a6u
#define RC_ECC_POINT   0x0a7u

/* Resource managers answer for the TPM in a layer of their own (kernel, tpm2-abrmd). */
#define LAYER_MASK    0xffff0000u
#define LAYER_MANAGER 0x000b0000u

/* ---- Building ------------------------------------------------------------- */

static void
store_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void
store_u32(uint8_t *p, uint32_t v)
{
    store_u16(p, (uint16_t)(v >> 16));
    store_u16(p + 2, (uint16_t)v);
}

static uint32_t
load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Room for len more bytes, or NULL and the command is bad. */
static uint8_t *
reserve(struct rot_chip *chip, size_t len)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c = &s->command;
    uint8_t *p = s->tx + c->len;

    if (c->is_bad || len > sizeof(s->tx) - c->len) {
        c->is_bad = 1;
        return NULL;
    }
    c->len += len;
    return p;
}

struct tpm2_command *
tpm2_begin(struct rot_chip *chip, enum tpm2_cc cc)
{
    struct tpm2_command *c = &tpm2_of(chip)->command;

    memset(c, 0, sizeof(*c));
    c->cc = (uint16_t)cc;
    c->len = HEADER;
    c->params_at = HEADER;
    return c;
}

void
tpm2_put_handle(struct rot_chip *chip, uint32_t handle, const struct tpm2_name *name)
{
    struct tpm2_command *c = &tpm2_of(chip)->command;

    if (c->handle_count == TPM2_HANDLES) {
        c->is_bad = 1;
        return;
    }
    c->names[c->handle_count++] = name;
    tpm2_put_u32(chip, handle);
    c->params_at = c->len;
}

void
tpm2_put_session(struct rot_chip *chip, struct tpm2_session *session, uint8_t attributes)
{
    struct tpm2_command *c = &tpm2_of(chip)->command;
    size_t need;

    if (c->session_count == TPM2_SESSIONS) {
        c->is_bad = 1;
        return;
    }
    if (c->session_count == 0)
        tpm2_put_u32(chip, 0); /* the size of the area, known at the end */
    c->sessions[c->session_count] = session;
    c->attributes[c->session_count++] = attributes;
    need = 4 + 2 + 1 + 2;
    if (session != NULL)
        need += TPM2_HASH + (session->is_policy ? 0 : TPM2_HASH);
    (void)reserve(chip, need);
    c->params_at = c->len;
}

void
tpm2_put(struct rot_chip *chip, const void *p, size_t len)
{
    uint8_t *to = reserve(chip, len);

    if (to != NULL && len != 0)
        memcpy(to, p, len);
}

void
tpm2_put_u8(struct rot_chip *chip, uint8_t v)
{
    tpm2_put(chip, &v, 1);
}

void
tpm2_put_u16(struct rot_chip *chip, uint16_t v)
{
    uint8_t *p = reserve(chip, 2);

    if (p != NULL)
        store_u16(p, v);
}

void
tpm2_put_u32(struct rot_chip *chip, uint32_t v)
{
    uint8_t *p = reserve(chip, 4);

    if (p != NULL)
        store_u32(p, v);
}

void
tpm2_put_sized(struct rot_chip *chip, const void *p, size_t len)
{
    if (len > TPM2_BUFFER)
        tpm2_of(chip)->command.is_bad = 1;
    tpm2_put_u16(chip, (uint16_t)len);
    tpm2_put(chip, p, len);
}

size_t
tpm2_open_sized(struct rot_chip *chip)
{
    size_t at = tpm2_of(chip)->command.len;

    tpm2_put_u16(chip, 0);
    return at;
}

void
tpm2_close_sized(struct rot_chip *chip, size_t at)
{
    struct tpm2_state *s = tpm2_of(chip);

    if (!s->command.is_bad)
        store_u16(s->tx + at, (uint16_t)(s->command.len - at - 2));
}

/* ---- Reading -------------------------------------------------------------- */

struct rot_bytes
tpm2_get(struct tpm2_reader *r, size_t len)
{
    struct rot_bytes b = {r->p, len};

    if (r->is_bad || len > r->len + SLACK) {
        r->is_bad = 1;
        return (struct rot_bytes){NULL, 0};
    }
    r->p += len;
    r->len -= len;
    return b;
}

uint8_t
tpm2_get_u8(struct tpm2_reader *r)
{
    struct rot_bytes b = tpm2_get(r, 1);

    return b.p == NULL ? 0 : b.p[0];
}

uint16_t
tpm2_get_u16(struct tpm2_reader *r)
{
    struct rot_bytes b = tpm2_get(r, 2);

    return b.p == NULL ? 0 : (uint16_t)((unsigned)b.p[0] << 8 | b.p[1]);
}

uint32_t
tpm2_get_u32(struct tpm2_reader *r)
{
    struct rot_bytes b = tpm2_get(r, 4);

    return b.p == NULL ? 0 : load_u32(b.p);
}

struct rot_bytes
tpm2_get_sized(struct tpm2_reader *r)
{
    size_t len = tpm2_get_u16(r);

    return tpm2_get(r, len);
}

rot_err
tpm2_get_end(const struct tpm2_reader *r)
{
    return !r->is_bad && r->len == 0 ? ROT_OK : ROT_E_FORMAT;
}

/* ---- Response codes --------------------------------------------------------- */

static rot_err
map_format_one(uint32_t code)
{
    switch (code & RC_ONE_MASK) {
    case RC_AUTH_FAIL:
    case RC_BAD_AUTH:
    case RC_POLICY_FAIL:
    case RC_POLICY_CC:
        return ROT_E_AUTH;
    case RC_HIERARCHY:
        return ROT_E_STATE;
    case RC_HANDLE:
        return ROT_E_EMPTY;
    case RC_SIGNATURE:
        return ROT_E_MISMATCH;
    case RC_INTEGRITY:
    case RC_ECC_POINT:
    case RC_CURVE:
    case RC_BINDING:
        return ROT_E_FORMAT;
    default:
        return ROT_E_CHIP;
    }
}

rot_err
tpm2_map_code(uint32_t code)
{
    if ((code & LAYER_MASK) != 0 && (code & LAYER_MASK) != LAYER_MANAGER)
        return ROT_E_BUS;
    code &= 0xfffu;
    if (code == 0)
        return ROT_OK;
    if ((code & RC_FORMAT_ONE) != 0)
        return map_format_one(code);
    switch (code) {
    case RC_AUTH_MISSING:
    case RC_AUTH_UNAVAILABLE:
    case RC_NV_AUTHORIZATION:
        return ROT_E_AUTH;
    case RC_COMMAND_CODE:
        return ROT_E_UNSUPPORTED;
    case RC_NV_LOCKED:
    case RC_LOCKOUT:
    case RC_DISABLED:
    case RC_NV_UNAVAILABLE:
        return ROT_E_STATE;
    case RC_NV_UNINITIALIZED:
        return ROT_E_EMPTY;
    case RC_NV_SPACE:
    case RC_NV_RANGE:
    case RC_NV_SIZE:
        return ROT_E_SPACE;
    case RC_NV_RATE:
    case RC_RETRY:
    case RC_YIELDED:
    case RC_TESTING:
        return ROT_BUSY;
    default:
        return ROT_E_CHIP;
    }
}

rot_err
tpm2_blame_input(const struct rot_chip *chip, rot_err rc)
{
    unsigned about = rot_raw_status(chip) & (RC_FORMAT_ONE | RC_IS_PARAM);

    return rc == ROT_E_CHIP && about == (RC_FORMAT_ONE | RC_IS_PARAM) ? ROT_E_FORMAT : rc;
}

/* What is repaired by starting the TPM, its session or some room anew, and only that. */
static int
is_lost(uint32_t code)
{
    code &= 0xfffu;
    if (code == RC_INITIALIZE || (code >= RC_REFERENCE_S0 && code <= RC_REFERENCE_S6))
        return 1;
    if (code == RC_OBJECT_MEMORY || code == RC_SESSION_MEMORY || code == RC_OBJECT_HANDLES ||
        code == RC_SESSION_HANDLES)
        return 1;
    /* TPM_RC_HANDLE or TPM_RC_VALUE of a session: it was flushed by somebody else. */
    return (code & RC_FORMAT_ONE) != 0 && (code & RC_IS_PARAM) == 0 &&
           (code & RC_IS_SESSION) != 0 &&
           ((code & RC_ONE_MASK) == RC_HANDLE || (code & RC_ONE_MASK) == RC_VALUE);
}

/* ---- Sending ---------------------------------------------------------------- */

static rot_err
exchange(struct rot_chip *chip, size_t *ret_len)
{
    const struct rot_transport *t = chip->setup.transport;
    struct tpm2_state *s = tpm2_of(chip);
    size_t len = 0;
    rot_err rc = t->message->exchange(t->self, s->tx, s->command.len, s->rx, sizeof(s->rx), &len);

    if (rc != ROT_OK)
        return rc < 0 ? rc : ROT_E_BUS;
    if (len < HEADER || len > sizeof(s->rx) || load_u32(s->rx + 2) != len)
        return ROT_E_FORMAT;
    *ret_len = len;
    return ROT_OK;
}

static rot_err
exchange_patiently(struct rot_chip *chip, size_t *ret_len)
{
    const struct rot_transport *t = chip->setup.transport;
    rot_err rc = ROT_BUSY;

    for (int i = 0; i < WAIT_TRIES && rc == ROT_BUSY; i++) {
        if (i != 0)
            t->line->delay_us(t->self, WAIT_US);
        rc = exchange(chip, ret_len);
        if (rc != ROT_OK)
            return rc;
        /* The same bytes again: the TPM has used no nonce of a command that it put off. */
        chip->raw_status = load_u32(tpm2_of(chip)->rx + 6);
        rc = tpm2_map_code(chip->raw_status);
    }
    return rc;
}

/* The answer of a command that succeeded: handle, parameters, authorisation. */
static rot_err
take_answer(struct rot_chip *chip, size_t len, struct tpm2_reader *ret_answer)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c = &s->command;
    struct tpm2_reader r = {s->rx + HEADER, len - HEADER, 0};
    unsigned tag = (unsigned)s->rx[0] << 8 | s->rx[1];
    struct rot_bytes params;
    rot_err rc;

    if (tag != (c->session_count != 0 ? TPM2_ST_SESSIONS : TPM2_ST_NO_SESSIONS))
        return ROT_E_FORMAT;
    if (c->returns_handle)
        c->handle = tpm2_get_u32(&r);
    if (c->session_count == 0) {
        *ret_answer = r;
        return r.is_bad ? ROT_E_FORMAT : ROT_OK;
    }
    params = tpm2_get(&r, tpm2_get_u32(&r));
    if (r.is_bad)
        return ROT_E_FORMAT;
    rc = tpm2_check_answer(chip, s->rx + (params.p - s->rx), params.len, &r);
    *ret_answer = (struct tpm2_reader){params.p, params.len, 0};
    return rc;
}

/* Nonces that fit nothing any more: the next call ends this session and begins another. */
static void
give_up_session(struct rot_chip *chip)
{
    struct tpm2_state *s = tpm2_of(chip);

    if (s->session.handle != 0)
        s->orphan = s->session.handle;
    tpm2_drop_session(chip);
}

/* An HMAC did not hold: by a wrong authorisation, or because an earlier answer was not the TPM's. */
static int
is_out_of_step(uint32_t code)
{
    unsigned number = code & RC_ONE_MASK;

    return (code & RC_FORMAT_ONE) != 0 &&
           (number == RC_AUTH_FAIL || number == RC_BAD_AUTH || number == RC_NONCE);
}

rot_err
tpm2_run(struct rot_chip *chip, struct tpm2_reader *ret_answer)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c = &s->command;
    size_t len = 0;
    rot_err rc;

    if (c->is_bad)
        return ROT_E_ARG;
    chip->raw_status = 0;
    store_u16(s->tx, c->session_count != 0 ? TPM2_ST_SESSIONS : TPM2_ST_NO_SESSIONS);
    store_u32(s->tx + 2, (uint32_t)c->len);
    store_u32(s->tx + 6, c->cc);
    if (c->session_count != 0) {
        rc = tpm2_protect(chip, HEADER + 4u * c->handle_count);
        if (rc != ROT_OK)
            return rc;
    }
    rc = exchange_patiently(chip, &len);
    if (rc != ROT_OK) {
        if (rc != ROT_E_BUS && is_lost(chip->raw_status))
            s->is_stale = 1;
        if (rc != ROT_E_BUS && is_out_of_step(chip->raw_status))
            give_up_session(chip);
        return rc == ROT_BUSY ? ROT_E_BUS : rc;
    }
    rc = take_answer(chip, len, ret_answer);
    if (rc != ROT_OK)
        give_up_session(chip);
    return rc;
}

rot_err
tpm2_run_plain(struct rot_chip *chip)
{
    struct tpm2_reader r;
    rot_err rc = tpm2_run(chip, &r);

    return rc == ROT_OK ? tpm2_get_end(&r) : rc;
}

/* ---- What every file needs ---------------------------------------------------- */

void
tpm2_name_of_handle(uint32_t handle, struct tpm2_name *name)
{
    name->len = 4;
    store_u32(name->b, handle);
}

rot_err
tpm2_flush(struct rot_chip *chip, uint32_t handle)
{
    /* Not in the handle area: Part 3, 28.4.2. */
    tpm2_begin(chip, TPM2_CC_FLUSH);
    tpm2_put_u32(chip, handle);
    return tpm2_run_plain(chip);
}

rot_err
tpm2_flush_after(struct rot_chip *chip, uint32_t handle, rot_err before)
{
    uint32_t status = chip->raw_status;
    rot_err rc = handle == 0 ? ROT_OK : tpm2_flush(chip, handle);

    if (before != ROT_OK) {
        chip->raw_status = status;
        return before;
    }
    return rc;
}

rot_err
tpm2_startup(struct rot_chip *chip)
{
    tpm2_begin(chip, TPM2_CC_STARTUP);
    tpm2_put_u16(chip, 0); /* TPM_SU_CLEAR */
    return tpm2_run_plain(chip);
}

/* Flush what a program that died has left.  A resource manager shows us only our own. */
static void
flush_all(struct rot_chip *chip, uint32_t first)
{
    for (int i = 0; i < 64; i++) {
        struct tpm2_reader r;
        uint32_t kind, count, handle;

        tpm2_begin(chip, TPM2_CC_GET_CAPABILITY);
        tpm2_put_u32(chip, 1); /* TPM_CAP_HANDLES */
        tpm2_put_u32(chip, first);
        tpm2_put_u32(chip, 1);
        if (tpm2_run(chip, &r) != ROT_OK)
            return;
        (void)tpm2_get_u8(&r);
        kind = tpm2_get_u32(&r);
        count = tpm2_get_u32(&r);
        if (kind != 1 || count != 1)
            return;
        handle = tpm2_get_u32(&r);
        if (tpm2_get_end(&r) != ROT_OK || ((handle ^ first) & 0xfe000000u) != 0 ||
            tpm2_flush(chip, handle) != ROT_OK)
            return;
    }
}

int
tpm2_is_worth_again(struct rot_chip *chip, rot_err rc)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint32_t status = chip->raw_status;

    if (rc == ROT_OK || !s->is_stale)
        return 0;
    s->is_stale = 0;
    if ((status & 0xfffu) == RC_INITIALIZE)
        (void)tpm2_startup(chip);
    tpm2_drop_session(chip);
    s->orphan = 0;
    flush_all(chip, 0x02000000u); /* HMAC sessions; the TPM lists policy sessions with them */
    flush_all(chip, 0x80000000u); /* transient objects */
    s->is_stale = 0;
    chip->raw_status = status;
    return 1;
}
