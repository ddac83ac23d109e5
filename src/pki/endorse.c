/*
 * endorse.c: open challenges to TPMs, and evidence against them.
 *
 * A challenge joins three things that are only worth something together: an
 * endorsement that was believed, an attestation key that was activated beside it, and
 * a nonce that this key is to sign.  It belongs to whoever asked for it, is for one
 * label, and serves for one key: the same request may come again, another may not.
 *
 * Of the secret only the hash is kept.  The table is of a fixed size, and no source
 * may have more than its part of it open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "pki/inner.h"

#define LIST_MAX 500

/* ---- Which parts ------------------------------------------------------------------------ */

int
endorse_is_needed(struct rs_bytes model)
{
    return rs_bytes_equal(model, rs_bytes_str(ENDORSED_MODEL));
}

/* ---- The table -------------------------------------------------------------------------- */

void
challenges_init(struct challenges *c)
{
    (void)pthread_mutex_init(&c->lock, NULL);
}

void
challenges_done(struct challenges *c)
{
    rs_wipe(c->list, sizeof(c->list));
    (void)pthread_mutex_destroy(&c->lock);
}

/* 3: it served; 2: a part answered and was not heard of again; 1: a part did not even answer; 0: stays. */
static int
gives_way(const struct challenge *c, int64_t now)
{
    if (c->has_key)
        return 3;
    if (!c->is_part)
        return 0;
    if (c->is_answered)
        return 2;
    return c->until - PKI_CHALLENGE_S + PART_ANSWER_S <= now;
}

/*
 * An unused place.  A source that asks again for the same TPM gives up what it had; a line makes
 * more boards than it may have open, so the oldest of those that give way does so to a new one: whoever
 * wants it after all asks again.
 */
static rs_code
find_place(struct challenges *c, const struct challenge *wanted, int64_t now,
           struct challenge **ret_place, struct rs_err *err)
{
    struct challenge *place = NULL, *oldest = NULL;
    unsigned open = 0, own = 0;
    int best = 0;

    for (size_t i = 0; i < CHALLENGES_MAX; i++) {
        struct challenge *at = &c->list[i];
        int is_own = strcmp(at->owner, wanted->owner) == 0;
        if (at->until != 0 && (at->until <= now || (is_own && !at->is_answered &&
                                                    memcmp(at->chip, wanted->chip, 32) == 0)))
            rs_wipe(at, sizeof(*at));
        if (at->until == 0) {
            place = place != NULL ? place : at;
            continue;
        }
        open++;
        own += (unsigned)is_own;
        int way = is_own ? gives_way(at, now) : 0;
        if (way > best || (way > 0 && way == best && at->until < oldest->until)) {
            oldest = at;
            best = way;
        }
    }
    if (oldest != NULL && (place == NULL || own >= CHALLENGES_SOURCE)) {
        rs_wipe(oldest, sizeof(*oldest));
        place = oldest;
        own--;
    }
    if (place == NULL || own >= CHALLENGES_SOURCE)
        return rs_fail(err, RS_E_REQUEST_LIMIT, "tpm: %u challenges are open, %u of this source",
                       open, own);
    *ret_place = place;
    return RS_OK;
}

rs_code
challenges_enter(struct challenges *c, const struct challenge *wanted, struct rs_err *err)
{
    struct challenge *place = c->list;
    rs_code rc;

    (void)pthread_mutex_lock(&c->lock);
    rc = find_place(c, wanted, rs_now(), &place, err);
    if (rc == RS_OK)
        *place = *wanted;
    (void)pthread_mutex_unlock(&c->lock);
    return rc;
}

static struct challenge *
find_id(struct challenges *c, struct rs_bytes id)
{
    for (size_t i = 0; i < CHALLENGES_MAX; i++) {
        struct challenge *at = &c->list[i];
        if (at->until > rs_now() && rs_bytes_equal_secret(RS_BYTES(at->id), id))
            return at;
    }
    return NULL;
}

rs_code
challenges_find(struct challenges *c, const char *owner, struct rs_bytes id,
                struct challenge *ret_copy, struct rs_err *err)
{
    struct challenge *at;
    rs_code rc = RS_OK;

    (void)pthread_mutex_lock(&c->lock);
    at = find_id(c, id);
    if (at == NULL || strcmp(at->owner, owner) != 0)
        rc = rs_fail(err, RS_E_ATTEST_CHALLENGE, "no such challenge of %.80s is open", owner);
    else
        *ret_copy = *at;
    (void)pthread_mutex_unlock(&c->lock);
    return rc;
}

void
challenges_answer(struct challenges *c, struct rs_bytes id, int is_right)
{
    struct challenge *at;

    (void)pthread_mutex_lock(&c->lock);
    at = find_id(c, id);
    if (at != NULL && is_right)
        at->is_answered = 1;
    else if (at != NULL)
        rs_wipe(at, sizeof(*at));
    (void)pthread_mutex_unlock(&c->lock);
}

/* One guess: a wrong secret ends the challenge. */
static rs_code
answer(struct challenges *c, const char *owner, struct rs_bytes id, struct rs_bytes secret,
       struct challenge *ret_copy, struct rs_err *err)
{
    struct challenge *at;
    uint8_t hash[32];
    rs_code rc = RS_OK;

    crypto_sha256(secret, hash);
    (void)pthread_mutex_lock(&c->lock);
    at = find_id(c, id);
    if (at == NULL ||
        (owner != NULL ? strcmp(at->owner, owner) != 0 : strncmp(at->owner, "from:", 5) != 0)) {
        rc = rs_fail(err, RS_E_ATTEST_CHALLENGE, "tpm: no such challenge is open");
    } else if (!rs_bytes_equal_secret(RS_BYTES(hash), RS_BYTES(at->secret_hash))) {
        rs_wipe(at, sizeof(*at));
        rc = rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                     "tpm: the credential was not opened: the attestation key is not in the TPM "
                     "with this endorsement");
    } else {
        at->is_answered = 1;
        *ret_copy = *at;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return rc;
}

/* ---- Orders that let devices ask by themselves --------------------------------------------- */

struct search {
    struct pki *pki;
    struct store *store;
    const char *label;
    int64_t now;
    int found, has_room;
    char order[STORE_NAME_MAX];
};

/* 1: the order is open, names the field, and is what the label says. */
static int
grants(const struct search *s, const struct store_order *o)
{
    struct doc_order d;

    return o->state == STORE_ORDER_OPEN && s->now >= o->valid_from && s->now <= o->valid_until &&
           (strcmp(o->order, s->label) == 0 || strcmp(o->product, s->label) == 0) &&
           doc_order_read(o->document, &d, NULL) == RS_OK && endorse_is_needed(d.rot) &&
           doc_order_share(&d, rs_bytes_str(PKI_FIELD)) != NULL;
}

static int
look_at_order(void *arg, const struct store_order *o)
{
    struct search *s = arg;
    struct store_share share = {0};

    if (!grants(s, o))
        return 0;
    s->found = 1;
    (void)snprintf(s->order, sizeof(s->order), "%s", o->order);
    s->has_room =
        store_find_share(s->store, s->pki->tenant, o->order, PKI_FIELD, &share, NULL) == RS_OK &&
        share.taken < share.size && o->taken < o->quantity;
    return s->has_room;
}

/* What this chip was made under, if that is what the label says. */
static rs_code
order_of_chip(struct search *s, const uint8_t chip[32], struct rs_arena *arena, struct rs_err *err)
{
    struct rs_err none = {0};
    struct store_device d;
    struct store_order o;
    const char *device;
    rs_code rc = store_find_chip(s->store, s->pki->tenant, ENDORSED_MODEL, rs_bytes_of(chip, 32),
                                 arena, &device, &none);

    if (rc == RS_E_DEVICE_UNKNOWN)
        return RS_OK;
    if (rc == RS_OK)
        rc = store_find_device(s->store, s->pki->tenant, device, arena, &d, &none);
    if (rc == RS_OK)
        rc = store_find_order(s->store, s->pki->tenant, d.order, arena, &o, &none);
    if (rc != RS_OK)
        return rs_fail(err, rc, "%s", none.text);
    if (grants(s, &o)) {
        s->found = 1;
        (void)snprintf(s->order, sizeof(s->order), "%s", o.order);
    }
    return RS_OK;
}

rs_code
endorse_order(struct pki *pki, struct store *store, const char *label, const uint8_t chip[32],
              struct rs_arena *arena, char ret_order[STORE_NAME_MAX], struct rs_err *err)
{
    struct search s = {.pki = pki, .store = store, .label = label, .now = rs_now()};
    rs_code rc = order_of_chip(&s, chip, arena, err);

    if (rc == RS_OK && !s.found)
        rc = store_list_orders(store, pki->tenant, NULL, LIST_MAX, look_at_order, &s, err);
    if (rc == RS_OK && !s.found)
        rc = rs_fail(err, RS_E_ORDER_STATION,
                     "no open order grants \"%.60s\" a first identity in the field", label);
    if (rc == RS_OK)
        memcpy(ret_order, s.order, sizeof(s.order));
    return rc;
}

/* A station challenges boards of the open orders that name it; nobody else's. */
rs_code
challenges_order(struct pki *pki, struct store *store, const struct pki_caller *caller,
                 const char *label, struct rs_arena *arena, struct doc_order *ret_doc,
                 struct rs_err *err)
{
    struct store_order o;
    rs_code rc = store_find_order(store, pki->tenant, label, arena, &o, err);

    if (rc == RS_OK)
        rc = doc_order_read(o.document, ret_doc, err);
    if (rc != RS_OK)
        return rc;
    if (doc_order_share(ret_doc, rs_bytes_str(caller->name)) == NULL)
        return rs_fail(err, RS_E_ORDER_STATION, "order %s does not name station %s", o.order,
                       caller->name);
    if (o.state != STORE_ORDER_OPEN)
        return rs_fail(err, RS_E_ORDER_CLOSED, "order %s is not open", o.order);
    return RS_OK;
}

static rs_code
check_station(struct pki *pki, struct store *store, const struct pki_challenge_ask *ask,
              struct rs_arena *arena, struct rs_err *err)
{
    struct doc_order d;
    rs_code rc = challenges_order(pki, store, ask->caller, ask->label, arena, &d, err);

    if (rc == RS_OK && !endorse_is_needed(d.rot))
        rc = rs_fail(err, RS_E_CHIP_WRONG_PART, "order %s is for parts without an endorsement",
                     ask->label);
    return rc;
}

static rs_code
check_grant(struct pki *pki, const struct pki_challenge_ask *ask, const uint8_t chip[32],
            struct rs_err *err)
{
    char order[STORE_NAME_MAX];
    struct store *store;
    rs_code rc = pki_reader(pki, &store, err);

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 262144);
    if (rc != RS_OK)
        return rc;
    return ask->caller != NULL ? check_station(pki, store, ask, &arena, err)
                               : endorse_order(pki, store, ask->label, chip, &arena, order, err);
}

/* ---- Challenges ------------------------------------------------------------------------------ */

static rs_code
fill(struct challenge *c, const struct pki_challenge_ask *ask, struct rs_err *err)
{
    rs_code rc;

    c->until = rs_now() + PKI_CHALLENGE_S;
    (void)snprintf(c->label, sizeof(c->label), "%s", ask->label);
    if (ask->caller != NULL)
        (void)snprintf(c->owner, sizeof(c->owner), "%s", ask->caller->who);
    else
        (void)snprintf(c->owner, sizeof(c->owner), "from:%.80s", ask->source);
    rc = rs_random(c->id, sizeof(c->id), err);
    return rc == RS_OK ? rs_random(c->nonce, sizeof(c->nonce), err) : rc;
}

/* Believe both keys as far as they can be believed before the answer. */
static rs_code
check_keys(struct pki *pki, const struct pki_challenge_ask *ask, struct tpm_ek *ek,
           struct challenge *c, struct rs_err *err)
{
    uint8_t spki[TPM_SPKI_SIZE];
    struct tpm_public iak;
    rs_code rc;

    if (pki->config.tpm_roots == NULL)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "tpm: no maker is configured (rootsmithd.yaml, tpm.roots)");
    rc = tpm_ek_check(pki->config.tpm_roots, ask->ek_cert, rs_now(), ek, err);
    if (rc == RS_OK)
        rc = tpm_public_read(ask->iak, &iak, err);
    if (rc == RS_OK)
        rc = tpm_check_iak(&iak, err);
    if (rc == RS_OK)
        rc = tpm_public_spki(&iak, spki, err);
    if (rc != RS_OK)
        return rc;
    memcpy(c->chip, ek->digest, sizeof(c->chip));
    tpm_public_name(&iak, c->iak);
    return RS_OK;
}

static rs_code
make_credential(const struct tpm_ek *ek, struct challenge *c, struct pki_challenge *ret,
                struct rs_err *err)
{
    uint8_t secret[TPM_SECRET_SIZE];
    struct rs_buf b;
    rs_code rc = rs_random(secret, sizeof(secret), err);

    rs_buf_init_fixed(&b, ret->credential, sizeof(ret->credential));
    if (rc == RS_OK)
        rc = tpm_make_credential(&ek->pub, c->iak, secret, &b, err);
    crypto_sha256(RS_BYTES(secret), c->secret_hash);
    rs_wipe(secret, sizeof(secret));
    ret->credential_len = b.len;
    return rc;
}

rs_code
pki_challenge(struct pki *pki, const struct pki_challenge_ask *ask,
              struct pki_challenge *ret_challenge, struct rs_err *err)
{
    struct challenge c = {0};
    struct tpm_ek ek;
    rs_code rc = check_keys(pki, ask, &ek, &c, err);

    if (rc == RS_OK)
        rc = check_grant(pki, ask, c.chip, err);
    if (rc == RS_OK)
        rc = fill(&c, ask, err);
    if (rc == RS_OK)
        rc = make_credential(&ek, &c, ret_challenge, err);
    if (rc == RS_OK)
        rc = challenges_enter(&pki->challenges, &c, err);
    if (rc != RS_OK)
        return rc;
    memcpy(ret_challenge->id, c.id, sizeof(c.id));
    memcpy(ret_challenge->nonce, c.nonce, sizeof(c.nonce));
    ret_challenge->until = c.until;
    return RS_OK;
}

rs_code
pki_answer(struct pki *pki, const struct pki_caller *caller, struct rs_bytes id,
           struct rs_bytes secret, struct rs_err *err)
{
    struct challenge c;

    return answer(&pki->challenges, caller->who, id, secret, &c, err);
}

rs_code
pki_authenticate_endorsed(struct pki *pki, struct rs_bytes id, struct rs_bytes secret,
                          struct pki_caller *ret_caller, struct rs_err *err)
{
    struct pki_caller caller = {.role = PKI_ENDORSED};
    struct challenge c;
    char hex[33];
    rs_code rc = answer(&pki->challenges, NULL, id, secret, &c, err);

    if (rc != RS_OK)
        return rc;
    rs_hex(rs_bytes_of(c.chip, 16), hex, sizeof(hex));
    (void)snprintf(caller.name, sizeof(caller.name), "%s", PKI_FIELD);
    (void)snprintf(caller.who, sizeof(caller.who), "tpm:%s", hex);
    memcpy(caller.chip, c.chip, sizeof(caller.chip));
    memcpy(caller.nonce, c.nonce, sizeof(caller.nonce));
    *ret_caller = caller;
    return RS_OK;
}

/* ---- Evidence -------------------------------------------------------------------------------- */

/* The challenge with this nonce is the caller's own, answered, and for this label. */
static int
is_callers(const struct challenge *c, const struct pki_issue_request *request)
{
    const struct pki_caller *caller = &request->caller;

    if (!c->is_answered || strcmp(c->label, request->label) != 0)
        return 0;
    return caller->role == PKI_ENDORSED ? memcmp(caller->nonce, c->nonce, 32) == 0
                                        : strcmp(caller->who, c->owner) == 0;
}

static int
is_meant(const struct challenge *c, struct rs_bytes by_id, struct rs_bytes by_nonce)
{
    return c->until > rs_now() &&
           (by_id.len > 0 ? rs_bytes_equal_secret(RS_BYTES(c->id), by_id)
                          : rs_bytes_equal_secret(RS_BYTES(c->nonce), by_nonce));
}

rs_code
challenges_use(struct challenges *list, const struct pki_issue_request *request,
               struct rs_bytes by_id, struct rs_bytes by_nonce, const uint8_t key_hash[32],
               struct challenge *ret_copy, struct rs_err *err)
{
    struct challenge *found = NULL;
    rs_code rc = RS_OK;

    (void)pthread_mutex_lock(&list->lock);
    for (size_t i = 0; i < CHALLENGES_MAX && found == NULL; i++) {
        struct challenge *at = &list->list[i];
        if (is_meant(at, by_id, by_nonce) && is_callers(at, request))
            found = at;
    }
    if (found == NULL) {
        rc = rs_fail(err, RS_E_ATTEST_CHALLENGE,
                     "no answered challenge of %s has this nonce and label", request->caller.who);
    } else if (found->has_key && memcmp(found->key_hash, key_hash, 32) != 0) {
        rc = rs_fail(err, RS_E_ATTEST_CHALLENGE, "the challenge served for another key");
    } else {
        found->has_key = 1;
        memcpy(found->key_hash, key_hash, 32);
        *ret_copy = *found;
    }
    (void)pthread_mutex_unlock(&list->lock);
    return rc;
}

rs_code
endorse_check(struct pki *pki, const struct pki_issue_request *request, const struct csr *csr,
              uint8_t ret_chip[32], struct rs_err *err)
{
    struct tpm_evidence evidence;
    struct challenge c;
    uint8_t key_hash[32];
    rs_code rc;

    if (csr->evidence.len == 0)
        return rs_fail(err, RS_E_ATTEST_REQUIRED,
                       "tpm: the request carries no evidence about its key");
    crypto_pub_hash(&csr->pub, key_hash);
    rc = tpm_evidence_read(csr->evidence, &evidence, err);
    if (rc == RS_OK)
        rc = challenges_use(&pki->challenges, request, rs_bytes_of(NULL, 0), evidence.attest.extra,
                            key_hash, &c, err);
    if (rc != RS_OK)
        return rc;
    struct tpm_expect expect = {c.iak, c.nonce, csr->spki};
    rc = tpm_evidence_check(&evidence, &expect, err);
    if (rc == RS_OK)
        memcpy(ret_chip, c.chip, 32);
    return rc;
}
