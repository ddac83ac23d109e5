/*
 * note_test.c: signed notes, against a published one and against tampering.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include "ledger/note.c" /* NOLINT: reaches key_id() and verify() */
#include "ledger/verify_inner.h"

/* The example in the documentation of Go's golang.org/x/mod/sumdb/note. */
static void
agrees_with_a_published_note(void **state)
{
    static const char text[] = "If you think cryptography is the answer to your problem,\n"
                               "then you don't know what your problem is.\n";
    static const char key[] = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    static const char signature[] = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
                                    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    struct ledger_config config = {.origin = "PeterNeumann"};
    struct ledger_hasher h;
    uint8_t raw[33], sig[68], id[4];

    (void)state;
    assert_int_equal(ledger_hasher_init(&h, NULL), RS_OK);
    assert_true(read_base64(rs_bytes_str(key), raw, sizeof(raw)));
    assert_int_equal(raw[0], TYPE_ED25519);
    memcpy(config.public_key, raw + 1, 32);
    key_id(&h, &config, id);
    assert_memory_equal(id, "\xc7\x4f\x20\xa3", 4);
    assert_true(read_base64(rs_bytes_str(signature), sig, sizeof(sig)));
    assert_memory_equal(sig, id, 4);
    assert_true(verify(&config, rs_bytes_str(text), sig + 4));
    assert_false(verify(&config, rs_bytes_of(text, sizeof(text) - 2), sig + 4));
    ledger_hasher_done(&h);
}

static struct rs_buf
make_note(struct help *t, struct ledger_hasher *h)
{
    struct ledger_head head = {.size = 20852163, .root = {1, 2, 3}};
    struct rs_buf note;

    rs_buf_init(&note, NOTE_MAX);
    assert_int_equal(note_put(h, &t->config, &head, &note, NULL), RS_OK);
    return note;
}

/* The writer's and the verifier's reading of one text. */
static int
both_read(struct help *t, struct ledger_hasher *h, struct rs_bytes text)
{
    struct ledger_head head = {0};
    struct v_note note;
    int64_t signer;
    int first = note_read(h, &t->config, text, &head, NULL) == RS_OK;
    int second = v_note_read(h, text, t->config.public_key, t->config.origin, &note, &signer);

    if (first != second)
        fail_msg("two readings of one note: %d and %d\n%.*s", first, second, (int)text.len,
                 (const char *)text.p);
    if (first) {
        assert_int_equal(head.size, note.size);
        assert_memory_equal(head.root, note.root, 32);
        assert_int_equal(signer, 7);
    }
    return first;
}

static void
refuses_every_change_of_a_note(void **state)
{
    struct help *t = *state;
    struct ledger_hasher h;
    struct rs_buf note;

    assert_int_equal(ledger_hasher_init(&h, NULL), RS_OK);
    note = make_note(t, &h);
    assert_true(both_read(t, &h, rs_buf_bytes(&note)));
    for (size_t bit = 0; bit < note.len * 8; bit++) {
        note.p[bit / 8] = (uint8_t)(note.p[bit / 8] ^ (1u << bit % 8));
        assert_false(both_read(t, &h, rs_buf_bytes(&note)));
        note.p[bit / 8] = (uint8_t)(note.p[bit / 8] ^ (1u << bit % 8));
    }
    for (size_t len = 0; len < note.len; len++)
        assert_false(both_read(t, &h, rs_bytes_of(note.p, len)));
    rs_buf_put_u8(&note, 'x');
    assert_false(both_read(t, &h, rs_buf_bytes(&note)));
    rs_buf_done(&note);
    ledger_hasher_done(&h);
}

/* Put a text through both readers with a signature that fits it. */
static int
read_signed(struct help *t, struct ledger_hasher *h, const char *text)
{
    uint8_t sig[68];
    struct rs_buf note;
    int ok;

    rs_buf_init(&note, NOTE_MAX + 64);
    key_id(h, &t->config, sig);
    assert_int_equal(help_sign(t->key, rs_bytes_str(text), sig + 4, NULL), RS_OK);
    rs_buf_printf(&note, "%s\n\xe2\x80\x94 %s ", text, HELP_ORIGIN);
    rs_base64_put(&note, RS_BYTES(sig), 0);
    rs_buf_put_u8(&note, '\n');
    ok = both_read(t, h, rs_buf_bytes(&note));
    rs_buf_done(&note);
    return ok;
}

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static void
refuses_signed_nonsense(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        HELP_ORIGIN "\n",
        HELP_ORIGIN "\n5\n",
        HELP_ORIGIN "x\n5\n" ROOT "\n",
        "test/ledger/8\n5\n" ROOT "\n",
        HELP_ORIGIN "\n05\n" ROOT "\n",
        HELP_ORIGIN "\n-5\n" ROOT "\n",
        HELP_ORIGIN "\n\n" ROOT "\n",
        HELP_ORIGIN "\n5 \n" ROOT "\n",
        HELP_ORIGIN "\n99999999999999999999\n" ROOT "\n",
        HELP_ORIGIN "\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        HELP_ORIGIN "\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        HELP_ORIGIN "\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=A\n",
        HELP_ORIGIN "\n5\nCsUYapGGPo4d=MgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        HELP_ORIGIN "\n5\nCsUYapGGPo4d kMgIAUqom/Xajj7h2fB2MPA3j2jxq2=\n",
    };
    struct help *t = *state;
    struct ledger_hasher h;

    assert_int_equal(ledger_hasher_init(&h, NULL), RS_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (read_signed(t, &h, bad[i]))
            fail_msg("taken: %s", bad[i]);
    assert_true(read_signed(t, &h, HELP_ORIGIN "\n5\n" ROOT "\n"));
    assert_true(read_signed(t, &h, HELP_ORIGIN "\n0\n" ROOT "\n"));
    assert_true(read_signed(t, &h, HELP_ORIGIN "\n5\n" ROOT "\nan extension\nand another\n"));
    ledger_hasher_done(&h);
}

/* Lines of witnesses are passed over; a broken line, or only theirs, is refused. */
static void
takes_other_signatures(void **state)
{
    static const struct {
        const char *line;
        int ok;
    } lines[] = {
        {"\xe2\x80\x94 witness.example/w1 AAAAAAAA\n", 1},
        {"\xe2\x80\x94 " HELP_ORIGIN " AAAAAAAA\n", 1},
        {"\xe2\x80\x94 " HELP_ORIGIN "\n", 0},
        {"\xe2\x80\x94  AAAAAAAA\n", 0},
        {"-- witness AAAAAAAA\n", 0},
        {"\n", 0},
        {"\xe2\x80\x94 witness AAAAAAAA", 0},
    };
    struct help *t = *state;
    struct ledger_hasher h;

    assert_int_equal(ledger_hasher_init(&h, NULL), RS_OK);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct rs_buf note = make_note(t, &h);
        size_t before = note.len;
        rs_buf_put_str(&note, lines[i].line);
        if (both_read(t, &h, rs_buf_bytes(&note)) != lines[i].ok)
            fail_msg("line %zu", i);
        note.len = before;
        rs_buf_done(&note);
    }
    ledger_hasher_done(&h);
}

static rs_code
cannot_sign(void *arg, struct rs_bytes message, uint8_t sig[64], struct rs_err *err)
{
    (void)arg;
    (void)message;
    (void)sig;
    return rs_fail(err, RS_E_KEY_LOCKED, "test: no key");
}

static void
refuses_when_it_cannot_sign_or_write(void **state)
{
    struct help *t = *state;
    struct ledger_head head = {0};
    struct ledger_hasher h;
    uint8_t memory[150];
    struct rs_buf small;

    assert_int_equal(ledger_hasher_init(&h, NULL), RS_OK);
    rs_buf_init_fixed(&small, memory, 20);
    assert_int_equal(note_put(&h, &t->config, &head, &small, NULL), RS_E_NO_MEMORY);
    rs_buf_init_fixed(&small, memory, sizeof(memory));
    assert_int_equal(note_put(&h, &t->config, &head, &small, NULL), RS_E_NO_MEMORY);
    t->config.sign = cannot_sign;
    rs_buf_init_fixed(&small, memory, sizeof(memory));
    assert_int_equal(note_put(&h, &t->config, &head, &small, NULL), RS_E_KEY_LOCKED);
    ledger_hasher_done(&h);
}

static void
binds_the_signer_id_to_the_origin(void **state)
{
    (void)state;
    assert_true(note_origin_names("a/ledger/7", 7));
    assert_false(note_origin_names("a/ledger/7", 8));
    assert_false(note_origin_names("7", 8));
    assert_true(note_origin_names("a/ledger/", 8));
    assert_true(note_origin_names("a/ledger/seven", 8));
    assert_int_equal(v_origin_signer("a/ledger/7", 10), 7);
    assert_int_equal(v_origin_signer("7", 1), 7);
    assert_int_equal(v_origin_signer("a/x", 3), -1);
    assert_int_equal(v_origin_signer("a/99999999999", 13), -1);
    assert_int_equal(v_origin_signer("", 0), -1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
    const struct CMUnitTest tests[] = {
        TEST(refuses_every_change_of_a_note),
        TEST(refuses_signed_nonsense),
        TEST(refuses_when_it_cannot_sign_or_write),
        TEST(agrees_with_a_published_note),
        TEST(takes_other_signatures),
        TEST(binds_the_signer_id_to_the_origin),
    };

    return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
