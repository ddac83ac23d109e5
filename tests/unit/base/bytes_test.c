/*
 * bytes_test.c: buffers and readers that fail once and stay failed, arenas,
 * and the text forms against published vectors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base_test.h"

static void
a_buffer_never_passes_its_maximum(void **state)
{
    struct rs_buf b;

    (void)state;
    rs_buf_init(&b, 5);
    rs_buf_put_u32(&b, 1);
    rs_buf_put_u16(&b, 2);
    assert_int_equal(rs_buf_ok(&b), 0);
    assert_int_equal(b.len, 4);
    rs_buf_put_u8(&b, 1); /* would fit, but the buffer has failed */
    assert_int_equal(b.len, 4);
    assert_null(rs_buf_extend(&b, 0));
    rs_buf_reset(&b);
    rs_buf_put_str(&b, "12345");
    assert_int_equal(rs_buf_ok(&b), 1);
    assert_null(rs_buf_extend(&b, SIZE_MAX));
    rs_buf_done(&b);
}

static void
values_that_do_not_fit_fail(void **state)
{
    uint8_t room[8];
    struct rs_buf b;

    (void)state;
    rs_buf_init_fixed(&b, room, sizeof(room));
    rs_buf_put_u8(&b, 256);
    assert_int_equal(rs_buf_ok(&b), 0);
    rs_buf_reset(&b);
    rs_buf_put_u16(&b, 65536);
    assert_int_equal(rs_buf_ok(&b), 0);
    rs_buf_reset(&b);
    rs_buf_put_u16_bytes(&b, rs_bytes_of(room, 65536));
    assert_int_equal(rs_buf_ok(&b), 0);
    rs_buf_reset(&b);
    rs_buf_printf(&b, "%08d", 1); /* its NUL has no room */
    assert_int_equal(rs_buf_ok(&b), 0);
    rs_buf_reset(&b);
    rs_buf_put_u32(&b, 1);
    rs_buf_set_u32(&b, 1, 7);
    assert_int_equal(rs_buf_ok(&b), 0);
}

static void
a_buffer_grows_and_keeps_its_bytes(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    (void)state;
    rs_buf_init(&b, 100000);
    b.secret = 1;
    for (unsigned i = 0; i < 20000; i++)
        rs_buf_put_u32(&b, i);
    assert_int_equal(rs_buf_ok(&b), 1);
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(rs_get_u32(b.p + (size_t)4 * i), i);
    rs_buf_set_u32(&b, 4, 0xdeadbeef);
    assert_int_equal(rs_get_u32(b.p + 4), 0xdeadbeef);
    rs_buf_reset(&b);
    rs_buf_printf(&b, "%s-%d", "a", 7);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.p, "a-7", 3);
}

static void
a_reader_stays_failed(void **state)
{
    static const uint8_t in[] = {0, 5, 'a', 'b', 'c'};
    struct rs_reader r;

    (void)state;
    rs_reader_init(&r, RS_BYTES(in));
    assert_int_equal(rs_read_u16_bytes(&r, 10).len, 0); /* says 5, has 3 */
    assert_int_equal(rs_reader_ok(&r), 0);
    assert_int_equal(rs_read_u8(&r), 0);
    rs_reader_init(&r, RS_BYTES(in));
    assert_int_equal(rs_read_u16_bytes(&r, 4).len, 0); /* more than allowed */
    assert_int_equal(rs_reader_ok(&r), 0);
    rs_reader_init(&r, RS_BYTES(in));
    assert_int_equal(rs_read_u64(&r), 0);
    assert_int_equal(rs_reader_ok(&r), 0);
    rs_reader_init(&r, RS_BYTES(in));
    assert_int_equal(rs_read_u32(&r), 0x00056162);
    assert_int_equal(rs_reader_done(&r), 0);
    assert_int_equal(rs_read_u8(&r), 'c');
    assert_int_equal(rs_reader_done(&r), 1);
    rs_reader_init(&r, rs_bytes_of(NULL, 0));
    assert_int_equal(rs_reader_done(&r), 1);
}

static void
what_is_put_is_read(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;
    struct rs_reader r;

    (void)state;
    rs_buf_init(&b, 100);
    rs_buf_put_u64(&b, 0x0102030405060708u);
    rs_buf_put_u16_bytes(&b, rs_bytes_str("ab"));
    rs_buf_put_u32_bytes(&b, rs_bytes_str("c"));
    rs_reader_init(&r, rs_buf_bytes(&b));
    assert_true(rs_read_u64(&r) == 0x0102030405060708u);
    assert_int_equal(rs_bytes_equal(rs_read_u16_bytes(&r, 2), rs_bytes_str("ab")), 1);
    assert_int_equal(rs_bytes_equal(rs_read_u32_bytes(&r, 1), rs_bytes_str("c")), 1);
    assert_int_equal(rs_reader_done(&r), 1);
}

static void
equality_looks_at_length_and_content(void **state)
{
    (void)state;
    assert_int_equal(rs_bytes_equal(rs_bytes_str("ab"), rs_bytes_str("abc")), 0);
    assert_int_equal(rs_bytes_equal(rs_bytes_str("ab"), rs_bytes_str("ac")), 0);
    assert_int_equal(rs_bytes_equal_secret(rs_bytes_str("ab"), rs_bytes_str("abc")), 0);
    assert_int_equal(rs_bytes_equal_secret(rs_bytes_str("ab"), rs_bytes_str("ac")), 0);
    assert_int_equal(rs_bytes_equal_secret(rs_bytes_str("ab"), rs_bytes_str("ab")), 1);
    assert_int_equal(rs_bytes_equal(rs_bytes_of(NULL, 0), rs_bytes_str("")), 1);
}

static void
hex_refuses_what_is_not_hex(void **state)
{
    static const char *const bad[] = {"0", "0g", " 00", "0x00", "00 ", "000000000"};
    uint8_t out[4];
    char text[9];
    size_t len = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rs_hex_read(bad[i], strlen(bad[i]), out, sizeof(out), &len), 0);
    assert_int_equal(rs_hex_read("0011223344", 10, out, sizeof(out), &len), 0); /* no room */
    assert_int_equal(len, 77);
    assert_int_equal(rs_hex_read("00fFa0", 6, out, sizeof(out), &len), 1);
    assert_int_equal(len, 3);
    rs_hex(rs_bytes_of(out, 3), text, sizeof(text));
    assert_string_equal(text, "00ffa0");
    rs_hex(rs_bytes_of(out, 3), text, 6);
    assert_string_equal(text, "");
}

static int
read64(const char *text, uint8_t *room, size_t cap, size_t *ret_len)
{
    struct rs_buf b;
    int ok;

    rs_buf_init_fixed(&b, room, cap);
    ok = rs_base64_read(rs_bytes_str(text), &b);
    *ret_len = b.len;
    return ok;
}

static void
base64_refuses_what_is_not_base64(void **state)
{
    static const char *const bad[] = {
        "Zg",   "Zg=",  "Z",    "Z===",  "Zg==Zg==", "Zg===",   "====",     "=",           "Zh==",
        "Zm9=", "Zm-v", "Zm_v", "Zm9v=", "Zg=A=",    "\x01g==", "Zm9v\xff", "Zm9vZm9vZm9v"};
    uint8_t room[8];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read64(bad[i], room, sizeof(room), &len), 0);
}

/* RFC 4648 10. */
static void
base64_of_the_rfc(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        RS_AUTO(rs_buf_done) struct rs_buf b;
        uint8_t room[8];
        size_t len;
        rs_buf_init(&b, 100);
        rs_base64_put(&b, rs_bytes_str(rows[i][0]), 0);
        assert_int_equal(rs_bytes_equal(rs_buf_bytes(&b), rs_bytes_str(rows[i][1])), 1);
        assert_int_equal(read64(rows[i][1], room, sizeof(room), &len), 1);
        assert_int_equal(rs_bytes_equal(rs_bytes_of(room, len), rs_bytes_str(rows[i][0])), 1);
    }
}

static void
base64_in_lines_reads_back(void **state)
{
    uint8_t in[200];
    RS_AUTO(rs_buf_done) struct rs_buf text, out;
    size_t longest = 0, column = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 37);
    rs_buf_init(&text, 1000);
    rs_buf_init(&out, 1000);
    rs_base64_put(&text, RS_BYTES(in), 64);
    for (size_t i = 0; i < text.len; i++) {
        column = text.p[i] == '\n' ? 0 : column + 1;
        longest = column > longest ? column : longest;
    }
    assert_int_equal(longest, 64);
    assert_int_equal(text.p[text.len - 1], '\n');
    assert_int_equal(rs_base64_read(rs_buf_bytes(&text), &out), 1);
    assert_int_equal(rs_bytes_equal(rs_buf_bytes(&out), RS_BYTES(in)), 1);
}

static void
crc32c_of_the_rfc(void **state)
{
    uint8_t block[32] = {0};

    (void)state;
    assert_int_equal(rs_crc32c(0, rs_bytes_str("123456789")), 0xe3069283);
    /* RFC 3720 B.4. */
    assert_int_equal(rs_crc32c(0, RS_BYTES(block)), 0x8a9136aa);
    memset(block, 0xff, sizeof(block));
    assert_int_equal(rs_crc32c(0, RS_BYTES(block)), 0x62a8ab43);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (uint8_t)i;
    assert_int_equal(rs_crc32c(0, RS_BYTES(block)), 0x46dd794e);
    assert_int_equal(rs_crc32c(rs_crc32c(0, rs_bytes_of(block, 5)), rs_bytes_of(block + 5, 27)),
                     0x46dd794e);
}

static size_t
utf8(const char *text)
{
    return rs_utf8_len((const uint8_t *)text, strlen(text));
}

static void
utf8_by_rfc_3629(void **state)
{
    (void)state;
    assert_int_equal(utf8(""), 0);
    assert_int_equal(utf8("\x80"), 0);
    assert_int_equal(utf8("\xc0\x80"), 0); /* overlong */
    assert_int_equal(utf8("\xc1\xbf"), 0);
    assert_int_equal(utf8("\xe0\x9f\xbf"), 0);
    assert_int_equal(utf8("\xf0\x8f\xbf\xbf"), 0);
    assert_int_equal(utf8("\xed\xa0\x80"), 0);     /* surrogate */
    assert_int_equal(utf8("\xf4\x90\x80\x80"), 0); /* past U+10FFFF */
    assert_int_equal(utf8("\xf5\x80\x80\x80"), 0);
    assert_int_equal(utf8("\xe2\x82"), 0); /* cut */
    assert_int_equal(utf8("\xe2\x28\xa1"), 0);
    assert_int_equal(utf8("a"), 1);
    assert_int_equal(utf8("\xc2\x80"), 2);
    assert_int_equal(utf8("\xe2\x82\xac"), 3);
    assert_int_equal(utf8("\xf4\x8f\xbf\xbf"), 4);
}

static void
an_arena_ends_at_its_maximum(void **state)
{
    RS_AUTO(rs_arena_done) struct rs_arena a;

    (void)state;
    rs_arena_init(&a, 1000);
    assert_null(rs_arena_alloc(&a, 1001));
    assert_null(rs_arena_alloc(&a, SIZE_MAX));
    assert_null(rs_arena_text(&a, "", SIZE_MAX));
    assert_non_null(rs_arena_alloc(&a, 900));
    assert_null(rs_arena_alloc(&a, 200));
    assert_null(rs_arena_copy(&a, rs_bytes_of("", 900)).p);
    rs_arena_reset(&a);
    assert_non_null(rs_arena_alloc(&a, 900));
    rs_arena_done(&a);
    rs_arena_init(&a, SIZE_MAX);
    assert_null(rs_arena_alloc(&a, SIZE_MAX));
}

static void
arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    RS_AUTO(rs_arena_done) struct rs_arena a;
    uint8_t *last = NULL;

    (void)state;
    rs_arena_init(&a, 1 << 20);
    for (int round = 0; round < 2; round++) {
        last = NULL;
        for (size_t n = 1; n < 600; n++) {
            uint8_t *p = rs_arena_alloc(&a, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xaa, n);
            assert_ptr_not_equal(p, last);
            last = p;
        }
        rs_arena_reset(&a);
    }
    assert_string_equal(rs_arena_text(&a, "abc", 2), "ab");
    assert_int_equal(rs_arena_copy(&a, rs_bytes_str("")).len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_never_passes_its_maximum),
        cmocka_unit_test(values_that_do_not_fit_fail),
        cmocka_unit_test(a_buffer_grows_and_keeps_its_bytes),
        cmocka_unit_test(a_reader_stays_failed),
        cmocka_unit_test(what_is_put_is_read),
        cmocka_unit_test(equality_looks_at_length_and_content),
        cmocka_unit_test(hex_refuses_what_is_not_hex),
        cmocka_unit_test(base64_refuses_what_is_not_base64),
        cmocka_unit_test(base64_of_the_rfc),
        cmocka_unit_test(base64_in_lines_reads_back),
        cmocka_unit_test(crc32c_of_the_rfc),
        cmocka_unit_test(utf8_by_rfc_3629),
        cmocka_unit_test(an_arena_ends_at_its_maximum),
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
