/*
 * ca_test.c: the imaginary makers, judged by OpenSSL's own path check.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/x509_vfy.h>

#include "sims/common/ca.h"

static X509 *
read_der(struct rs_bytes der)
{
    const unsigned char *at = der.p;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);

    assert_non_null(x);
    assert_ptr_equal(at, der.p + der.len);
    return x;
}

static void
draw_point(uint8_t point[64])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t octets[65];
    size_t len = 0;

    assert_int_equal(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets, 65, &len), 1);
    memcpy(point, octets + 1, 64);
    EVP_PKEY_free(key);
}

static int
verifies(struct sim_ca *ca, struct rs_bytes leaf)
{
    X509 *root = read_der(sim_ca_root(ca)), *signer = read_der(sim_ca_signer(ca));
    X509 *x = read_der(leaf);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = sk_X509_new_null();
    int ok;

    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    (void)sk_X509_push(chain, signer);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, x, chain), 1);
    ok = X509_verify_cert(ctx) == 1;
    sk_X509_free(chain);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(root);
    X509_free(signer);
    X509_free(x);
    return ok;
}

static void
parts_get_certificates_that_verify(void **state)
{
    struct sim_ca *ca, *other;
    struct rs_buf der;
    uint8_t room[1024], point[64];
    char name[128];
    X509 *x;

    (void)state;
    rs_buf_init_fixed(&der, room, sizeof(room));
    assert_int_equal(sim_ca_open(NULL, "nxp", &ca, NULL), RS_OK);
    assert_int_equal(sim_ca_open(NULL, "nxp", &other, NULL), RS_OK);
    draw_point(point);
    assert_int_equal(sim_ca_issue(ca, "0004005112", point, &der, NULL), RS_OK);
    assert_true(verifies(ca, rs_buf_bytes(&der)));
    assert_false(verifies(other, rs_buf_bytes(&der)));
    x = read_der(rs_buf_bytes(&der));
    (void)X509_NAME_oneline(X509_get_subject_name(x), name, sizeof(name));
    assert_string_equal(name, "/CN=SIMULATOR 0004005112");
    X509_free(x);
    point[63] ^= 1;
    assert_int_equal(sim_ca_issue(ca, "1", point, &der, NULL), RS_E_CRYPTO_FAILED);
    sim_ca_free(ca);
    sim_ca_free(other);
    sim_ca_free(NULL);
}

static void
a_maker_is_kept(void **state)
{
    char dir[] = "/tmp/sim-ca.XXXXXX", path[64];
    struct sim_ca *ca, *again;
    struct rs_bytes a, b;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(sim_ca_open(dir, "st", &ca, NULL), RS_OK);
    assert_int_equal(sim_ca_open(dir, "st", &again, NULL), RS_OK);
    a = sim_ca_root(ca);
    b = sim_ca_root(again);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.p, b.p, a.len);
    sim_ca_free(ca);
    sim_ca_free(again);
    (void)snprintf(path, sizeof(path), "%s/simulator-st.json", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(truncate(path, 40), 0);
    assert_int_not_equal(sim_ca_open(dir, "st", &ca, NULL), RS_OK);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/simulator-st-root.der", dir);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/simulator-st-signer.der", dir);
    assert_int_equal(unlink(path), 0);
    (void)rmdir(dir);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_get_certificates_that_verify),
        cmocka_unit_test(a_maker_is_kept),
    };

    return cmocka_run_group_tests_name("sims/ca", tests, NULL, NULL);
}
