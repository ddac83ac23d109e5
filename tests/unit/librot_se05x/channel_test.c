/*
 * channel_test.c: how a conversation begins, is protected, and is found again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

static const uint8_t master[ROT_CHANNEL_MASTER_SIZE] = {5, 4, 3, 2, 1};

/* What the port gives for this part: what a station would put in place. */
static void
secret_of_part(uint8_t secret[SE05X_KEYS])
{
    const struct fake_object *uid = fake_find(&part, 0x7fff0206);

    rot_port_openssl_channel(&crypto, master);
    assert_int_equal(crypto.port.ops->channel_secret(crypto.port.self, "se05x",
                                                     (struct rot_bytes){uid->data, uid->len},
                                                     secret, SE05X_KEYS),
                     ROT_OK);
}

static rot_err
reopen(void)
{
    rot_close(&chip);
    fake_power_on(&part);
    return bench_open();
}

static int
works(void)
{
    uint8_t b[16];

    return rot_random(&chip, b, sizeof(b)) == ROT_OK;
}

/* ---- Opening ------------------------------------------------------------------------------------ */

static void
nothing_but_the_beginning_is_in_the_clear(void **state)
{
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    /* Card identify, SELECT, the unique id, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE. */
    assert_int_equal(part.clear_commands, 5);
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_true(works());
    assert_int_equal(part.clear_commands, 5);
    assert_int_equal(chip.protection, ROT_PROTECTION_DEFAULT);
    assert_int_equal(reopen(), ROT_OK);
    assert_int_equal(part.clear_commands, 10);
}

static void
other_published_keys_and_versions(void **state)
{
    static const uint8_t kit[48] = {0x35, 0xc2, 0x56, 0x45, 0x89, 0x58, 0xa3, 0x4f, 0x61, 0x36,
                                    0x15, 0x5f, 0x82, 0x09, 0xd6, 0xcd, 0xaf, 0x17, 0x7d, 0x5d,
                                    0xbd, 0xf7, 0xc0, 0xd5, 0xc1, 0x0a, 0x05, 0xb9, 0xf1, 0x60,
                                    0x7f, 0x78, 0xa1, 0xbc, 0x84, 0x38, 0xbf, 0x77, 0x93, 0x5b,
                                    0x36, 0x1a, 0x44, 0x25, 0xfe, 0x79, 0xfa, 0x29};

    (void)state;
    memcpy(part.keys, kit, sizeof(kit));
    part.key_version = 0x31;
    assert_int_equal(reopen(), ROT_OK);
    assert_true(works());
    part.keys[16] ^= 1;
    assert_int_equal(reopen(), ROT_E_AUTH);
    part.keys[16] ^= 1;
    assert_int_equal(reopen(), ROT_OK);
}

/* ---- As delivered --------------------------------------------------------------------------------- */

#define SETS_BEFORE 3u /* what the host may have of its own */

/* Of the vendor's SDK header, read once more. */
static const uint8_t a200[SE05X_KEYS] = {
    0x85, 0x2b, 0x59, 0x62, 0xe9, 0xcc, 0xe5, 0xd0, 0xbe, 0x74, 0x6b, 0x83, 0x3b, 0xcc, 0x62, 0x87,
    0xdb, 0x0a, 0xa3, 0x19, 0xa4, 0x08, 0x69, 0x6c, 0x8e, 0x10, 0x7a, 0xb4, 0xe3, 0xc2, 0x6b, 0x47,
    0x4c, 0x2f, 0x75, 0xc6, 0xa2, 0x78, 0xa4, 0xae, 0xe5, 0xc9, 0xaf, 0x7c, 0x50, 0xee, 0xa8, 0x0c};
static const uint8_t a8fa[SE05X_KEYS] = {
    0xbf, 0xc2, 0xdb, 0xe1, 0x82, 0x8e, 0x03, 0x5d, 0x3e, 0x7f, 0xa3, 0x6b, 0x90, 0x2a, 0x05, 0xc6,
    0xbe, 0xf8, 0x5b, 0xd7, 0xba, 0x04, 0x97, 0xd6, 0x28, 0x78, 0x1c, 0xe4, 0x7b, 0x18, 0x8c, 0x96,
    0xd8, 0x73, 0xf3, 0x16, 0xbe, 0x29, 0x7f, 0x2f, 0xc9, 0xc0, 0xe4, 0x5f, 0x54, 0x71, 0x06, 0x99};

/* A part of this OEF with these keys, opened. */
static rot_err
open_delivered(void (*init)(struct fake_se05x *f), unsigned oef, const uint8_t keys[SE05X_KEYS])
{
    rot_close(&chip);
    init(&part);
    memcpy(part.keys, keys, SE05X_KEYS);
    part.configuration[2] = (uint8_t)(oef >> 8);
    part.configuration[3] = (uint8_t)oef;
    return bench_open();
}

/* MAC opens it, ENC is in each command; the DEK shows when own keys are put in their place. */
static void
check_delivered(void)
{
    struct rot_identity id;
    uint8_t secret[SE05X_KEYS];

    assert_int_equal(chip.protection, ROT_PROTECTION_DEFAULT);
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_int_equal(id.protection, ROT_PROTECTION_DEFAULT);
    assert_true(works());
    secret_of_part(secret);
    assert_int_equal(rot_channel_rotate(&chip, secret, sizeof(secret)), ROT_OK);
    assert_int_equal(chip.protection, ROT_PROTECTION_OWN);
    assert_memory_equal(part.keys, secret, sizeof(secret));
}

static void
keys_that_nobody_published(void **state)
{
    uint8_t keys[SE05X_KEYS] = {0};

    (void)state;
    assert_int_equal(open_delivered(fake_init, 0xa921, keys), ROT_E_AUTH);
    memset(keys, 0x5a, sizeof(keys));
    assert_int_equal(open_delivered(fake_init, 0xa8fa, keys), ROT_E_AUTH);
    /* Nor those of an OEF in part: the cryptograms are made with MAC. */
    memcpy(keys, a8fa, sizeof(keys));
    keys[31] ^= 1;
    assert_int_equal(open_delivered(fake_init, 0xa8fa, keys), ROT_E_AUTH);
    assert_int_equal(chip.protection, ROT_PROTECTION_NONE);
}

static void
an_se050c1_and_an_se051c(void **state)
{
    (void)state;
    assert_int_equal(open_delivered(fake_init_old, 0xa200, a200), ROT_OK);
    check_delivered();
    assert_int_equal(open_delivered(fake_init, 0xa8fa, a8fa), ROT_OK);
    check_delivered();
}

/* By the keys, whatever OEF it names; each set is found as itself. */
static void
every_published_set(void **state)
{
    (void)state;
    assert_true(se05x_published_count >= 2);
    for (unsigned i = 0; i < se05x_published_count; i++) {
        assert_int_equal(open_delivered(fake_init, 0xffff, se05x_published[i]), ROT_OK);
        assert_int_equal(se05x_of(&chip)->scp.keys, SETS_BEFORE + i);
        check_delivered();
    }
}

/* No key stands twice: a slip in the table would most likely show so. */
static void
published_keys_are_distinct(void **state)
{
    const uint8_t *all = se05x_published[0];
    const size_t count = (size_t)se05x_published_count * 3;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(all + 16 * i, all + 16 * k, 16);
    }
}

/* ---- Not what it should be ------------------------------------------------------------------------ */

static void
something_else_answers(void **state)
{
    (void)state;

    rot_close(&chip);
    fake_power_on(&part);
    part.is_dead = 1;
    assert_int_equal(bench_open(), ROT_E_BUS);
}

static void
refuse_select(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (c[1] == 0xa4)
        a->sw = 0x6a82;
}

static void
short_select(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (c[1] == 0xa4)
        a->len = 6;
}

static void
another_card_is_another_part(void **state)
{
    (void)state;
    part.lie = refuse_select;
    assert_int_equal(reopen(), ROT_E_WRONG_PART);
    part.lie = short_select;
    assert_int_equal(reopen(), ROT_E_WRONG_PART);
    part.lie = NULL;
    assert_int_equal(reopen(), ROT_OK);
}

/* Every byte of what the part says while it opens is another: it opens or not, and never hangs. */
struct change {
    unsigned command;
    size_t at;
    unsigned seen;
};

static void
change_answer(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    struct change *change = arg;

    (void)c;
    (void)len;
    if (++change->seen == change->command && change->at < a->len)
        a->p[change->at] ^= 0x81;
}

static void
wrong_beginnings(void **state)
{
    struct change change = {0, 0, 0};

    (void)state;
    part.lie = change_answer;
    part.arg = &change;
    for (unsigned command = 1; command <= 5; command++) {
        for (size_t at = 0; at < 40; at++) {
            rot_err rc;

            change = (struct change){command, at, 0};
            rc = reopen();
            assert_true(rc == ROT_OK || rc == ROT_E_WRONG_PART || rc == ROT_E_FORMAT ||
                        rc == ROT_E_AUTH);
            /* What the cryptogram covers is not believed when it is another. */
            if (command == 4 && at >= 11 && at < 29 && at != 12)
                assert_true(rc != ROT_OK);
        }
    }
    part.lie = NULL;
}

/* ---- Without -------------------------------------------------------------------------------------- */

static void
a_host_without_crypto(void **state)
{
    struct rot_port_ops ops = *crypto.port.ops;
    const struct rot_port_ops *all = crypto.port.ops;
    uint8_t b[91] = {0}, key[SE05X_KEYS] = {1};
    size_t n = 0;

    (void)state;
    ops.aes_cbc = NULL;
    crypto.port.ops = &ops;
    assert_int_equal(reopen(), ROT_OK);
    assert_int_equal(chip.protection, ROT_PROTECTION_NONE);
    assert_true(works());
    /* What wants the channel is refused; the rest goes on in the clear. */
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, b, sizeof(b), &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 32),
                     ROT_E_AUTH);
    assert_int_equal(rot_object_write(&chip, ROT_DATA(2), ROT_PART_DATA, 0, b, 4, 4, &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, b, 4, 4, &n), ROT_OK);
    assert_int_equal(rot_channel_rotate(&chip, key, SE05X_KEYS), ROT_E_UNSUPPORTED);
    open_flags = ROT_OPEN_PRODUCTION;
    assert_int_equal(reopen(), ROT_E_PORT);
    crypto.port.ops = all;
    open_flags = 0;
    assert_int_equal(reopen(), ROT_OK);
}

/* ---- Rotation --------------------------------------------------------------------------------------- */

static void
production_wants_its_own_keys(void **state)
{
    uint8_t secret[SE05X_KEYS], pub[91];
    size_t n = 0;

    (void)state;
    open_flags = ROT_OPEN_PRODUCTION;
    assert_int_equal(reopen(), ROT_OK);
    assert_int_equal(chip.protection, ROT_PROTECTION_DEFAULT);
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_E_AUTH);
    secret_of_part(secret);
    assert_int_equal(rot_channel_rotate(&chip, secret, 32), ROT_E_ARG);
    assert_int_equal(rot_channel_rotate(&chip, secret, sizeof(secret)), ROT_OK);
    assert_int_equal(chip.protection, ROT_PROTECTION_OWN);
    assert_memory_equal(part.keys, secret, sizeof(secret));
    assert_int_equal(part.key_version, 0x0b);
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    /* Again is nothing, and a new conversation finds the keys by the port. */
    part.commands = 0;
    assert_int_equal(rot_channel_rotate(&chip, secret, sizeof(secret)), ROT_OK);
    assert_true(part.commands < 6);
    assert_int_equal(reopen(), ROT_OK);
    assert_int_equal(chip.protection, ROT_PROTECTION_OWN);
    /* Without the host's secret nobody gets in. */
    rot_port_openssl_channel(&crypto, NULL);
    assert_int_equal(reopen(), ROT_E_AUTH);
    rot_port_openssl_channel(&crypto, master);
    assert_int_equal(reopen(), ROT_OK);
}

static void
keys_may_change_again(void **state)
{
    uint8_t a[SE05X_KEYS], b[SE05X_KEYS];

    (void)state;
    memset(a, 0xa1, sizeof(a));
    memset(b, 0xb2, sizeof(b));
    part.has_domain = 0; /* a part that takes them through its applet */
    assert_int_equal(rot_channel_rotate(&chip, a, sizeof(a)), ROT_OK);
    assert_int_equal(rot_channel_rotate(&chip, b, sizeof(b)), ROT_OK);
    assert_memory_equal(part.keys, b, sizeof(b));
    assert_true(works());
    part.has_domain = 1;
    assert_int_equal(rot_channel_rotate(&chip, a, sizeof(a)), ROT_OK);
    assert_memory_equal(part.keys, a, sizeof(a));
    assert_true(works());
}

static void
refuse_put_key(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (c[1] == 0xd8)
        a->sw = 0x6985;
}

static void
refused_keys_are_forgotten(void **state)
{
    uint8_t a[SE05X_KEYS] = {1};

    (void)state;
    part.lie = refuse_put_key;
    /* It says no, and has them all the same: then nobody knows. */
    assert_int_equal(rot_channel_rotate(&chip, a, sizeof(a)), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&chip), 0x6985);
    part.lie = NULL;
    assert_false(works());
    assert_int_equal(se05x_of(&chip)->has_fresh, 0);
    fake_init(&part);
}

static void
keep_the_old_keys(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)len;
    (void)a;
    if (c[1] == 0xd8)
        memcpy(part.keys, arg, sizeof(part.keys));
}

/* It says yes, and has its published ones still. */
static void
keys_that_are_not_kept_are_noticed(void **state)
{
    uint8_t a[SE05X_KEYS] = {1}, old[SE05X_KEYS];

    (void)state;
    memcpy(old, part.keys, sizeof(old));
    part.arg = old;
    part.lie = keep_the_old_keys;
    assert_int_equal(rot_channel_rotate(&chip, a, sizeof(a)), ROT_E_MISMATCH);
    assert_int_not_equal(chip.protection, ROT_PROTECTION_OWN);
    part.lie = NULL;
}

/* Power goes at any point: the part opens by the new keys or the old, and the next try ends it. */
static void
rotation_survives_every_cut(void **state)
{
    uint8_t secret[SE05X_KEYS];

    (void)state;
    for (int before = 0; before < 2; before++) {
        for (unsigned cut = 1;; cut++) {
            rot_err rc;

            fake_init(&part);
            secret_of_part(secret);
            assert_int_equal(reopen(), ROT_OK);
            part.commands = 0;
            part.cut_at = cut;
            part.cut_before = before;
            rc = rot_channel_rotate(&chip, secret, sizeof(secret));
            assert_true(rc == ROT_OK || rc == ROT_E_BUS);
            if (rc == ROT_E_BUS && cut % 2 == 0) {
                /* Without closing: the same call again. */
                fake_power_on(&part);
            } else {
                assert_int_equal(reopen(), ROT_OK);
                assert_true(chip.protection != ROT_PROTECTION_NONE);
            }
            assert_int_equal(rot_channel_rotate(&chip, secret, sizeof(secret)), ROT_OK);
            assert_int_equal(chip.protection, ROT_PROTECTION_OWN);
            assert_memory_equal(part.keys, secret, sizeof(secret));
            assert_true(works());
            if (rc == ROT_OK)
                break;
        }
    }
}

/* A part that hides its id would be lost with keys that depend on it. */
static void
hidden_ids_keep_their_keys(void **state)
{
    uint8_t secret[SE05X_KEYS];
    struct rot_identity id;
    struct rot_capability cap;

    (void)state;
    secret_of_part(secret);
    part.hides_uid = 1;
    assert_int_equal(reopen(), ROT_OK);
    assert_int_equal(chip.protection, ROT_PROTECTION_DEFAULT);
    assert_int_equal(rot_channel_rotate(&chip, secret, sizeof(secret)), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_capabilities(&chip, ROT_IDEVID, &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_CHANNEL], ROT_NOWHERE);
    assert_int_equal(rot_identify(&chip, &id), ROT_OK); /* it tells inside */
    assert_int_equal(id.uid_len, 18);
    assert_int_equal(id.uid[0], 0xa0);
}

/* Somebody on the bus who knows what everybody knows. */
static void
published_keys_do_not_come_back(void **state)
{
    uint8_t secret[SE05X_KEYS], kept[SE05X_KEYS];

    (void)state;
    memcpy(kept, part.keys, sizeof(kept));
    secret_of_part(secret);
    assert_int_equal(rot_channel_rotate(&chip, secret, sizeof(secret)), ROT_OK);
    memcpy(part.keys, kept, sizeof(kept));
    part.is_secure = 0; /* the conversation ends, another begins */
    assert_false(works());
    assert_false(works());
    for (unsigned i = 0; i < se05x_published_count; i++) {
        memcpy(part.keys, se05x_published[i], sizeof(kept));
        assert_false(works());
    }
    memcpy(part.keys, secret, sizeof(secret));
    assert_true(works());
}

static rot_err
everybodys_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    (void)self;
    (void)driver;
    (void)uid;
    memcpy(secret, se05x_published[se05x_published_count - 1], len);
    return ROT_OK;
}

/* No host's own, whoever gives them: not to the part, and not as what it is opened with. */
static void
published_keys_are_nobodys_own(void **state)
{
    const struct rot_port_ops *all = crypto.port.ops;
    struct rot_port_ops ops = *all;
    uint8_t old[SE05X_KEYS];

    (void)state;
    memcpy(old, part.keys, sizeof(old));
    for (unsigned i = 0; i < se05x_published_count; i++)
        assert_int_equal(rot_channel_rotate(&chip, se05x_published[i], SE05X_KEYS), ROT_E_ARG);
    assert_memory_equal(part.keys, old, sizeof(old));
    ops.channel_secret = everybodys_secret;
    crypto.port.ops = &ops;
    memcpy(part.keys, se05x_published[se05x_published_count - 1], sizeof(part.keys));
    assert_int_equal(reopen(), ROT_OK);
    assert_int_equal(chip.protection, ROT_PROTECTION_DEFAULT);
    assert_int_equal(rot_channel_pair(&chip), ROT_E_ARG);
    crypto.port.ops = all;
}

/* ---- A conversation that was lost ------------------------------------------------------------------- */

/* Another program let the part sleep: noticed, begun anew, and the caller sees nothing. */
static void
sleep_is_noticed(void **state)
{
    uint8_t b[32] = {1};
    uint64_t v = 0;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        if ((i & 1) != 0)
            part.is_selected = 0;
        part.is_secure = 0;
        if (i < 2)
            assert_int_equal(rot_counter_increment(&chip, ROT_COUNTER(0), &v), ROT_OK);
        else
            assert_int_equal(rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, b, 32, 32, &n),
                             ROT_OK);
    }
    assert_int_equal(v, 2);
    assert_true(works());
}

static void
refuse_all(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (c[1] == 0x04)
        a->sw = 0x6982;
}

/* A part that always says so is asked twice. */
static void
stubborn_refusals_end(void **state)
{
    uint8_t b[8];

    (void)state;
    part.lie = refuse_all;
    part.commands = 0;
    assert_int_equal(rot_random(&chip, b, 8), ROT_E_AUTH);
    assert_true(part.commands <= 2 + 5);
    part.lie = NULL;
    assert_true(works());
}

static void
power_is_lost_unseen(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        fake_power_on(&part);
        /* The blocks are out of step, perhaps: one fault, and then it works. */
        assert_true(works() || works());
    }
}

static void
reset_brings_it_back(void **state)
{
    (void)state;
    assert_int_equal(rot_reset(&chip), ROT_OK);
    assert_true(works());
    part.is_dead = 1;
    assert_int_equal(rot_reset(&chip), ROT_E_BUS);
    fake_power_on(&part);
    assert_int_equal(rot_reset(&chip), ROT_OK);
    assert_true(works());
}

/* Blocks whose CRC is right and whose bytes are not the part's. */
struct forge {
    unsigned at, blocks;
    size_t byte;
};

static size_t
forge_block(void *arg, uint8_t *b, size_t len, size_t cap)
{
    struct forge *f = arg;
    uint16_t crc;

    (void)cap;
    if (++f->blocks != f->at || len < 12)
        return len;
    b[3 + f->byte % (len - 5)] ^= 0x10;
    crc = t1_crc(b, len - 2);
    b[len - 2] = (uint8_t)crc;
    b[len - 1] = (uint8_t)(crc >> 8);
    return len;
}

static void
forged_answers_are_refused(void **state)
{
    struct forge f = {1, 0, 0};
    uint8_t b[16];

    (void)state;
    part.tamper = forge_block;
    part.arg = &f;
    for (f.byte = 0; f.byte < 42; f.byte++) {
        f.blocks = 0;
        assert_int_equal(rot_random(&chip, b, sizeof(b)), ROT_E_BUS);
        assert_int_equal(rot_random(&chip, b, sizeof(b)), ROT_OK);
    }
    part.tamper = NULL;
}

/* Every third block is damaged, every fifth late: all as before. */
static size_t
damage_block(void *arg, uint8_t *b, size_t len, size_t cap)
{
    unsigned *count = arg;

    (void)cap;
    ++*count;
    if (*count % 5 == 0)
        part.wtx = 1;
    if (*count % 3 == 0)
        b[*count % len] ^= 0x04;
    return len;
}

static void
noise_is_borne(void **state)
{
    static uint8_t text[1500], back[1500];
    uint8_t pub[91];
    unsigned count = 0;
    size_t n = 0;

    (void)state;
    part.tamper = damage_block;
    part.arg = &count;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)i;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, text, sizeof(text),
                                      sizeof(text), &n),
                     ROT_OK);
    assert_int_equal(rot_object_read(&chip, ROT_DATA(0), ROT_PART_DATA, 0, back, sizeof(back), &n),
                     ROT_OK);
    assert_memory_equal(text, back, sizeof(text));
    assert_true(count > 50);
    part.tamper = NULL;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_but_the_beginning_is_in_the_clear, new_part,
                                        end_part),
        cmocka_unit_test_setup_teardown(other_published_keys_and_versions, new_part, end_part),
        cmocka_unit_test_setup_teardown(keys_that_nobody_published, new_part, end_part),
        cmocka_unit_test_setup_teardown(an_se050c1_and_an_se051c, new_part, end_part),
        cmocka_unit_test_setup_teardown(every_published_set, new_part, end_part),
        cmocka_unit_test_setup_teardown(published_keys_are_distinct, new_part, end_part),
        cmocka_unit_test_setup_teardown(something_else_answers, new_part, end_part),
        cmocka_unit_test_setup_teardown(another_card_is_another_part, new_part, end_part),
        cmocka_unit_test_setup_teardown(wrong_beginnings, new_part, end_part),
        cmocka_unit_test_setup_teardown(a_host_without_crypto, new_part, end_part),
        cmocka_unit_test_setup_teardown(production_wants_its_own_keys, new_part, end_part),
        cmocka_unit_test_setup_teardown(keys_may_change_again, new_part, end_part),
        cmocka_unit_test_setup_teardown(refused_keys_are_forgotten, new_part, end_part),
        cmocka_unit_test_setup_teardown(keys_that_are_not_kept_are_noticed, new_part, end_part),
        cmocka_unit_test_setup_teardown(rotation_survives_every_cut, new_part, end_part),
        cmocka_unit_test_setup_teardown(hidden_ids_keep_their_keys, new_part, end_part),
        cmocka_unit_test_setup_teardown(published_keys_do_not_come_back, new_part, end_part),
        cmocka_unit_test_setup_teardown(published_keys_are_nobodys_own, new_part, end_part),
        cmocka_unit_test_setup_teardown(sleep_is_noticed, new_part, end_part),
        cmocka_unit_test_setup_teardown(stubborn_refusals_end, new_part, end_part),
        cmocka_unit_test_setup_teardown(power_is_lost_unseen, new_part, end_part),
        cmocka_unit_test_setup_teardown(reset_brings_it_back, new_part, end_part),
        cmocka_unit_test_setup_teardown(forged_answers_are_refused, new_part, end_part),
        cmocka_unit_test_setup_teardown(noise_is_borne, new_part, end_part),
    };

    return cmocka_run_group_tests_name("librot_se05x channel", tests, NULL, NULL);
}
