/*
 * recipe_exchange_test.c: the recipe on a hostile bus, where one answer is not
 * the chip's, and with boards that are exchanged in the middle
 * (docs/design/hostile.md).
 *
 * The oracle: nothing is bought, written or sealed that belongs into another
 * part, and one bad answer throws no board away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "recipe_bench.h"

#include "client/anchor.h"
#include "x509/cert.h"

/* ---- Parts that are others than they were ------------------------------------------------------- */

static void
at_the_end_the_part_answers_for_itself(void **state)
{
    struct world *w = *state;

    w->liar.signs_else = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CHECK);
    w->liar.signs_else = 0;
    w->liar.has_other_cert = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CHECK);
    w->liar.has_other_cert = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    /* It passed: what has its certificate now and cannot answer is a copy. */
    w->liar.signs_else = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->issued_count, 1);
}

/* Before the configuration is sealed, before an identity is bought, before anything is written. */
static void
an_exchange_of_boards_is_found_out(void **state)
{
    static const struct {
        unsigned at;
        enum recipe_step step;
        unsigned asked;
    } rows[] = {{1, STEP_CONFIGURE, 0}, {2, STEP_CERTIFICATE, 0}, {2, STEP_WRITE, 1}};
    struct world *w = *state;

    w->element.is_one = w->element.has_config = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        w->element.exchanged_at = rows[i].at;
        w->element.uid_asked = 0;
        assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_INTERRUPTED);
        assert_int_equal(w->result.step, rows[i].step);
        assert_int_equal(w->asked, rows[i].asked);
    }
    w->element.exchanged_at = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->asked, 1);
}

/* ---- A hostile bus, boards exchanged in the middle (docs/design/hostile.md) --------------------- */

/* Is exactly that in the chip?  Nothing: is the place empty? */
static int
holds(struct world *w, rot_object obj, enum rot_part part, struct rs_bytes want)
{
    uint8_t there[ROT_CERTIFICATE_MAX];
    size_t len = 0;
    struct rot_linux lin;
    struct rot_chip chip;
    rot_err rot;

    look(w, &lin, &chip);
    rot = rot_object_read(&chip, obj, part, 0, there, sizeof(there), &len);
    rot_close(&chip);
    rot_linux_close(&lin);
    assert_true(rot == ROT_OK || rot == ROT_E_EMPTY);
    return rs_bytes_equal(rs_bytes_of(there, len), want);
}

static void
expect_again(struct world *w, rs_code again, unsigned opened)
{
    assert_int_equal(w->result.again, again);
    assert_int_equal(w->once.opened, opened);
    w->once.opened = 0;
}

static void
one_bad_answer_throws_no_board_away(void **state)
{
    struct world *w = *state;

    w->once.bad_signs = 2;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT); /* twice it is believed */
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_int_equal(w->asked, 0);
    w->once.bad_signs = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_int_equal(w->issued_count, 1);
}

/* Who was not begun is refused at once; and what somebody else says is no answer of the chip's. */
static void
only_the_chips_own_word_is_asked_for_again(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "atecc608b"), RS_E_CHIP_WRONG_PART);
    expect_again(w, RS_OK, 1);
    w->liar.is_foreign = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    expect_again(w, RS_OK, 1);
    w->liar.is_foreign = 0;
    w->liar.hides_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_false(w->result.began);
    expect_again(w, RS_OK, 1);
    w->liar.hides_seals = 0;
    w->refuse_with = RS_E_CHIP_NOT_GENUINE;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    expect_again(w, RS_OK, 1);
    assert_int_equal(w->asked, 1);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_OK, 1);
}

static void
a_label_belongs_to_one_part(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    change_board(w, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_LABEL_OTHER);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 1);
    change_board(w, 1);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    change_board(w, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DEVICE_EXISTS); /* the server says the rest */
    assert_int_equal(place(w, "X2-2", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 2);
}

/* The certificate of the board that was taken out went into the one that stood in its place. */
static void
what_an_exchange_left_is_written_over(void **state)
{
    struct world *w = *state;
    const struct recipe_host host = w->host;
    struct rs_bytes astray;
    struct rot_linux lin;
    struct rot_chip chip;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    astray = rs_buf_bytes(&w->issued[0].cert);
    change_board(w, 2);
    for (int is_ours = 0; is_ours < 2; is_ours++) {
        look(w, &lin, &chip);
        assert_int_equal(rot_object_write(&chip, ROT_IDEVID, ROT_PART_CERT, 0, astray.p, astray.len,
                                          astray.len, NULL),
                         ROT_OK);
        rot_close(&chip);
        rot_linux_close(&lin);
        w->host.holder = is_ours ? host.holder : NULL;
        assert_int_equal(place(w, "X2-2", "soft"), is_ours ? RS_OK : RS_E_CHIP_FOREIGN);
    }
    assert_int_equal(w->issued_count, 2);
    assert_true(holds(w, ROT_IDEVID, ROT_PART_CERT, rs_buf_bytes(&w->issued[1].cert)));
}

/* Nothing of this can be put right once the data is sealed. */
static void
what_was_written_is_read_before_it_is_closed(void **state)
{
    struct world *w = *state;

    w->once.object = ROT_IDEVID;
    w->once.part = ROT_PART_CHAIN;
    w->once.lost_writes = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(holds(w, ROT_IDEVID, ROT_PART_CHAIN, w->ca_list[0]));
    assert_true(is_sealed(w));
}

static void
what_was_said_to_be_there_is_read_too(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1; /* the part is known: it is asked first what it has */
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    w->once.opened = 0;
    w->once.object = ROT_IDEVID;
    w->once.part = ROT_PART_CHAIN;
    w->once.shows = w->ca_list[0];
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(holds(w, ROT_IDEVID, ROT_PART_CHAIN, w->ca_list[0]));
}

/* The other one took the write, and has the same trust anchor. */
static void
between_writing_and_reading_it_is_asked_who_is_there(void **state)
{
    struct world *w = *state;

    w->element.is_one = w->element.is_plain = 1;
    w->once.object = ROT_TRUST(0);
    w->once.part = ROT_PART_DATA;
    w->once.lost_writes = 1;
    w->once.shows = w->host.root;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_INTERRUPTED);
    assert_int_equal(w->result.step, STEP_LOCK);
    assert_false(is_sealed(w));
    w->once.is_away = 0; /* the same board is put back */
    w->once.shows.len = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, w->host.root));
}

/* A part that shows nothing before it is sealed. */
static void
what_could_not_be_read_is_read_at_the_end(void **state)
{
    struct world *w = *state;

    w->element.is_one = w->element.has_config = w->element.is_plain = 1;
    w->once.object = ROT_TRUST(0);
    w->once.part = ROT_PART_DATA;
    w->once.lost_writes = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, w->host.root));
}

/* The next write of that object gets this answer so often. */
static void
refuse(struct world *w, rot_object obj, enum rot_part part, rot_err answer, unsigned times)
{
    w->once.object = obj;
    w->once.part = part;
    w->once.refusal = answer;
    w->once.refusals = times;
    w->once.opened = 0;
}

static void
what_was_refused_and_then_taken_is_begun_anew(void **state)
{
    static const struct {
        rot_object object;
        enum rot_part part;
    } places[] = {{ROT_IDEVID, ROT_PART_CERT}, {ROT_TRUST(0), ROT_PART_DATA}};
    static const rot_err answers[] = {ROT_E_SPACE, ROT_E_FORMAT};
    struct world *w = *state;

    for (size_t i = 0; i < 4; i++) {
        a_blank_board(w);
        refuse(w, places[i / 2].object, places[i / 2].part, answers[i % 2], 1);
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        expect_again(w, RS_E_CHIP_FAULT, 2);
        assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, w->host.root));
        assert_int_equal(w->issued_count, 1);
    }
}

static void
what_is_refused_twice_has_a_smaller_form(void **state)
{
    uint8_t room[ANCHOR_DIGEST_SIZE];
    struct world *w = *state;
    struct rs_buf digest;
    struct cert root;

    assert_int_equal(cert_read(w->host.root, &root, NULL), RS_OK);
    rs_buf_init_fixed(&digest, room, sizeof(room));
    anchor_put_digest(&digest, w->host.root);
    refuse(w, ROT_TRUST(0), ROT_PART_DATA, ROT_E_SPACE, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_OK, 1);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, root.spki));
    a_blank_board(w);
    refuse(w, ROT_TRUST(0), ROT_PART_DATA, ROT_E_SPACE, 4);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_OK, 1);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, rs_bytes_of(NULL, 0)));
    assert_true(holds(w, ROT_TRUST(1), ROT_PART_DATA, rs_buf_bytes(&digest)));
    a_blank_board(w);
    refuse(w, ROT_IDEVID, ROT_PART_CERT, ROT_E_SPACE, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_SIZE); /* a certificate has none */
}

/* It was not understood, or is a command that this part cannot lack. */
static void
what_has_its_place_is_no_reason_to_keep_less(void **state)
{
    static const struct {
        rot_object object;
        enum rot_part part;
        rot_err answer;
        rs_code code;
        unsigned asked; /* in one go */
    } rows[] = {{ROT_TRUST(0), ROT_PART_DATA, ROT_E_FORMAT, RS_E_CHIP_FAULT, 2},
                {ROT_TRUST(0), ROT_PART_DATA, ROT_E_UNSUPPORTED, RS_E_CHIP_UNSUPPORTED, 1},
                {ROT_IDEVID, ROT_PART_CHAIN, ROT_E_UNSUPPORTED, RS_E_CHIP_UNSUPPORTED, 1}};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        a_blank_board(w);
        refuse(w, rows[i].object, rows[i].part, rows[i].answer, 99);
        assert_int_equal(place(w, "X2-1", "soft"), rows[i].code);
        assert_int_equal(w->result.step, STEP_WRITE);
        assert_false(is_sealed(w));
        refuse(w, rows[i].object, rows[i].part, rows[i].answer, rows[i].asked);
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        assert_int_equal(w->result.again, rows[i].code);
        assert_true(holds(w, rows[i].object, rows[i].part, w->ca_list[0]));
    }
}

/* It cannot be made any more when the data is sealed. */
static void
the_key_that_speaks_for_a_part_is_in_it(void **state)
{
    struct world *w = *state;

    w->element.is_one = w->element.has_config = w->element.has_speaker = 1;
    for (int kind = 1; kind <= 2; kind++) {
        a_blank_board(w);
        w->element.is_configured = 0;
        w->once.opened = 0;
        w->once.made_elsewhere = kind;
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        expect_again(w, RS_E_CHIP_FAULT, 2);
    }
}

static void
a_part_that_is_open_at_the_end_does_not_pass(void **state)
{
    struct world *w = *state;

    w->once.lost_seals = 2;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CHECK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_false(is_sealed(w));
    w->once.lost_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(is_sealed(w));
    assert_int_equal(w->issued_count, 1);
}

/* Empty is what the part says is empty: that alone stays open, and nothing else does. */
static void
an_answer_that_did_not_come_is_not_empty(void **state)
{
    static const struct {
        rot_err says;
        rs_code code;
    } rows[] = {{ROT_E_BUS, RS_E_CHIP_INTERRUPTED}, {ROT_BUSY, RS_E_CHIP_BUSY}};
    struct world *w = *state;

    w->seals_objects = 1;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        a_blank_board(w);
        w->once.object = i % 2 == 0 ? ROT_DATA(1) : ROT_TRUST(0);
        w->once.part = ROT_PART_DATA;
        w->once.size_says = rows[i / 2].says;
        w->once.sealed_objects = 0;
        assert_int_equal(place(w, "X2-1", "soft"), rows[i / 2].code);
        assert_int_equal(w->result.step, STEP_LOCK);
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        assert_int_equal(w->once.sealed_objects, 1);
    }
    a_blank_board(w);
    w->once.size_says = ROT_E_STATE; /* there, and shown to nobody */
    w->once.sealed_objects = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->once.sealed_objects, 1);
}

/* Put before the seal, on a bus that anybody may join: the part that is finished has it, or is begun anew. */
static void
a_secret_is_in_the_part_that_is_finished(void **state)
{
    struct world *w = *state;

    w->element.is_one = w->element.has_config = w->element.is_plain = w->element.has_secret = 1;
    w->element.lacks_secret = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->element.lacks_secret, 0);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_int_equal(w->element.rotated, 2);
}

/* A station that began a board and left it to the other one puts nothing of its own into it. */
static void
a_sealed_part_is_gone_over_by_the_station_that_made_its_key(void **state)
{
    struct world *w = *state;
    struct memory *first = w->memory, *second = memory_new();

    w->element.is_one = w->element.has_config = w->element.is_plain = w->element.has_secret = 1;
    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    w->memory = second;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_true(w->result.began);
    w->memory = first;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(is_sealed(w));
    w->element.rotated = 0;
    w->memory = second;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->element.rotated, 0);
    w->memory = first;
    memory_free(second);
}
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(at_the_end_the_part_answers_for_itself),
        T(an_exchange_of_boards_is_found_out),
        T(one_bad_answer_throws_no_board_away),
        T(only_the_chips_own_word_is_asked_for_again),
        T(a_label_belongs_to_one_part),
        T(what_an_exchange_left_is_written_over),
        T(what_was_written_is_read_before_it_is_closed),
        T(what_was_said_to_be_there_is_read_too),
        T(between_writing_and_reading_it_is_asked_who_is_there),
        T(what_could_not_be_read_is_read_at_the_end),
        T(what_was_refused_and_then_taken_is_begun_anew),
        T(what_is_refused_twice_has_a_smaller_form),
        T(what_has_its_place_is_no_reason_to_keep_less),
        T(the_key_that_speaks_for_a_part_is_in_it),
        T(a_part_that_is_open_at_the_end_does_not_pass),
        T(an_answer_that_did_not_come_is_not_empty),
        T(a_secret_is_in_the_part_that_is_finished),
        T(a_sealed_part_is_gone_over_by_the_station_that_made_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
