/*
 * wire.c: one command after another, in the clear or through the channel.
 *
 * The application in the part is opened after a reset, and the channel after
 * that.  Whatever goes wrong on the way ends both: the next command resets the
 * part and opens them again, so that nothing of a command that failed can be
 * taken for the answer of another.  Session secrets are lost with that.
 *
 * Once a chip is spoken to through the channel it is never spoken to in the
 * clear again while it is open, whatever the part or somebody on the bus says.
 *
 * Bounds: those of the transport, 30 s for a command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

_Static_assert(OPTIGA_PUBLISHED >= ROT_SECRET_MAX, "is_published() compares that much");

#define PLAIN_AT (IFX_SHIELD_HEAD - 1u) /* in the clear one byte stands in front of a command */

/* Nothing is known of the part any more. */
static void
stop(struct optiga_state *s)
{
    rot_wipe_memory(&s->shield, sizeof(s->shield));
    s->is_open = s->is_shielded = 0;
    s->sessions = 0;
    s->pending.place = NULL;
}

static rot_err
exchange(struct rot_chip *chip, struct rot_bytes *ret_answer)
{
    struct optiga_state *s = optiga_of(chip);
    const struct rot_port *port = chip->setup.port;
    size_t at = s->is_shielded ? 0 : PLAIN_AT, n = s->apdu.len + 1;
    rot_err rc = optiga_apdu_end(&s->apdu);

    if (rc != ROT_OK)
        return rc;
    s->buf[PLAIN_AT] = IFX_SHIELD_PLAIN;
    if (s->is_shielded)
        rc = ifx_shield_seal(&s->shield, port, s->buf, s->apdu.len, &n);
    if (rc == ROT_OK)
        rc = ifx_i2c_exchange(&s->link, IFX_I2C_PRESENCE, s->buf + at, n, s->buf, sizeof(s->buf),
                              &n);
    if (rc == ROT_OK && s->is_shielded)
        rc = ifx_shield_open(&s->shield, port, s->buf, n, ret_answer);
    else if (rc == ROT_OK && (n == 0 || s->buf[0] != IFX_SHIELD_PLAIN))
        rc = ROT_E_FORMAT;
    else if (rc == ROT_OK)
        *ret_answer = (struct rot_bytes){s->buf + 1, n - 1};
    if (rc != ROT_OK)
        stop(s);
    /* Numbers that are used up are no fault: the next command has new ones. */
    return rc == ROT_E_STATE ? ROT_E_BUS : rc;
}

static struct optiga_apdu *
begin(struct optiga_state *s, enum optiga_cmd cmd, unsigned param)
{
    optiga_apdu_begin(&s->apdu, s->buf + IFX_SHIELD_HEAD,
                      sizeof(s->buf) - IFX_SHIELD_HEAD - IFX_SHIELD_MAC, cmd, param);
    return &s->apdu;
}

/* SRM: the code behind Sta FF is read from F1C2, by a command that does not clear it first. */
static rot_err
read_error(struct rot_chip *chip)
{
    struct optiga_state *s = optiga_of(chip);
    struct optiga_apdu *a = begin(s, OPTIGA_GET_ERROR, OPTIGA_DATA);
    struct rot_bytes answer, out;
    rot_err rc;

    optiga_put_u16(a, OPTIGA_OID_ERROR);
    optiga_put_u16(a, 0);
    optiga_put_u16(a, 1);
    rc = exchange(chip, &answer);
    if (rc == ROT_OK)
        rc = optiga_apdu_read(answer, &out);
    if (rc == ROT_OK && out.len != 1)
        rc = ROT_E_FORMAT;
    if (rc != ROT_OK) {
        stop(s);
        return rc;
    }
    chip->raw_status = out.p[0];
    if (out.p[0] == OPTIGA_E_CLOSED)
        stop(s);
    return optiga_map_error(out.p[0]);
}

static rot_err
transact(struct rot_chip *chip, struct rot_bytes *ret_out)
{
    struct rot_bytes answer;
    rot_err rc = exchange(chip, &answer);

    if (rc != ROT_OK) {
        optiga_of(chip)->unlike = 0;
        return rc;
    }
    rc = optiga_apdu_read(answer, ret_out);
    if (rc == ROT_E_CHIP)
        return read_error(chip);
    if (rc != ROT_OK)
        stop(optiga_of(chip));
    return rc;
}

/* ---- Opening ---------------------------------------------------------------------------- */

static rot_err
open_application(struct rot_chip *chip)
{
    static const uint8_t aid[] = {0xd2, 0x76, 0x00, 0x00, 0x04, 'G', 'e', 'n',
                                  'A',  'u',  't',  'h',  'A',  'p', 'p', 'l'};
    struct rot_bytes out;
    rot_err rc;

    optiga_put(begin(optiga_of(chip), OPTIGA_OPEN, 0), aid, sizeof(aid));
    rc = transact(chip, &out);
    return rc == ROT_OK && out.len != 0 ? ROT_E_FORMAT : rc;
}

static rot_err
shake_hands(struct rot_chip *chip)
{
    struct optiga_state *s = optiga_of(chip);
    rot_err rc = ifx_shield_start(&s->shield, &s->link, chip->setup.port,
                                  (struct rot_bytes){s->secret, s->secret_len});

    s->is_shielded = rc == ROT_OK;
    return rc;
}

static rot_err
start(struct rot_chip *chip)
{
    struct optiga_state *s = optiga_of(chip);
    const struct rot_transport *t = chip->setup.transport;
    rot_err rc;

    stop(s);
    rc = ifx_i2c_open(&s->link, t, t->address != 0 ? t->address : IFX_I2C_ADDRESS);
    if (rc == ROT_OK)
        rc = open_application(chip);
    if (rc == ROT_OK && s->secret_len != 0)
        rc = shake_hands(chip);
    s->is_open = rc == ROT_OK;
    return rc;
}

/* Speak by this secret from now on; none: in the clear. */
static rot_err
speak(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    struct optiga_state *s = optiga_of(chip);

    rot_wipe_memory(s->secret, sizeof(s->secret));
    if (len != 0)
        memcpy(s->secret, secret, len);
    s->secret_len = (uint8_t)len;
    chip->protection = len != 0 ? ROT_PROTECTION_OWN : ROT_PROTECTION_NONE;
    return start(chip);
}

static rot_err
read_uid(struct rot_chip *chip)
{
    struct optiga_state *s = optiga_of(chip);
    rot_err rc = optiga_get(chip, OPTIGA_OID_UID, 0, s->uid, OPTIGA_UID);

    if (rc != ROT_OK)
        return rc;
    s->is_old = ((unsigned)s->uid[OPTIGA_AT_BUILD] << 8) < OPTIGA_BUILD_V3;
    return ROT_OK;
}

static rot_err
host_secret(struct rot_chip *chip, uint8_t secret[ROT_SECRET_MAX])
{
    const struct rot_port *port = chip->setup.port;
    const struct rot_bytes uid = {optiga_of(chip)->uid, OPTIGA_UID};

    if (port->ops->channel_secret == NULL)
        return ROT_E_EMPTY;
    return port->ops->channel_secret(port->self, "optiga", uid, secret, ROT_SECRET_MAX);
}

/* A part that does not know the host's secret is not paired yet: it is spoken to in the clear. */
static rot_err
open_channel(struct rot_chip *chip)
{
    uint8_t secret[ROT_SECRET_MAX];
    rot_err rc = host_secret(chip, secret);

    if (rc == ROT_E_EMPTY)
        return ROT_OK;
    if (rc == ROT_OK)
        rc = speak(chip, secret, sizeof(secret));
    rot_wipe_memory(secret, sizeof(secret));
    if (rc != ROT_E_AUTH)
        return rc;
    optiga_of(chip)->is_unpaired = 1;
    return speak(chip, NULL, 0);
}

rot_err
optiga_probe(struct rot_chip *chip)
{
    rot_err rc = speak(chip, NULL, 0);

    if (rc == ROT_OK)
        rc = read_uid(chip);
    return rc == ROT_OK ? open_channel(chip) : rc;
}

rot_err
optiga_reset(struct rot_chip *chip)
{
    optiga_of(chip)->unlike = 0;
    return start(chip);
}

void
optiga_close(struct rot_chip *chip)
{
    struct optiga_state *s = optiga_of(chip);
    struct rot_bytes out;

    if (!s->is_open)
        return;
    (void)begin(s, OPTIGA_CLOSE, 0);
    (void)!transact(chip, &out);
    stop(s);
}

/* ---- Commands ------------------------------------------------------------------------------ */

struct optiga_apdu *
optiga_begin(struct rot_chip *chip, enum optiga_cmd cmd, unsigned param)
{
    struct optiga_state *s = optiga_of(chip);

    s->ready = s->is_open ? ROT_OK : start(chip);
    return begin(s, cmd, param);
}

rot_err
optiga_run(struct rot_chip *chip, struct rot_bytes *ret_out)
{
    rot_err rc = optiga_of(chip)->ready;

    return rc == ROT_OK ? transact(chip, ret_out) : rc;
}

rot_err
optiga_run_plain(struct rot_chip *chip)
{
    struct rot_bytes out;
    rot_err rc = optiga_run(chip, &out);

    return rc == ROT_OK && out.len != 0 ? ROT_E_FORMAT : rc;
}

/* ---- Pairing ---------------------------------------------------------------------------------- */

static rot_err
write_binding(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    struct optiga_state *s = optiga_of(chip);
    rot_err rc = optiga_set(chip, OPTIGA_ERASE, OPTIGA_OID_BINDING, 0, secret, len);

    s->is_unpaired = 0;
    rot_wipe_memory(s->buf, sizeof(s->buf));
    return rc;
}

/* Dumps: what parts come with. */
static void
fill_published(uint8_t secret[OPTIGA_PUBLISHED])
{
    for (unsigned i = 0; i < OPTIGA_PUBLISHED; i++)
        secret[i] = (uint8_t)(i + 1);
}

/*
 * A part that was sealed with the published secret takes another one only from
 * who knows it, and everybody does.
 */
static rot_err
write_by_published(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    uint8_t published[OPTIGA_PUBLISHED];
    rot_err rc;

    fill_published(published);
    rc = speak(chip, published, sizeof(published));
    return rc == ROT_OK ? write_binding(chip, secret, len) : rc;
}

static int
is_published(const uint8_t *secret, size_t len)
{
    uint8_t published[OPTIGA_PUBLISHED];

    fill_published(published);
    return memcmp(secret, published, len) == 0; /* or its beginning; ROT_SECRET_MAX is no longer */
}

/* The host's secret, which the part did not know when it was opened. */
static int
was_refused(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    const struct optiga_state *s = optiga_of(chip);
    uint8_t hosts[ROT_SECRET_MAX];
    int is_same = s->is_open && s->is_unpaired && len == sizeof(hosts) &&
                  host_secret(chip, hosts) == ROT_OK && rot_equal(hosts, secret, len);

    rot_wipe_memory(hosts, sizeof(hosts));
    return is_same;
}

/* The part knows the old secret, or none of ours. */
static rot_err
replace(struct rot_chip *chip, struct rot_bytes old, const uint8_t *secret, size_t len)
{
    const struct optiga_state *s = optiga_of(chip);
    rot_err rc =
        s->is_open && s->secret_len == 0 && old.len == 0 ? ROT_OK : speak(chip, old.p, old.len);

    if (rc == ROT_OK)
        rc = write_binding(chip, secret, len);
    if (rc == ROT_E_STATE && old.len == 0)
        rc = write_by_published(chip, secret, len);
    if (rc != ROT_OK)
        return rc;
    rc = speak(chip, secret, len);
    return rc == ROT_E_AUTH ? ROT_E_MISMATCH : rc;
}

/* Whether the new secret is in place already is asked first: so a cut anywhere is no matter. */
rot_err
optiga_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    struct optiga_state *s = optiga_of(chip);
    uint8_t old[ROT_SECRET_MAX];
    size_t old_len = s->secret_len;
    rot_err rc;

    if (secret_len < OPTIGA_SECRET_MIN || is_published(secret, secret_len))
        return ROT_E_ARG;
    memcpy(old, s->secret, sizeof(old));
    rc = was_refused(chip, secret, secret_len) ? ROT_E_AUTH : speak(chip, secret, secret_len);
    if (rc == ROT_E_AUTH)
        rc = replace(chip, (struct rot_bytes){old, old_len}, secret, secret_len);
    if (rc != ROT_OK) {
        uint32_t status = chip->raw_status;

        (void)!speak(chip, old, old_len);
        chip->raw_status = status;
    } else {
        chip->raw_status = 0;
    }
    rot_wipe_memory(old, sizeof(old));
    return rc;
}
