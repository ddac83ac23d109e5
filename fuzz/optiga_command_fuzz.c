/*
 * optiga_command_fuzz.c: a hostile host against the simulated OPTIGA Trust M.
 *
 * The input is a first byte that picks a part (V1, V3, V3 with a shielded
 * connection, V3 in the middle of a protected update) and then bus operations:
 * raw writes, frames, packets, messages and APDUs, each with everything below
 * it put right, so that the bytes reach their layer; reads, time, power, faults
 * and quirks.  Parts are made once and copied.  Besides memory errors it looks
 * for a private key in an answer, a life cycle that went back, contents that
 * nobody may change and changed, and a chip that cannot be used again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/cbor.h"
#include "sims/common/ca.h"
#include "sims/optiga/chip.h"
#include "sims/optiga/model.h"

#define OPERATIONS_MAX 24
#define CURVE_MAX      4    /* commands that cost a curve operation, for speed */
#define KEY_BYTE       0x51 /* the vendor's private key is this, 32 times */
#define ANCHOR_BYTE    0x52 /* so is the key of the trust anchor, which the host has */
#define PART_COUNT     4
#define PACKET_MAX     272

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The part's host --------------------------------------------------------------------- */

struct desk {
    struct sim_fate fate;
    uint32_t random;
};

static struct sim_fate
on_command(void *self)
{
    struct desk *desk = self;
    struct sim_fate fate = desk->fate;

    desk->fate = (struct sim_fate){SIM_FATE_RUN, 0};
    return fate;
}

static void
on_stored(void *self)
{
    (void)self;
}

static void
on_random(void *self, uint8_t *p, size_t len)
{
    struct desk *desk = self;

    for (size_t i = 0; i < len; i++) {
        desk->random = desk->random * 1664525u + 1013904223u;
        p[i] = (uint8_t)(desk->random >> 24);
    }
}

static struct desk desk;
static const struct sim_host host = {&desk, on_command, on_stored, on_random};

/* ---- The input ------------------------------------------------------------------------------ */

struct input {
    const uint8_t *p;
    size_t left;
    unsigned curves;
    int has_key_byte; /* so an answer may well hold a run of them */
};

static unsigned
take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

/* At most len bytes of the input to out; how many. */
static size_t
take_bytes(struct input *in, uint8_t *out, size_t len)
{
    if (len > in->left)
        len = in->left;
    if (len > 0)
        memcpy(out, in->p, len);
    in->p += len;
    in->left -= len;
    return len;
}

/* Two bytes of length, and so many bytes. */
static size_t
take_long(struct input *in, uint8_t *out, size_t max)
{
    size_t len = take(in) << 8;

    len |= take(in);
    return take_bytes(in, out, len > max ? max : len);
}

/* ---- The layers, put right --------------------------------------------------------------------- */

/* In memory of exactly its size, so that a byte too many is seen. */
static int
bus_write(struct optiga_chip *c, const uint8_t *p, size_t len)
{
    uint8_t *exact = malloc(len == 0 ? 1 : len);
    int ack;

    if (exact == NULL)
        abort();
    if (len > 0)
        memcpy(exact, p, len);
    ack = optiga_i2c_write(c, c->address, exact, len);
    free(exact);
    return ack;
}

/* Length and checksum. */
static void
send_frame(struct optiga_chip *c, uint8_t fctr, const uint8_t *packet, size_t len)
{
    uint8_t bytes[PACKET_MAX + 8] = {0x80, fctr};

    rs_set_u16(bytes + 2, (unsigned)len);
    if (len > 0)
        memcpy(bytes + 4, packet, len);
    rs_set_u16(bytes + 4 + len, optiga_fcs(bytes + 1, len + 3));
    (void)bus_write(c, bytes, len + 6);
}

/* The number that is due, and an acknowledgement of what the part sent last. */
static void
send_packet(struct optiga_chip *c, const uint8_t *packet, size_t len)
{
    const struct optiga_link *l = &c->comms.link;

    send_frame(c, (uint8_t)(((l->rx + 1) & 3) << 2 | l->tx), packet, len);
}

/* As a chain where it is long. */
static void
send_message(struct optiga_chip *c, int presence, const uint8_t *message, size_t len)
{
    uint8_t packet[PACKET_MAX];
    size_t at = 0, most = c->comms.reg_len - (size_t)OPTIGA_FRAME_EXTRA - 1;

    do {
        size_t n = len - at > most ? most : len - at;
        int last = at + n == len;

        packet[0] = (uint8_t)(at == 0 ? (last ? 0 : 1) : (last ? 4 : 2));
        packet[0] |= (uint8_t)(presence ? 8 : 0);
        memcpy(packet + 1, message + at, n);
        at += n;
        send_packet(c, packet, n + 1);
    } while (at < len && c->powered);
}

/* The APDU under the master's key of the open session. */
static size_t
seal(const struct optiga_chip *c, uint8_t sctr, uint32_t seq, const uint8_t *apdu, size_t len,
     uint8_t *out)
{
    const struct optiga_shield_keys *k = &c->comms.shield.keys;
    struct optiga_ccm ccm = {.nonce_len = 8, .aad_len = 8};

    memcpy(ccm.key, k->block, 16);
    memcpy(ccm.nonce, k->block + 32, 4);
    rs_set_u32(ccm.nonce + 4, seq);
    ccm.aad[0] = sctr;
    rs_set_u32(ccm.aad + 1, seq);
    ccm.aad[5] = 1;
    rs_set_u16(ccm.aad + 6, (unsigned)len);
    out[0] = sctr;
    rs_set_u32(out + 1, seq);
    if (!optiga_ccm_seal(&ccm, rs_bytes_of(apdu, len), out + 5))
        abort();
    return len + 13;
}

/* As the part expects it now: plain, or a record with this protection. */
static void
send_apdu(struct optiga_chip *c, unsigned protection, const uint8_t *apdu, size_t len)
{
    uint8_t message[OPTIGA_MESSAGE_MAX];
    uint8_t sctr = (uint8_t)(0x20 | protection);

    if (!c->comms.transport.presence) {
        send_message(c, 0, apdu, len);
    } else if (protection & 1) {
        len = seal(c, sctr, c->comms.shield.keys.master_seq + 1, apdu, len, message);
        send_message(c, 1, message, len);
    } else {
        message[0] = sctr;
        memcpy(message + 1, apdu, len);
        send_message(c, 1, message, len + 1);
    }
}

/* ---- Parts ------------------------------------------------------------------------------------------ */

static void
open_application(struct optiga_chip *c)
{
    static const uint8_t apdu[] = {0xF0, 0x00, 0x00, 0x10, 0xD2, 0x76, 0x00, 0x00, 0x04, 0x47,
                                   0x65, 0x6E, 0x41, 0x75, 0x74, 0x68, 0x41, 0x70, 0x70, 0x6C};

    send_apdu(c, 0, apdu, sizeof(apdu));
    if (!c->app.open)
        abort();
}

/* The key of an object is this byte, or is drawn where it cannot be. */
static void
put_key(struct optiga_chip *c, unsigned oid, uint8_t byte, uint8_t alg, uint8_t usage)
{
    struct optiga_object *o = optiga_object(c, oid);

    if (o == NULL)
        return;
    if (o->place->kind != OPTIGA_KIND_RSA)
        memset(optiga_data(c, o), byte, optiga_key_size(alg));
    else if (!optiga_rsa_draw(alg, optiga_data(c, o)))
        abort();
    o->meta.has |= OPTIGA_HAS_ALG | OPTIGA_HAS_USAGE;
    o->meta.alg = alg;
    o->meta.usage = usage;
}

/* A secret of a type that may be used. */
static void
put_secret(struct optiga_chip *c, unsigned oid, uint8_t type)
{
    struct optiga_object *o = optiga_object(c, oid);

    memset(optiga_data(c, o), 0x54, 32);
    o->meta.has |= OPTIGA_HAS_TYPE;
    o->meta.type = type;
    o->meta.used = 32;
    o->meta.execute = (struct optiga_expr){1, {0}};
}

/* Secrets, a counter with room, a key for every purpose, a trust anchor and what it may change. */
static void
furnish(struct optiga_chip *c, struct sim_ca *ca)
{
    static const struct optiga_expr anchored = {3, {0x21, 0xE0, 0xE8}};
    static const uint8_t threshold[8] = {0, 0, 0, 0, 0, 0, 0, 9};
    uint8_t point[64], cert[1000], key[32];
    struct rs_buf der;

    put_key(c, OPTIGA_OID_KEY, KEY_BYTE, 0x03, OPTIGA_USE_AUTH);
    put_key(c, 0xE0F1, ANCHOR_BYTE, 0x03, OPTIGA_USE_SIGN | OPTIGA_USE_AGREE);
    put_key(c, 0xE0FC, 0, OPTIGA_RSA_1024, OPTIGA_USE_SIGN | OPTIGA_USE_ENC);
    put_key(c, OPTIGA_OID_AES, 0x53, OPTIGA_ALG_AES_128, OPTIGA_USE_ENC);
    put_secret(c, 0xF1D0, OPTIGA_TYPE_SECRET);
    put_secret(c, 0xF1D1, OPTIGA_TYPE_UPDATE);
    put_secret(c, 0xF1D2, OPTIGA_TYPE_AUTOREF);
    memcpy(optiga_byte(c, 0xE120), threshold, 8);
    memset(key, ANCHOR_BYTE, sizeof(key));
    if (!sim_curve_public(SIM_CURVE_P256, key, point))
        abort();
    rs_buf_init_fixed(&der, cert, sizeof(cert));
    if (sim_ca_issue(ca, "anchor", point, &der, NULL) != RS_OK)
        abort();
    memcpy(optiga_byte(c, 0xE0E8), der.p, der.len);
    optiga_object(c, 0xE0E8)->meta.used = (uint16_t)der.len;
    optiga_object(c, 0xF1E0)->meta.change = anchored;
    optiga_object(c, 0xE0F2)->meta.change = anchored;
    optiga_object(c, 0xE0FD)->meta.change = anchored;
    optiga_object(c, 0xF1D5)->meta.update = anchored;
    if (c->v3)
        optiga_object(c, OPTIGA_OID_AES)->meta.change = anchored;
}

static void
make_part(struct optiga_chip *c, struct sim_ca *ca, unsigned v3)
{
    const struct sim_model *model = v3 ? &optiga_m3_model : &optiga_m1_model;
    const struct sim_create how = {
        .personality = model->personalities[0], .ca = ca, .unique = {1, 2, 3, 4, 5, 6}};

    if (model->create(c, &host, &how, NULL) != RS_OK)
        abort();
    furnish(c, ca);
}

static void
make_parts(struct optiga_chip parts[PART_COUNT])
{
    struct optiga_shield *s = &parts[2].comms.shield;
    struct optiga_update *u = &parts[3].app.update;
    struct sim_ca *ca;

    if (sim_ca_open(NULL, "infineon", &ca, NULL) != RS_OK)
        abort();
    make_part(&parts[0], ca, 0);
    make_part(&parts[1], ca, 1);
    sim_ca_free(ca);
    open_application(&parts[0]);
    parts[2] = parts[1];
    open_application(&parts[1]);
    parts[2].comms.transport.presence = 1;
    s->phase = OPTIGA_SHIELD_OPEN;
    memset(s->keys.block, 0x60, sizeof(s->keys.block));
    open_application(&parts[2]);
    parts[3] = parts[1];
    *u = (struct optiga_update){.active = 1,
                                .type = OPTIGA_UPDATE_DATA,
                                .oid = 0xF1E0,
                                .anchor = 0xE0E8,
                                .version = 1,
                                .size = 1000,
                                .erase = 1};
}

/* ---- Operations --------------------------------------------------------------------------------------- */

static const uint8_t commands[] = {0x01, 0x02, 0x03, 0x0C, 0x14, 0x15, 0x1E, 0x1F, 0x30,
                                   0x31, 0x32, 0x33, 0x34, 0x38, 0x39, 0x70, 0x71};

/* Curve operations are slow, RSA keys much slower. */
static int
is_affordable(struct input *in, uint8_t cmd, uint8_t param)
{
    cmd &= 0x7F;
    if (cmd == 0x38 && param >= OPTIGA_RSA_1024 && param <= OPTIGA_RSA_2048)
        return 0;
    if (cmd == 0x03 || cmd == 0x1E || cmd == 0x1F || (cmd >= 0x31 && cmd <= 0x33) || cmd == 0x38)
        return in->curves++ < CURVE_MAX;
    return 1;
}

/* Protection, command by table, param, length, data; the APDU's own length is right. */
static void
do_apdu(struct optiga_chip *c, struct input *in)
{
    unsigned how = take(in);
    uint8_t apdu[OPTIGA_APDU_MAX];
    size_t len;

    apdu[0] = (uint8_t)(commands[take(in) % sizeof(commands)] | (how & 4 ? 0x80 : 0));
    apdu[1] = (uint8_t)take(in);
    len = how & 8 ? take_long(in, apdu + 4, OPTIGA_DATA_MAX) : take_bytes(in, apdu + 4, take(in));
    rs_set_u16(apdu + 2, (unsigned)len);
    if (is_affordable(in, apdu[0], apdu[1]))
        send_apdu(c, how & 3, apdu, len + 4);
}

static void
do_raw(struct optiga_chip *c, struct input *in)
{
    uint8_t bytes[256];
    size_t len = take_bytes(in, bytes, take(in));

    (void)bus_write(c, bytes, len);
}

static void
do_frame(struct optiga_chip *c, struct input *in)
{
    uint8_t packet[PACKET_MAX], fctr = (uint8_t)take(in);
    size_t len = take_bytes(in, packet, take(in));

    send_frame(c, fctr, packet, len);
}

static void
do_packet(struct optiga_chip *c, struct input *in)
{
    uint8_t packet[PACKET_MAX];

    send_packet(c, packet, take_long(in, packet, sizeof(packet)));
}

static void
do_message(struct optiga_chip *c, struct input *in)
{
    uint8_t message[OPTIGA_MESSAGE_MAX];
    size_t len = take_long(in, message, sizeof(message));

    send_message(c, 1, message, len);
}

/* A fragment with the digest that the part waits for. */
static void
do_fragment(struct optiga_chip *c, struct input *in)
{
    uint8_t apdu[4 + 3 + 640] = {0x83, 0x01, 0x00, 0x00};
    size_t len;

    apdu[4] = (uint8_t)(0x31 + (take(in) & 1));
    len = take_long(in, apdu + 7, 640);
    rs_set_u16(apdu + 2, (unsigned)len + 3);
    rs_set_u16(apdu + 5, (unsigned)len);
    if (EVP_Digest(apdu + 7, len, c->app.update.digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    if (in->curves++ < CURVE_MAX)
        send_apdu(c, 0, apdu, len + 7);
}

/* What a host that knows the secret does; the input: a bit of the proof that is turned over. */
static void
do_handshake(struct optiga_chip *c, struct input *in)
{
    static const uint8_t hello[2] = {0x00, 0x01};
    struct optiga_shield *s = &c->comms.shield;
    uint8_t plain[36], seed[48] = "Platform Binding", message[64];
    struct optiga_object *o = optiga_object(c, OPTIGA_OID_BINDING);
    unsigned wrong = take(in);

    send_message(c, 1, hello, sizeof(hello));
    if (s->phase != OPTIGA_SHIELD_GREETED)
        return;
    memcpy(seed + 16, s->random, 32);
    memcpy(plain, s->random, 32);
    rs_set_u32(plain + 32, s->keys.slave_seq);
    if (!optiga_prf(256, optiga_content(c, o), RS_BYTES(seed), s->keys.block, 40))
        return;
    (void)seal(c, 0x08, s->keys.slave_seq, plain, sizeof(plain), message);
    if (wrong & 1)
        message[wrong >> 3] ^= 1;
    send_message(c, 1, message, 49);
}

/* An HMAC over the nonce that is in session E100, and the input behind it. */
static void
do_authorize(struct optiga_chip *c, struct input *in)
{
    const struct optiga_session *s = &c->app.kept.sessions[0];
    uint8_t apdu[800] = {0x95, 0x20, 0x00, 0x00, 0xF1, 0xD2, 0x01, 0x00, 0x00, 0xE1, 0x00};
    unsigned bits = 256 + 128 * (take(in) % 3);
    size_t len = s->len, at;
    struct optiga_object *o = optiga_object(c, 0xF1D2);

    memcpy(apdu + 11, s->bytes, len);
    len += take_bytes(in, apdu + 11 + len, 20);
    at = 11 + len;
    rs_set_u16(apdu + 7, (unsigned)len + 2);
    apdu[1] = (uint8_t)(0x20 + (bits - 256) / 128);
    apdu[at] = 0x43;
    rs_set_u16(apdu + at + 1, bits / 8);
    if (!optiga_hmac(bits, optiga_content(c, o), rs_bytes_of(apdu + 11, len), apdu + at + 3))
        return;
    at += 3 + bits / 8;
    rs_set_u16(apdu + 2, (unsigned)at - 4);
    send_apdu(c, 0, apdu, at);
}

/* Ciphertext for the RSA key, to be decrypted out or into a session. */
static void
do_ciphertext(struct optiga_chip *c, struct input *in)
{
    static const uint8_t session[4] = {0x02, 0x00, 0x02, 0xE1};
    struct optiga_object *o = optiga_object(c, 0xE0FC);
    struct optiga_rsa_public key;
    uint8_t plain[100],
        apdu[300] = {0x9F, 0x11, 0x00, 0x00, 0x03, 0x00, 0x02, 0xE0, 0xFC, 0x61, 0x00, 0x80};
    size_t len = take_bytes(in, plain, take(in) % sizeof(plain)), at = 12 + 128;

    if (in->curves++ >= CURVE_MAX || o->meta.alg != OPTIGA_RSA_1024 ||
        !optiga_rsa_public(o->meta.alg, optiga_data(c, o), &key) ||
        !optiga_rsa_encrypt(&key, rs_bytes_of(plain, len), apdu + 12))
        return;
    if (take(in) & 1) {
        memcpy(apdu + at, session, sizeof(session));
        apdu[at + 4] = (uint8_t)take(in);
        at += 5;
    }
    rs_set_u16(apdu + 2, (unsigned)at - 4);
    send_apdu(c, 0, apdu, at);
}

/* A manifest with this payload, signed by the anchor. */
static size_t
sign_manifest(struct rs_bytes payload, uint8_t *out, size_t cap)
{
    static const uint8_t header[] = {0xA1, 0x01, 0x26}, anchor[] = {0xE0, 0xE8};
    uint8_t to_sign[700], digest[32], key[32], rs[64];
    struct rs_buf s, m;

    rs_buf_init_fixed(&s, to_sign, sizeof(to_sign));
    rs_cbor_put_array(&s, 4);
    rs_cbor_put_bytes(&s, rs_bytes_str("Signature1"));
    rs_cbor_put_bytes(&s, RS_BYTES(header));
    rs_cbor_put_bytes(&s, rs_bytes_of(NULL, 0));
    rs_cbor_put_bytes(&s, payload);
    memset(key, ANCHOR_BYTE, sizeof(key));
    if (EVP_Digest(s.p, s.len, digest, NULL, EVP_sha256(), NULL) != 1 ||
        !sim_curve_sign(SIM_CURVE_P256, key, digest, sizeof(digest), on_random, &desk, rs))
        abort();
    rs_buf_init_fixed(&m, out, cap);
    rs_cbor_put_array(&m, 4);
    rs_cbor_put_bytes(&m, RS_BYTES(header));
    rs_cbor_put_map(&m, 1);
    rs_cbor_put_uint(&m, 4);
    rs_cbor_put_bytes(&m, RS_BYTES(anchor));
    rs_cbor_put_bytes(&m, payload);
    rs_cbor_put_bytes(&m, RS_BYTES(rs));
    return rs_buf_ok(&m) ? m.len : 0;
}

static void
do_manifest(struct optiga_chip *c, struct input *in)
{
    uint8_t payload[400], apdu[7 + 640] = {0x83, 0x01, 0x00, 0x00, 0x30};
    size_t len = take_long(in, payload, sizeof(payload));

    if (in->curves++ >= CURVE_MAX)
        return;
    len = sign_manifest(rs_bytes_of(payload, len), apdu + 7, 640);
    rs_set_u16(apdu + 2, (unsigned)len + 3);
    rs_set_u16(apdu + 5, (unsigned)len);
    send_apdu(c, 0, apdu, len + 7);
}

/* Does an answer hold the vendor's private key? */
static void
check_answer(const uint8_t *p, size_t len)
{
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        run = p[i] == KEY_BYTE ? run + 1 : 0;
        if (run == 32)
            abort();
    }
}

static void
do_read(struct optiga_chip *c, struct input *in)
{
    uint8_t reg = (uint8_t)(0x80 + take(in) % 17);
    size_t len = take(in) * 2;
    uint8_t *bytes = malloc(len == 0 ? 1 : len);

    if (bytes == NULL)
        abort();
    if (bus_write(c, &reg, 1) && optiga_i2c_read(c, c->address, bytes, len) && !in->has_key_byte)
        check_answer(bytes, len);
    free(bytes);
}

/* Time, power, faults, timing and quirks. */
static void
do_world(struct optiga_chip *c, struct input *in)
{
    unsigned what = take(in), arg = take(in);

    switch (what % 5) {
    case 0:
        optiga_set_time(c, c->now_us + (uint64_t)arg * 10000);
        break;
    case 1:
        optiga_set_power(c, arg & 1);
        break;
    case 2:
        desk.fate.kind = (enum sim_fate_kind)(arg % (SIM_FATE_SLOW + 1));
        desk.fate.arg = (int)take(in) * 4 - 4;
        if (desk.fate.arg < 0)
            desk.fate.arg = desk.fate.kind == SIM_FATE_CUT_WRITE ? -1 : 0;
        break;
    case 3:
        c->timing.busy_us = arg * 100;
        break;
    default:
        c->quirk = (enum optiga_quirk)(arg % (OPTIGA_QUIRK_WRONG_MAC + 1));
    }
}

static void
do_operation(struct optiga_chip *c, struct input *in)
{
    static void (*const rows[])(struct optiga_chip *c, struct input *in) = {
        do_apdu,     do_read,  do_raw,      do_frame,     do_packet,    do_message,
        do_fragment, do_world, do_manifest, do_handshake, do_authorize, do_ciphertext};

    rows[take(in) % (sizeof(rows) / sizeof(rows[0]))](c, in);
}

/* ---- What must hold ----------------------------------------------------------------------------------- */

static void
check_objects(struct optiga_chip *c, const struct optiga_chip *before)
{
    static const uint16_t fixed[] = {OPTIGA_OID_UID, OPTIGA_OID_APDU_SIZE};
    uint8_t out[OPTIGA_META_MAX];

    for (size_t i = 0; i < c->object_count; i++) {
        const struct optiga_object *o = &c->objects[i], *was = &before->objects[i];

        if (optiga_meta_write(&o->meta, out) == 0 || optiga_used(o) > o->place->size)
            abort();
        /* Only a reset by a signed update leads back. */
        if (o->meta.lcso < was->meta.lcso && !(o->meta.has & OPTIGA_HAS_RESET))
            abort();
    }
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        const struct optiga_object *o = optiga_object(c, fixed[i]);

        if (memcmp(optiga_data(c, o), before->memory + o->at, o->place->size) != 0)
            abort();
    }
}

/* Whatever happened, a part with power answers, unless its life is over. */
static void
check_part(struct optiga_chip *c, const struct optiga_chip *before)
{
    check_objects(c, before);
    desk.fate = (struct sim_fate){SIM_FATE_RUN, 0};
    c->timing.busy_us = 0;
    c->quirk = OPTIGA_QUIRK_NONE;
    optiga_set_power(c, 0);
    optiga_set_power(c, 1);
    if (*optiga_byte(c, OPTIGA_OID_LCSA) < OPTIGA_TERMINATION &&
        *optiga_byte(c, OPTIGA_OID_LCSG) < OPTIGA_TERMINATION)
        open_application(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct optiga_chip parts[PART_COUNT], c;
    struct input in = {data, size, 0, size > 0 && memchr(data, KEY_BYTE, size) != NULL};
    const struct optiga_chip *before;

    desk = (struct desk){.random = 1};
    if (parts[0].host == NULL)
        make_parts(parts);
    before = &parts[take(&in) % PART_COUNT];
    c = *before;
    for (unsigned i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
        do_operation(&c, &in);
    check_part(&c, before);
    optiga_sym_drop(&c);
    ERR_clear_error(); /* or the fuzzer looks for leaks after every run */
    return 0;
}
