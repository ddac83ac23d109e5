/*
 * optiga_channel_test.c: the shielded connection of a simulated OPTIGA Trust M,
 * from both sides: pairing and its power cuts, resets by others, the numbers
 * of records, and somebody in the middle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../librot/drivers/optiga/optiga.h"

#define PRODUCTION ROT_OPEN_PRODUCTION

static const char *const kinds[] = {"blank-m1", "blank-m3"};

static int
is_ours(struct bench *b)
{
    struct rot_identity id;

    IS(rot_identify(&b->rot, &id), ROT_OK);
    return id.protection == ROT_PROTECTION_OWN;
}

/* Bytes go in and come back. */
static void
use(struct bench *b)
{
    static const uint8_t text[] = "what the channel carries";
    uint8_t back[64];
    size_t n = 0;

    IS(rot_object_write(&b->rot, ROT_DATA(0), ROT_PART_DATA, 0, text, sizeof(text), sizeof(text),
                        &n),
       ROT_OK);
    IS(rot_object_read(&b->rot, ROT_DATA(0), ROT_PART_DATA, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, sizeof(text));
    assert_memory_equal(back, text, n);
}

static struct bench *
paired(const char *kind)
{
    struct bench *b = bench_new(kind);

    bench_host(b, "ours");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    IS(rot_channel_pair(&b->rot), ROT_OK);
    assert_true(is_ours(b));
    return b;
}

/* ---- Power cuts while pairing --------------------------------------------------------- */

enum start {
    NEW,       /* as delivered */
    PUBLISHED, /* and sealed with the secret that everybody knows */
    ANOTHERS,  /* paired by a host whose secret we have */
    ANOTHERS_SEALED,
    STARTS,
};

static rot_err
seal_channel(struct bench *b)
{
    rot_err rc = rot_seal_prepare(&b->rot, ROT_STAGE_CONFIG, 0);

    return rc == ROT_OK ? rot_seal(&b->rot, ROT_STAGE_CONFIG, 0) : rc;
}

static int
is_anothers(enum start start)
{
    return start == ANOTHERS || start == ANOTHERS_SEALED;
}

static void
put_in(struct bench *b, enum start start)
{
    bench_host(b, is_anothers(start) ? "another" : NULL);
    IS(bench_open(b, 0), ROT_OK);
    if (is_anothers(start))
        IS(rot_channel_pair(&b->rot), ROT_OK);
    if (start == PUBLISHED || start == ANOTHERS_SEALED)
        IS(seal_channel(b), ROT_OK);
    rot_close(&b->rot);
}

/* Give the part the secret that a host with this master has for it. */
static rot_err
rotate_to(struct bench *b, const char *master)
{
    const struct rot_port *port = &b->crypto.port;
    struct rot_port_openssl host = b->crypto;
    uint8_t secret[ROT_SECRET_MAX];
    size_t len = b->setup.driver->channel_size;
    struct rot_identity id;
    rot_err rc = rot_identify(&b->rot, &id);

    if (rc != ROT_OK)
        return rc;
    bench_host(b, master);
    IS(port->ops->channel_secret(port->self, "optiga", (struct rot_bytes){id.uid, id.uid_len},
                                 secret, len),
       ROT_OK);
    b->crypto.channel = host.channel;
    return rot_channel_rotate(&b->rot, secret, len);
}

/*
 * What a station does, from wherever the part is.  It has the other host's
 * secret too; which of the two the part knows is seen by opening it.
 */
static rot_err
make_ours(struct bench *b, enum start start)
{
    rot_err rc;

    bench_host(b, "ours");
    rc = bench_open(b, PRODUCTION);
    if (rc == ROT_OK && b->rot.protection != ROT_PROTECTION_OWN && is_anothers(start)) {
        bench_host(b, "another");
        rc = bench_open(b, PRODUCTION);
        if (rc == ROT_OK)
            rc = rotate_to(b, "ours");
    } else if (rc == ROT_OK) {
        rc = rot_channel_pair(&b->rot);
    }
    return rc == ROT_OK ? seal_channel(b) : rc;
}

/* One cut on the way from this memory.  0 when the whole way had fewer commands. */
static int
cut_once(struct bench *b, const char *memory, enum start start, const char *rule, const char *quirk)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    rot_err rc;
    int was_cut;

    far_remember(b->far, memory);
    far_quirk(b->far, quirk);
    far_fault(b->far, rule);
    rc = make_ours(b, start);
    was_cut = !far_has_power(b->far);
    if (rc != ROT_OK && !was_cut)
        fail_msg("from %d, %s: %s without a cut", (int)start, rule, rot_err_name(rc));
    far_clear(b->far);
    far_power(b->far, 1);
    rc = make_ours(b, start);
    if (rc != ROT_OK)
        fail_msg("from %d, %s: %s afterwards", (int)start, rule, rot_err_name(rc));
    bench_host(b, "ours");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    assert_true(is_ours(b));
    IS(rot_seal_state(&b->rot, ROT_STAGE_CONFIG, 0, &state), ROT_OK);
    assert_int_equal(state, ROT_SEAL_DONE);
    use(b);
    rot_close(&b->rot);
    return was_cut;
}

static unsigned
cut_everywhere(enum start start, const char *point, const char *quirk)
{
    unsigned cuts = 0, n = 0;

    /* V1 differs in nothing that pairing sees: once is enough. */
    for (size_t k = start == NEW ? 0 : 1; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct bench *b = bench_new(kinds[k]);
        char *memory, rule[32];

        put_in(b, start);
        memory = far_memory(b->far);
        do
            (void)snprintf(rule, sizeof(rule), "%s@%u", point, ++n);
        while (cut_once(b, memory, start, rule, quirk));
        cuts += n - 1;
        n = 0;
        free(memory);
        bench_free(b);
    }
    return cuts;
}

static void
pairing_survives_cuts(void **state)
{
    static const char *const points[] = {"cut-before", "cut-write", "cut-after", "cut-answered"};
    unsigned cuts = 0;

    (void)state;
    for (unsigned start = NEW; start < STARTS; start++) {
        for (size_t i = 0; i < 4; i++)
            cuts += cut_everywhere((enum start)start, points[i], "none");
    }
    print_message("%u power cuts while pairing, each recovered from\n", cuts);
    assert_true(cuts > 200);
}

/* Should a part not write 64 bytes in one step: as long as E140 is not sealed, nothing is lost. */
static void
a_torn_secret_is_written_again(void **state)
{
    (void)state;
    assert_true(cut_everywhere(NEW, "cut-write", "tear") > 0);
}

/* Behind what identify takes: opened by the new secret, opened by the old, written. */
static void
tear_rotation(struct bench *b)
{
    unsigned before = far_commands(b->far);
    char rule[32];

    assert_true(is_ours(b));
    (void)snprintf(rule, sizeof(rule), "cut-write@%u", far_commands(b->far) - before + 3);
    far_quirk(b->far, "tear");
    far_fault(b->far, rule);
    IS(rotate_to(b, "ours"), ROT_E_BUS);
    assert_false(far_has_power(b->far));
}

/* The same on a sealed part: nobody knows what it holds, and it is told apart from one of ours. */
static void
a_torn_secret_of_a_sealed_part_is_seen(void **state)
{
    struct bench *b = bench_new("blank-m3");

    (void)state;
    put_in(b, ANOTHERS_SEALED);
    bench_host(b, "another");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    tear_rotation(b);
    far_power(b->far, 1);
    for (unsigned i = 0; i < 2; i++) {
        bench_host(b, i == 0 ? "ours" : "another");
        IS(bench_open(b, PRODUCTION), ROT_OK);
        assert_false(is_ours(b));
        IS(rot_channel_pair(&b->rot), ROT_E_AUTH);
    }
    bench_free(b);
}

/* ---- Others on the bus ---------------------------------------------------------------------- */

static void
soft_reset(struct bench *b)
{
    static const uint8_t reset[] = {0x88, 0, 0};

    assert_int_equal(far_write(b->far, 100000, 0x30, reset, sizeof(reset)), 1);
    far_delay(b->far, 20000);
}

static void
shakes_hands_again_after_a_reset(void **state)
{
    uint8_t r[8];

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct bench *b = paired(kinds[k]);

        use(b);
        soft_reset(b);
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_E_BUS);
        use(b);
        assert_true(is_ours(b));
        far_power(b->far, 0);
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_E_BUS);
        far_power(b->far, 1);
        use(b);
        IS(rot_reset(&b->rot), ROT_OK);
        use(b);
        assert_true(is_ours(b));
        bench_free(b);
    }
}

/* What a session held is lost with a reset, and said to be. */
static void
a_reset_empties_sessions(void **state)
{
    struct bench *b = paired("blank-m3");
    const struct rot_port *port = &b->crypto.port;
    uint8_t pub[128], priv[48], point[96], peer[128], mac[32];
    size_t n = 0, peer_len = 0;

    (void)state;
    IS(rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
    IS(port->ops->ec_generate(port->self, ROT_ALG_P256, priv, point), ROT_OK);
    IS(rot_spki_from_point(ROT_ALG_P256, point, peer, sizeof(peer), &peer_len), ROT_OK);
    IS(rot_agree(&b->rot, ROT_LDEVID(0), peer, peer_len, ROT_SESSION(1), NULL, 0, NULL), ROT_OK);
    IS(rot_mac(&b->rot, ROT_SESSION(1), pub, 5, mac, sizeof(mac), &n), ROT_OK);
    soft_reset(b);
    IS(rot_mac(&b->rot, ROT_SESSION(1), pub, 5, mac, sizeof(mac), &n), ROT_E_BUS);
    IS(rot_mac(&b->rot, ROT_SESSION(1), pub, 5, mac, sizeof(mac), &n), ROT_E_EMPTY);
    bench_free(b);
}

/* ---- Numbers of records ------------------------------------------------------------------------ */

/* Both sides stand just below the last number that may be used. */
static void
new_numbers_before_the_last(void **state)
{
    static const uint32_t last = 0xfffffff0u;
    uint8_t r[8];

    (void)state;
    for (unsigned side = 0; side < 2; side++) {
        struct bench *b = paired("blank-m3");
        struct optiga_state *s = optiga_of(&b->rot);

        if (side == 0)
            s->shield.sent = last - 2;
        else
            s->shield.received = last - 2;
        far_optiga_numbers(b->far, s->shield.sent, s->shield.received);
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_OK);
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_OK);
        assert_int_equal(side == 0 ? s->shield.sent : s->shield.received, last);
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_E_BUS);
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_OK);
        assert_true(s->shield.sent < 0x10010 && s->shield.received < 0x10010);
        assert_true(is_ours(b));
        bench_free(b);
    }
}

/* The part's numbers may run ahead by two, as if answers had been lost; by three they may not. */
static void
a_window_of_numbers(void **state)
{
    uint8_t r[8];

    (void)state;
    for (unsigned skip = 0; skip < 5; skip++) {
        struct bench *b = paired("blank-m3");
        struct optiga_state *s = optiga_of(&b->rot);

        far_optiga_numbers(b->far, s->shield.sent, s->shield.received + skip);
        IS(rot_random(&b->rot, r, sizeof(r)), skip < 3 ? ROT_OK : ROT_E_BUS);
        use(b);
        bench_free(b);
        b = paired("blank-m3");
        s = optiga_of(&b->rot);
        far_optiga_numbers(b->far, s->shield.sent - skip, s->shield.received);
        IS(rot_random(&b->rot, r, sizeof(r)), skip < 3 ? ROT_OK : ROT_E_BUS);
        use(b);
        bench_free(b);
    }
}

/* ---- Somebody in the middle ------------------------------------------------------------------------ */

struct middle {
    unsigned frames, change; /* data frames so far; the one to be changed */
    int to_part;             /* in which direction */
    size_t at;               /* byte of the payload from its end */
    uint8_t old[300];
    size_t old_len;
    int replays;
    uint8_t heard[200000];
    size_t heard_len;
};

/* Frame number, length, packet, check sum: a data frame with something in it? */
static int
is_data(const uint8_t *frame, size_t len)
{
    return len > 6 && (frame[0] & 0x80) == 0 && ((size_t)frame[1] << 8 | frame[2]) == len - 5;
}

static void
mend(uint8_t *frame, size_t len)
{
    uint16_t fcs = ifx_i2c_fcs(frame, len - 2);

    frame[len - 2] = (uint8_t)(fcs >> 8);
    frame[len - 1] = (uint8_t)fcs;
}

static void
meddle(struct bench *b, int is_read, uint8_t *p, size_t len)
{
    struct middle *m = b->tap_self;
    uint8_t *frame = is_read ? p : p + 1;
    size_t n = is_read ? len : len - 1;

    if (m->heard_len + len <= sizeof(m->heard)) {
        memcpy(m->heard + m->heard_len, p, len);
        m->heard_len += len;
    }
    if ((!is_read && (len == 0 || p[0] != 0x80)) || is_read == m->to_part || !is_data(frame, n))
        return;
    m->frames++;
    if (m->replays && m->old_len == n) {
        uint8_t fctr = frame[0];

        memcpy(frame, m->old, n);
        frame[0] = fctr;
        mend(frame, n);
    } else if (m->frames == m->change && m->at < n - 6) {
        frame[n - 3 - m->at] ^= 0x10;
        mend(frame, n);
    } else {
        memcpy(m->old, frame, n);
        m->old_len = n;
    }
}

/* Whatever byte of a record is changed: no wrong byte comes out, and nothing stays broken. */
static void
changed_records_are_refused(void **state)
{
    struct middle *m = calloc(1, sizeof(*m));

    (void)state;
    assert_non_null(m);
    for (unsigned to_part = 0; to_part < 2; to_part++) {
        for (m->at = 0; m->at < 16; m->at++) {
            struct bench *b = paired("blank-m3");
            uint8_t life = 0;

            m->frames = 0;
            m->change = 1;
            m->to_part = (int)to_part;
            b->tap = meddle;
            b->tap_self = m;
            IS(optiga_get(&b->rot, OPTIGA_OID_LIFE, 0, &life, 1), ROT_E_BUS);
            b->tap = NULL;
            IS(optiga_get(&b->rot, OPTIGA_OID_LIFE, 0, &life, 1), ROT_OK);
            assert_int_equal(life, 0x07);
            assert_true(is_ours(b));
            bench_free(b);
        }
    }
    free(m);
}

static void
old_records_are_refused(void **state)
{
    struct middle *m = calloc(1, sizeof(*m));

    (void)state;
    assert_non_null(m);
    for (unsigned to_part = 0; to_part < 2; to_part++) {
        struct bench *b = paired("blank-m3");
        uint8_t r[16];

        m->to_part = (int)to_part;
        m->old_len = 0;
        m->replays = 0;
        b->tap = meddle;
        b->tap_self = m;
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_OK);
        m->replays = 1;
        IS(rot_random(&b->rot, r, sizeof(r)), ROT_E_BUS);
        b->tap = NULL;
        use(b);
        bench_free(b);
    }
    free(m);
}

/* A part that was ours is never spoken to in the clear, whatever answers. */
static void
no_way_back_to_the_clear(void **state)
{
    struct bench *b = paired("blank-m3");
    uint8_t r[8], secret[64];

    (void)state;
    memset(secret, 0x7e, sizeof(secret));
    /* Somebody else takes the part to another secret behind our back. */
    {
        struct rot_chip open = b->rot;
        uint64_t kept[BENCH_STATE_SIZE / sizeof(uint64_t)];

        memcpy(kept, b->state, sizeof(kept));
        IS(rot_channel_rotate(&b->rot, secret, sizeof(secret)), ROT_OK);
        b->rot = open;
        memcpy(b->state, kept, sizeof(kept));
    }
    IS(rot_random(&b->rot, r, sizeof(r)), ROT_E_BUS);
    IS(rot_random(&b->rot, r, sizeof(r)), ROT_E_AUTH);
    IS(rot_random(&b->rot, r, sizeof(r)), ROT_E_AUTH);
    bench_free(b);
}

static int
holds(const uint8_t *p, size_t len, const uint8_t *what, size_t what_len)
{
    for (size_t i = 0; i + what_len <= len; i++) {
        if (memcmp(p + i, what, what_len) == 0)
            return 1;
    }
    return 0;
}

/* Nothing of what the channel carries is on the bus: content, secrets, digests. */
static void
nothing_to_hear(void **state)
{
    static const uint8_t text[] = "what the channel carries";
    struct middle *m = calloc(1, sizeof(*m));
    struct bench *b = paired("blank-m3");
    uint8_t digest[32], sig[80], pub[128], key[64];
    size_t n = 0;

    (void)state;
    assert_non_null(m);
    memset(digest, 0x5d, sizeof(digest));
    memcpy(key, optiga_of(&b->rot)->secret, sizeof(key));
    b->tap = meddle;
    b->tap_self = m;
    use(b);
    IS(rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
    IS(rot_sign_digest(&b->rot, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n), ROT_OK);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    use(b);
    assert_true(m->heard_len > 1000 && m->heard_len < sizeof(m->heard));
    assert_false(holds(m->heard, m->heard_len, text, sizeof(text)));
    assert_false(holds(m->heard, m->heard_len, digest, sizeof(digest)));
    assert_false(holds(m->heard, m->heard_len, pub + 27, 32));
    assert_false(holds(m->heard, m->heard_len, key, 16));
    /* The same without a channel is heard: the ear works. */
    bench_free(b);
    b = bench_new("blank-m3");
    IS(bench_open(b, 0), ROT_OK);
    m->heard_len = 0;
    b->tap = meddle;
    b->tap_self = m;
    use(b);
    assert_true(holds(m->heard, m->heard_len, text + 1, sizeof(text) - 1));
    bench_free(b);
    free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairing_survives_cuts),
        cmocka_unit_test(a_torn_secret_is_written_again),
        cmocka_unit_test(a_torn_secret_of_a_sealed_part_is_seen),
        cmocka_unit_test(shakes_hands_again_after_a_reset),
        cmocka_unit_test(a_reset_empties_sessions),
        cmocka_unit_test(new_numbers_before_the_last),
        cmocka_unit_test(a_window_of_numbers),
        cmocka_unit_test(changed_records_are_refused),
        cmocka_unit_test(old_records_are_refused),
        cmocka_unit_test(no_way_back_to_the_clear),
        cmocka_unit_test(nothing_to_hear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
