/*
 * channel.c: the beginning of a conversation, and the keys that protect it.
 *
 * T=1, the applet, the unique id (in the clear: the host's secret depends
 * on it), SCP03.  The part shows by one cryptogram which static keys it has, so that all
 * sets that the host knows are tried against one answer: first what this chip was
 * given by rot_channel_rotate(), then the port's, then what the vendor published.
 * Once the host's own keys were used, published ones are not taken any more:
 * whoever sits on the bus knows those as well.
 *
 * Keys are replaced by PUT KEY in the security domain that has them, all three
 * at once (the part does it whole or not at all).  Cut anywhere, the part has the old set or
 * the new one, and both are tried when it is opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define CARD_ANSWER 29u /* of INITIALIZE UPDATE; three bytes of a sequence may follow */

enum key_set {
    KEYS_FRESH = 0,
    KEYS_OWN = 1,
    KEYS_PORT = 2,
    KEYS_PUBLISHED = 3, /* the first of se05x_published */
};

/* ref 3: SELECT of the IoT applet and of the security domain, "Card identify", the unique id. */
static const uint8_t select_applet[] = {0x00, 0xa4, 0x04, 0x00, 0x10, 0xa0, 0x00, 0x00,
                                        0x03, 0x96, 0x54, 0x53, 0x00, 0x00, 0x00, 0x01,
                                        0x03, 0x00, 0x00, 0x00, 0x00, 0x00};
static const uint8_t select_domain[] = {0x00, 0xa4, 0x04, 0x00, 0x0b, 0xd2, 0x76, 0x00, 0x00,
                                        0x85, 0x30, 0x4a, 0x43, 0x4f, 0x90, 0x03, 0x00};
static const uint8_t card_identify[] = {0x80, 0xca, 0x00, 0xfe, 0x02, 0xdf, 0x28, 0x00};
static const uint8_t read_uid[] = {0x80, 0x02, 0x00, 0x00, 0x00, 0x00, 0x06, 0x41,
                                   0x04, 0x7f, 0xff, 0x02, 0x06, 0x00, 0x00};

/* A command that is always the same; the answer's body is given. */
static rot_err
say(struct rot_chip *chip, const uint8_t *command, size_t len, struct rot_bytes *ret_body)
{
    struct se05x_state *s = se05x_of(chip);
    size_t n = 0;
    rot_err rc;

    memcpy(s->apdu, command, len);
    rc = se05x_exchange(chip, 0, len, &n);
    if (rc != ROT_OK)
        return rc;
    *ret_body = (struct rot_bytes){s->apdu, n - 2};
    return se05x_status(chip, n);
}

/* ---- Who is there --------------------------------------------------------------------- */

/* OEF ids of the SE051 and SE052 and the A5000 (ref 10, published.c); all others are SE050. */
static uint8_t
model_of(unsigned oef)
{
    if (oef == 0xa8fa || oef == 0xa920 || oef == 0xa564 || oef == 0xa565)
        return '1';
    return oef == 0xb501 ? '2' : (oef == 0xa736 ? 'a' : '0');
}

/* FE { DF28 { 01 configuration id (12) ... } }: all lengths are of one byte (ref 3.3). */
static void
take_model(struct se05x_state *s, struct rot_bytes body)
{
    const uint8_t *p = body.p;

    s->model = '0';
    if (body.len >= 19 && p[0] == 0xfe && p[2] == 0xdf && p[3] == 0x28 && p[5] == 1 && p[6] == 12)
        s->model = model_of((unsigned)p[7 + SE05X_OEF_AT] << 8 | p[8 + SE05X_OEF_AT]);
}

static rot_err
open_line(struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;

    return t1_i2c_open(&se05x_of(chip)->t1, t, t->address != 0 ? t->address : SE05X_ADDRESS);
}

/*
 * Before anything is selected.  What another program left selected does not say: that
 * program's conversation is over anyway.
 */
static rot_err
find_model(struct rot_chip *chip)
{
    struct rot_bytes body = {NULL, 0};
    rot_err rc = say(chip, card_identify, sizeof(card_identify), &body);

    if (chip->raw_status != 0) {
        t1_i2c_close(&se05x_of(chip)->t1);
        rc = open_line(chip);
        if (rc == ROT_OK)
            rc = say(chip, card_identify, sizeof(card_identify), &body);
    }
    if (rc == ROT_E_BUS || rc == ROT_E_FORMAT)
        return rc;
    if (rc != ROT_OK)
        body.len = 0;
    take_model(se05x_of(chip), body);
    return ROT_OK;
}

/* Major, minor, patch, and more. */
static rot_err
select_iot(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    struct rot_bytes body = {NULL, 0};
    rot_err rc = say(chip, select_applet, sizeof(select_applet), &body);

    if (rc == ROT_E_BUS || rc == ROT_BUSY)
        return rc;
    if (rc != ROT_OK || body.len < 7)
        return ROT_E_WRONG_PART;
    memcpy(s->version, body.p, sizeof(s->version));
    s->is_modern = SE05X_MODERN(s->version[0], s->version[1]);
    return ROT_OK;
}

/* What a part refuses here, because it wants its channel first, it tells later. */
static rot_err
find_uid(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    struct rot_bytes body = {NULL, 0}, uid;
    struct se05x_reader r;
    rot_err rc = say(chip, read_uid, sizeof(read_uid), &body);

    if (rc != ROT_OK)
        return rc == ROT_E_BUS || rc == ROT_E_FORMAT ? rc : ROT_OK;
    r = (struct se05x_reader){body.p, body.len, 0};
    uid = se05x_take(&r, SE05X_TAG_1);
    if (se05x_take_end(&r) != ROT_OK || uid.len != SE05X_UID)
        return ROT_E_FORMAT;
    memcpy(s->uid, uid.p, SE05X_UID);
    s->has_uid = 1;
    return ROT_OK;
}

/* ---- SCP03 --------------------------------------------------------------------------------- */

static int
has_crypto(const struct rot_port *port)
{
    return port->ops->aes_cbc != NULL && port->ops->aes_cmac != NULL && port->ops->random != NULL;
}

static int
wants_channel(const struct rot_chip *chip)
{
    return chip->setup.layout->channel && has_crypto(chip->setup.port);
}

/* Everybody has these: whoever gives them to a part or to its host protects nothing. */
static int
is_published(const uint8_t keys[SE05X_KEYS])
{
    for (unsigned i = 0; i < se05x_published_count; i++)
        if (rot_equal(keys, se05x_published[i], SE05X_KEYS))
            return 1;
    return 0;
}

/* What the port says is the host's own; published keys are nobody's own. */
static rot_err
ask_port(const struct rot_chip *chip, uint8_t keys[SE05X_KEYS])
{
    const struct se05x_state *s = se05x_of(chip);
    const struct rot_port *port = chip->setup.port;
    rot_err rc;

    if (port->ops->channel_secret == NULL || !s->has_uid)
        return ROT_E_EMPTY;
    rc = port->ops->channel_secret(port->self, chip->setup.driver->name,
                                   (struct rot_bytes){s->uid, SE05X_UID}, keys, SE05X_KEYS);
    return rc == ROT_OK && is_published(keys) ? ROT_E_EMPTY : rc;
}

/* ROT_E_EMPTY: the host has no such set. */
static rot_err
load_keys(const struct rot_chip *chip, unsigned which, uint8_t keys[SE05X_KEYS])
{
    const struct se05x_state *s = se05x_of(chip);

    if (which >= KEYS_PUBLISHED && chip->protection == ROT_PROTECTION_OWN)
        return ROT_E_EMPTY;
    if ((which == KEYS_FRESH && !s->has_fresh) || (which == KEYS_OWN && !s->has_own))
        return ROT_E_EMPTY;
    if (which == KEYS_PORT)
        return ask_port(chip, keys);
    memcpy(keys,
           which == KEYS_FRESH
               ? s->fresh
               : (which == KEYS_OWN ? s->own : se05x_published[which - KEYS_PUBLISHED]),
           SE05X_KEYS);
    return ROT_OK;
}

/* Challenges of both sides in challenges; the part's cryptogram in card. */
static rot_err
initialize_update(struct rot_chip *chip, uint8_t version, uint8_t challenges[16], uint8_t card[8])
{
    struct se05x_state *s = se05x_of(chip);
    const struct rot_port *port = chip->setup.port;
    uint8_t command[13] = {0x80, 0x50, version, 0x00, 0x08};
    struct rot_bytes body = {NULL, 0};
    rot_err rc = port->ops->random(port->self, challenges, 8);

    if (rc != ROT_OK)
        return rc;
    memcpy(command + 5, challenges, 8);
    rc = say(chip, command, sizeof(command), &body);
    if (rc != ROT_OK)
        return rc;
    if ((body.len != CARD_ANSWER && body.len != CARD_ANSWER + 3) || body.p[11] != 3)
        return ROT_E_FORMAT;
    s->scp.version = body.p[10];
    memcpy(challenges + 8, body.p + 13, 8);
    memcpy(card, body.p + 21, 8);
    return ROT_OK;
}

/*
 * The set of static keys that the part's cryptogram was made with; session keys in s->scp.  A
 * frame of its own: the keys are not to take stack while the part is spoken to.
 */
static __attribute__((noinline)) rot_err
find_keys(struct rot_chip *chip, const uint8_t challenges[16], const uint8_t card[8],
          uint8_t ret_host[8])
{
    struct se05x_state *s = se05x_of(chip);
    struct se05x_cryptograms both;
    const unsigned end = KEYS_PUBLISHED + se05x_published_count;
    uint8_t keys[SE05X_KEYS];
    rot_err rc = ROT_E_AUTH;

    for (unsigned which = 0; which < end && rc == ROT_E_AUTH; which++) {
        rc = load_keys(chip, which, keys);
        if (rc == ROT_OK)
            rc = se05x_derive_session(chip->setup.port, keys, challenges, &s->scp, &both);
        if (rc == ROT_E_EMPTY || (rc == ROT_OK && !rot_equal(both.card, card, 8)))
            rc = ROT_E_AUTH;
        s->scp.keys = (uint8_t)which;
    }
    s->scp.skips_dataless = SE05X_SKIPS_DATALESS(s->version[0], s->version[1]);
    if (rc == ROT_OK)
        memcpy(ret_host, both.host, 8);
    rot_wipe_memory(keys, sizeof(keys));
    return rc;
}

static rot_err
authenticate(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    uint8_t challenges[16], card[8], host[8];
    size_t start, end, n;
    rot_err rc;

    chip->raw_status = 0;
    rc = initialize_update(chip, SE05X_KEY_VERSION, challenges, card);
    /* What is refused is the version: other tools may have given the keys another. */
    if (rc != ROT_OK && chip->raw_status != 0)
        rc = initialize_update(chip, SE05X_KEY_ANY, challenges, card);
    if (rc != ROT_OK)
        return chip->raw_status != 0 ? ROT_E_AUTH : rc;
    rc = find_keys(chip, challenges, card, host);
    if (rc == ROT_OK)
        rc = se05x_put_authenticate(chip->setup.port, &s->scp, host, s->apdu, &start, &end);
    if (rc == ROT_OK)
        rc = se05x_exchange(chip, start, end, &n);
    if (rc != ROT_OK)
        return rc;
    rc = se05x_status(chip, n);
    if (rc != ROT_OK || n != 2)
        return rc != ROT_OK ? ROT_E_AUTH : ROT_E_FORMAT;
    s->scp.is_on = 1;
    chip->protection = s->scp.keys < KEYS_PUBLISHED ? ROT_PROTECTION_OWN : ROT_PROTECTION_DEFAULT;
    return ROT_OK;
}

static rot_err
connect(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    rot_err rc = ROT_OK;

    if (!s->t1.is_open)
        rc = open_line(chip);
    if (rc == ROT_OK && s->model == 0)
        rc = find_model(chip);
    if (rc == ROT_OK)
        rc = select_iot(chip);
    if (rc == ROT_OK && !s->has_uid)
        rc = find_uid(chip);
    if (rc == ROT_OK && wants_channel(chip))
        rc = authenticate(chip);
    return rc;
}

rot_err
se05x_connect(struct rot_chip *chip)
{
    int production = (chip->setup.flags & ROT_OPEN_PRODUCTION) != 0;
    rot_err rc;

    if (production && chip->setup.layout->channel && !has_crypto(chip->setup.port))
        return ROT_E_PORT;
    se05x_drop(chip);
    rc = connect(chip);
    if (rc != ROT_OK)
        se05x_drop(chip);
    se05x_of(chip)->is_ready = rc == ROT_OK;
    return rc;
}

/* ---- New keys ------------------------------------------------------------------------------- */

/* PUT KEY in the channel that is open. */
static rot_err
put_keys(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    struct se05x_command *c = &s->command;
    uint8_t keys[SE05X_KEYS];
    struct se05x_reader r;
    rot_err rc = load_keys(chip, s->scp.keys, keys);

    *c =
        (struct se05x_command){.header = {0x80, SE05X_PUT_KEY, s->scp.version, SE05X_PUT_KEY_FIRST},
                               .len = SE05X_PUT_KEY_SIZE};
    if (rc == ROT_OK)
        rc = se05x_put_keys(chip->setup.port, keys + 32, s->scp.version, s->fresh,
                            s->apdu + SE05X_HEAD);
    rot_wipe_memory(keys, sizeof(keys));
    s->error = ROT_OK;
    return rc == ROT_OK ? se05x_run(chip, &r) : rc;
}

/* The domain has the keys; a part that does not show it takes them through its applet. */
static rot_err
enter_domain(struct rot_chip *chip)
{
    struct rot_bytes body = {NULL, 0};
    rot_err rc;

    se05x_drop(chip);
    rc = say(chip, select_domain, sizeof(select_domain), &body);
    if (rc != ROT_OK && chip->raw_status != 0)
        return se05x_connect(chip);
    return rc == ROT_OK ? authenticate(chip) : rc;
}

/* The conversation that is open was opened by other keys than the new ones. */
static int
has_others(const struct rot_chip *chip)
{
    const struct se05x_state *s = se05x_of(chip);
    uint8_t keys[SE05X_KEYS];
    int others = s->is_ready && s->scp.is_on && load_keys(chip, s->scp.keys, keys) == ROT_OK &&
                 !rot_equal(keys, s->fresh, SE05X_KEYS);

    rot_wipe_memory(keys, sizeof(keys));
    return others;
}

static rot_err
rotate(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    rot_err rc = ROT_OK;

    if (!has_others(chip)) {
        se05x_drop(chip);
        rc = se05x_connect(chip);
        if (rc != ROT_OK || s->scp.keys == KEYS_FRESH)
            return rc;
    }
    rc = enter_domain(chip);
    if (rc == ROT_OK)
        rc = put_keys(chip);
    se05x_drop(chip);
    if (rc != ROT_OK)
        return rc;
    rc = se05x_connect(chip);
    return rc == ROT_OK && s->scp.keys != KEYS_FRESH ? ROT_E_MISMATCH : rc;
}

rot_err
se05x_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    struct se05x_state *s = se05x_of(chip);
    rot_err rc;

    if (secret_len != SE05X_KEYS || is_published(secret))
        return ROT_E_ARG;
    /* Who cannot read the unique id in the clear would not find the keys again. */
    if (!wants_channel(chip) || !s->has_uid)
        return ROT_E_UNSUPPORTED;
    memcpy(s->fresh, secret, SE05X_KEYS);
    s->has_fresh = 1;
    rc = rotate(chip);
    if (rc == ROT_OK) {
        memcpy(s->own, secret, SE05X_KEYS);
        s->has_own = 1;
    }
    /* Without an answer nobody knows which keys are in place: both are tried from now on. */
    if (rc == ROT_OK || chip->raw_status != 0) {
        s->has_fresh = 0;
        rot_wipe_memory(s->fresh, sizeof(s->fresh));
    }
    return rc;
}
