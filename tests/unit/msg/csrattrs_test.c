/*
 * csrattrs_test.c: what a server wants to find in a request: strict reading first,
 * then both forms.  The vectors were put together from the ASN.1 of RFC 9908 and
 * RFC 7030 by other code than ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include "msg/csrattrs.h"
#include "x509/oid.h"

static struct csrattrs got;

/* CsrAttrs by the standards' ASN.1; what is in them stands in the tests. */
static const char older[] =
    "304a06092a864886f70d010907301206072a8648ce3d0201310706052b81040022301f06092a"
    "864886f70d01090e31123010300e0603551d0f0101ff04040302078006082a8648ce3d040303";
static const char rsa4096[] = "3013301106092a864886f70d010101310402021000";
static const char anyec[] = "301306072a8648ce3d020106082a8648ce3d040302";
static const char unknown[] =
    "302306032b6301300d06032b63023106020101410178300d06092a864886f70d0109073100";
static const char template[] =
    "3081a6308185060b2a864886f70d010910023d317630740201003021310d300b060355040a0c"
    "0441636d65310730050603550405310730050603550403a015301306072a8648ce3d02010608"
    "2a8648ce3d030107a135300906032b6303310205003028060b2a864886f70d010910023e3119"
    "3017300e0603551d0f0101ff04040302078030050603551d11301206072a8648ce3d02013107"
    "06052b8104002206082a8648ce3d040302";
static const char templatersa[] =
    "3082014430820140060b2a864886f70d010910023d3182012f3082012b020100a0820122300d"
    "06092a864886f70d01010105000382010f003082010a02820101008000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000203010001a100";
static const char templatereq[] =
    "30363034060b2a864886f70d010910023d31253023020100a11e301c06092a864886f70d0109"
    "0e310f300d300b0603551d0f040403020780";
static const char minimal[] = "30183016060b2a864886f70d010910023d31073005020100a100";
static const char want[] =
    "3081c03071060b2a864886f70d010910023d316230600201003018310d300b060355040a0c04"
    "41636d65310730050603550403a015301306072a8648ce3d020106082a8648ce3d030107a12a"
    "3028060b2a864886f70d010910023e31193017300e0603551d0f0101ff040403020780300506"
    "03551d11301506072a8648ce3d0201310a06082a8648ce3d030107301f06092a864886f70d01"
    "090e31123010300e0603551d0f0101ff04040302078006082a8648ce3d04030206092a864886"
    "f70d010907";

static rs_code
read_hex(const char *hex)
{
    static uint8_t *exact; /* what was read points into it */
    uint8_t room[2048];
    size_t len = 0;

    if (hex[0] != '\0' && !rs_hex_read(hex, strlen(hex), room, sizeof(room), &len))
        fail_msg("no hex: %s", hex);
    free(exact);
    exact = help_exact(rs_bytes_of(room, len));
    return csrattrs_read(rs_bytes_of(exact, len), &got, NULL);
}

/* ---- Refusals ------------------------------------------------------------------------ */

static const struct {
    const char *what, *hex;
} bad[] = {
    {"a SET", "3100"},
    {"something behind it", "300000"},
    {"a number", "3003020101"},
    {"no definite length", "308006035504030000"},
    {"an attribute without a set", "300d300b06092a864886f70d01090e"},
    {"an attribute with something behind it",
     "3020301e06092a864886f70d01090e310f300d300b0603551d0f0404030207800500"},
    {"extensionRequest without a value", "300f300d06092a864886f70d01090e3100"},
    {"extensionRequest with an identifier (RFC 9908 4)",
     "3018301606092a864886f70d01090e310906072b060101010116"},
    {"an empty list of extensions", "3011300f06092a864886f70d01090e31023000"},
    {"an extension without a value", "3018301606092a864886f70d01090e3109300730050603551d0f"},
    {"critical FALSE written out",
     "3021301f06092a864886f70d01090e31123010300e0603551d0f010100040403020780"},
    {"extensionRequest twice",
     "303c301c06092a864886f70d01090e310f300d300b0603551d0f040403020780301c06092a86"
     "4886f70d01090e310f300d300b0603551d0f040403020780"},
    {"two lists in one extensionRequest",
     "302d302b06092a864886f70d01090e311e300d300b0603551d0f040403020780300d300b0603"
     "551d0f040403020780"},
    {"an empty template", "30133011060b2a864886f70d010910023d31023000"},
    {"a template of version 1", "30183016060b2a864886f70d010910023d31073005020101a100"},
    {"a template without attributes", "30163014060b2a864886f70d010910023d31053003020100"},
    {"a template with something behind it",
     "301a3018060b2a864886f70d010910023d31093007020100a1000500"},
    {"two templates", "30303016060b2a864886f70d010910023d31073005020100a1003016060b2a864886f70d0109"
                      "10023d31073005020100a100"},
    {"two values of one template",
     "301f301d060b2a864886f70d010910023d310e3005020100a1003005020100a100"},
    {"a name without a set",
     "3021301f060b2a864886f70d010910023d3110300e020100300730050603550403a100"},
    {"two attributes in one part of a name",
     "302a3028060b2a864886f70d010910023d311930170201003010310e30050603550403300506"
     "0355040aa100"},
    {"a number as a name",
     "30263024060b2a864886f70d010910023d31153013020100300c310a30080603550403020101"
     "a100"},
    {"17 parts of a name",
     "3081b73081b4060b2a864886f70d010910023d3181a43081a102010030819931073005060355"
     "0403310730050603550403310730050603550403310730050603550403310730050603550403"
     "3107300506035504033107300506035504033107300506035504033107300506035504033107"
     "3005060355040331073005060355040331073005060355040331073005060355040331073005"
     "0603550403310730050603550403310730050603550403310730050603550403a100"},
    {"17 extensions", "3081f13081ee06092a864886f70d01090e3181e03081dd300b0603551d0f040403020780300b"
                      "0603551d0f040403020780300b0603551d0f040403020780300b0603551d0f04040302078030"
                      "0b0603551d0f040403020780300b0603551d0f040403020780300b0603551d0f040403020780"
                      "300b0603551d0f040403020780300b0603551d0f040403020780300b0603551d0f0404030207"
                      "80300b0603551d0f040403020780300b0603551d0f040403020780300b0603551d0f04040302"
                      "0780300b0603551d0f040403020780300b0603551d0f040403020780300b0603551d0f040403"
                      "020780300b0603551d0f040403020780"},
    {"a key without an algorithm", "301a3018060b2a864886f70d010910023d31093007020100a000a100"},
    {"a key with something behind it",
     "3031302f060b2a864886f70d010910023d3120301e020100a017301306072a8648ce3d020106"
     "082a8648ce3d0301070500a100"},
    {"an RSA key that is none",
     "3031302f060b2a864886f70d010910023d3120301e020100a017300d06092a864886f70d0101"
     "0105000306003003020101a100"},
    {"both kinds of extensions in one template",
     "3050304e060b2a864886f70d010910023d313f303d020100a1383018060b2a864886f70d0109"
     "10023e3109300730050603551d11301c06092a864886f70d01090e310f300d300b0603551d0f"
     "040403020780"},
    {"an empty list in a template",
     "302b3029060b2a864886f70d010910023d311a3018020100a1133011060b2a864886f70d0109"
     "10023e31023000"},
    {"an attribute of a template with something behind it",
     "30343032060b2a864886f70d010910023d31233021020100a11c301a060b2a864886f70d0109"
     "10023e3109300730050603551d110500"},
    {"two curves", "301e301c06072a8648ce3d0201311106082a8648ce3d03010706052b81040022"},
    {"a key twice", "3026301506072a8648ce3d0201310a06082a8648ce3d030107300d06092a864886f70d010101"
                    "3100"},
    {"a key of 16385 bits", "3013301106092a864886f70d010101310402024001"},
    {"65 items", "3082014506035504030603550403060355040306035504030603550403060355040306035504"
                 "0306035504030603550403060355040306035504030603550403060355040306035504030603"
                 "5504030603550403060355040306035504030603550403060355040306035504030603550403"
                 "0603550403060355040306035504030603550403060355040306035504030603550403060355"
                 "0403060355040306035504030603550403060355040306035504030603550403060355040306"
                 "0355040306035504030603550403060355040306035504030603550403060355040306035504"
                 "0306035504030603550403060355040306035504030603550403060355040306035504030603"
                 "5504030603550403060355040306035504030603550403060355040306035504030603550403"
                 "06035504030603550403060355040306035504030603550403"},
};

static void
refuses_what_has_not_the_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_hex(bad[i].hex) != RS_E_REQUEST_FORMAT)
            fail_msg("accepted: %s", bad[i].what);
    }
    assert_int_equal(read_hex(""), RS_E_REQUEST_FORMAT);
}

static void
refuses_every_cut_of_a_good_one(void **state)
{
    char cut[sizeof(template)];

    (void)state;
    for (size_t len = 0; len + 1 < sizeof(template); len += 2) {
        memcpy(cut, template, len);
        cut[len] = '\0';
        assert_int_not_equal(read_hex(cut), RS_OK);
    }
}

static void
refuses_too_much(void **state)
{
    static uint8_t big[CSRATTRS_BYTES_MAX + 1];
    struct rs_buf out;
    struct csrattrs a = {.challenge = 1};

    (void)state;
    assert_int_equal(csrattrs_read(RS_BYTES(big), &got, NULL), RS_E_REQUEST_TOO_LARGE);
    rs_buf_init(&out, 4);
    assert_int_equal(csrattrs_put(&out, &a, NULL), RS_E_NO_MEMORY);
    rs_buf_done(&out);
}

/* ---- Reading ---------------------------------------------------------------------------- */

static void
reads_nothing_as_nothing(void **state)
{
    (void)state;
    assert_int_equal(read_hex("3000"), RS_OK);
    assert_int_equal(got.rdn_count + got.extension_count + got.key.len + got.sig.len, 0);
    assert_int_equal(got.challenge, 0);
    assert_int_equal(read_hex(minimal), RS_OK);
    assert_int_equal(got.rdn_count + got.extension_count + got.key.len + got.sig.len, 0);
}

static void
reads_the_older_form(void **state)
{
    (void)state;
    assert_int_equal(read_hex(older), RS_OK);
    assert_int_equal(got.challenge, 1);
    assert_true(rs_bytes_equal(got.key, oid_ec_public_key));
    assert_true(rs_bytes_equal(got.curve, oid_p384));
    assert_true(rs_bytes_equal(got.sig, oid_ecdsa_sha384));
    assert_int_equal(got.extension_count, 1);
    assert_true(got.extensions[0].critical && got.extensions[0].has_value);
    assert_int_equal(got.extensions[0].value.len, 4);
    assert_int_equal(got.rdn_count, 0);
    assert_int_equal(read_hex(rsa4096), RS_OK);
    assert_true(rs_bytes_equal(got.key, oid_rsa_encryption));
    assert_int_equal(got.rsa_bits, 4096);
    assert_int_equal(read_hex(anyec), RS_OK);
    assert_true(rs_bytes_equal(got.key, oid_ec_public_key) && got.curve.len == 0);
}

static void
passes_over_what_it_does_not_know(void **state)
{
    (void)state;
    assert_int_equal(read_hex(unknown), RS_OK);
    assert_int_equal(got.rdn_count + got.extension_count + got.key.len, 0);
    assert_int_equal(got.challenge, 1);
}

/* RFC 9908 3.4: the template counts, and the older form beside it does not. */
static void
reads_the_template(void **state)
{
    (void)state;
    assert_int_equal(read_hex(template), RS_OK);
    assert_int_equal(got.rdn_count, 3);
    assert_true(rs_bytes_equal(got.rdns[0].oid, oid_o));
    assert_true(rs_bytes_equal(got.rdns[0].value, rs_bytes_str("Acme")));
    assert_int_equal(got.rdns[0].tag, DER_UTF8_STRING);
    assert_true(rs_bytes_equal(got.rdns[1].oid, oid_serial_number));
    assert_int_equal(got.rdns[1].tag, 0);
    assert_true(rs_bytes_equal(got.curve, oid_p256));
    assert_int_equal(got.extension_count, 2);
    assert_true(got.extensions[0].critical && got.extensions[0].has_value);
    assert_false(got.extensions[1].critical || got.extensions[1].has_value);
    assert_int_equal(read_hex(templatersa), RS_OK);
    assert_int_equal(got.rsa_bits, 2048);
    assert_int_equal(read_hex(templatereq), RS_OK);
    assert_int_equal(got.extension_count, 1);
}

/* ---- Writing ------------------------------------------------------------------------------ */

static void
writes_what_the_standard_says(void **state)
{
    static const uint8_t usage[] = {0x03, 0x02, 0x07, 0x80};
    struct csrattrs a = {
        .key = oid_ec_public_key, .curve = oid_p256, .sig = oid_ecdsa_sha256, .challenge = 1};
    char hex[1024];
    struct rs_buf der;

    (void)state;
    a.rdns[a.rdn_count++] = (struct csrattrs_rdn){oid_o, DER_UTF8_STRING, rs_bytes_str("Acme")};
    a.rdns[a.rdn_count++] = (struct csrattrs_rdn){.oid = oid_cn};
    a.extensions[a.extension_count++] = (struct csrattrs_extension){
        .oid = oid_key_usage, .critical = 1, .has_value = 1, .value = RS_BYTES(usage)};
    a.extensions[a.extension_count++] = (struct csrattrs_extension){.oid = oid_san};
    rs_buf_init(&der, 4096);
    assert_int_equal(csrattrs_put(&der, &a, NULL), RS_OK);
    rs_hex(rs_buf_bytes(&der), hex, sizeof(hex));
    assert_string_equal(hex, want);
    /* Nothing wanted is an empty list. */
    rs_buf_reset(&der);
    a = (struct csrattrs){0};
    assert_int_equal(csrattrs_put(&der, &a, NULL), RS_OK);
    rs_hex(rs_buf_bytes(&der), hex, sizeof(hex));
    assert_string_equal(hex, "3000");
    rs_buf_done(&der);
}

static void
sizes_of_rsa_keys_come_back(void **state)
{
    static const unsigned sizes[] = {2048, 3072, 4096};
    struct rs_buf der;

    (void)state;
    rs_buf_init(&der, 8192);
    for (size_t i = 0; i < 3; i++) {
        struct csrattrs a = {.key = oid_rsa_encryption, .rsa_bits = sizes[i]};
        rs_buf_reset(&der);
        assert_int_equal(csrattrs_put(&der, &a, NULL), RS_OK);
        assert_int_equal(csrattrs_read(rs_buf_bytes(&der), &got, NULL), RS_OK);
        assert_int_equal(got.rsa_bits, sizes[i]);
    }
    rs_buf_done(&der);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_has_not_the_form),
        cmocka_unit_test(refuses_every_cut_of_a_good_one),
        cmocka_unit_test(refuses_too_much),
        cmocka_unit_test(reads_nothing_as_nothing),
        cmocka_unit_test(reads_the_older_form),
        cmocka_unit_test(passes_over_what_it_does_not_know),
        cmocka_unit_test(reads_the_template),
        cmocka_unit_test(writes_what_the_standard_says),
        cmocka_unit_test(sizes_of_rsa_keys_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
