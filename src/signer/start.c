/*
 * start.c: opening everything, and folding the ledger into the state.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "signer/core.h"
#include "signer/issuer.h"
#include "signer/snapshot.h"

#define SIGNER_ID 1
#define PATH_SIZE 640

static rs_code
path_in(const struct signer *s, const char *name, char path[PATH_SIZE], struct rs_err *err)
{
    return rs_path_join(s->config.dir, name, path, PATH_SIZE, err);
}

/* ---- Issuers ------------------------------------------------------------------------------ */

struct issuer *
signer_find_issuer(struct signer *s, struct rs_bytes tenant, struct rs_bytes name)
{
    for (size_t i = 0; i < s->issuer_count; i++) {
        if (rs_bytes_equal(rs_bytes_str(s->issuers[i].name), name) &&
            rs_bytes_equal(rs_bytes_str(s->issuers[i].tenant), tenant))
            return &s->issuers[i];
    }
    return NULL;
}

static rs_code
load_certificate(const struct signer *s, struct issuer *i, const struct state_issuer *from,
                 struct rs_err *err)
{
    char path[PATH_SIZE], file[STATE_NAME_SIZE + 16];
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf b;
    rs_buf_init(&b, CERT_BYTES_MAX);
    (void)snprintf(file, sizeof(file), "ca/%s.cer", i->name);
    rc = path_in(s, file, path, err);
    if (rc == RS_OK)
        rc = rs_file_read(path, CERT_BYTES_MAX, &b, err);
    if (rc != RS_OK)
        return rc;
    i->der = malloc(b.len ? b.len : 1);
    if (i->der == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "issuer certificate");
    memcpy(i->der, b.p, b.len);
    i->der_len = b.len;
    rc = cert_read(rs_bytes_of(i->der, i->der_len), &i->cert, err);
    if (rc == RS_OK && (!rs_bytes_equal(i->cert.tbs, from->tbs) ||
                        !rs_bytes_equal(i->cert.spki, crypto_key_pub(i->key)->spki)))
        rc = rs_fail(err, RS_E_LEDGER_DAMAGED,
                     "issuer %s: certificate, key and ledger do not belong together", i->name);
    return rc;
}

static void
free_issuer(struct issuer *i)
{
    crypto_key_free(i->key);
    free(i->der);
}

rs_code
signer_open_issuer(struct signer *s, struct state_issuer *from, struct rs_err *err)
{
    struct issuer i = {0}, *more;
    rs_code rc;

    memcpy(i.tenant, from->tenant, sizeof(i.tenant));
    memcpy(i.name, from->doc.name.p, from->doc.name.len);
    rc = keystore_load(&s->keys, i.name, &i.key, err);
    if (rc == RS_OK)
        rc = signer_complete_issuer(s, from, i.key, err);
    if (rc == RS_OK)
        rc = load_certificate(s, &i, from, err);
    if (rc != RS_OK) {
        free_issuer(&i);
        return rc;
    }
    /* Compiled templates point at issuers: they are compiled again after a move. */
    memset(s->compiled, 0, SIGNER_TEMPLATES_MAX * sizeof(*s->compiled));
    more = realloc(s->issuers, (s->issuer_count + 1) * sizeof(*more));
    if (more == NULL) {
        free_issuer(&i);
        return rs_fail(err, RS_E_NO_MEMORY, "issuer");
    }
    s->issuers = more;
    s->issuers[s->issuer_count++] = i;
    return RS_OK;
}

static rs_code
open_issuers(struct signer *s, struct rs_err *err)
{
    rs_code rc = RS_OK;

    for (size_t k = 0; k < s->state.issuer_count && rc == RS_OK; k++) {
        struct state_issuer *from = &s->state.issuers[k];
        if (from->tbs.len != 0)
            rc = signer_open_issuer(s, from, err);
        else
            rs_log(RS_LOG_WARN, "signer", "a CA was not finished; hand in its document again",
                   "issuer=%.*s", (int)from->doc.name.len, (const char *)from->doc.name.p);
    }
    return rc;
}

/* ---- State ---------------------------------------------------------------------------------- */

struct fold {
    struct state *state;
    struct rs_err *err;
    rs_code rc;
};

static int
fold_leaf(void *arg, const struct ledger_leaf *leaf)
{
    struct fold *f = arg;

    f->rc = state_apply(f->state, leaf, f->err);
    return f->rc != RS_OK;
}

static rs_code
fold_ledger(struct signer *s, struct rs_err *err)
{
    struct fold f = {&s->state, err, RS_OK};
    struct ledger_head head;
    char path[PATH_SIZE];
    rs_code rc;

    rc = path_in(s, "state.snapshot", path, err);
    if (rc != RS_OK)
        return rc;
    ledger_get_head(s->ledger, &head);
    if (!snapshot_load(&s->state, s->mac_key, path) || s->state.next_index > head.size) {
        state_done(&s->state);
        state_init(&s->state);
    }
    rc = ledger_read(s->ledger, s->state.next_index, fold_leaf, &f, err);
    return rc == RS_OK ? f.rc : rc;
}

/* ---- Keys and ledger -------------------------------------------------------------------------- */

static rs_code
open_keys(struct signer *s, struct rs_err *err)
{
    static const char label[] = "rootsmith state snapshot v1";
    struct rs_bytes text = rs_bytes_of(label, sizeof(label));
    char path[PATH_SIZE];
    rs_code rc;

    rc = path_in(s, "keys", path, err);
    if (rc == RS_OK)
        rc = rs_dir_make(path, 0700, err);
    if (rc == RS_OK)
        rc = keystore_open(&s->keys, path, s->config.passphrase, err);
    if (rc != RS_OK)
        return rc;
    crypto_hmac_sha256(rs_bytes_of(s->keys.passphrase.p, s->keys.passphrase.len), &text, 1,
                       s->mac_key);
    if (!keystore_has(&s->keys, SIGNER_LEDGER_KEY) && s->config.start_empty)
        rc = keystore_generate(&s->keys, SIGNER_LEDGER_KEY, CRYPTO_ED25519, &s->ledger_key, err);
    else
        rc = keystore_load(&s->keys, SIGNER_LEDGER_KEY, &s->ledger_key, err);
    if (rc == RS_OK)
        memcpy(s->ledger_pub, crypto_key_pub(s->ledger_key)->key.p, sizeof(s->ledger_pub));
    return rc;
}

static rs_code
sign_checkpoint(void *arg, struct rs_bytes message, uint8_t sig[64], struct rs_err *err)
{
    struct signer *s = arg;
    uint8_t room[CRYPTO_SIGNATURE_MAX];
    size_t len;
    rs_code rc = crypto_sign(s->ledger_key, message, room, sizeof(room), &len, err);

    if (rc == RS_OK && len != 64)
        rc = rs_fail(err, RS_E_CRYPTO_FAILED, "Ed25519 signature of %zu bytes", len);
    if (rc == RS_OK)
        memcpy(sig, room, 64);
    return rc;
}

static rs_code
open_ledger(struct signer *s, struct rs_err *err)
{
    char path[PATH_SIZE];
    struct ledger_config config = {.witness_dir = s->config.witness_dir,
                                   .origin = "rootsmith/ledger/1",
                                   .signer_id = SIGNER_ID,
                                   .epoch = 1,
                                   .sign = sign_checkpoint,
                                   .sign_arg = s};
    struct ledger_opened opened;
    rs_code rc;

    memcpy(config.public_key, s->ledger_pub, sizeof(config.public_key));
    rc = path_in(s, "ledger", path, err);
    if (rc == RS_OK)
        rc = rs_dir_make(path, 0700, err);
    config.dir = path;
    if (rc == RS_OK)
        rc = ledger_open(&config, &s->ledger, &opened, err);
    if (rc == RS_OK && opened.torn_bytes != 0)
        rs_log(RS_LOG_WARN, "signer", "cut an unfinished batch from the ledger", "bytes=%llu",
               (unsigned long long)opened.torn_bytes);
    if (rc == RS_OK)
        s->checkpoint_size = opened.checkpoint_size;
    return rc;
}

/* ---- The whole ----------------------------------------------------------------------------------- */

rs_code
signer_start(struct signer *s, const struct signer_config *config, struct rs_err *err)
{
    rs_code rc;

    memset(s, 0, sizeof(*s));
    s->config = *config;
    state_init(&s->state);
    s->compiled = calloc(SIGNER_TEMPLATES_MAX, sizeof(*s->compiled));
    s->serials = calloc((size_t)SIGNER_SERIALS_MAX * 2, sizeof(*s->serials));
    if (s->compiled == NULL || s->serials == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "signer");
    rc = open_keys(s, err);
    if (rc == RS_OK)
        rc = open_ledger(s, err);
    if (rc == RS_OK)
        rc = fold_ledger(s, err);
    if (rc == RS_OK)
        rc = open_issuers(s, err);
    return rc;
}

void
signer_stop(struct signer *s)
{
    ledger_close(s->ledger);
    for (size_t i = 0; i < s->issuer_count; i++)
        free_issuer(&s->issuers[i]);
    free(s->issuers);
    free(s->compiled);
    free(s->serials);
    crypto_key_free(s->ledger_key);
    keystore_done(&s->keys);
    state_done(&s->state);
    rs_wipe(s, sizeof(*s));
}
