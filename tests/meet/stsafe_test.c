/*
 * stsafe_test.c: the STSAFE's driver and its simulator, where the suite's ways end: power cut while
 * host keys are put, everything encrypted, and what production refuses with the part untouched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench.h"

#define PRODUCTION ROT_OPEN_PRODUCTION

static int
is_ours(const struct bench *b)
{
    return b->rot.protection == ROT_PROTECTION_OWN;
}

static rot_err
open_as(struct bench *b, const char *master)
{
    bench_host(b, master);
    return bench_open(b, PRODUCTION);
}

static struct bench *
paired(const char *kind)
{
    struct bench *b = bench_new(kind);

    IS(open_as(b, "ours"), ROT_OK);
    IS(rot_channel_pair(&b->rot), ROT_OK);
    IS(open_as(b, "ours"), ROT_OK);
    assert_true(is_ours(b));
    return b;
}

/* ---- Power cut while host keys are put ------------------------------------------------------- */

/* What a host with this master has for the part that is open. */
static void
secret_of(struct bench *b, const char *master, uint8_t secret[32])
{
    struct rot_port_openssl host;
    uint8_t bytes[ROT_CHANNEL_MASTER_SIZE] = {0};
    struct rot_identity id;

    memcpy(bytes, master, strlen(master));
    IS(rot_identify(&b->rot, &id), ROT_OK);
    IS(rot_port_openssl_init(&host), ROT_OK);
    rot_port_openssl_channel(&host, bytes);
    IS(host.port.ops->channel_secret(host.port.self, "stsafe",
                                     (struct rot_bytes){id.uid, id.uid_len}, secret, 32),
       ROT_OK);
    rot_port_openssl_done(&host);
}

/* Open it as the host of the start would, and give it our secret.  NULL: the port's, by pairing. */
static rot_err
put_ours(struct bench *b, const uint8_t *secret)
{
    rot_err rc = open_as(b, secret != NULL ? "another" : "ours");

    if (rc != ROT_OK)
        return rc;
    return secret != NULL ? rot_channel_rotate(&b->rot, secret, 32) : rot_channel_pair(&b->rot);
}

/* After a cut: the state of the start (0), or ours (1). */
static unsigned
find_out(struct bench *b, int is_rotation)
{
    rot_err rc;

    far_clear(b->far);
    far_power(b->far, 0);
    far_power(b->far, 1);
    rc = open_as(b, "ours");
    if (rc == ROT_OK && is_ours(b))
        return 1;
    IS(rc, is_rotation ? ROT_E_AUTH : ROT_OK);
    return 0;
}

static unsigned
cut_once(struct bench *b, const char *start, const char *rule, const uint8_t *secret, int is_last)
{
    uint8_t out[8];
    unsigned was_put;

    far_remember(b->far, start);
    far_fault(b->far, rule);
    if (put_ours(b, secret) == ROT_OK) /* the last answer was read */
        assert_true(is_last);
    assert_false(far_has_power(b->far));
    was_put = find_out(b, secret != NULL);
    if (!was_put)
        IS(put_ours(b, secret), ROT_OK);
    IS(open_as(b, "ours"), ROT_OK);
    assert_true(is_ours(b));
    IS(rot_random(&b->rot, out, sizeof(out)), ROT_OK);
    return was_put;
}

/*
 * Every command of opening and putting, each cut at four points: afterwards the part has the state
 * before or ours, a host finds which, and the same call ends it.
 */
static void
cut_everywhere(const char *kind, int is_rotation)
{
    static const char *const points[] = {"cut-before", "cut-write", "cut-after", "cut-answered"};
    unsigned seen[2] = {0, 0}, last;
    uint8_t secret[32];
    const uint8_t *fresh = is_rotation ? secret : NULL;
    struct bench *b = bench_new(kind);
    char *start;

    if (is_rotation) {
        IS(open_as(b, "another"), ROT_OK);
        IS(rot_channel_pair(&b->rot), ROT_OK);
        secret_of(b, "ours", secret);
    }
    start = far_memory(b->far);
    last = far_commands(b->far);
    IS(put_ours(b, fresh), ROT_OK);
    last = far_commands(b->far) - last;
    for (unsigned at = 1; at <= last; at++) {
        for (size_t k = 0; k < 4; k++) {
            char rule[32];

            (void)snprintf(rule, sizeof(rule), "%s@%u", points[k], at);
            seen[cut_once(b, start, rule, fresh, at == last && k == 3)]++;
        }
    }
    assert_true(last > 5 && seen[0] > 0 && seen[1] > 0);
    print_message("%s, %s keys: %u commands, %u cuts: %u as before, %u ours\n", kind,
                  is_rotation ? "other" : "first", last, seen[0] + seen[1], seen[0], seen[1]);
    free(start);
    bench_free(b);
}

static void
first_keys_are_put_or_not(void **state)
{
    (void)state;
    cut_everywhere("blank-a100", 0);
    cut_everywhere("blank-a110", 0);
    cut_everywhere("blank-a120", 0);
}

static void
other_keys_are_put_or_not(void **state)
{
    (void)state;
    cut_everywhere("blank-a110", 1);
    cut_everywhere("blank-a120", 1);
}

/* ---- A part with another memory --------------------------------------------------------------- */

/* As somebody else's tools would have left it: the memory with one member of an object replaced. */
static void
change(struct bench *b, json_t *(*find)(json_t *memory, unsigned index), unsigned index,
       const char *name, json_t *value)
{
    char *text = far_memory(b->far);
    json_t *memory = json_loads(text, 0, NULL);

    assert_int_equal(json_object_set_new(find(memory, index), name, value), 0);
    free(text);
    text = json_dumps(memory, 0);
    rot_close(&b->rot);
    far_remember(b->far, text);
    free(text);
    json_decref(memory);
    IS(open_as(b, "ours"), ROT_OK);
}

static json_t *
the_part(json_t *memory, unsigned index)
{
    (void)index;
    return memory;
}

static json_t *
zone(json_t *memory, unsigned index)
{
    return json_array_get(json_object_get(memory, "zones"), index);
}

/* The last zone, whose bytes are then fewer too. */
static json_t *
shorter(json_t *memory, unsigned size)
{
    json_t *z = zone(memory, 7);
    const char *data = json_string_value(json_object_get(z, "data"));

    assert_int_equal(json_object_set_new(z, "data", json_stringn(data, (size_t)2 * size)), 0);
    return z;
}

/* ---- Everything encrypted ----------------------------------------------------------------------- */

struct ear {
    uint8_t *bytes;
    size_t len, cap;
};

static void
listen(struct bench *b, int is_read, uint8_t *p, size_t len)
{
    struct ear *e = b->tap_self;

    (void)is_read;
    assert_true(len <= e->cap - e->len);
    if (len != 0)
        memcpy(e->bytes + e->len, p, len);
    e->len += len;
}

static int
heard(const struct ear *e, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i + len <= e->len; i++)
        if (memcmp(e->bytes + i, p, len) == 0)
            return 1;
    return 0;
}

/* Every command that works with secrets or contents: for the host, and encrypted both ways or not. */
static json_t *
rules(int encrypted)
{
    static const char *const codes[] = {"02", "04", "05", "06", "0e", "0f", "11", "16", "17", "18"};
    json_t *rows = json_array();

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        assert_int_equal(
            json_array_append_new(rows, json_pack("{s:s, s:s, s:b, s:b}", "command", codes[i],
                                                  "access", "host", "command_encrypted", encrypted,
                                                  "answer_encrypted", encrypted)),
            0);
    return rows;
}

static void
put_object(struct bench *b, const uint8_t *p, size_t len)
{
    uint8_t back[800];
    size_t n = 0;

    IS(rot_object_write(&b->rot, ROT_LDEVID(0), ROT_PART_CERT, 0, p, len, len, &n), ROT_OK);
    IS(rot_object_read(&b->rot, ROT_LDEVID(0), ROT_PART_CERT, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, len);
    assert_memory_equal(back, p, len);
}

/* With the part's key: what it agrees on is what the host has. */
static void
agree(struct bench *b, const uint8_t *pub, size_t pub_len, uint8_t secret[32])
{
    const struct rot_port *port = &b->crypto.port;
    uint8_t priv[48], mine[96], theirs[96], peer[91], want[48];
    enum rot_alg alg = ROT_ALG_NONE;
    size_t n = 0, peer_len = 0;

    IS(port->ops->ec_generate(port->self, ROT_ALG_P256, priv, mine), ROT_OK);
    IS(rot_spki_from_point(ROT_ALG_P256, mine, peer, sizeof(peer), &peer_len), ROT_OK);
    IS(rot_spki_to_point(pub, pub_len, theirs, &alg), ROT_OK);
    IS(port->ops->ecdh(port->self, ROT_ALG_P256, priv, theirs, want), ROT_OK);
    IS(rot_agree(&b->rot, ROT_LDEVID(0), peer, peer_len, 0, secret, 32, &n), ROT_OK);
    assert_int_equal(n, 32);
    assert_memory_equal(secret, want, 32);
}

/* The rules say encrypted: nothing of it is on the bus.  They do not: there it is. */
static void
use_everything(const char *kind, int encrypted)
{
    uint8_t content[798], drawn[33], pub[91], sig[72], digest[32] = {1}, secret[32], mac[32];
    struct ear ear = {.cap = 1u << 16};
    struct bench *b = paired(kind);
    size_t n = 0, pub_len = 0;
    uint64_t count = 0;

    change(b, the_part, 0, "commands", rules(encrypted));
    ear.bytes = malloc(ear.cap);
    assert_non_null(ear.bytes);
    b->tap_self = &ear;
    b->tap = listen;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 7 + 1);
    IS(rot_random(&b->rot, drawn, sizeof(drawn)), ROT_OK);
    IS(rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &pub_len), ROT_OK);
    for (size_t len = 783; len <= sizeof(content); len++) /* every length of a last block */
        put_object(b, content, len);
    IS(rot_sign_digest(&b->rot, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n), ROT_OK);
    IS(rot_verify_digest(&b->rot, ROT_LDEVID(0), NULL, 0, digest, 32, sig, n), ROT_OK);
    agree(b, pub, pub_len, secret);
    IS(rot_counter_increment(&b->rot, ROT_COUNTER(0), &count), ROT_OK);
    IS(rot_key_generate(&b->rot, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, pub, 0, &n), ROT_OK);
    IS(rot_mac(&b->rot, ROT_SESSION(0), content, 20, mac, sizeof(mac), &n), ROT_OK);
    assert_int_equal(heard(&ear, content, 16), !encrypted);
    assert_int_equal(heard(&ear, drawn, 16), !encrypted);
    assert_int_equal(heard(&ear, secret, 16), !encrypted);
    assert_int_equal(heard(&ear, digest, 32), !encrypted);
    free(ear.bytes);
    bench_free(b);
}

static void
what_the_part_calls_encrypted_is(void **state)
{
    (void)state;
    for (int encrypted = 0; encrypted <= 1; encrypted++) {
        use_everything("blank-a100", encrypted);
        use_everything("blank-a110", encrypted);
        use_everything("blank-a120", encrypted);
    }
}

/* ---- What production refuses -------------------------------------------------------------------- */

/* The part's memory, but for how often it was spoken to through the channel. */
static char *
memory_of(struct bench *b)
{
    char *text = far_memory(b->far);
    json_t *memory = json_loads(text, 0, NULL), *host = json_object_get(memory, "host_key");

    if (json_is_object(host))
        assert_int_equal(json_object_del(host, "counter"), 0);
    free(text);
    text = json_dumps(memory, JSON_SORT_KEYS);
    json_decref(memory);
    return text;
}

static void
is_untouched(struct bench *b, char *before)
{
    char *now = memory_of(b);

    assert_string_equal(now, before);
    free(now);
    free(before);
}

static rot_err
write_object(struct bench *b, rot_object object, enum rot_part part, size_t len)
{
    static const uint8_t content[2000] = {0x30};
    size_t need = 0;

    return rot_object_write(&b->rot, object, part, 0, content, len, len, &need);
}

static rot_err
generate(struct bench *b)
{
    uint8_t pub[91];
    size_t n = 0;

    return rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n);
}

/* ST publishes no keys: a part has none, or somebody else's. */
static void
parts_without_our_keys_are_refused(void **state)
{
    struct bench *b = bench_new("blank-a110");
    char *before = memory_of(b);

    (void)state;
    IS(open_as(b, NULL), ROT_OK);
    IS(rot_channel_pair(&b->rot), ROT_E_EMPTY);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(b->rot.protection, ROT_PROTECTION_NONE);
        IS(generate(b), ROT_E_AUTH);
        IS(write_object(b, ROT_TRUST(0), ROT_PART_DATA, 91), ROT_E_AUTH);
        IS(rot_seal(&b->rot, ROT_STAGE_DATA, 0), ROT_E_AUTH);
        IS(open_as(b, "ours"), ROT_OK);
    }
    is_untouched(b, before);
    IS(open_as(b, "another"), ROT_OK);
    IS(rot_channel_pair(&b->rot), ROT_OK);
    before = memory_of(b);
    IS(open_as(b, "ours"), ROT_E_AUTH);
    is_untouched(b, before);
    bench_free(b);
}

static void
locked_parts_are_refused(void **state)
{
    static const uint8_t terminate[] = {0x10, 0x08, 0x04, 0xcb, 0xbd};
    struct bench *b = paired("blank-a110");
    struct rot_identity id;
    char *before;

    (void)state;
    change(b, zone, 7, "update_may_change", json_false());
    change(b, zone, 7, "update", json_string("never"));
    change(b, zone, 3, "update", json_string("authenticated host"));
    before = memory_of(b);
    IS(write_object(b, ROT_IDEVID, ROT_PART_CERT, 400), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&b->rot), 0x11);
    IS(write_object(b, ROT_TRUST(0), ROT_PART_DATA, 32), ROT_E_AUTH);
    is_untouched(b, before);
    /* At its end it answers questions only. */
    assert_true(far_write(b->far, 100000, 0x20, terminate, sizeof(terminate)));
    before = memory_of(b);
    IS(generate(b), ROT_E_STATE);
    IS(rot_identify(&b->rot, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_END);
    is_untouched(b, before);
    bench_free(b);
}

static void
full_parts_are_refused(void **state)
{
    struct bench *b = paired("blank-a110");
    uint64_t value = 0;
    char *before;

    (void)state;
    change(b, zone, 5, "counter", json_integer(0));
    before = memory_of(b);
    IS(rot_counter_increment(&b->rot, ROT_COUNTER(0), &value), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&b->rot), 0x13);
    is_untouched(b, before);
    /* A partition of somebody else's: what the layout has there does not fit. */
    change(b, shorter, 800, "size", json_integer(800));
    before = memory_of(b);
    IS(write_object(b, ROT_IDEVID, ROT_PART_CERT, 400), ROT_E_UNSUPPORTED);
    is_untouched(b, before);
    bench_free(b);
}

/* The channel's counter does not begin again: such a part takes host keys once more, or nothing. */
static void
a_spent_counter_is_the_end(void **state)
{
    struct bench *b = paired("blank-a110");
    uint8_t out[8];
    char *text = far_memory(b->far), *before;
    json_t *memory = json_loads(text, 0, NULL);

    (void)state;
    assert_int_equal(
        json_object_set_new(json_object_get(memory, "host_key"), "counter", json_integer(0xfffff0)),
        0);
    free(text);
    text = json_dumps(memory, 0);
    json_decref(memory);
    far_remember(b->far, text);
    free(text);
    IS(open_as(b, "ours"), ROT_OK);
    for (int i = 0; i < 14; i++)
        IS(rot_random(&b->rot, out, sizeof(out)), ROT_OK);
    before = memory_of(b);
    IS(rot_random(&b->rot, out, sizeof(out)), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&b->rot), 0x09);
    IS(open_as(b, "ours"), ROT_E_STATE);
    is_untouched(b, before);
    bench_free(b);
}

static void
layouts_with_what_is_not_there_are_refused(void **state)
{
    static const struct rot_place places[] = {
        {ROT_LDEVID(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 2, 7u << 16 | 1502},
        {ROT_TRUST(0), ROT_PART_DATA, 0, 0, 0, 100, 9, 0},
        {ROT_COUNTER(0), ROT_PART_DATA, 0, 0, 0, 4, 3, 0}, /* a zone that is no counter */
    };
    static const struct rot_layout layout = {
        .name = "elsewhere", .driver = "stsafe", .places = places, .place_count = 3, .channel = 1};
    struct bench *b = paired("blank-a110");
    uint8_t digest[32] = {0}, sig[72];
    struct rot_capability cap;
    uint64_t value = 0;
    char *before = memory_of(b);
    size_t n = 0;

    (void)state;
    b->setup.layout = &layout;
    IS(open_as(b, "ours"), ROT_OK);
    IS(rot_capabilities(&b->rot, ROT_LDEVID(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_GENERATE], ROT_NOWHERE);
    IS(generate(b), ROT_E_UNSUPPORTED);
    IS(rot_sign_digest(&b->rot, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n),
       ROT_E_UNSUPPORTED);
    IS(write_object(b, ROT_TRUST(0), ROT_PART_DATA, 91), ROT_E_UNSUPPORTED);
    IS(rot_counter_increment(&b->rot, ROT_COUNTER(0), &value), ROT_E_UNSUPPORTED);
    is_untouched(b, before);
    bench_free(b);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_without_our_keys_are_refused),
        cmocka_unit_test(locked_parts_are_refused),
        cmocka_unit_test(full_parts_are_refused),
        cmocka_unit_test(a_spent_counter_is_the_end),
        cmocka_unit_test(layouts_with_what_is_not_there_are_refused),
        cmocka_unit_test(first_keys_are_put_or_not),
        cmocka_unit_test(other_keys_are_put_or_not),
        cmocka_unit_test(what_the_part_calls_encrypted_is),
    };

    return cmocka_run_group_tests_name("meet/stsafe", tests, NULL, NULL);
}
