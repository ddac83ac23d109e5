/*
 * recipe_test.c: whom the recipe refuses and how it goes on, against a chip that
 * loses power at every call, and a server whose answers get lost.
 *
 * The oracle of the power cuts: however often it is cut, the board ends
 * complete, with one certificate, and nobody else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "recipe_bench.h"

#include <string.h>

#include <openssl/ec.h>

#include "attest/makers.h"

/* ---- Refusals --------------------------------------------------------------------------- */

static void
a_wrong_part_is_not_touched(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "atecc608b"), RS_E_CHIP_WRONG_PART);
    assert_int_equal(w->result.step, STEP_CONTACT);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 0);
}

static void
another_label_is_refused(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_LABEL_OTHER);
    forget(w);
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->issued_count, 1);
}

static void
a_chip_of_another_order_is_refused(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    w->order = "o-2";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 1);
    w->order = NULL;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    w->order = "o-2";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
a_scrapped_chip_is_refused(void **state)
{
    struct world *w = *state;
    struct journal_record end = {.type = JOURNAL_END};

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    end.board = w->board;
    end.field[JOURNAL_UID] = rs_bytes_of(w->result.uid, w->result.uid_len);
    end.field[JOURNAL_STATE] = rs_bytes_str("scrap");
    assert_int_equal(memory_take(w->memory, &end, NULL), RS_OK);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 1);
}

static void
a_sealed_chip_of_somebody_else_is_refused(void **state)
{
    struct world *w = *state;
    struct rot_linux lin;
    struct rot_chip chip;
    char uri[160];

    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_OK);
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_OK);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_DATA, 0), ROT_OK);
    rot_close(&chip);
    rot_linux_close(&lin);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 0);
}

static void
a_certificate_over_another_key_is_refused(void **state)
{
    struct world *w = *state;

    w->wrong_key = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CERTIFICATE);
}

static void
a_certificate_of_no_ca_is_refused(void **state)
{
    struct world *w = *state;

    w->host.ca_count = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_TRUST);
}

/* The name of our CA is on it, and the signature is somebody else's. */
static void
a_certificate_that_the_ca_did_not_sign_is_refused(void **state)
{
    struct world *w = *state;
    struct crypto_key *ours = w->ca_key;

    assert_int_equal(crypto_key_generate(CRYPTO_P256, &w->ca_key, NULL), RS_OK);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_TRUST);
    crypto_key_free(w->ca_key);
    w->ca_key = ours;
    forget_server(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
}

static void
nothing_is_asked_or_sealed_without_a_record(void **state)
{
    struct world *w = *state;

    w->journal_fails = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DISK_FULL);
    assert_int_equal(w->asked, 0);
    assert_false(w->result.was_irreversible);
}

static void
the_server_decides(void **state)
{
    struct world *w = *state;

    w->refuse_with = RS_E_ORDER_EXHAUSTED;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_ORDER_EXHAUSTED);
    assert_false(w->result.identity_used);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

/* ---- Going on ----------------------------------------------------------------------------- */

static void
a_finished_board_is_proved_and_not_written(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(w->result.identity_used);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
    assert_int_equal(w->asked, 1);
    assert_false(w->result.was_irreversible);
}

static void
another_station_finds_the_same_identity(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    forget(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

static void
a_lost_answer_costs_nothing(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_LABEL_OTHER);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
    assert_int_equal(w->asked, 2);
}

static void
a_refused_label_frees_the_chip(void **state)
{
    struct world *w = *state;

    w->refuse_with = RS_E_DEVICE_EXISTS;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DEVICE_EXISTS);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-2", "soft"), RS_OK);
}

static unsigned
count_calls(struct world *w)
{
    w->wire.calls = w->wire.cut_at = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    return w->wire.calls;
}

static void
cut_everywhere(struct world *w, int take_effect)
{
    unsigned n = count_calls(w);

    assert_true(n > 10);
    for (unsigned at = 1; at <= n; at++) {
        rs_code rc;

        a_blank_board(w);
        w->wire.calls = 0;
        w->wire.cut_at = at;
        w->wire.after = take_effect;
        rc = place(w, "X2-1", "soft");
        assert_true(rc == RS_E_CHIP_INTERRUPTED || rc == RS_E_CHIP_ABSENT);
        assert_int_equal(rc == RS_E_CHIP_INTERRUPTED, w->result.began);
        w->wire.cut_at = 0;
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        assert_int_equal(w->issued_count, 1);
        assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
        assert_int_equal(w->issued_count, 1);
    }
}

static void
power_cut_before_every_call(void **state)
{
    cut_everywhere(*state, 0);
}

static void
power_cut_after_every_call(void **state)
{
    cut_everywhere(*state, 1);
}

static void
no_seal_without_a_record_on_the_disk(void **state)
{
    struct world *w = *state;

    w->no_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DISK_FULL);
    assert_int_equal(w->result.step, STEP_LOCK);
    assert_false(is_sealed(w));
    w->no_seals = 0;
    w->liar.is_foreign = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->result.step, STEP_CONTACT);
    assert_false(is_sealed(w));
    w->liar.is_foreign = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(is_sealed(w));
}

/* ---- Secure elements ----------------------------------------------------------------------------- */

static void
production_wants_a_secret_of_its_own(void **state)
{
    struct world *w = *state;

    w->element.is_one = w->production = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHANNEL_SECRET);
    assert_int_equal(w->result.step, STEP_PAIR);
    w->element.has_secret = w->no_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DISK_FULL);
    assert_int_equal(w->result.step, STEP_PAIR);
    assert_int_equal(w->element.rotated, 0);
    assert_int_equal(w->asked, 0);
    w->no_seals = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->element.rotated, 1);
}

/* A key was made in it, and this station knows nothing of that: the board is another's. */
static void
a_part_that_another_station_is_at_is_left_alone(void **state)
{
    struct world *w = *state;

    w->element.is_one = w->element.has_config = 1;
    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    assert_true(w->element.is_configured);
    w->lose_answer = 0;
    forget(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->result.step, STEP_KEY);
    assert_int_equal(w->asked, 1);
}

/* The last stage is somebody else's: nothing of it is taken. */
static void
a_life_cycle_that_was_moved_elsewhere_is_foreign(void **state)
{
    struct world *w = *state;

    w->element.is_one = w->element.has_life = 1;
    w->element.is_moved = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->result.step, STEP_LOCK);
    assert_int_equal(w->element.moved, 0);
    w->element.is_moved = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->element.moved, 1);
}

static void
a_part_proves_its_maker_first(void **state)
{
    static const uint8_t first = 1;
    struct world *w = *state;
    struct makers *makers = NULL;
    uint8_t der[1024];
    size_t n;

    w->element.is_one = 1;
    w->element.maker_key = EVP_EC_gen("P-256");
    w->element.own_key = EVP_EC_gen("P-256");
    n = maker_cert(w, w->element.maker_key, rs_bytes_of(&first, 1), "critical,CA:TRUE", der);
    assert_int_equal(makers_new(&makers, NULL), RS_OK);
    w->host.vendors = makers;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE); /* nobody's */
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(makers_add(makers, "maker", rs_bytes_of(der, n), NULL), RS_OK);
    w->element.says_uid = "PART-0002";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_ATTEST_INVALID);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(w->element.spoken, STEP_GENUINE);
    assert_int_equal(w->asked, 0);
    w->element.says_uid = ELEMENT_UID;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    w->host.vendors = NULL;
    makers_free(makers);
}

/* ---- Parts with an endorsement ---------------------------------------------------------------- */

static void
a_part_that_is_not_genuine_buys_nothing(void **state)
{
    struct world *w = *state;

    w->tpm.is_one = w->tpm.has_no_cert = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(w->challenged, 0);
    w->tpm.has_no_cert = 0;
    w->tpm.opens_nothing = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    w->tpm.opens_nothing = 0;
    w->tpm.opens_something = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    w->tpm.opens_something = 0;
    w->refuse_with = RS_E_CHIP_NOT_GENUINE;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(w->asked, 0);
    assert_int_equal(w->answered, 0);
    assert_false(w->result.was_irreversible);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

static void
a_finished_part_is_not_challenged_again(void **state)
{
    struct world *w = *state;

    w->tpm.is_one = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 1);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
    assert_int_equal(w->challenged, 1);
    forget(w); /* another station has to prove it: the server tells nobody else */
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
a_server_that_forgot_its_challenge_is_asked_again(void **state)
{
    struct world *w = *state;

    w->tpm.is_one = w->forgets = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 2);
    assert_int_equal(w->answered, 2);
    assert_int_equal(w->asked, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
power_cut_before_every_call_of_a_tpm(void **state)
{
    struct world *w = *state;

    w->tpm.is_one = 1;
    cut_everywhere(w, 0);
}

static void
power_cut_after_every_call_of_a_tpm(void **state)
{
    struct world *w = *state;

    w->tpm.is_one = 1;
    cut_everywhere(w, 1);
}

static void
steps_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STEP_COUNT; i++)
        assert_true(strlen(recipe_step_name((enum recipe_step)i)) > 2);
}
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_wrong_part_is_not_touched),
        T(another_label_is_refused),
        T(a_chip_of_another_order_is_refused),
        T(a_scrapped_chip_is_refused),
        T(a_sealed_chip_of_somebody_else_is_refused),
        T(a_certificate_over_another_key_is_refused),
        T(a_certificate_of_no_ca_is_refused),
        T(a_certificate_that_the_ca_did_not_sign_is_refused),
        T(nothing_is_asked_or_sealed_without_a_record),
        T(the_server_decides),
        T(a_finished_board_is_proved_and_not_written),
        T(another_station_finds_the_same_identity),
        T(a_lost_answer_costs_nothing),
        T(a_refused_label_frees_the_chip),
        T(power_cut_before_every_call),
        T(power_cut_after_every_call),
        T(no_seal_without_a_record_on_the_disk),
        T(production_wants_a_secret_of_its_own),
        T(a_part_that_another_station_is_at_is_left_alone),
        T(a_life_cycle_that_was_moved_elsewhere_is_foreign),
        T(a_part_proves_its_maker_first),
        T(a_part_that_is_not_genuine_buys_nothing),
        T(a_finished_part_is_not_challenged_again),
        T(a_server_that_forgot_its_challenge_is_asked_again),
        T(power_cut_before_every_call_of_a_tpm),
        T(power_cut_after_every_call_of_a_tpm),
        cmocka_unit_test(steps_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
