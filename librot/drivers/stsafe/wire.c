/*
 * wire.c: a command through the host channel, and the answer back.
 *
 * With the channel open every command carries a C-MAC and wants an R-MAC; what
 * of it is encrypted, the part's own rules say, which were read through the
 * channel too.  A refusal has no R-MAC and is believed: who sits on the bus can
 * make a part look unwilling, but not say anything else for it.
 *
 * The counter is asked for in the clear, when the channel is opened and after
 * whatever may have left us and the part at odds: a lost answer, a refusal,
 * another program that spoke to the part.  Whoever answers, a counter that a
 * command was sent with is used again for that counter's command at most, and
 * none below it ever: nobody collects MACs for commands to come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#include "../../transports/stsafe_frame.h"

#define HOST_FLAGS 0xe0u /* C-MAC there, R-MAC wanted, of the host's channel */
#define SEND_TRIES 3

static struct stsafe_crypto
crypto_of(const struct rot_chip *chip)
{
    const struct stsafe_state *s = stsafe_of(chip);

    return (struct stsafe_crypto){chip->setup.port, s->channel.keys,
                                  s->model == STSAFE_A120 ? 4 : 3};
}

static size_t
head_len(const struct stsafe_state *s)
{
    return s->code > 0xff ? 2 : 1;
}

static unsigned
hidden(const struct stsafe_state *s)
{
    return s->rules.hidden[s->code > 0xff][s->code & 0x1f];
}

rot_err
stsafe_may(const struct rot_chip *chip, enum stsafe_code code)
{
    const struct stsafe_state *s = stsafe_of(chip);
    unsigned set = (unsigned)code > 0xff, at = (unsigned)code & 0x1f;

    switch (s->rules.who[set][at]) {
    case STSAFE_RULE_NEVER:
        return ROT_E_UNSUPPORTED;
    case STSAFE_RULE_FREE:
        return s->rules.hidden[set][at] == 0 || s->channel.is_open ? ROT_OK : ROT_E_AUTH;
    case STSAFE_RULE_HOST:
    case STSAFE_RULE_ADMIN_HOST:
        return s->channel.is_open ? ROT_OK : ROT_E_AUTH;
    default:
        return ROT_E_AUTH; /* of others than the host */
    }
}

/* ---- There ------------------------------------------------------------------------- */

static struct stsafe_sent
sent(const struct stsafe_state *s)
{
    size_t head = head_len(s);

    return (struct stsafe_sent){{s->tx, head}, {s->tx + head, s->tx_len - head}};
}

/* Encrypt what was built, or (for another counter) decrypt what was sent. */
static rot_err
hide(struct rot_chip *chip, const struct stsafe_crypto *c, int encrypt)
{
    struct stsafe_state *s = stsafe_of(chip);
    size_t head = head_len(s), len = s->tx_len - head;
    rot_err rc = ROT_OK;

    s->tx[0] ^= HOST_FLAGS;
    if ((hidden(s) & STSAFE_ENCRYPTED_COMMAND) != 0)
        rc = (encrypt ? stsafe_encrypt_command : stsafe_decrypt_command)(c, s->channel.counter,
                                                                         s->tx + head, &len);
    s->tx_len = head + len;
    return rc;
}

/* The MAC goes behind tx_len, which stays the length of what it is over. */
static rot_err
protect(struct rot_chip *chip, const struct stsafe_crypto *c)
{
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc = hide(chip, c, 1);
    const struct stsafe_sent whole = sent(s);

    if (rc == ROT_OK)
        rc = stsafe_command_mac(c, s->channel.counter, &whole, s->tx + s->tx_len);
    s->channel.floor = s->channel.counter;
    return rc;
}

/* What the part could not read it did not count: the same bytes again. */
static rot_err
exchange(struct rot_chip *chip, size_t len, size_t *ret_len)
{
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc = ROT_E_BUS;

    for (int i = 0; i < SEND_TRIES; i++) {
        rc = stsafe_frame_exchange(chip->setup.transport, s->address, s->tx, len, s->rx,
                                   sizeof(s->rx), ret_len);
        if (rc != ROT_OK || (s->rx[0] & 0x1f) != STSAFE_COMMUNICATION)
            break;
    }
    return rc;
}

/* ---- And back ------------------------------------------------------------------------- */

/* R-MAC, then decryption in rx. */
static rot_err
open_answer(struct rot_chip *chip, const struct stsafe_crypto *c, struct stsafe_reader *r)
{
    struct stsafe_state *s = stsafe_of(chip);
    const struct stsafe_sent whole = sent(s);
    uint8_t mac[STSAFE_MAC], *p = s->rx + STSAFE_FRAME_HEAD;
    rot_err rc;

    if (r->len < STSAFE_MAC)
        return ROT_E_BUS;
    r->len -= STSAFE_MAC;
    rc = stsafe_answer_mac(c, s->channel.counter, &whole, s->rx[0], (struct rot_bytes){p, r->len},
                           mac);
    if (rc == ROT_OK && !rot_equal(mac, p + r->len, STSAFE_MAC))
        rc = ROT_E_BUS; /* somebody on the bus changed the answer, or sent an old one */
    if (rc == ROT_OK && (hidden(s) & STSAFE_ENCRYPTED_ANSWER) != 0 && r->len != 0)
        rc = stsafe_decrypt_answer(c, s->channel.counter, p, &r->len);
    return rc;
}

static rot_err
take_answer(struct rot_chip *chip, const struct stsafe_crypto *c, size_t len,
            struct stsafe_reader *r)
{
    struct stsafe_state *s = stsafe_of(chip);
    uint8_t status = s->rx[0] & 0x1f;
    rot_err rc;

    chip->raw_status = status;
    if (status != STSAFE_OK)
        return stsafe_map_status(status);
    *r = (struct stsafe_reader){s->rx + STSAFE_FRAME_HEAD, len - STSAFE_FRAME_MIN, 0};
    if (!s->channel.is_open)
        return ROT_OK;
    rc = open_answer(chip, c, r);
    if (rc == ROT_OK)
        s->channel.floor = ++s->channel.counter;
    return rc;
}

static rot_err
run_once(struct rot_chip *chip, struct stsafe_reader *r)
{
    struct stsafe_state *s = stsafe_of(chip);
    const struct stsafe_crypto c = crypto_of(chip);
    size_t len = s->tx_len;
    rot_err rc = ROT_OK;

    if (s->channel.is_open) {
        rc = protect(chip, &c);
        len = s->tx_len + STSAFE_MAC;
    }
    if (rc == ROT_OK)
        rc = exchange(chip, len, &len);
    if (rc == ROT_OK)
        rc = take_answer(chip, &c, len, r);
    s->channel.is_unsure = rc != ROT_OK;
    return rc;
}

/* ---- In step --------------------------------------------------------------------------- */

/* In buffers of its own, so that a command that was built stays. */
rot_err
stsafe_host_key(struct rot_chip *chip, int *ret_present, uint32_t *ret_counter)
{
    struct stsafe_state *s = stsafe_of(chip);
    unsigned is_v2 = s->model == STSAFE_A120;
    uint8_t tx[2 + STSAFE_FRAME_CRC] = {STSAFE_QUERY,
                                        is_v2 ? STSAFE_TAG_HOST_KEY_V2 : STSAFE_TAG_HOST_KEY};
    uint8_t rx[STSAFE_FRAME_MIN + 6];
    struct stsafe_reader r = {rx + STSAFE_FRAME_HEAD, 0, 0};
    uint32_t counter;
    unsigned present;
    rot_err rc =
        stsafe_frame_exchange(chip->setup.transport, s->address, tx, 2, rx, sizeof(rx), &r.len);

    if (rc == ROT_OK)
        rc = stsafe_map_status(rx[0] & 0x1f);
    if (rc != ROT_OK)
        return rc;
    r.len -= STSAFE_FRAME_MIN;
    present = stsafe_get_int(&r, 1);
    (void)stsafe_get(&r, is_v2); /* the type of the keys */
    counter = stsafe_get_int(&r, is_v2 ? 4 : 3);
    if (stsafe_get_end(&r) != ROT_OK || present > 1)
        return ROT_E_FORMAT;
    *ret_present = present != 0;
    *ret_counter = counter;
    return ROT_OK;
}

static rot_err
get_in_step(struct rot_chip *chip)
{
    struct stsafe_channel *ch = &stsafe_of(chip)->channel;
    uint32_t counter = 0;
    int present = 0;
    rot_err rc = stsafe_host_key(chip, &present, &counter);

    if (rc != ROT_OK)
        return rc;
    if (!present || counter < ch->floor)
        return ROT_E_AUTH;
    ch->counter = counter;
    ch->is_unsure = 0;
    return ROT_OK;
}

rot_err
stsafe_run(struct rot_chip *chip, struct stsafe_reader *ret_answer)
{
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc = s->is_too_big ? ROT_E_ARG : stsafe_may(chip, (enum stsafe_code)s->code);

    if (rc != ROT_OK)
        return rc;
    if (s->channel.is_open && s->channel.is_unsure)
        rc = get_in_step(chip);
    if (rc == ROT_OK)
        rc = run_once(chip, ret_answer);
    if (rc == ROT_E_AUTH && chip->raw_status == STSAFE_BAD_MAC && s->channel.is_open) {
        /* Another program spoke to the part meanwhile. */
        const struct stsafe_crypto c = crypto_of(chip);

        rc = hide(chip, &c, 0);
        if (rc == ROT_OK)
            rc = get_in_step(chip);
        if (rc == ROT_OK)
            rc = run_once(chip, ret_answer);
    }
    rot_wipe_memory(s->tx, s->tx_len);
    return rc;
}

rot_err
stsafe_run_plain(struct rot_chip *chip)
{
    struct stsafe_reader r;
    rot_err rc = stsafe_run(chip, &r);

    return rc == ROT_OK ? stsafe_get_end(&r) : rc;
}

rot_err
stsafe_run_into(struct rot_chip *chip, uint8_t *out, size_t len)
{
    struct stsafe_reader r;
    struct rot_bytes b;
    rot_err rc = stsafe_run(chip, &r);

    if (rc != ROT_OK)
        return rc;
    b = stsafe_get(&r, len);
    rc = stsafe_get_end(&r);
    if (rc == ROT_OK)
        memcpy(out, b.p, len);
    return rc;
}

rot_err
stsafe_query(struct rot_chip *chip, enum stsafe_tag tag, struct stsafe_reader *ret_answer)
{
    stsafe_begin(chip, STSAFE_QUERY);
    stsafe_put_u8(chip, tag);
    return stsafe_run(chip, ret_answer);
}

/* ---- Opening, and other keys --------------------------------------------------------------- */

static void
close_channel(struct rot_chip *chip)
{
    rot_wipe_memory(&stsafe_of(chip)->channel, sizeof(struct stsafe_channel));
    chip->protection = ROT_PROTECTION_NONE;
}

/* The rules were read in the clear before, perhaps from somebody else: now they are the part's. */
rot_err
stsafe_open_channel(struct rot_chip *chip, const uint8_t keys[STSAFE_SECRET], uint32_t counter)
{
    struct stsafe_state *s = stsafe_of(chip);
    struct stsafe_reader r;
    rot_err rc;

    if (!stsafe_has_crypto(chip->setup.port))
        return ROT_E_PORT;
    memmove(s->channel.keys, keys, STSAFE_SECRET);
    s->channel.counter = s->channel.floor = counter;
    s->channel.is_open = 1;
    s->channel.is_unsure = 0;
    rc = stsafe_query(chip, STSAFE_TAG_RULES, &r);
    if (rc == ROT_OK)
        rc = stsafe_read_rules(&r, &s->rules);
    if (rc == ROT_OK)
        chip->protection = ROT_PROTECTION_OWN;
    else
        close_channel(chip);
    return rc;
}

/* Section 7: the first keys go in the clear, later ones through the channel of those before. */
static rot_err
put_host_keys(struct rot_chip *chip, const uint8_t *secret)
{
    if (stsafe_of(chip)->model == STSAFE_A120) {
        stsafe_begin(chip, STSAFE_WRITE_HOST_KEY);
        stsafe_put_u8(chip, 0);
        stsafe_put_u16(chip, 0);
        stsafe_put_u8(chip, STSAFE_U_HOST_AES128);
    } else {
        stsafe_begin(chip, STSAFE_PUT_ATTRIBUTE);
        stsafe_put_u8(chip, STSAFE_TAG_HOST_KEY);
    }
    stsafe_put(chip, secret, STSAFE_SECRET);
    return stsafe_run_plain(chip);
}

/* ROT_E_AUTH when the part has no host keys, or others. */
static rot_err
try_keys(struct rot_chip *chip, const uint8_t *secret)
{
    uint32_t counter = 0;
    int present = 0;
    rot_err rc = stsafe_host_key(chip, &present, &counter);

    if (rc == ROT_OK && !present)
        rc = ROT_E_AUTH;
    return rc == ROT_OK ? stsafe_open_channel(chip, secret, counter) : rc;
}

/* What we spoke by before. */
struct conversation {
    struct stsafe_channel channel;
    uint8_t protection;
};

static void
resume(struct rot_chip *chip, const struct conversation *before)
{
    struct stsafe_state *s = stsafe_of(chip);

    s->channel = before->channel;
    s->channel.is_unsure = before->channel.is_open;
    chip->protection = before->protection;
}

/*
 * Whatever the part said to the new keys, and with whichever it signed that: they
 * are in place when they work.  So a rotation that was cut is found done, or is
 * done again.
 */
static rot_err
replace_keys(struct rot_chip *chip, const struct conversation *before, const uint8_t *secret)
{
    uint32_t status;
    rot_err put, rc = try_keys(chip, secret);

    if (rc == ROT_OK)
        return ROT_OK;
    resume(chip, before);
    if (rc != ROT_E_AUTH)
        return rc;
    put = put_host_keys(chip, secret);
    status = chip->raw_status;
    rc = try_keys(chip, secret);
    if (rc == ROT_OK)
        return ROT_OK;
    resume(chip, before);
    if (put == ROT_OK)
        return rc;
    chip->raw_status = status;
    return put;
}

rot_err
stsafe_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    struct conversation before;
    rot_err rc = ROT_OK;

    if (secret_len != STSAFE_SECRET)
        return ROT_E_ARG;
    before.channel = stsafe_of(chip)->channel;
    before.protection = chip->protection;
    if (!before.channel.is_open || !rot_equal(before.channel.keys, secret, STSAFE_SECRET))
        rc = replace_keys(chip, &before, secret);
    rot_wipe_memory(&before, sizeof(before));
    if (rc == ROT_OK)
        chip->raw_status = 0;
    return rc;
}
