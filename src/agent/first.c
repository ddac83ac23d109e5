/*
 * first.c: the first identity of a device that nobody gave one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "agent/inner.h"
#include "base/json.h"
#include "base/secret.h"
#include "client/csr.h"
#include "client/endorse.h"
#include "x509/oid.h"

#define CODE_MAX 200

/* ---- A code --------------------------------------------------------------------------------- */

static rs_code
read_code(const char *from, struct rs_secret *ret_code, struct rs_err *err)
{
    char line[CODE_MAX];
    rs_code rc;

    if (strcmp(from, "-") != 0)
        return rs_secret_read_file(from, ret_code, err);
    if (fgets(line, sizeof(line), stdin) == NULL)
        return rs_fail(err, RS_E_AUTH_TOKEN, "token: nothing came on standard input");
    line[strcspn(line, "\r\n")] = '\0';
    rc = rs_secret_init(ret_code, strlen(line), err);
    if (rc == RS_OK)
        memcpy(ret_code->p, line, strlen(line));
    rs_wipe(line, sizeof(line));
    return rc;
}

/* RFC 7617; a code alone is for the device whose serial this is. */
rs_code
first_token(struct agent *a, struct rs_buf *ret_header, struct rs_err *err)
{
    RS_AUTO(rs_secret_done) struct rs_secret code = {0};
    RS_AUTO(rs_buf_done) struct rs_buf pair;
    rs_code rc;

    rs_buf_init(&pair, CODE_MAX + AGENT_TEXT_MAX);
    pair.secret = 1;
    if (a->config->token == NULL)
        return rs_fail(err, RS_E_AGENT_NO_IDENTITY, "no one-time code was given");
    rc = read_code(a->config->token, &code, err);
    if (rc != RS_OK)
        return rc;
    if (memchr(code.p, ':', code.len) == NULL) {
        rs_buf_put_str(&pair, a->config->name != NULL ? a->config->name : a->serial);
        rs_buf_put_str(&pair, ":");
    }
    rs_buf_put(&pair, code.p, code.len);
    web_put_basic(ret_header, rs_buf_bytes(&pair));
    if (!rs_buf_ok(&pair) || !rs_buf_ok(ret_header))
        return rs_fail(err, RS_E_USAGE, "token: longer than any code");
    return RS_OK;
}

/* ---- The TPM's endorsement ---------------------------------------------------------------------- */

#define CHALLENGE_PATH "/.well-known/rootsmith/v1/tpm/challenge"

/* What the server asked, and what the TPM found in it. */
struct challenge {
    struct client_challenge asked;
    uint8_t secret[64];
    size_t secret_len;
};

static rs_code
attest_key(struct agent *a, const uint8_t nonce[32], struct rs_buf *out, struct rs_err *err)
{
    uint8_t room[ROT_EVIDENCE_MAX];
    struct rot_evidence evidence = {.buf = room, .cap = sizeof(room)};
    struct rot_chip *chip;
    rot_err rot;
    rs_code rc = chip_enter(a, &chip, err);

    if (rc != RS_OK)
        return rc;
    rot = rot_attest(chip, ROT_IDEVID, nonce, &evidence);
    chip_leave(a);
    if (rot != ROT_OK)
        return chip_fail(a, rot, "say where the key is", err);
    rs_buf_put(out, evidence.buf, evidence.len);
    return rs_buf_ok(out) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "no memory for evidence");
}

/* The attestation key's public area begins each evidence (rot_attest()). */
static rs_code
read_attestation_key(struct agent *a, struct rs_buf *out, struct rs_err *err)
{
    static const uint8_t no_nonce[32] = {0};
    struct rs_reader r;
    struct rs_bytes area;
    RS_AUTO(rs_buf_done) struct rs_buf evidence;
    rs_code rc;

    rs_buf_init(&evidence, ROT_EVIDENCE_MAX);
    rc = attest_key(a, no_nonce, &evidence, err);
    if (rc != RS_OK)
        return rc;
    rs_reader_init(&r, rs_buf_bytes(&evidence));
    area = rs_read_u16_bytes(&r, 1024);
    if (!rs_reader_ok(&r))
        return rs_fail(err, RS_E_CHIP_FAULT, "the chip's evidence is none");
    rs_buf_put_u16_bytes(out, area);
    return RS_OK;
}

static rs_code
open_challenge(struct agent *a, struct challenge *c, struct rs_err *err)
{
    struct rot_chip *chip;
    rot_err rot;
    rs_code rc = chip_enter(a, &chip, err);

    if (rc != RS_OK)
        return rc;
    rot = rot_activate(chip, ROT_ATTEST(0), c->asked.credential, c->asked.credential_len, c->secret,
                       sizeof(c->secret), &c->secret_len);
    chip_leave(a);
    return rot == ROT_OK ? RS_OK : chip_fail(a, rot, "open the server's challenge", err);
}

static rs_code
ask_challenge(struct agent *a, struct web *web, struct challenge *c, struct rs_err *err)
{
    struct client_endorsement ask = {
        .path = CHALLENGE_PATH, .what = "product", .name = a->config->label};
    RS_AUTO(rs_buf_done) struct rs_buf ek;
    RS_AUTO(rs_buf_done) struct rs_buf iak;
    rs_code rc;

    rs_buf_init(&ek, ROT_CERTIFICATE_MAX);
    rs_buf_init(&iak, ROT_EVIDENCE_MAX);
    rc = chip_read(a, ROT_VENDOR(0), ROT_PART_CERT, &ek, err);
    if (rc == RS_OK && ek.len == 0)
        rc = rs_fail(err, RS_E_CHIP_NOT_GENUINE, "the chip has no certificate of its maker");
    if (rc == RS_OK)
        rc = read_attestation_key(a, &iak, err);
    ask.ek_cert = rs_buf_bytes(&ek);
    ask.iak = rs_buf_bytes(&iak);
    if (rc == RS_OK)
        rc = client_endorse_ask(web, &ask, &c->asked, &a->retry_after_s, err);
    return rc == RS_OK ? open_challenge(a, c, err) : rc;
}

static rs_code
build_request(struct agent *a, const struct challenge *c, struct rs_buf *csr, struct rs_err *err)
{
    struct chip_signer signer = {a, ROT_IDEVID};
    struct client_csr ask = {.serial = a->config->name != NULL ? a->config->name : a->serial,
                             .sig = CRYPTO_ECDSA_SHA256};
    RS_AUTO(rs_buf_done) struct rs_buf spki;
    RS_AUTO(rs_buf_done) struct rs_buf evidence;
    rs_code rc;

    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    rs_buf_init(&evidence, ROT_EVIDENCE_MAX);
    rc = attest_key(a, c->asked.nonce, &evidence, err);
    if (rc == RS_OK)
        rc = chip_public(a, ROT_IDEVID, &spki, err);
    if (rc != RS_OK)
        return rc;
    ask.spki = rs_buf_bytes(&spki);
    ask.evidence = rs_buf_bytes(&evidence);
    return client_csr_build(&ask, chip_sign, &signer, csr, err);
}

static rs_code
put_basic(const struct challenge *c, struct rs_buf *header, struct rs_err *err)
{
    char hex[2 * sizeof(c->secret) + 1];
    RS_AUTO(rs_buf_done) struct rs_buf pair;

    rs_buf_init(&pair, 512);
    pair.secret = 1;
    rs_hex(rs_bytes_of(c->secret, c->secret_len), hex, sizeof(hex));
    rs_buf_printf(&pair, "tpm-%s:%s", c->asked.id, hex);
    rs_wipe(hex, sizeof(hex));
    web_put_basic(header, rs_buf_bytes(&pair));
    return rs_buf_ok(header) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "no memory for a request");
}

/* Into the chip: what came is checked against the key that it was asked for. */
static rs_code
keep_idevid(struct agent *a, const struct trust *t, struct rs_bytes der, const struct rs_bytes *cas,
            size_t ca_count, struct rs_err *err)
{
    struct cert cert;
    RS_AUTO(rs_buf_done) struct rs_buf chain;
    RS_AUTO(rs_buf_done) struct rs_buf issuer;
    struct rs_bytes text;
    int kept = 0;
    rs_code rc = cert_read(der, &cert, err);

    rs_buf_init(&chain, AGENT_FILE_MAX);
    rs_buf_init(&issuer, CERT_BYTES_MAX);
    if (rc == RS_OK)
        rc = trust_check(t, &cert, cas, ca_count, err);
    if (rc == RS_OK)
        rc = chip_prove(a, ROT_IDEVID, &cert, err);
    if (rc != RS_OK)
        return rc;
    trust_put_chain(&cert, cas, ca_count, &chain);
    text = rs_buf_bytes(&chain);
    if (cert_next_pem(&text, "CERTIFICATE", &issuer, NULL) == RS_OK)
        rc = chip_write(a, ROT_IDEVID, ROT_PART_CHAIN, rs_buf_bytes(&issuer), &kept, err);
    if (rc == RS_OK)
        rc = chip_write(a, ROT_IDEVID, ROT_PART_CERT, der, &kept, err);
    if (rc == RS_OK && !kept)
        rc = rs_fail(err, RS_E_CHIP_FULL, "the chip has no room for its identity");
    return rc;
}

static rs_code
enroll_idevid(struct agent *a, struct web *web, const struct trust *t, struct rs_err *err)
{
    struct rs_bytes cas[AGENT_CERTS_MAX];
    struct client_est_ask ask = {.label = a->config->label};
    struct challenge c = {.secret_len = 0};
    size_t ca_count = 0;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    RS_AUTO(rs_buf_done) struct rs_buf csr, cert, header;
    rs_arena_init(&arena, 1u << 20);
    rs_buf_init(&csr, AGENT_FILE_MAX);
    rs_buf_init(&cert, CERT_BYTES_MAX);
    rs_buf_init(&header, 1024);
    header.secret = 1;
    rc = talk_cacerts(a, web, t, &arena, cas, &ca_count, err);
    if (rc == RS_OK)
        rc = ask_challenge(a, web, &c, err);
    if (rc == RS_OK)
        rc = build_request(a, &c, &csr, err);
    if (rc == RS_OK)
        rc = put_basic(&c, &header, err);
    ask.csr = rs_buf_bytes(&csr);
    ask.authorization = (const char *)header.p;
    if (rc == RS_OK)
        rc = client_est_ask(web, &ask, &cert, &a->retry_after_s, err);
    if (rc == RS_OK)
        rc = keep_idevid(a, t, rs_buf_bytes(&cert), cas, ca_count, err);
    rs_wipe(c.secret, sizeof(c.secret));
    return rc;
}

/* The IDevID key may not exist yet; one that does is kept: it may have been certified. */
static rs_code
make_key(struct agent *a, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf spki;
    rs_code rc;

    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    rc = chip_public(a, ROT_IDEVID, &spki, err);
    if (rc == RS_OK && spki.len == 0)
        rc = chip_generate(a, ROT_IDEVID, &spki, err);
    if (rc == RS_OK)
        rc = chip_public(a, ROT_ATTEST(0), &spki, err);
    if (rc == RS_OK && spki.len == 0)
        rc = chip_generate(a, ROT_ATTEST(0), &spki, err);
    return rc;
}

rs_code
first_endorsement(struct agent *a, struct rs_err *err)
{
    struct web *web = NULL;
    struct trust t;
    rs_code rc = make_key(a, err);

    trust_init(&t);
    if (rc == RS_OK)
        rc = trust_load(a, &t, err);
    if (rc == RS_OK)
        rc = talk_open(a, &t, NULL, &web, err);
    if (rc == RS_OK)
        rc = enroll_idevid(a, web, &t, err);
    web_close(web);
    trust_done(&t);
    if (rc == RS_OK)
        agent_tell(a, "endorsement", "accepted by the server; the chip has its IDevID");
    return rc;
}
