/*
 * stsafe_test.c: the STSAFE's driver and its simulator, where the suite's ways end: power cut while
 * host keys are put, everything encrypted, and what production refuses with the part untouched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"

#include "sims/atecc/model.h"
#include "sims/optiga/model.h"
#include "sims/se05x/model.h"
#include "sims/stsafe/model.h"

extern const struct rot_driver rot_driver_stsafe;

static const uint8_t ours[ROT_CHANNEL_MASTER_SIZE] = "ours";
static const uint8_t before_us[ROT_CHANNEL_MASTER_SIZE] = "before us";

static void
make(struct desk *d, const char *personality)
{
    int is_a120 = strcmp(personality, "blank-a120") == 0;

    desk_init(d, is_a120 ? &stsafe_a120_model : &stsafe_a110_model, personality,
              &rot_driver_stsafe);
}

static void
make_paired(struct desk *d, const char *personality)
{
    make(d, personality);
    assert_int_equal(desk_open(d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
    assert_int_equal(rot_channel_pair(&d->chip), ROT_OK);
    assert_int_equal(desk_open(d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
}

/* ---- Power cut while host keys are put ------------------------------------------------------- */

/* What a host with this master has for the part that is open. */
static void
secret_of(struct desk *d, const uint8_t *master, uint8_t secret[32])
{
    struct rot_port_openssl host;
    struct rot_identity id;

    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(rot_port_openssl_init(&host), ROT_OK);
    rot_port_openssl_channel(&host, master);
    assert_int_equal(host.port.ops->channel_secret(host.port.self, "stsafe",
                                                   (struct rot_bytes){id.uid, id.uid_len}, secret,
                                                   32),
                     ROT_OK);
    rot_port_openssl_done(&host);
}

/* Open it as the host of the start would, and give it our secret.  NULL: the port's, by pairing. */
static rot_err
put_ours(struct desk *d, const uint8_t *secret)
{
    rot_err rc = desk_open(d, ROT_OPEN_PRODUCTION, secret != NULL ? before_us : ours);

    if (rc != ROT_OK)
        return rc;
    return secret != NULL ? rot_channel_rotate(&d->chip, secret, 32) : rot_channel_pair(&d->chip);
}

static unsigned
find_out(struct desk *d, int is_rotation)
{
    rot_err rc;

    desk_power_cycle(d);
    rc = desk_open(d, ROT_OPEN_PRODUCTION, ours);
    if (rc == ROT_OK && d->chip.protection == ROT_PROTECTION_OWN)
        return 1;
    assert_int_equal(rc, is_rotation ? ROT_E_AUTH : ROT_OK);
    return 0;
}

/*
 * Every command of opening and putting, each cut at four points: afterwards the part has the state
 * before or ours, a host finds which, and the same call ends it.
 */
static void
cut_everywhere(const char *personality, int is_rotation)
{
    static const enum sim_fate_kind points[] = {SIM_FATE_CUT_BEFORE, SIM_FATE_CUT_WRITE,
                                                SIM_FATE_CUT_AFTER, SIM_FATE_CUT_ANSWERED};
    unsigned seen[2] = {0, 0}, last;
    uint8_t secret[32], out[8];
    const uint8_t *fresh = is_rotation ? secret : NULL;
    struct desk d;
    char *start;

    make(&d, personality);
    if (is_rotation) {
        assert_int_equal(desk_open(&d, 0, before_us), ROT_OK);
        assert_int_equal(rot_channel_pair(&d.chip), ROT_OK);
        secret_of(&d, ours, secret);
    }
    start = desk_save(&d);
    desk_load(&d, start);
    assert_int_equal(put_ours(&d, fresh), ROT_OK);
    last = d.commands;
    for (unsigned at = 1; at <= last; at++) {
        for (size_t k = 0; k < 4; k++) {
            unsigned is_ours;

            desk_load(&d, start);
            d.fate = (struct sim_fate){points[k], -1};
            d.fate_at = at;
            if (put_ours(&d, fresh) == ROT_OK) /* the last answer was read */
                assert_true(at == last && points[k] == SIM_FATE_CUT_ANSWERED);
            is_ours = find_out(&d, is_rotation);
            seen[is_ours]++;
            if (!is_ours)
                assert_int_equal(put_ours(&d, fresh), ROT_OK);
            assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
            assert_int_equal(d.chip.protection, ROT_PROTECTION_OWN);
            assert_int_equal(rot_random(&d.chip, out, sizeof(out)), ROT_OK);
        }
    }
    assert_true(last > 5 && seen[0] > 0 && seen[1] > 0);
    printf("%s, %s: %u commands, %u cuts: %u before, %u ours\n", personality,
           is_rotation ? "other keys" : "first keys", last, seen[0] + seen[1], seen[0], seen[1]);
    free(start);
    desk_done(&d);
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

/* ---- Everything encrypted ------------------------------------------------------------------------ */

/* Every command that works with secrets or contents: for the host, and encrypted both ways or not. */
static void
set_rules(struct desk *d, int encrypted)
{
    static const char *const codes[] = {"02", "04", "05", "06", "0e", "0f", "11", "16", "17", "18"};
    char *saved = desk_save(d);
    json_t *object = json_loads(saved, 0, NULL), *rows = json_array();
    char *changed;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        assert_int_equal(
            json_array_append_new(rows, json_pack("{s:s, s:s, s:b, s:b}", "command", codes[i],
                                                  "access", "host", "command_encrypted", encrypted,
                                                  "answer_encrypted", encrypted)),
            0);
    assert_int_equal(json_object_set_new(object, "commands", rows), 0);
    changed = json_dumps(object, 0);
    desk_load(d, changed);
    json_decref(object);
    free(saved);
    free(changed);
}

static int
was_on_the_bus(const struct desk *d, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i + len <= d->trace_len; i++)
        if (memcmp(d->trace + i, p, len) == 0)
            return 1;
    return 0;
}

static void
put_object(struct desk *d, const uint8_t *p, size_t len)
{
    uint8_t back[800];
    size_t n = 0;

    assert_int_equal(rot_object_write(&d->chip, ROT_LDEVID(0), ROT_PART_CERT, 0, p, len, len, &n),
                     ROT_OK);
    assert_int_equal(
        rot_object_read(&d->chip, ROT_LDEVID(0), ROT_PART_CERT, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, len);
    assert_memory_equal(back, p, len);
}

/* With the part's key: what it agrees on is what the host has. */
static void
agree(struct desk *d, const uint8_t *pub, size_t pub_len, uint8_t secret[32])
{
    const struct rot_port *port = &d->crypto.port;
    uint8_t priv[48], mine[96], theirs[96], peer[91], want[48];
    enum rot_alg alg = ROT_ALG_NONE;
    size_t n = 0, peer_len = 0;

    assert_int_equal(port->ops->ec_generate(port->self, ROT_ALG_P256, priv, mine), ROT_OK);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, mine, peer, sizeof(peer), &peer_len),
                     ROT_OK);
    assert_int_equal(rot_spki_to_point(pub, pub_len, theirs, &alg), ROT_OK);
    assert_int_equal(port->ops->ecdh(port->self, ROT_ALG_P256, priv, theirs, want), ROT_OK);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, peer_len, 0, secret, 32, &n), ROT_OK);
    assert_int_equal(n, 32);
    assert_memory_equal(secret, want, 32);
}

/* The rules say encrypted: nothing of it is on the bus.  They do not: there it is. */
static void
use_everything(const char *personality, int encrypted)
{
    uint8_t content[798], drawn[33], pub[91], sig[72], digest[32] = {1}, secret[32], mac[32];
    size_t n = 0, pub_len = 0;
    uint64_t count = 0;
    struct desk d;

    make_paired(&d, personality);
    rot_close(&d.chip);
    set_rules(&d, encrypted);
    assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
    d.trace_len = 0;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 7 + 1);
    assert_int_equal(rot_random(&d.chip, drawn, sizeof(drawn)), ROT_OK);
    assert_int_equal(
        rot_key_generate(&d.chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &pub_len), ROT_OK);
    for (size_t len = 784; len <= sizeof(content); len++) /* every length of a last block */
        put_object(&d, content, len);
    assert_int_equal(rot_sign_digest(&d.chip, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n),
                     ROT_OK);
    assert_int_equal(rot_verify_digest(&d.chip, ROT_LDEVID(0), NULL, 0, digest, 32, sig, n),
                     ROT_OK);
    agree(&d, pub, pub_len, secret);
    assert_int_equal(rot_counter_increment(&d.chip, ROT_COUNTER(0), &count), ROT_OK);
    assert_int_equal(rot_key_generate(&d.chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, pub, 0, &n),
                     ROT_OK);
    assert_int_equal(rot_mac(&d.chip, ROT_SESSION(0), content, 20, mac, sizeof(mac), &n), ROT_OK);
    assert_true(d.trace_len > 1000 && d.trace_len < DESK_TRACE);
    assert_int_equal(was_on_the_bus(&d, content, 16), !encrypted);
    assert_int_equal(was_on_the_bus(&d, drawn, 16), !encrypted);
    assert_int_equal(was_on_the_bus(&d, secret, 16), !encrypted);
    assert_int_equal(was_on_the_bus(&d, digest, 32), !encrypted);
    desk_done(&d);
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

/* ---- What production refuses ---------------------------------------------------------------------- */

/* The part's memory, but for how often it was spoken to through the channel. */
static char *
memory_of(const struct desk *d)
{
    char *saved = desk_save(d), *text;
    json_t *object = json_loads(saved, 0, NULL), *host = json_object_get(object, "host_key");

    if (json_is_object(host))
        assert_int_equal(json_object_del(host, "counter"), 0);
    text = json_dumps(object, JSON_SORT_KEYS);
    json_decref(object);
    free(saved);
    return text;
}

static void
is_untouched(const struct desk *d, char *before)
{
    char *now = memory_of(d);

    assert_string_equal(now, before);
    free(now);
    free(before);
}

static void
simulators_are_refused(void **state)
{
    struct desk d;
    char *before;

    (void)state;
    make(&d, "blank-a110");
    before = memory_of(&d);
    d.transport.simulated = 1;
    assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_E_AUTH);
    assert_int_equal(d.commands, 0);
    is_untouched(&d, before);
    desk_done(&d);
}

static void
wrong_addresses_are_refused(void **state)
{
    static const uint8_t addresses[] = {0x08, 0x21, 0x30, 0x77};
    struct desk d;
    char *before;

    (void)state;
    make(&d, "blank-a110");
    before = memory_of(&d);
    for (size_t i = 0; i < sizeof(addresses); i++) {
        d.transport.address = addresses[i];
        assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_E_BUS);
    }
    assert_int_equal(d.commands, 0);
    is_untouched(&d, before);
    d.transport.address = 0x20;
    assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
    desk_done(&d);
}

/* Each of the others, at its own address and awake. */
static void
other_parts_are_refused(void **state)
{
    static const struct {
        const struct sim_model *model;
        const char *personality;
    } parts[] = {{&atecc608b_model, "blank608b"},
                 {&se050_model, "blank-se050"},
                 {&optiga_m3_model, "blank-m3"}};

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct desk d;
        char *before;
        rot_err rc;

        desk_init(&d, parts[i].model, parts[i].personality, &rot_driver_stsafe);
        before = memory_of(&d);
        d.transport.address = d.model->get_address(d.part);
        rc = desk_open(&d, ROT_OPEN_PRODUCTION, ours);
        assert_true(rc == ROT_E_BUS || rc == ROT_E_WRONG_PART);
        is_untouched(&d, before);
        desk_done(&d);
    }
}

/* ST publishes no keys: a part has none, or somebody else's. */
static void
parts_without_our_keys_are_refused(void **state)
{
    uint8_t b[91] = {0};
    struct desk d;
    char *before;
    size_t n = 0;

    (void)state;
    make(&d, "blank-a110");
    before = memory_of(&d);
    assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, NULL), ROT_OK);
    assert_int_equal(rot_channel_pair(&d.chip), ROT_E_EMPTY);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(d.chip.protection, ROT_PROTECTION_NONE);
        assert_int_equal(rot_key_generate(&d.chip, ROT_LDEVID(0), ROT_ALG_P256, b, 91, &n),
                         ROT_E_AUTH);
        assert_int_equal(rot_object_write(&d.chip, ROT_TRUST(0), ROT_PART_DATA, 0, b, 91, 91, &n),
                         ROT_E_AUTH);
        assert_int_equal(rot_seal(&d.chip, ROT_STAGE_DATA, 0), ROT_E_AUTH);
        assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
    }
    is_untouched(&d, before);
    desk_done(&d);

    make(&d, "blank-a110");
    assert_int_equal(desk_open(&d, 0, before_us), ROT_OK);
    assert_int_equal(rot_channel_pair(&d.chip), ROT_OK);
    before = memory_of(&d);
    assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_E_AUTH);
    is_untouched(&d, before);
    desk_done(&d);
}

/* Change one member of one zone, as somebody else's tools would have. */
static void
set_zone(struct desk *d, unsigned zone, const char *name, json_t *value)
{
    char *saved = desk_save(d), *changed;
    json_t *object = json_loads(saved, 0, NULL);
    json_t *z = json_array_get(json_object_get(object, "zones"), zone);

    if (strcmp(name, "size") == 0) {
        char *data = strdup(json_string_value(json_object_get(z, "data")));

        data[2 * json_integer_value(value)] = '\0';
        assert_int_equal(json_object_set_new(z, "data", json_string(data)), 0);
        free(data);
    }
    assert_int_equal(json_object_set_new(z, name, value), 0);
    changed = json_dumps(object, 0);
    rot_close(&d->chip);
    desk_load(d, changed);
    json_decref(object);
    free(saved);
    free(changed);
    assert_int_equal(desk_open(d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
}

static rot_err
write_identity(struct desk *d, size_t len, size_t *ret_need)
{
    static const uint8_t content[2000] = {0x30};

    return rot_object_write(&d->chip, ROT_IDEVID, ROT_PART_CERT, 0, content, len, len, ret_need);
}

static void
locked_parts_are_refused(void **state)
{
    struct rot_identity id;
    uint8_t pub[91];
    struct desk d;
    char *before;
    size_t n = 0;

    (void)state;
    make_paired(&d, "blank-a110");
    set_zone(&d, 7, "update_may_change", json_false());
    set_zone(&d, 7, "update", json_string("never"));
    before = memory_of(&d);
    assert_int_equal(write_identity(&d, 400, &n), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d.chip), 0x11);
    is_untouched(&d, before);

    /* Of a zone that asks for more than a host, and of a part at its end. */
    set_zone(&d, 3, "update", json_string("authenticated host"));
    before = memory_of(&d);
    assert_int_equal(rot_object_write(&d.chip, ROT_TRUST(0), ROT_PART_DATA, 0, pub, 32, 32, &n),
                     ROT_E_AUTH);
    is_untouched(&d, before);
    desk_done(&d);
    make_paired(&d, "blank-a110");
    assert_true(
        d.model->i2c_write(d.part, 0x20, (const uint8_t[]){0x10, 0x08, 0x04, 0xcb, 0xbd}, 5));
    before = memory_of(&d);
    assert_int_equal(rot_key_generate(&d.chip, ROT_LDEVID(0), ROT_ALG_P256, pub, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_identify(&d.chip, &id), ROT_E_STATE);
    is_untouched(&d, before);
    desk_done(&d);
}

static void
full_parts_are_refused(void **state)
{
    uint64_t value = 0;
    struct desk d;
    char *before;
    size_t n = 0;

    (void)state;
    make_paired(&d, "blank-a110");
    set_zone(&d, 5, "counter", json_integer(0));
    before = memory_of(&d);
    assert_int_equal(rot_counter_increment(&d.chip, ROT_COUNTER(0), &value), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d.chip), 0x13);
    is_untouched(&d, before);
    /* A partition of somebody else's: what the layout has there does not fit. */
    set_zone(&d, 7, "size", json_integer(800));
    before = memory_of(&d);
    assert_int_equal(write_identity(&d, 400, &n), ROT_E_UNSUPPORTED);
    is_untouched(&d, before);
    desk_done(&d);
}

static void
certificates_that_do_not_fit_are_refused(void **state)
{
    struct desk d;
    char *before;
    size_t n = 0;
    unsigned commands;

    (void)state;
    make_paired(&d, "blank-a110");
    before = memory_of(&d);
    commands = d.commands;
    assert_int_equal(write_identity(&d, 851, &n), ROT_E_SPACE);
    assert_int_equal(n, 851);
    assert_int_equal(d.commands, commands);
    is_untouched(&d, before);
    assert_int_equal(write_identity(&d, 850, &n), ROT_OK);
    desk_done(&d);
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
    struct rot_capability cap;
    uint8_t b[91] = {0}, sig[72];
    uint64_t value = 0;
    struct desk d;
    char *before;
    size_t n = 0;

    (void)state;
    make_paired(&d, "blank-a110");
    before = memory_of(&d);
    d.setup.layout = &layout;
    assert_int_equal(desk_open(&d, ROT_OPEN_PRODUCTION, ours), ROT_OK);
    assert_int_equal(rot_capabilities(&d.chip, ROT_LDEVID(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_GENERATE], ROT_NOWHERE);
    assert_int_equal(rot_key_generate(&d.chip, ROT_LDEVID(0), ROT_ALG_P256, b, 91, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_sign_digest(&d.chip, ROT_LDEVID(0), b, 32, sig, sizeof(sig), &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_object_write(&d.chip, ROT_TRUST(0), ROT_PART_DATA, 0, b, 91, 91, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_counter_increment(&d.chip, ROT_COUNTER(0), &value), ROT_E_UNSUPPORTED);
    is_untouched(&d, before);
    desk_done(&d);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(simulators_are_refused),
        cmocka_unit_test(wrong_addresses_are_refused),
        cmocka_unit_test(other_parts_are_refused),
        cmocka_unit_test(parts_without_our_keys_are_refused),
        cmocka_unit_test(locked_parts_are_refused),
        cmocka_unit_test(full_parts_are_refused),
        cmocka_unit_test(certificates_that_do_not_fit_are_refused),
        cmocka_unit_test(layouts_with_what_is_not_there_are_refused),
        cmocka_unit_test(first_keys_are_put_or_not),
        cmocka_unit_test(other_keys_are_put_or_not),
        cmocka_unit_test(what_the_part_calls_encrypted_is),
    };

    return cmocka_run_group_tests_name("meet/stsafe", tests, NULL, NULL);
}
