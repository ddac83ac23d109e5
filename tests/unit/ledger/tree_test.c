/*
 * tree_test.c: the published roots of RFC 6962 trees, and the checksum's check value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/tree.h"

/* The eight leaves of the Certificate Transparency test data, as hex. */
static const char *const leaves[] = {"",
                                     "00",
                                     "10",
                                     "2021",
                                     "3031",
                                     "40414243",
                                     "5051525354555657",
                                     "606162636465666768696a6b6c6d6e6f"};

static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void
gives_the_published_roots(void **state)
{
    struct ledger_hasher h;
    struct tree_range range = {0};
    uint8_t hash[32], data[32];
    char text[65];

    (void)state;
    assert_int_equal(ledger_hasher_init(&h, NULL), RS_OK);
    for (size_t i = 0; i <= 8; i++) {
        size_t len = 0;
        tree_range_root(&h, &range, hash);
        rs_hex(RS_BYTES(hash), text, sizeof(text));
        assert_string_equal(text, roots[i]);
        if (i == 8)
            break;
        assert_true(rs_hex_read(leaves[i], strlen(leaves[i]), data, sizeof(data), &len));
        /* In two pieces, as records come. */
        tree_hash_leaf(&h, rs_bytes_of(data, len / 2), rs_bytes_of(data + len / 2, len - len / 2),
                       hash);
        tree_range_add(&h, &range, hash);
    }
    assert_int_equal(h.failed, 0);
    ledger_hasher_done(&h);
    ledger_hasher_done(&h);
    ledger_hasher_done(NULL);
}

static void
splits_below_the_middle(void **state)
{
    (void)state;
    assert_int_equal(tree_split(2), 1);
    assert_int_equal(tree_split(3), 2);
    assert_int_equal(tree_split(4), 2);
    assert_int_equal(tree_split(5), 4);
    assert_int_equal(tree_split(7), 4);
    assert_int_equal(tree_split(8), 4);
    assert_int_equal(tree_split(9), 8);
}

static void
gives_the_check_value_of_crc32c(void **state)
{
    uint8_t bytes[300];

    (void)state;
    assert_int_equal(ledger_crc32c(0, rs_bytes_str("123456789")), 0xe3069283u);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    /* The instruction and the table agree at every length and in pieces. */
    for (size_t len = 0; len < sizeof(bytes); len++) {
        uint32_t crc = ledger_crc32c(0, rs_bytes_of(bytes, len / 3));
        assert_int_equal(ledger_crc32c(crc, rs_bytes_of(bytes + len / 3, len - len / 3)),
                         rs_crc32c(0, rs_bytes_of(bytes, len)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_roots),
        cmocka_unit_test(splits_below_the_middle),
        cmocka_unit_test(gives_the_check_value_of_crc32c),
    };

    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
