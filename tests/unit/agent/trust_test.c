/*
 * trust_test.c: whom a device believes, and how a new root takes over.
 *
 * The roots are made with OpenSSL; the chip is a soft one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "agent/inner.h"
#include "base/clock.h"
#include "base/io.h"
#include "client/anchor.h"
#include "shared/chips.h"

static char dir[64], file[96], uri[96];
static struct agent_config config;
static struct agent agent;
static struct trust trust;

static int
make(void **state)
{
    char error[ROT_LINUX_ERROR_MAX];

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/agent_trust_XXXXXX");
    memset(&agent, 0, sizeof(agent));
    memset(&config, 0, sizeof(config));
    config.state = mkdtemp(dir);
    (void)snprintf(file, sizeof(file), "%s/roots.pem", dir);
    (void)snprintf(uri, sizeof(uri), "soft:%s/chip.rot", dir);
    (void)setenv("ROOTSMITH_LOCK_DIR", dir, 1);
    config.rot = uri;
    agent.config = &config;
    agent.lock_fd = -1;
    trust_init(&trust);
    return chips_take(uri, &agent.chips, error) != ROT_OK;
}

static int
drop(void **state)
{
    char command[96];

    (void)state;
    trust_done(&trust);
    chips_drop(agent.chips);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

/* ---- Certificates ----------------------------------------------------------------------- */

struct ca {
    EVP_PKEY *key;
    char name[32];
    uint8_t der[2048];
    struct rs_bytes bytes;
};

/* A CA certificate over subject's key, signed by issuer's. */
static struct rs_bytes
certify(const struct ca *subject, const struct ca *issuer, uint8_t *out)
{
    static long serial = 1;
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *basic =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    uint8_t *p = out;
    int len;

    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)subject->name, -1,
                                     -1, 0);
    name = X509_NAME_new();
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)issuer->name, -1,
                                     -1, 0);
    (void)X509_set_issuer_name(x, name);
    X509_NAME_free(name);
    (void)ASN1_TIME_set_string_X509(X509_getm_notBefore(x), "20260101000000Z");
    (void)ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "20460101000000Z");
    (void)X509_set_pubkey(x, subject->key);
    (void)X509_add_ext(x, basic, -1);
    assert_true(X509_sign(x, issuer->key, EVP_sha256()) > 0);
    len = i2d_X509(x, &p);
    assert_in_range(len, 1, 2048);
    X509_EXTENSION_free(basic);
    X509_free(x);
    return rs_bytes_of(out, (size_t)len);
}

static void
new_ca(struct ca *ca, const char *name)
{
    ca->key = EVP_EC_gen("P-256");
    (void)snprintf(ca->name, sizeof(ca->name), "%s", name);
    assert_non_null(ca->key);
    ca->bytes = certify(ca, ca, ca->der);
}

static void
write_file(const char *path, struct rs_bytes der)
{
    RS_AUTO(rs_buf_done) struct rs_buf pem;

    rs_buf_init(&pem, 8192);
    cert_put_pem(&pem, "CERTIFICATE", der);
    assert_int_equal(rs_file_replace(path, rs_buf_bytes(&pem), 0644, NULL), RS_OK);
}

static int
in_chip(unsigned place, struct rs_bytes want)
{
    RS_AUTO(rs_buf_done) struct rs_buf there;

    rs_buf_init(&there, ROT_CERTIFICATE_MAX);
    assert_int_equal(chip_read(&agent, ROT_TRUST(place), ROT_PART_DATA, &there, NULL), RS_OK);
    return rs_bytes_equal(rs_buf_bytes(&there), want);
}

static void
put_in_chip(unsigned place, struct rs_bytes bytes)
{
    int kept = 0;

    assert_int_equal(chip_write(&agent, ROT_TRUST(place), ROT_PART_DATA, bytes, &kept, NULL),
                     RS_OK);
    assert_true(kept);
}

static void
load(void)
{
    trust_done(&trust);
    trust_init(&trust);
    assert_int_equal(trust_load(&agent, &trust, NULL), RS_OK);
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void
test_the_file_counts_until_the_chip_speaks(void **state)
{
    struct ca a, b;

    (void)state;
    new_ca(&a, "A");
    new_ca(&b, "B");
    write_file(file, a.bytes);
    config.trust = file;
    load();
    assert_false(trust.from_chip);
    assert_int_equal(trust.count, 1);
    put_in_chip(0, b.bytes);
    load();
    assert_true(trust.from_chip);
    assert_int_equal(trust.count, 1);
    assert_true(rs_bytes_equal(trust.anchors[0], b.bytes));
    EVP_PKEY_free(a.key);
    EVP_PKEY_free(b.key);
}

static void
test_no_file_is_no_trust(void **state)
{
    struct rs_err err = {0};

    (void)state;
    config.trust = "/nonexistent/root.pem";
    assert_int_equal(trust_load(&agent, &trust, &err), RS_E_FILE_FAILED);
}

/* A digest or a key in the chip lets one certificate of a file count, and no other. */
static void
test_names_of_other_forms(void **state)
{
    struct ca a, b;
    struct cert cert;
    char path[AGENT_PATH_MAX];
    RS_AUTO(rs_buf_done) struct rs_buf digest;

    (void)state;
    rs_buf_init(&digest, 64);
    new_ca(&a, "A");
    new_ca(&b, "B");
    anchor_put_digest(&digest, a.bytes);
    put_in_chip(1, rs_buf_bytes(&digest));
    assert_int_equal(state_path(&agent, "trust.pem", path, NULL), RS_OK);
    write_file(path, b.bytes);
    load();
    assert_int_equal(trust.count, 0);
    assert_true(trust.lacks);
    write_file(path, a.bytes);
    load();
    assert_int_equal(trust.count, 1);
    assert_false(trust.lacks);
    assert_int_equal(cert_read(b.bytes, &cert, NULL), RS_OK);
    put_in_chip(1, cert.spki);
    load();
    assert_int_equal(trust.count, 0);
    write_file(path, b.bytes);
    load();
    assert_int_equal(trust.count, 1);
    EVP_PKEY_free(a.key);
    EVP_PKEY_free(b.key);
}

/* What a power cut left of a first write names nobody: else the device would never trust again. */
static void
test_a_torn_name_is_none(void **state)
{
    uint8_t torn[91];
    struct ca a;
    struct cert cert;
    int changed = 0;

    (void)state;
    new_ca(&a, "A");
    assert_int_equal(cert_read(a.bytes, &cert, NULL), RS_OK);
    assert_int_equal(cert.spki.len, sizeof(torn));
    memcpy(torn, cert.spki.p, sizeof(torn));
    memset(torn + 27, 0, 28); /* of X: the block that was to be written last */
    put_in_chip(0, rs_bytes_of(torn, sizeof(torn)));
    put_in_chip(1, rs_bytes_of(a.bytes.p, 100));
    put_in_chip(2, rs_bytes_str("x"));
    write_file(file, a.bytes);
    config.trust = file;
    load();
    assert_false(trust.from_chip);
    assert_int_equal(trust.count, 1);
    assert_int_equal(trust_learn(&agent, &trust, &a.bytes, 1, &changed, NULL), RS_OK);
    load();
    assert_true(trust.from_chip);
    assert_false(trust.lacks);
    assert_true(in_chip(3, a.bytes)); /* the empty place, not a torn one */
    EVP_PKEY_free(a.key);
}

static int
learn(const struct rs_bytes *shown, size_t count)
{
    int changed = 0;

    load();
    assert_int_equal(trust_learn(&agent, &trust, shown, count, &changed, NULL), RS_OK);
    return changed;
}

static void
test_a_new_root_is_followed(void **state)
{
    struct ca old, new;
    uint8_t link[2048];

    (void)state;
    new_ca(&old, "Root 1");
    new_ca(&new, "Root 2");
    put_in_chip(0, old.bytes);
    {
        struct rs_bytes shown[] = {old.bytes, new.bytes, certify(&new, &old, link)};
        assert_true(learn(shown, 3));
        assert_true(in_chip(0, old.bytes));
        assert_true(in_chip(1, new.bytes));
        assert_false(learn(shown, 3));
    }
    load();
    assert_int_equal(trust.count, 2);
    EVP_PKEY_free(old.key);
    EVP_PKEY_free(new.key);
}

static void
test_a_root_without_the_old_ones_word_is_not(void **state)
{
    struct ca old, new, other;
    uint8_t by_other[2048], of_other[2048];

    (void)state;
    new_ca(&old, "Root 1");
    new_ca(&new, "Root 2");
    new_ca(&other, "Root 1"); /* the old one's name, and not its key */
    put_in_chip(0, old.bytes);
    {
        struct rs_bytes shown[] = {old.bytes, new.bytes, certify(&new, &other, by_other),
                                   certify(&other, &old, of_other)};
        assert_false(learn(shown, 3));
        assert_true(in_chip(1, rs_bytes_of(NULL, 0)));
        /* newWithOld for one key says nothing for another. */
        assert_false(learn(shown, 4));
    }
    EVP_PKEY_free(old.key);
    EVP_PKEY_free(new.key);
    EVP_PKEY_free(other.key);
}

/* The fourth and fifth take the places of roots that the server no longer shows. */
static void
test_places_are_used_again(void **state)
{
    struct ca roots[6];
    uint8_t link[2048];

    (void)state;
    new_ca(&roots[0], "Root 0");
    put_in_chip(0, roots[0].bytes);
    for (unsigned i = 1; i < 6; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "Root %u", i);
        new_ca(&roots[i], name);
        struct rs_bytes shown[] = {roots[i - 1].bytes, roots[i].bytes,
                                   certify(&roots[i], &roots[i - 1], link)};
        assert_true(learn(shown, 3));
        load();
        assert_true(trust.count >= 2);
    }
    assert_true(in_chip(0, roots[4].bytes) || in_chip(1, roots[4].bytes));
    assert_true(in_chip(0, roots[5].bytes) || in_chip(1, roots[5].bytes));
    for (unsigned i = 0; i < 6; i++)
        EVP_PKEY_free(roots[i].key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_file_counts_until_the_chip_speaks, make, drop),
        cmocka_unit_test_setup_teardown(test_no_file_is_no_trust, make, drop),
        cmocka_unit_test_setup_teardown(test_names_of_other_forms, make, drop),
        cmocka_unit_test_setup_teardown(test_a_torn_name_is_none, make, drop),
        cmocka_unit_test_setup_teardown(test_a_new_root_is_followed, make, drop),
        cmocka_unit_test_setup_teardown(test_a_root_without_the_old_ones_word_is_not, make, drop),
        cmocka_unit_test_setup_teardown(test_places_are_used_again, make, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
