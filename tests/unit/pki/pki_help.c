/*
 * pki_help.c: see pki_help.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "base/sock.h"
#include "client/csr.h"

/* 1.3.6.1.4.1.32473.7 */
static const uint8_t hardware_type[] = {0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 7};

/* ---- Life ------------------------------------------------------------------------------- */

rs_code
pk_open(struct pk *k, struct rs_err *err)
{
    struct pki_config config = {.store_url = k->url,
                                .tenant = CA_TENANT,
                                .signer = k->ca.client,
                                .signer_id = 1,
                                .tpm_roots = k->tpm_roots,
                                .vendors = k->vendors};

    k->pki = NULL;
    return pki_open(&config, &k->pki, err);
}

void
pk_close(struct pk *k)
{
    pki_close(k->pki);
    k->pki = NULL;
}

void
pk_make(struct pk *k)
{
    struct rs_err err = {0};

    ca_make(&k->ca);
    ca_order(&k->ca, "o-1", 1000);
    (void)snprintf(k->store, sizeof(k->store), "%s/store.db", k->ca.dir);
    (void)snprintf(k->url, sizeof(k->url), "sqlite:%s", k->store);
    if (pk_open(k, &err) != RS_OK)
        fail_msg("no PKI: %s", err.text);
}

void
pk_drop(struct pk *k)
{
    ca_inject("");
    if (k->ca.running)
        (void)ca_stop(&k->ca); /* its answers use the writer: it ends first */
    pk_close(k);
    ca_abandon(&k->ca);
}

void
pk_mend(struct pk *k)
{
    struct rs_err err = {0};
    int fd;

    ca_inject("");
    if (!signer_client_alive(k->ca.client)) {
        (void)ca_join(&k->ca);
        ca_start_raw(&k->ca, &fd);
        if (signer_client_attach(k->ca.client, fd, &err) != RS_OK)
            fail_msg("no signer: %s", err.text);
    }
    if (pki_catch_up(k->pki, &err) != RS_OK)
        fail_msg("not caught up: %s", err.text);
    assert_false(pki_is_behind(k->pki));
}

/* ---- Requests ------------------------------------------------------------------------------ */

struct crypto_key *
pk_key(void)
{
    struct crypto_key *key;

    assert_int_equal(crypto_key_generate(CRYPTO_P256, &key, NULL), RS_OK);
    return key;
}

struct rs_bytes
pk_csr(const struct pk_csr *from, uint8_t *room, size_t cap)
{
    struct client_csr csr = {.spki = crypto_key_pub(from->key)->spki,
                             .sig = crypto_sig_for(crypto_key_alg(from->key)),
                             .subject = from->subject,
                             .cn = from->cn,
                             .serial = from->serial,
                             .dns = {from->dns},
                             .evidence = from->evidence,
                             .part_evidence = from->part_evidence};
    struct rs_err err = {0};
    struct rs_buf b;

    if (from->challenge != NULL)
        csr.challenge = rs_bytes_str(from->challenge);
    if (from->uid != NULL) {
        csr.hardware_type = RS_BYTES(hardware_type);
        csr.chip_uid = rs_bytes_str(from->uid);
    }
    rs_buf_init_fixed(&b, room, cap);
    if (client_csr_build(&csr, client_sign_with_key, (void *)(uintptr_t)from->key, &b, &err) !=
        RS_OK)
        fail_msg("no request: %s", err.text);
    return rs_buf_bytes(&b);
}

struct rs_bytes
pk_csr_with(int nid, const char *value, uint8_t *room, size_t cap)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *req = X509_REQ_new();
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    uint8_t *p = room;
    int len;

    assert_true(key != NULL && req != NULL && list != NULL && one != NULL);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
                                                (const unsigned char *)"ca", -1, -1, 0),
                     1);
    assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
    assert_true(sk_X509_EXTENSION_push(list, one) > 0);
    assert_int_equal(X509_REQ_add_extensions(req, list), 1);
    assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
    len = i2d_X509_REQ(req, NULL);
    assert_true(len > 0 && (size_t)len <= cap);
    (void)i2d_X509_REQ(req, &p);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
    return rs_bytes_of(room, (size_t)len);
}

struct pki_caller
pk_caller(enum pki_role role, const char *name)
{
    static const char *const prefixes[] = {"nobody", "station", "device", "person", "server"};
    struct pki_caller c = {.role = role};

    (void)snprintf(c.name, sizeof(c.name), "%s", name);
    (void)snprintf(c.who, sizeof(c.who), "%s:%s", prefixes[role], name);
    return c;
}

struct waiting {
    struct pk_got *got;
    pthread_mutex_t lock;
    pthread_cond_t done;
    int finished;
};

static void
on_issued(void *arg, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    struct waiting *w = arg;

    (void)pthread_mutex_lock(&w->lock);
    w->got->rc = rc;
    if (rc == RS_OK && cert->der.len <= sizeof(w->got->der)) {
        memcpy(w->got->der, cert->der.p, cert->der.len);
        if (cert_read(rs_bytes_of(w->got->der, cert->der.len), &w->got->cert, NULL) != RS_OK)
            w->got->rc = RS_E_INTERNAL;
    } else if (err != NULL) {
        w->got->err = *err;
    }
    w->finished = 1;
    (void)pthread_cond_signal(&w->done);
    (void)pthread_mutex_unlock(&w->lock);
}

rs_code
pk_request(struct pk *k, const struct pki_issue_request *request, struct pk_got *ret)
{
    struct waiting w = {
        .got = ret, .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

    memset(ret, 0, sizeof(*ret));
    pki_issue(k->pki, request, on_issued, &w);
    (void)pthread_mutex_lock(&w.lock);
    while (!w.finished)
        (void)pthread_cond_wait(&w.done, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
    return ret->rc;
}

rs_code
pk_ask(struct pk *k, const struct pki_caller *caller, const char *label, struct rs_bytes csr,
       struct pk_got *ret)
{
    struct pki_issue_request r = {
        .caller = *caller, .protocol = "est", .label = label, .csr = csr, .fixture = ""};

    return pk_request(k, &r, ret);
}

rs_code
pk_board(struct pk *k, const struct crypto_key *key, const char *order, const char *serial,
         const char *uid, struct pk_got *ret)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    struct pk_csr csr = {.key = key, .serial = serial, .uid = uid};
    uint8_t room[4096];

    return pk_ask(k, &station, order, pk_csr(&csr, room, sizeof(room)), ret);
}

rs_code
pk_station(struct pk *k, const struct crypto_key *key, const char *name, struct pk_got *ret)
{
    struct pki_caller person = pk_caller(PKI_PERSON, "m.keller");
    struct pk_csr csr = {.key = key, .cn = name};
    uint8_t room[4096];

    return pk_ask(k, &person, "station", pk_csr(&csr, room, sizeof(room)), ret);
}

static int
count_one(void *arg, const struct store_cert *cert)
{
    (void)cert;
    ++*(size_t *)arg;
    return 0;
}

size_t
pk_count(struct pk *k, const char *device, int state)
{
    struct store_cert_filter filter = {.device = device, .state = state, .limit = STORE_PAGE_MAX};
    struct store *store;
    size_t n = 0;

    assert_int_equal(pki_reader(k->pki, &store, NULL), RS_OK);
    assert_int_equal(store_list_certs(store, CA_TENANT, &filter, count_one, &n, NULL), RS_OK);
    return n;
}
