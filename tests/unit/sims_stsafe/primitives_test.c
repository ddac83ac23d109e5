/*
 * primitives_test.c: the cryptography that simulated parts share, by published vectors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "harness.h"

static void
count_up(void *self, uint8_t *p, size_t len)
{
    uint8_t *next = self;

    for (size_t i = 0; i < len; i++)
        p[i] = (*next)++;
}

static void
all_ones(void *self, uint8_t *p, size_t len)
{
    (void)self;
    memset(p, 0xFF, len);
}

static void
expect(const uint8_t *got, const char *hex)
{
    uint8_t wanted[256];
    size_t len = hex_read(hex, wanted, sizeof(wanted));

    assert_memory_equal(got, wanted, len);
}

static void
curves_have_names_and_numbers(void **state)
{
    (void)state;
    for (unsigned i = SIM_CURVE_NONE + 1; i < SIM_CURVE_COUNT; i++) {
        const struct sim_curve_info *info = sim_curve_info((enum sim_curve)i);

        assert_int_equal(sim_curve_of_name(info->name), i);
        assert_int_equal(sim_curve_of_oid(info->oid, info->oid_len), i);
        assert_int_equal(sim_curve_of_oid(info->oid, info->oid_len - 1), SIM_CURVE_NONE);
    }
    assert_null(sim_curve_info(SIM_CURVE_NONE));
    assert_null(sim_curve_info(SIM_CURVE_COUNT));
    assert_int_equal(sim_curve_of_name("P-192"), SIM_CURVE_NONE);
    assert_int_equal(sim_curve_point_size(SIM_CURVE_NONE), 0);
    assert_int_equal(sim_curve_point_size(SIM_CURVE_P521), SIM_POINT_MAX);
}

static void
curves_refuse(void **state)
{
    uint8_t zero[SIM_POINT_MAX] = {0}, out[SIM_POINT_MAX], ones[SIM_POINT_MAX], next = 0;

    (void)state;
    memset(ones, 0xFF, sizeof(ones));
    for (unsigned i = SIM_CURVE_NONE; i <= SIM_CURVE_COUNT; i++) {
        enum sim_curve c = (enum sim_curve)i;
        const struct sim_curve_info *info = sim_curve_info(c);

        if (info != NULL && info->is_25519)
            continue;
        assert_false(sim_curve_public(c, zero, out));
        assert_false(sim_curve_public(c, ones, out));
        assert_false(sim_curve_point_ok(c, ones));
        assert_false(sim_curve_point_ok(c, zero));
        assert_false(sim_curve_sign(c, zero, zero, 32, count_up, &next, out));
        assert_false(sim_curve_verify(c, zero, zero, 32, zero));
        assert_false(sim_curve_agree(c, zero, zero, out));
        assert_false(sim_curve_decompress(c, ones, 0, out));
        if (c != SIM_CURVE_P521) /* whose numbers are cut to size */
            assert_false(sim_curve_draw(c, all_ones, NULL, out));
    }
    assert_false(sim_curve_sign(SIM_CURVE_X25519, ones, zero, 32, count_up, &next, out));
    assert_false(sim_curve_verify(SIM_CURVE_X25519, ones, zero, 32, zero));
    assert_false(sim_curve_agree(SIM_CURVE_ED25519, ones, ones, out));
    assert_false(sim_curve_decompress(SIM_CURVE_X25519, zero, 0, out));
}

static void
curves_work(void **state)
{
    uint8_t key[SIM_KEY_MAX], other[SIM_KEY_MAX], a[SIM_POINT_MAX], b[SIM_POINT_MAX];
    uint8_t rs[SIM_POINT_MAX], s1[SIM_KEY_MAX], s2[SIM_KEY_MAX], digest[64] = {1, 2, 3}, next = 1;

    (void)state;
    for (unsigned i = SIM_CURVE_NONE + 1; i < SIM_CURVE_COUNT; i++) {
        enum sim_curve c = (enum sim_curve)i;
        size_t size = sim_curve_info(c)->size;

        assert_true(sim_curve_draw(c, count_up, &next, key));
        assert_true(sim_curve_draw(c, count_up, &next, other));
        assert_true(sim_curve_public(c, key, a));
        assert_true(sim_curve_public(c, other, b));
        if (c != SIM_CURVE_X25519) {
            assert_true(sim_curve_sign(c, key, digest, sizeof(digest), count_up, &next, rs));
            assert_true(sim_curve_verify(c, a, digest, sizeof(digest), rs));
            assert_false(sim_curve_verify(c, b, digest, sizeof(digest), rs));
            rs[size - 1] ^= 1;
            assert_false(sim_curve_verify(c, a, digest, sizeof(digest), rs));
        }
        if (c == SIM_CURVE_ED25519)
            continue;
        assert_true(sim_curve_agree(c, key, b, s1));
        assert_true(sim_curve_agree(c, other, a, s2));
        assert_memory_equal(s1, s2, size);
    }
}

/* RFC 6979 A.2.5: a P-256 key, its nonce for "sample" with SHA-256, and the signature. */
static void
given_bytes(void *self, uint8_t *p, size_t len)
{
    memcpy(p, self, len);
}

static void
ecdsa_has_its_known_answer(void **state)
{
    uint8_t key[32], nonce[32], digest[32], rs[SIM_POINT_MAX], xy[SIM_POINT_MAX];

    (void)state;
    (void)hex_read("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721", key, 32);
    (void)hex_read("A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60", nonce, 32);
    assert_int_equal(sim_hash(SIM_HASH_SHA256, rs_bytes_str("sample"), digest), 32);
    assert_true(sim_curve_public(SIM_CURVE_P256, key, xy));
    expect(xy, "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
               "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    assert_true(sim_curve_sign(SIM_CURVE_P256, key, digest, 32, given_bytes, nonce, rs));
    expect(rs, "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
               "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
}

static void
aes_has_its_known_answers(void **state)
{
    uint8_t key[32], in[64], out[64], mac[16];
    struct sim_aes aes = {key, 16};

    (void)state;
    /* RFC 4493 4. */
    (void)hex_read("2B7E151628AED2A6ABF7158809CF4F3C", key, 16);
    (void)hex_read("6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51"
                   "30C81C46A35CE411",
                   in, 40);
    assert_true(sim_aes_cmac(aes, rs_bytes_of(in, 0), mac));
    expect(mac, "BB1D6929E95937287FA37D129B756746");
    assert_true(sim_aes_cmac(aes, rs_bytes_of(in, 40), mac));
    expect(mac, "DFA66747DE9AE63030CA32611497C827");
    /* SP 800-38A F.1.1, F.2.1. */
    assert_true(sim_aes_ecb(aes, 1, rs_bytes_of(in, 32), out));
    expect(out, "3AD77BB40D7A3660A89ECAF32466EF97F5D3D58503B9699DE785895A96FDBAAF");
    assert_true(sim_aes_ecb(aes, 0, rs_bytes_of(out, 32), out));
    assert_memory_equal(out, in, 32);
    (void)hex_read("000102030405060708090A0B0C0D0E0F", mac, 16);
    assert_true(sim_aes_cbc(aes, 1, mac, rs_bytes_of(in, 16), out));
    expect(out, "7649ABAC8119B246CEE98E9B12E9197D");
    assert_false(sim_aes_ecb(aes, 1, rs_bytes_of(in, 0), out));
    assert_false(sim_aes_cbc(aes, 1, mac, rs_bytes_of(in, 15), out));
    /* RFC 3394 4.1 and 4.3. */
    (void)hex_read("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", key, 32);
    (void)hex_read("00112233445566778899AABBCCDDEEFF", in, 16);
    assert_true(sim_aes_wrap(aes, rs_bytes_of(in, 16), out));
    expect(out, "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5");
    assert_true(sim_aes_unwrap(aes, rs_bytes_of(out, 24), mac));
    assert_memory_equal(mac, in, 16);
    out[0] ^= 1;
    assert_false(sim_aes_unwrap(aes, rs_bytes_of(out, 24), mac));
    assert_false(sim_aes_wrap(aes, rs_bytes_of(in, 8), out));
    assert_false(sim_aes_unwrap(aes, rs_bytes_of(out, 16), mac));
    aes.len = 32;
    assert_true(sim_aes_wrap(aes, rs_bytes_of(in, 16), out));
    expect(out, "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7");
}

/* SP 800-38C C.1 and the GCM specification's test case 4. */
static void
aead_has_its_known_answers(void **state)
{
    uint8_t key[32], nonce[16], aad[32], in[64], out[64], back[64], tag[16];
    struct sim_aead_input how = {.mode = SIM_AEAD_CCM, .aes = {key, 16}, .tag_len = 4};

    (void)state;
    (void)hex_read("404142434445464748494A4B4C4D4E4F", key, 16);
    how.nonce = rs_bytes_of(nonce, hex_read("10111213141516", nonce, 16));
    how.aad = rs_bytes_of(aad, hex_read("0001020304050607", aad, 32));
    (void)hex_read("20212223", in, 64);
    assert_true(sim_aead_seal(&how, rs_bytes_of(in, 4), out, tag));
    expect(out, "7162015B");
    expect(tag, "4DAC255D");
    assert_true(sim_aead_open(&how, rs_bytes_of(out, 4), tag, back));
    assert_memory_equal(back, in, 4);
    tag[3] ^= 1;
    assert_false(sim_aead_open(&how, rs_bytes_of(out, 4), tag, back));
    assert_true(sim_aead_seal(&how, rs_bytes_of(in, 0), out, tag));
    assert_true(sim_aead_open(&how, rs_bytes_of(out, 0), tag, back));
    tag[0] ^= 1;
    assert_false(sim_aead_open(&how, rs_bytes_of(out, 0), tag, back));

    how.mode = SIM_AEAD_GCM;
    how.tag_len = 16;
    (void)hex_read("FEFFE9928665731C6D6A8F9467308308", key, 16);
    how.nonce = rs_bytes_of(nonce, hex_read("CAFEBABEFACEDBADDECAF888", nonce, 16));
    how.aad = rs_bytes_of(aad, hex_read("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2", aad, 32));
    (void)hex_read("D9313225F88406E5A55909C5AFF5269A86A7A9531534F7DA2E4C303D8A318A72"
                   "1C3C0C95956809532FCF0E2449A6B525B16AEDF5AA0DE657BA637B39",
                   in, 64);
    assert_true(sim_aead_seal(&how, rs_bytes_of(in, 60), out, tag));
    expect(out, "42831EC2217774244B7221B784D0D49CE3AA212F2C02A4E035C17E2329ACA12E"
                "21D514B25466931C7D8F6A5AAC84AA051BA30B396A0AAC973D58E091");
    expect(tag, "5BC94FBC3221A5DB94FAE95AE7121A47");
    assert_true(sim_aead_open(&how, rs_bytes_of(out, 60), tag, back));
    assert_memory_equal(back, in, 60);
    how.aad.len--;
    assert_false(sim_aead_open(&how, rs_bytes_of(out, 60), tag, back));
    how.nonce.len = 0;
    assert_false(sim_aead_seal(&how, rs_bytes_of(in, 60), out, tag));
}

/* RFC 5869 A.1 and A.3; RFC 4231 4.2. */
static void
derivations_have_their_known_answers(void **state)
{
    uint8_t secret[32], salt[32], info[32], prk[32], out[64];

    (void)state;
    memset(secret, 0x0B, 22);
    assert_true(sim_hmac_sha256(rs_bytes_of(secret, 20), rs_bytes_str("Hi There"), out));
    expect(out, "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7");
    (void)hex_read("000102030405060708090A0B0C", salt, 32);
    (void)hex_read("F0F1F2F3F4F5F6F7F8F9", info, 32);
    assert_true(sim_hkdf_extract(rs_bytes_of(salt, 13), rs_bytes_of(secret, 22), prk));
    expect(prk, "077709362C2E32DF0DDC3F0DC47BBA6390B6C73BB50F9C3122EC844AD7C2B3E5");
    assert_true(sim_hkdf_expand(prk, rs_bytes_of(info, 10), out, 42));
    expect(out,
           "3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865");
    assert_true(sim_hkdf_extract(rs_bytes_of(NULL, 0), rs_bytes_of(secret, 22), prk));
    assert_true(sim_hkdf_expand(prk, rs_bytes_of(NULL, 0), out, 42));
    expect(out,
           "8DA4E775A563C18F715F802A063C5A31B8A11F5C5EE1879EC3454E5F3C738D2D9D201395FAA4B61A96C8");
    assert_int_equal(sim_hash(SIM_HASH_NONE, rs_bytes_str("x"), out), 0);
    assert_int_equal(sim_hash(SIM_HASH_SHA384, rs_bytes_of(NULL, 0), out), 48);
    expect(out, "38B060A751AC9638");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_have_names_and_numbers),
        cmocka_unit_test(curves_refuse),
        cmocka_unit_test(curves_work),
        cmocka_unit_test(ecdsa_has_its_known_answer),
        cmocka_unit_test(aes_has_its_known_answers),
        cmocka_unit_test(aead_has_its_known_answers),
        cmocka_unit_test(derivations_have_their_known_answers),
    };

    return cmocka_run_group_tests_name("sims_stsafe/primitives", tests, NULL, NULL);
}
