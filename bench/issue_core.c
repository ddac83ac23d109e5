/*
 * issue_core.c: issuing by the server's own functions, in one process.
 *
 * Request read, proof of possession checked, key looked at again as the signer
 * does, TBS from a template, signed, own signature verified, certificate put
 * together: against the raw loop's verify, sign and verify (issue_raw.c), run in
 * turns here so that both see the same machine.  Each request comes from another key, as in life; the raw loop has
 * its one key cached.  Prints the median of five ratios; at least 0.8 is asked.
 *
 *   bench_issue_core [SECONDS]     for each of ten runs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "bench.h"
#include "crypto/key.h"
#include "signer/core.h"
#include "x509/csr.h"
#include "x509/template.h"

#define REQUESTS 64
#define ROUNDS   5
#define LIMIT    0.8

struct request {
    uint8_t der[512];
    size_t len;
};

static struct request requests[REQUESTS];
static struct template tmpl;
static struct issuer issuer;

static void
make_request(struct request *r)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509_REQ *req = X509_REQ_new();
    uint8_t *p = r->der;

    bench_must(req != NULL && X509_REQ_set_version(req, 0) &&
                   X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "serialNumber",
                                              MBSTRING_UTF8, (const uint8_t *)"X2-000042", -1, -1,
                                              0) &&
                   X509_REQ_set_pubkey(req, key) && X509_REQ_sign(req, key, EVP_sha256()) > 0 &&
                   i2d_X509_REQ(req, NULL) <= (int)sizeof(r->der),
               "request");
    r->len = (size_t)i2d_X509_REQ(req, &p);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
}

static void
make_template(void)
{
    static const uint8_t name[] = "\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c\x09"
                                  "Device CA";
    static const uint8_t key_id[20] = {1};
    struct template_spec spec = {
        .sig_alg = CRYPTO_ECDSA_SHA256,
        .issuer_name = rs_bytes_of(name, sizeof(name) - 1),
        .issuer_key_id = RS_BYTES(key_id),
        .subject = rs_bytes_str("CN=X2 {device.serial},serialNumber={device.serial},O=Acme"),
        .ski = TEMPLATE_SKI_SHA256,
        .basic_constraints = 1,
        .key_usage = 1,
        .eku = {rs_bytes_str("1.3.6.1.5.5.7.3.2")},
        .eku_count = 1,
        .crl_url = rs_bytes_str("http://ca.example/device.crl"),
        .ocsp_url = rs_bytes_str("http://ca.example/ocsp"),
    };

    bench_must(template_compile(&spec, &tmpl, NULL) == RS_OK, "template");
}

static int
value_of(void *arg, struct rs_bytes key, struct rs_bytes *ret_value)
{
    (void)key;
    *ret_value = rs_bytes_str(arg);
    return 1;
}

/* What pki and signer do for one certificate, without socket, ledger and store. */
static void
issue(const struct request *r)
{
    static const uint8_t serial[SIGNER_SERIAL_SIZE] = {0x51, 2, 3};
    static char device[] = "X2-000042";
    uint8_t room[TEMPLATE_TBS_MAX], der[4096];
    struct template_values v = {.serial = RS_BYTES(serial),
                                .not_before = 1764000000,
                                .not_after = INT64_MAX,
                                .value = value_of,
                                .arg = device};
    struct crypto_pub pub;
    struct rs_bytes tbs;
    struct rs_buf out;
    struct csr csr;

    bench_must(csr_read(rs_bytes_of(r->der, r->len), &csr, NULL) == RS_OK, "csr_read");
    bench_must(csr_check_proof(&csr, NULL) == RS_OK, "csr_check_proof");
    bench_must(crypto_pub_read(csr.spki, &pub, NULL) == RS_OK, "the signer's own look at the key");
    v.pub = &pub;
    bench_must(template_build(&tmpl, &v, room, sizeof(room), &tbs, NULL) == RS_OK,
               "template_build");
    rs_buf_init_fixed(&out, der, sizeof(der));
    bench_must(signer_finish_issue(issuer.key, tbs, &out, NULL) == RS_OK, "signer_finish_issue");
}

static double
run_core(int seconds)
{
    uint64_t start = bench_cpu_us(0), until = rs_mono_us() + (uint64_t)seconds * 1000000u;
    size_t count = 0;

    while (rs_mono_us() < until) {
        for (int i = 0; i < 16; i++, count++)
            issue(&requests[count % REQUESTS]);
    }
    return (double)(bench_cpu_us(0) - start) / (double)count;
}

int
main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 2;
    double ratios[ROUNDS], cores[ROUNDS], raws[ROUNDS], ratio;

    for (size_t i = 0; i < REQUESTS; i++)
        make_request(&requests[i]);
    make_template();
    bench_must(crypto_key_generate(CRYPTO_P256, &issuer.key, NULL) == RS_OK, "key");
    for (size_t i = 0; i < ROUNDS; i++) {
        raws[i] = bench_raw_us(argv[0], seconds);
        cores[i] = run_core(seconds);
        ratios[i] = raws[i] / cores[i];
        printf("raw %.1f us, core %.1f us CPU, ratio %.3f\n", raws[i], cores[i], ratios[i]);
    }
    ratio = bench_median(ratios, ROUNDS);
    printf("issue core against raw: median %.3f of %d (asked: %.2f)\n", ratio, ROUNDS, LIMIT);
    bench_figure("raw_cpu_us", bench_median(raws, ROUNDS));
    bench_figure("core_cpu_us", bench_median(cores, ROUNDS));
    bench_figure("ratio", ratio);
    bench_figure("limit", LIMIT);
    bench_write_figures();
    crypto_key_free(issuer.key);
    return ratio >= LIMIT ? 0 : 1;
}
