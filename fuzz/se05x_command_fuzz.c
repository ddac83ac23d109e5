/*
 * se05x_command_fuzz.c: a hostile host against the simulated SE050 and SE051.
 *
 * The input is a first byte that picks a part (as delivered, with objects, the
 * newer one with objects) and then bus operations: raw writes, blocks with their
 * CRC put right, reads, time, power, faults; and commands that skip the wire or
 * come through an open secure channel, so that the bytes reach the handlers.
 * Parts are made once and copied.  Besides memory errors it looks for a secret
 * in an answer, a right that was not given, and a part that cannot be used again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "sims/common/ca.h"
#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"
#include "sims/se05x/model.h"

#define OPERATIONS_MAX 24
#define COSTLY_MAX     3 /* commands that cost a curve operation or many hashes, for speed */
#define PART_COUNT     3
#define SECRET         0x51 /* every byte of every secret */

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

/* ---- Parts ---------------------------------------------------------------------------------- */

static const uint8_t select_iot[] = {0x00, 0xA4, 0x04, 0x00, 0x10, 0xA0, 0x00, 0x00,
                                     0x03, 0x96, 0x54, 0x53, 0x00, 0x00, 0x00, 0x01,
                                     0x03, 0x00, 0x00, 0x00, 0x00, 0x00};

static void
must(int ok)
{
    if (!ok)
        abort();
}

/* An object of 32 secret bytes. */
static void
put_secret(struct se05x_chip *c, uint32_t id, enum se05x_kind kind, uint8_t curve, int auth)
{
    struct se05x_object o = {.id = id, .kind = kind, .curve = curve, .auth = auth != 0};
    uint8_t value[32 + SE05X_POINT_MAX];
    size_t len = kind == SE05X_USER_ID ? 8 : 32;

    o.origin = SE05X_EXTERNAL;
    memset(value, SECRET, 32);
    if (curve != 0) {
        must(se05x_key_public(se05x_curve_find(curve), value, value + 32));
        len += se05x_point_size(se05x_curve_find(curve));
    }
    if (kind == SE05X_EC_PUBLIC)
        memmove(value, value + 32, len -= 32);
    must(se05x_store_object(c, &o, rs_bytes_of(NULL, 0), rs_bytes_of(value, len)) == SE05X_OK);
}

/* Everybody may read it, nobody may change it. */
static void
put_fixed(struct se05x_chip *c)
{
    static const uint8_t rule[9] = {0x08, 0, 0, 0, 0, 0x00, 0x20, 0x00, 0x00};
    struct se05x_object o = {.id = 0x20000007, .kind = SE05X_BINARY, .origin = SE05X_EXTERNAL};

    must(se05x_store_object(c, &o, RS_BYTES(rule), rs_bytes_str("for ever")) == SE05X_OK);
}

/* Ids are consecutive numbers. */
static void
put_session(struct se05x_session *s, uint8_t first, enum se05x_session_state state,
            enum se05x_kind by, uint32_t auth)
{
    *s = (struct se05x_session){.state = state, .by = by, .auth = auth};
    for (uint8_t i = 0; i < SE05X_SESSION_SIZE; i++)
        s->id[i] = (uint8_t)(first + i);
}

static void
fill_part(struct se05x_chip *c)
{
    for (size_t i = 0; i < se05x_curve_count(); i++)
        c->curves[i] = SE05X_CURVE_WHOLE;
    put_secret(c, 0x20000001, SE05X_EC_PAIR, 0x03, 0);
    put_secret(c, 0x20000002, SE05X_EC_PAIR, 0x40, 0);
    put_secret(c, 0x20000003, SE05X_EC_PAIR, 0x41, 0);
    put_secret(c, 0x20000004, SE05X_AES, 0, 0);
    put_secret(c, 0x20000005, SE05X_HMAC, 0, 0);
    put_secret(c, 0x7DA00001, SE05X_USER_ID, 0, 1);
    put_secret(c, 0x7DA00002, SE05X_AES, 0, 1);
    put_secret(c, 0x7DA00003, SE05X_EC_PUBLIC, 0x03, 1);
    put_secret(c, 0x7FFF0205, SE05X_USER_ID, 0, 1);
    put_fixed(c);
    for (unsigned i = 0; i < 4; i++) {
        static const uint8_t subtypes[4] = {0x04, 0x0D, 0x19, 0xB0};

        c->crypto[i].id = (uint16_t)(i + 1);
        c->crypto[i].context = (uint8_t)(SE05X_CONTEXT_DIGEST + i);
        c->crypto[i].subtype = subtypes[i];
    }
    c->crypto[3].context = c->gen->newer ? SE05X_CONTEXT_AEAD : SE05X_CONTEXT_NONE;
    must(se05x_run(c, select_iot, sizeof(select_iot)));
    /* One session is open, one waits for its key. */
    put_session(&c->sessions[0], 0x11, SE05X_SESSION_OPEN, SE05X_USER_ID, 0x7FFF0205);
    if (c->gen->newer)
        put_session(&c->sessions[1], 0x21, SE05X_SESSION_CREATED, SE05X_EC_PUBLIC, 0x7DA00003);
    else
        put_session(&c->sessions[1], 0x21, SE05X_SESSION_CREATED, SE05X_AES, 0x7DA00002);
}

static void
make_parts(struct se05x_chip parts[PART_COUNT])
{
    struct sim_create how = {.unique = {1, 2, 3, 4, 5, 6, 7, 8}};

    must(sim_ca_open(NULL, "nxp", &how.ca, NULL) == RS_OK);
    for (unsigned i = 0; i < PART_COUNT; i++) {
        const struct sim_model *model = i == 2 ? &se051_model : &se050_model;

        must(model->create(&parts[i], &host, &how, NULL) == RS_OK);
        if (i > 0)
            fill_part(&parts[i]);
    }
    sim_ca_free(how.ca);
}

/* ---- Operations -------------------------------------------------------------------------------- */

struct input {
    const uint8_t *p;
    size_t left;
};

static unsigned
take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

static struct rs_bytes
take_bytes(struct input *in, size_t len)
{
    struct rs_bytes bytes = {in->p, len < in->left ? len : in->left};

    in->p += bytes.len;
    in->left -= bytes.len;
    return bytes;
}

/* Memory of exactly that size. */
static uint8_t *
copy_of(const uint8_t *p, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);

    must(exact != NULL);
    if (len > 0)
        memcpy(exact, p, len);
    return exact;
}

/* Is a secret in it? */
static void
check_answer(const uint8_t *p, size_t len)
{
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        run = p[i] == SECRET ? run + 1 : 0;
        must(run < 16);
    }
}

static void
do_raw_write(struct se05x_chip *c, struct input *in)
{
    struct rs_bytes bytes = take_bytes(in, take(in));
    uint8_t *exact = copy_of(bytes.p, bytes.len);

    (void)se05x_i2c_write(c, SE05X_ADDRESS, exact, bytes.len);
    free(exact);
}

/* NAD, PCB and bytes of the input: LEN and CRC are put right. */
static void
do_block(struct se05x_chip *c, struct input *in)
{
    uint8_t block[SE05X_BLOCK_MAX] = {0x5A, (uint8_t)take(in)};
    struct rs_bytes inf = take_bytes(in, take(in));
    size_t len = inf.len < SE05X_INF_MAX ? inf.len : SE05X_INF_MAX;
    uint16_t crc;
    uint8_t *exact;

    block[2] = (uint8_t)len;
    if (len > 0)
        memcpy(block + 3, inf.p, len);
    crc = se05x_crc(block, len + 3);
    block[len + 3] = (uint8_t)crc;
    block[len + 4] = (uint8_t)(crc >> 8);
    exact = copy_of(block, len + 5);
    (void)se05x_i2c_write(c, SE05X_ADDRESS, exact, len + 5);
    free(exact);
}

static void
do_read(struct se05x_chip *c, struct input *in, int shows_secret)
{
    size_t len = take(in);
    uint8_t *bytes = malloc(len > 0 ? len : 1);

    must(bytes != NULL);
    if (se05x_i2c_read(c, SE05X_ADDRESS, bytes, len) && !shows_secret)
        check_answer(bytes, len);
    free(bytes);
}

/* Of what was being said on the wire nothing is left: its answer is another now. */
static int
run_past_wire(struct se05x_chip *c, const uint8_t *apdu, size_t len)
{
    se05x_link_reset(&c->link);
    return se05x_run(c, apdu, len);
}

static int
is_costly(const uint8_t *apdu, size_t len)
{
    unsigned ins;

    /* The command of a session stands somewhere inside. */
    if (len > 4 && apdu[1] == 0x05)
        return 1;
    ins = len > 3 ? apdu[1] & 0x1Fu : 0;
    return (ins == 1 && (apdu[2] & 0x1F) == 1) || (ins == 1 && apdu[2] == 0x0B) ||
           (ins == 2 && (apdu[1] & 0x20)) ||
           (ins == 3 && (apdu[2] == 0x0C || apdu[2] == 0x01 || apdu[3] == 0x2E || apdu[3] == 0x4A));
}

/* Header and data of the input, with Lc, past the wire. */
static void
do_command(struct se05x_chip *c, struct input *in, unsigned *costly, int shows_secret)
{
    struct rs_bytes header = take_bytes(in, 4), data = take_bytes(in, take(in));
    uint8_t apdu[300];
    uint8_t *exact;
    size_t len = header.len;

    if (len > 0)
        memcpy(apdu, header.p, len);
    if (len == 4 && data.len > 0) {
        apdu[len++] = (uint8_t)data.len;
        memcpy(apdu + len, data.p, data.len);
        len += data.len;
    }
    if (is_costly(apdu, len) && (*costly)++ >= COSTLY_MAX)
        return;
    exact = copy_of(apdu, len);
    if (run_past_wire(c, exact, len) && !shows_secret)
        check_answer(c->answer, c->answer_len);
    free(exact);
}

/* A channel whose keys we know. */
static void
open_channel(struct se05x_chip *c)
{
    se05x_scp_end(&c->scp);
    c->scp.state = SE05X_SCP_OPEN;
    c->scp.len = 16;
    memset(c->scp.enc, 1, 16);
    memset(c->scp.mac, 2, 16);
    memset(c->scp.rmac, 3, 16);
    c->scp.next = 1;
}

/* The same command through the channel. */
static void
do_secure_command(struct se05x_chip *c, struct input *in, unsigned *costly)
{
    struct rs_bytes header = take_bytes(in, 4), data = take_bytes(in, take(in) % 200);
    uint8_t apdu[300] = {0}, block[16] = {0}, iv[16], mac[16];
    size_t full = data.len > 0 ? (data.len / 16 + 1) * 16 : 0;

    if (header.len != 4)
        return;
    memcpy(apdu, header.p, 4);
    if (is_costly(apdu, 5) && (*costly)++ >= COSTLY_MAX)
        return;
    if (c->scp.state != SE05X_SCP_OPEN)
        open_channel(c);
    apdu[0] = 0x84;
    apdu[4] = (uint8_t)(full + 8);
    if (data.len > 0) {
        memcpy(apdu + 5, data.p, data.len);
        apdu[5 + data.len] = 0x80;
        rs_set_u32(block + 12, c->scp.next);
        must(se05x_aes_block(c->scp.enc, 16, block, iv) &&
             se05x_aes_cbc(c->scp.enc, 16, iv, 1, apdu + 5, full));
    }
    must(se05x_cmac(c->scp.mac, 16, RS_BYTES(c->scp.chain), rs_bytes_of(apdu, full + 5), mac));
    memcpy(apdu + 5 + full, mac, 8);
    (void)run_past_wire(c, apdu, full + 13);
}

/* The host's message of an ECKey session, signed by the credential's key. */
static void
do_signed_hello(struct se05x_chip *c)
{
    static const uint8_t start[] = {
        0x84, 0x88, 0x00, 0x00, 0x00, 0xA6, 0x1D, 0x4F, 0x10, 0xA0, 0x00, 0x00, 0x03, 0x96,
        0x54, 0x53, 0x00, 0x00, 0x00, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00, 0x90, 0x03, 0xAB,
        0x01, 0x33, 0x80, 0x01, 0x88, 0x81, 0x01, 0x10, 0x7F, 0x49, 0x46, 0xB0, 0x41};
    uint8_t inner[256], key[32], digest[32], outer[300] = {0x80, 0x05, 0, 0, 0, 0x10, 0x08};
    const struct se05x_curve *p256 = se05x_curve_find(0x03);
    struct rs_buf all, sig;
    uint8_t room[SE05X_SIG_MAX];

    rs_buf_init_fixed(&all, inner, sizeof(inner));
    rs_buf_init_fixed(&sig, room, sizeof(room));
    memset(key, SECRET, sizeof(key));
    rs_buf_put(&all, start, sizeof(start));
    must(se05x_key_public(p256, key, rs_buf_extend(&all, 65)));
    rs_buf_put(&all, "\xF0\x01\x03", 3);
    must(se05x_hash(se05x_digest(0x04), rs_bytes_of(inner + 5, all.len - 5), rs_bytes_of(NULL, 0),
                    digest) &&
         se05x_sign(p256, &host, key, RS_BYTES(digest), &sig));
    rs_buf_put(&all, "\x5F\x37", 2);
    rs_buf_put_u8(&all, (unsigned)sig.len);
    rs_buf_put_bytes(&all, rs_buf_bytes(&sig));
    inner[4] = (uint8_t)(all.len - 5);
    memcpy(outer + 7, c->sessions[1].id, SE05X_SESSION_SIZE);
    rs_buf_init_fixed(&sig, outer + 15, sizeof(outer) - 15);
    se05x_put(&sig, 0x41, inner, all.len);
    outer[4] = (uint8_t)(10 + sig.len);
    (void)run_past_wire(c, outer, 15 + sig.len);
}

/* Whose sessions they are: the first is open for a reserved credential, the second waits. */
static void
do_sessions(struct se05x_chip *c, unsigned what, unsigned *costly)
{
    static const uint32_t reserved[4] = {SE05X_ID_TRANSPORT, SE05X_ID_FACTORY_RESET,
                                         SE05X_ID_PLATFORM_SCP, SE05X_ID_RESTRICT};
    static const struct {
        enum se05x_kind by;
        uint32_t auth;
    } waiting[4] = {{SE05X_USER_ID, 0x7DA00001},
                    {SE05X_AES, 0x7DA00002},
                    {SE05X_EC_PUBLIC, 0x7DA00003},
                    {SE05X_USER_ID, 0x7DA00001}};

    put_session(&c->sessions[0], 0x11, SE05X_SESSION_OPEN, SE05X_USER_ID, reserved[what >> 2 & 3]);
    put_session(&c->sessions[1], 0x21, SE05X_SESSION_CREATED, waiting[what >> 4 & 3].by,
                waiting[what >> 4 & 3].auth);
    if ((what & 0x80) && (*costly)++ < COSTLY_MAX)
        do_signed_hello(c);
}

/* shows_secret: the input itself has such bytes, and may have put them anywhere. */
static void
do_operation(struct se05x_chip *c, struct input *in, unsigned *costly, int shows_secret)
{
    unsigned what = take(in);

    switch (what % 8) {
    case 0:
        do_raw_write(c, in);
        break;
    case 1:
        do_read(c, in, shows_secret);
        break;
    case 2:
        do_block(c, in);
        break;
    case 3:
        se05x_set_time(c, c->now_us + (uint64_t)take(in) * 100000);
        break;
    case 4:
        what = take(in);
        if (what & 2)
            do_sessions(c, what, costly);
        else
            se05x_set_power(c, what & 1);
        break;
    case 5:
        desk.fate.kind = (enum sim_fate_kind)(take(in) % (SIM_FATE_SLOW + 1));
        desk.fate.arg = (int)take(in) - 1;
        break;
    case 6:
        do_secure_command(c, in, costly);
        break;
    default:
        do_command(c, in, costly, shows_secret);
    }
}

/* Whatever happened, a part with power says what it is, and nothing fixed has changed. */
static void
check_part(struct se05x_chip *c, unsigned which)
{
    static const uint8_t resync[] = {0x5A, 0xC0, 0x00, 0xFF, 0xFC};
    static const uint8_t version[] = {0x80, 0x04, 0x00, 0x20, 0x00};
    uint8_t answer[5];
    struct se05x_object *o;

    desk.fate = (struct sim_fate){SIM_FATE_RUN, 0};
    se05x_set_power(c, 0);
    se05x_set_power(c, 1);
    must(se05x_i2c_write(c, SE05X_ADDRESS, resync, sizeof(resync)));
    must(se05x_i2c_read(c, SE05X_ADDRESS, answer, sizeof(answer)) && answer[1] == 0xE0);
    must(se05x_run(c, select_iot, sizeof(select_iot)) && c->answer_len == 9);
    must(se05x_run(c, version, sizeof(version)));
    if (which > 0) {
        o = se05x_find(c, 0x20000007);
        must(o != NULL && rs_bytes_equal(se05x_value(c, o), rs_bytes_str("for ever")));
    }
    o = se05x_find(c, SE05X_ID_UNIQUE);
    must(o != NULL && rs_bytes_equal(se05x_value(c, o), RS_BYTES(c->uid)));
    must(c->pool_used <= SE05X_POOL_SIZE && c->object_count <= SE05X_OBJECTS_MAX);
    for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++)
        se05x_crypto_forget(&c->crypto[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct se05x_chip parts[PART_COUNT], c;
    struct input in = {data, size};
    int shows_secret = size > 0 && memchr(data, SECRET, size) != NULL;
    unsigned costly = 0, which;

    if (parts[0].host == NULL)
        make_parts(parts);
    which = take(&in) % PART_COUNT;
    c = parts[which];
    desk = (struct desk){.random = 1};
    for (unsigned i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
        do_operation(&c, &in, &costly, shows_secret);
    check_part(&c, which);
    return 0;
}
