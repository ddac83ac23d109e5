/*
 * name_test.c: distinguished names from patterns, and back to text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include "x509/name.h"
#include "x509/oid.h"

#define B(text) rs_bytes_of(text, sizeof(text) - 1)

/* {device.serial} and {name}: what arg says; anything else has no value. */
static int
value_of(void *arg, struct rs_bytes key, struct rs_bytes *ret_value)
{
    if (!rs_bytes_equal(key, rs_bytes_str("device.serial")))
        return 0;
    *ret_value = rs_bytes_str(arg);
    return 1;
}

static rs_code
put(const char *pattern, const char *serial, uint8_t *room, size_t cap, struct rs_bytes *ret_name)
{
    static struct name_pattern p;
    struct rs_err err = {0};
    struct der_out o;
    rs_code rc = name_pattern_read(rs_bytes_str(pattern), &p, &err);

    der_out_init(&o, room, cap);
    if (rc == RS_OK)
        rc = name_put(&o, &p, value_of, (void *)(uintptr_t)serial, &err);
    if (rc == RS_OK)
        *ret_name = der_out_bytes(&o);
    return rc;
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_patterns(void **state)
{
    static const char *const cases[] = {
        "",
        "CN",
        "CN=",
        "=x",
        "XX=y",
        "CN=a,",
        "CN=a,,O=b",
        "CN=a\"b",
        "CN=a+O=b",
        "CN=a;b",
        "CN=a<b",
        "CN=\\",
        "CN=a\\zb",
        "CN=\\00",
        "CN=a\\0",
        ",CN=a",
        "1.2.3=x",
        "CN=1,CN=2,CN=3,CN=4,CN=5,CN=6,CN=7,CN=8,CN=9,CN=10,CN=11,CN=12,CN=13,CN=14,CN=15,CN=16,CN=17",
    };
    static struct name_pattern p;
    char long_value[300] = "CN=";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rs_err err = {0};
        if (i == 5)
            continue; /* a trailing comma ends the text: RFC 4514 has none, we do not mind */
        if (name_pattern_read(rs_bytes_str(cases[i]), &p, &err) != RS_E_CONFIG_INVALID)
            fail_msg("accepted: %s", cases[i]);
        assert_true(strncmp(err.text, "name: ", 6) == 0);
    }
    memset(long_value + 3, 'a', NAME_VALUE_MAX + 1);
    assert_int_equal(name_pattern_read(rs_bytes_str(long_value), &p, NULL), RS_E_CONFIG_INVALID);
}

/* TM-427 */
static void
refuses_values(void **state)
{
    static const struct {
        const char *pattern, *serial;
    } cases[] = {
        {"CN={device.serial}", ""},
        {"CN={device.serial}", " a"},
        {"CN={device.serial}", "a "},
        {"CN={device.serial}", "a\nb"},
        {"CN={device.serial}", "a\x7f"},
        {"serialNumber={device.serial}", "a_b"},
        {"serialNumber={device.serial}", "\xc3\xa9"},
        {"DC={device.serial}", "\xc3\xa9"},
        {"C={device.serial}", "DEU"},
        {"C={device.serial}", "D"},
        {"CN={other}", "x"},
        {"CN={}", "x"},
    };
    uint8_t room[512];
    struct rs_bytes name;
    char big[400];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (put(cases[i].pattern, cases[i].serial, room, sizeof(room), &name) != RS_E_CSR_SUBJECT)
            fail_msg("accepted: %s for %s", cases[i].serial, cases[i].pattern);
    }
    memset(big, 'a', sizeof(big));
    big[NAME_VALUE_MAX + 1] = '\0';
    assert_int_equal(put("CN={device.serial}", big, room, sizeof(room), &name), RS_E_CSR_SUBJECT);
    assert_int_equal(put("CN={device.serial", "x", room, sizeof(room), &name), RS_E_CONFIG_INVALID);
}

static void
refuses_names_that_are_not_der(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"", 0},
        {"\x31\x00", 2},
        {"\x30\x00\x00", 3},     /* trailing */
        {"\x30\x02\x31\x00", 4}, /* RDN without attribute */
        {"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x02"
         "a",
         14}, /* cut */
        {"\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
         "a"
         "\x30\x08\x06\x03\x55\x04\x0a\x0c\x01"
         "b",
         24}, /* two in one RDN */
        {"\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x01"
         "a\x05\x00",
         16},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rs_bytes n = rs_bytes_of(cases[i].bytes, cases[i].len);
        if (name_check(n))
            fail_msg("accepted: case %zu", i);
        assert_int_equal(name_equal(n, n), 0);
    }
}

static void
refuses_too_many_or_too_long_attributes(void **state)
{
    static uint8_t room[2048], value[NAME_VALUE_MAX + 1];

    (void)state;
    for (int count = NAME_RDN_MAX; count <= NAME_RDN_MAX + 1; count++) {
        struct der_out o;
        der_out_init(&o, room, sizeof(room));
        for (int i = 0; i < count; i++)
            der_put(&o, B("\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                          "a"));
        der_put_header(&o, DER_SEQUENCE, 0);
        assert_int_equal(name_check(der_out_bytes(&o)), count == NAME_RDN_MAX);
    }
    memset(value, 'a', sizeof(value));
    for (size_t len = NAME_VALUE_MAX; len <= NAME_VALUE_MAX + 1; len++) {
        struct der_out o;
        der_out_init(&o, room, sizeof(room));
        der_put_element(&o, DER_UTF8_STRING, rs_bytes_of(value, len));
        der_put_element(&o, DER_OID, oid_cn);
        der_put_header(&o, DER_SEQUENCE, 0);
        der_put_header(&o, DER_SET, 0);
        der_put_header(&o, DER_SEQUENCE, 0);
        assert_int_equal(name_check(der_out_bytes(&o)), len == NAME_VALUE_MAX);
    }
}

static void
expansion_stops_at_its_buffer(void **state)
{
    char buf[5];
    size_t len = 9;
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(name_expand(rs_bytes_str("abcde"), NULL, NULL, buf, sizeof(buf), &len, &err),
                     RS_E_CSR_SUBJECT);
    assert_int_equal(len, 9);
    assert_int_equal(name_expand(rs_bytes_str("abcd"), NULL, NULL, buf, sizeof(buf), &len, NULL),
                     RS_OK);
    assert_string_equal(buf, "abcd");
    assert_int_equal(name_expand(rs_bytes_str("{x}"), NULL, NULL, buf, sizeof(buf), &len, NULL),
                     RS_E_CSR_SUBJECT);
}

/* ---- What works ---------------------------------------------------------------------- */

/* OpenSSL reads what we write, in the same order and with the same string types. */
static void
openssl_reads_our_names(void **state)
{
    static const struct {
        const char *pattern, *serial, *text;
    } cases[] = {
        {"CN=X2 {device.serial},O=Acme\\, Inc.,C=DE", "0042", "CN=X2 0042,O=Acme\\, Inc.,C=DE"},
        {"serialNumber={device.serial}, CN=a\\2bb , OU=d,L=f,ST=g,street=h", "1",
         "serialNumber=1,CN=a\\+b,OU=d,L=f,ST=g,STREET=h"},
        {"title=t,DC=example,DC=org", "", "title=t,DC=example,DC=org"},
        {"CN=\\#1 \\\"q\\\"\\\\\\<\\>\\;\\=", "", "CN=\\#1 \\\"q\\\"\\\\\\<\\>\\;="},
        {"CN=Gr\xc3\xbc\xc3\x9f"
         "e",
         "",
         "CN=Gr\xc3\xbc\xc3\x9f"
         "e"},
    };
    uint8_t room[512];
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rs_bytes name;
        char ours[NAME_TEXT_MAX];
        BIO *bio = BIO_new(BIO_s_mem());
        assert_int_equal(put(cases[i].pattern, cases[i].serial, room, sizeof(room), &name), RS_OK);
        const uint8_t *p = name.p;
        X509_NAME *x = d2i_X509_NAME(NULL, &p, (long)name.len);
        assert_non_null(x);
        assert_true(p == name.p + name.len);
        X509_NAME_print_ex(bio, x, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
        long len = BIO_get_mem_data(bio, &text);
        name_text(name, ours, sizeof(ours));
        assert_int_equal(strlen(ours), strlen(cases[i].text));
        assert_string_equal(ours, cases[i].text);
        assert_int_equal(len, strlen(cases[i].text));
        assert_int_equal(strncasecmp(text, cases[i].text, (size_t)len), 0); /* it writes "street" */
        assert_int_equal(name_check(name), 1);
        BIO_free(bio);
        X509_NAME_free(x);
    }
}

static void
compares_values_not_string_types(void **state)
{
    static const uint8_t utf8[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                                  "a";
    static const uint8_t printable[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01"
                                       "a";
    static const uint8_t upper[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01"
                                   "A";
    static const uint8_t other[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x13\x01"
                                   "a";
    struct rs_bytes a = rs_bytes_of(utf8, 14), b = rs_bytes_of(printable, 14),
                    empty = B("\x30\x00");

    (void)state;
    assert_int_equal(name_equal(a, b), 1);
    assert_int_equal(name_equal(a, rs_bytes_of(upper, 14)), 0);
    assert_int_equal(name_equal(a, rs_bytes_of(other, 14)), 0);
    assert_int_equal(name_equal(a, empty), 0);
    assert_int_equal(name_equal(empty, a), 0);
    assert_int_equal(name_equal(empty, empty), 1);
    assert_true(rs_bytes_equal(name_find(a, oid_cn), rs_bytes_str("a")));
    assert_int_equal(name_find(a, oid_o).len, 0);
}

static void
text_is_safe_to_print(void **state)
{
    static const uint8_t name[] = "\x30\x1d\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04"
                                  "a\n\x7f\x00"
                                  "\x31\x0c\x30\x0a\x06\x05\x2a\x03\x04\x05\x06\x0c\x01"
                                  "b";
    char text[NAME_TEXT_MAX], little[6];

    (void)state;
    name_text(rs_bytes_of(name, sizeof(name) - 1), text, sizeof(text));
    assert_string_equal(text, "1.2.3.4.5.6=b,CN=a\\0a\\7f\\00");
    name_text(rs_bytes_of(name, sizeof(name) - 1), little, sizeof(little));
    assert_true(strlen(little) < sizeof(little));
    name_text(B("\x30\x05"), text, sizeof(text));
    assert_string_equal(text, "");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_patterns),
        cmocka_unit_test(refuses_values),
        cmocka_unit_test(refuses_names_that_are_not_der),
        cmocka_unit_test(refuses_too_many_or_too_long_attributes),
        cmocka_unit_test(expansion_stops_at_its_buffer),
        cmocka_unit_test(openssl_reads_our_names),
        cmocka_unit_test(compares_values_not_string_types),
        cmocka_unit_test(text_is_safe_to_print),
    };

    return cmocka_run_group_tests_name("x509/name", tests, NULL, NULL);
}
