/*
 * recipe_key.c: the key, the identity over it, and the proof at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/inject.h"
#include "base/random.h"
#include "client/csr.h"
#include "station/recipe_inner.h"
#include "x509/name.h"
#include "x509/oid.h"

#define CHALLENGE_SIZE 32
#define HARDWARE_TYPE  "1.3.6.1.4.1.32473.7"

/* ---- Key ----------------------------------------------------------------------------- */

/*
 * Where the part has a key that speaks for the others and is the host's to make: it cannot be
 * made any more when the data is sealed.
 */
static rs_code
make_attestation_key(struct recipe *r, struct rs_err *err)
{
    struct rot_capability cap;
    rot_err rot = ROT_E_EMPTY;

    if (r->is_sealed || rot_capabilities(r->job->chip, ROT_ATTEST(0), &cap) != ROT_OK ||
        cap.where[ROT_CAN_GENERATE] != ROT_IN_CHIP || cap.where[ROT_CAN_ACTIVATE] == ROT_IN_CHIP)
        return RS_OK;
    if (r->is_configured) /* a board that begins here has none */
        rot = rot_key_public(r->job->chip, ROT_ATTEST(0), r->attestation, sizeof(r->attestation),
                             &r->attestation_len);
    if (rot == ROT_E_EMPTY) {
        rot = rot_key_generate(r->job->chip, ROT_ATTEST(0), ROT_ALG_P256, r->attestation,
                               sizeof(r->attestation), &r->attestation_len);
        r->wrote = r->wrote || rot == ROT_OK;
    }
    return rot == ROT_OK ? RS_OK : recipe_chip_fail(r, rot, "make the attestation key", err);
}

/* Is it in the part that is about to be sealed, and not in one that stood there for a moment? */
rs_code
recipe_check_attestation(struct recipe *r, struct rs_err *err)
{
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    size_t len = 0;
    rot_err rot;

    if (r->attestation_len == 0)
        return RS_OK;
    rot = rot_key_public(r->job->chip, ROT_ATTEST(0), spki, sizeof(spki), &len);
    if (rot == ROT_OK && (len != r->attestation_len || memcmp(spki, r->attestation, len) != 0))
        rot = ROT_E_MISMATCH;
    return rot == ROT_OK ? RS_OK : recipe_chip_fail(r, rot, "look at the attestation key", err);
}

static rs_code
generate(struct recipe *r, struct rs_err *err)
{
    rot_err rot = rot_key_generate(r->job->chip, ROT_IDEVID, (enum rot_alg)r->idevid.alg, r->spki,
                                   sizeof(r->spki), &r->spki_len);

    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "make the key", err);
    r->wrote = 1;
    return RS_OK;
}

/*
 * A chip that is configured, not by this station, and has a key: another station
 * is at it, and an identity may have been signed over that key.
 */
static rs_code
check_elsewhere(struct recipe *r, struct rs_err *err)
{
    rot_err rot;

    if (!r->is_configured || (r->known.sealed_intents & 1u << ROT_STAGE_CONFIG) != 0)
        return RS_OK;
    rot = rot_key_public(r->job->chip, ROT_IDEVID, r->spki, sizeof(r->spki), &r->spki_len);
    if (rot == ROT_OK)
        return rs_fail(err, RS_E_CHIP_FOREIGN,
                       "another station made a key in this chip; the board is finished there");
    if (rot != ROT_E_EMPTY)
        return recipe_chip_fail(r, rot, "look for a key", err);
    return recipe_note_seal(r, ROT_STAGE_CONFIG, 0, err); /* from here on it is ours */
}

/*
 * A key stays when an identity was asked for over it, or is in the chip over
 * it; any other key in there is not known to have been made here.
 */
rs_code
recipe_key(struct recipe *r, struct rs_err *err)
{
    /* A key that its vendor made and certified is the identity's as it is. */
    int is_vendors = r->idevid.where[ROT_CAN_GENERATE] == ROT_NOWHERE;
    int must_stay = r->known.spki.len > 0 || r->stored.len > 0 || r->is_sealed || is_vendors;
    rot_err rot;
    rs_code rc = make_attestation_key(r, err);

    if (rc != RS_OK)
        return rc;
    if (!must_stay) {
        rc = check_elsewhere(r, err);
        return rc == RS_OK ? generate(r, err) : rc;
    }
    rot = rot_key_public(r->job->chip, ROT_IDEVID, r->spki, sizeof(r->spki), &r->spki_len);
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "read the public key", err);
    if (r->known.spki.len > 0 &&
        !rs_bytes_equal(rs_buf_bytes(&r->known.spki), rs_bytes_of(r->spki, r->spki_len)))
        return rs_fail(err, r->known.passed ? RS_E_CHIP_NOT_GENUINE : RS_E_CHIP_FOREIGN,
                       "the key in the chip is not the one that an identity was asked for");
    return RS_OK;
}

/* ---- Certificate ------------------------------------------------------------------------ */

static rs_code
sign_in_chip(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
             struct rs_err *err)
{
    struct recipe *r = arg;
    rot_err rot = rot_sign_message(r->job->chip, ROT_IDEVID, tbs.p, tbs.len, sig, cap, ret_len);

    return rot == ROT_OK ? RS_OK : recipe_chip_fail(r, rot, "sign the request", err);
}

static rs_code
make_request(struct recipe *r, struct rs_buf *out, struct rs_err *err)
{
    uint8_t type[32];
    size_t type_len = 0;
    struct crypto_pub pub;
    struct client_csr csr = {.serial = r->job->device};
    rs_code rc = crypto_pub_read(rs_bytes_of(r->spki, r->spki_len), &pub, err);

    RS_AUTO(rs_buf_done) struct rs_buf evidence, proof;
    rs_buf_init(&evidence, ROT_EVIDENCE_MAX);
    rs_buf_init(&proof, ROT_EVIDENCE_MAX + 17);
    if (rc != RS_OK)
        return rc;
    if (!oid_read(rs_bytes_str(HARDWARE_TYPE), type, sizeof(type), &type_len))
        return rs_fail(err, RS_E_INTERNAL, "request: the hardware type is no OID");
    csr.spki = pub.spki;
    csr.sig = crypto_sig_for(pub.alg);
    csr.hardware_type = rs_bytes_of(type, type_len);
    csr.chip_uid = rs_bytes_of(r->identity.uid, r->identity.uid_len);
    rc = recipe_evidence(r, &evidence, err);
    csr.evidence = rs_buf_bytes(&evidence);
    if (rc == RS_OK)
        rc = recipe_proof(r, &proof, err);
    csr.part_evidence = rs_buf_bytes(&proof);
    return rc != RS_OK ? rc : client_csr_build(&csr, sign_in_chip, r, out, err);
}

/* Durable before the server can count it: from here on the key belongs to this board. */
static rs_code
note_ask(struct recipe *r, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    struct journal_record record = {.type = JOURNAL_ASK, .board = r->job->board};

    record.field[JOURNAL_UID] = rs_bytes_of(r->identity.uid, r->identity.uid_len);
    record.field[JOURNAL_SPKI] = rs_bytes_of(r->spki, r->spki_len);
    return host->note(host->arg, &record, 1, err);
}

static rs_code
note_cert(struct recipe *r, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    struct journal_record record = {.type = JOURNAL_CERT, .board = r->job->board};

    record.field[JOURNAL_UID] = rs_bytes_of(r->identity.uid, r->identity.uid_len);
    record.field[JOURNAL_CERTDER] = rs_buf_bytes(&r->result->cert);
    return host->note(host->arg, &record, 0, err);
}

/* Is it over this key, for this board, and signed by one of the CAs? */
static rs_code
check_cert(const struct recipe *r, struct rs_bytes der, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    struct cert cert, ca;
    struct crypto_pub pub;
    rs_code rc = cert_read(der, &cert, err);

    if (rc != RS_OK)
        return rc;
    if (!rs_bytes_equal(cert.spki, rs_bytes_of(r->spki, r->spki_len)))
        return rs_fail(err, RS_E_CHIP_FAULT, "certificate: it is over another key");
    if (!rs_bytes_equal(name_find(cert.subject, oid_serial_number), rs_bytes_str(r->job->device)))
        return rs_fail(err, RS_E_CHIP_FAULT, "certificate: it is for another device");
    for (size_t i = 0; i < host->ca_count; i++) {
        if (cert_read(host->ca_certs[i], &ca, NULL) != RS_OK || !ca.is_ca ||
            !rs_bytes_equal(ca.subject, cert.issuer) ||
            crypto_pub_read(ca.spki, &pub, NULL) != RS_OK)
            continue;
        if (crypto_verify(&pub, cert.sig_alg, cert.tbs, cert.signature, NULL) == RS_OK)
            return RS_OK;
    }
    return rs_fail(err, RS_E_NET_TRUST, "certificate: none of the server's CAs signed it");
}

static rs_code
ask_once(struct recipe *r, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf csr;
    rs_buf_init(&csr, 16384);
    rc = make_request(r, &csr, err);
    if (rc == RS_OK)
        rc = recipe_same_part(r, err);
    rs_inject_mark("station-asking");
    if (rc == RS_OK)
        rc = host->enroll(host->arg, r->job->order, rs_buf_bytes(&csr), &r->result->cert, err);
    rs_inject_mark("station-asked");
    return rc;
}

/* A server that was restarted, or a long wait: the proof of the endorsement does not count any more. */
static rs_code
ask(struct recipe *r, struct rs_err *err)
{
    struct rs_err why = {0};
    rs_code rc = ask_once(r, &why);

    if (rc == RS_E_ATTEST_CHALLENGE) {
        rc = recipe_genuine(r, err);
        return rc == RS_OK ? ask_once(r, err) : rc;
    }
    return rc == RS_OK ? RS_OK : rs_fail(err, rc, "%s", why.text);
}

rs_code
recipe_certificate(struct recipe *r, struct rs_err *err)
{
    struct rs_buf *cert = &r->result->cert;
    rs_code rc;

    if (r->known.cert.len > 0) {
        rs_buf_put_bytes(cert, rs_buf_bytes(&r->known.cert));
        return check_cert(r, rs_buf_bytes(cert), err);
    }
    rc = note_ask(r, err);
    if (rc == RS_OK)
        rc = ask(r, err);
    if (rc != RS_OK)
        return rc;
    r->result->identity_used = 1;
    r->result->was_irreversible = 1;
    rc = check_cert(r, rs_buf_bytes(cert), err);
    return rc == RS_OK ? note_cert(r, err) : rc;
}

/* ---- Check ------------------------------------------------------------------------------- */

/* A fresh challenge, signed in the chip, verified with the certificate's key. */
static rs_code
challenge(struct recipe *r, const struct cert *cert, struct rs_err *err)
{
    uint8_t nonce[CHALLENGE_SIZE], sig[ROT_SIGNATURE_MAX];
    struct crypto_pub pub;
    size_t len = 0;
    rot_err rot;
    rs_code rc = rs_random(nonce, sizeof(nonce), err);

    if (rc == RS_OK)
        rc = crypto_pub_read(cert->spki, &pub, err);
    if (rc != RS_OK)
        return rc;
    rot = rot_sign_message(r->job->chip, ROT_IDEVID, nonce, sizeof(nonce), sig, sizeof(sig), &len);
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "answer a challenge", err);
    if (crypto_verify(&pub, crypto_sig_for(pub.alg), RS_BYTES(nonce), rs_bytes_of(sig, len),
                      NULL) != RS_OK) {
        r->is_chips_word = 1;
        return rs_fail(err, r->known.passed ? RS_E_CHIP_NOT_GENUINE : RS_E_CHIP_FAULT,
                       "challenge: the answer does not verify with the certificate's key");
    }
    return RS_OK;
}

rs_code
recipe_check(struct recipe *r, struct rs_err *err)
{
    struct rs_bytes want = rs_buf_bytes(&r->result->cert);
    struct cert cert;
    rs_code rc = cert_read(want, &cert, err);

    RS_AUTO(rs_buf_done) struct rs_buf there = {0};
    rs_buf_init(&there, ROT_CERTIFICATE_MAX);
    if (rc == RS_OK)
        rc = challenge(r, &cert, err);
    if (rc == RS_OK)
        rc = recipe_read_object(r, ROT_IDEVID, ROT_PART_CERT, &there, err);
    if (rc == RS_OK && !rs_bytes_equal(rs_buf_bytes(&there), want)) {
        r->is_chips_word = 1;
        rc = rs_fail(err, RS_E_CHIP_FAULT, "read back: the certificate is not the one written");
    }
    if (rc == RS_OK)
        rc = recipe_check_unread(r, err);
    if (rc == RS_OK)
        rc = recipe_pair_check(r, err);
    if (rc == RS_OK)
        rc = recipe_check_sealed(r, err);
    return rc == RS_OK ? recipe_same_part(r, err) : rc;
}
