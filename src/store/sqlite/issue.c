/*
 * issue.c: one transaction for a batch of issued certificates.
 *
 * Each item first gets its certificate row.  If the row is there already, the
 * item is a replay (recovery) or a serial that was drawn twice.  If it is new,
 * the item claims what must be unique: key and request id (one row), chip,
 * device.  A claim is an INSERT that does nothing on conflict; who holds it then
 * is read and judged.  When a claim is refused, those made before it are taken
 * back one by one (a savepoint per item would copy every page of the batch once
 * more) and the certificate becomes `superseded`: signed, never answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "store/requests.h"
#include "store/sqlite/sqlite.h"

_Static_assert(REQUESTS_BYTES_MAX == 500, "tables.def has it as a number");

/* What an item holds so far. */
struct claims {
    int key, chip;
    int requests; /* the list of a key that was there before has changed; this is what it was: */
    uint8_t before[REQUESTS_BYTES_MAX];
    size_t before_len;
};

struct issue {
    struct sqlite_store *s;
    int64_t now;
};

static const char *
or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static int
has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* ---- The certificate row ----------------------------------------------------------- */

static rs_code
add_cert(struct sqlite_store *s, const struct store_cert *cert, int *ret_new, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_ADD_CERT);
    sqlite_put_text(&c, cert->tenant);
    sqlite_put_text(&c, cert->issuer);
    sqlite_put_blob(&c, cert->serial);
    sqlite_put_int(&c, cert->state);
    sqlite_put_int(&c, cert->signer_id);
    sqlite_put_int(&c, (int64_t)cert->leaf);
    sqlite_put_hash(&c, cert->request_id);
    sqlite_put_text(&c, cert->profile);
    sqlite_put_text(&c, cert->device);
    sqlite_put_text(&c, cert->object);
    sqlite_put_text(&c, cert->holder);
    sqlite_put_text(&c, cert->subject);
    sqlite_put_hash(&c, cert->key_hash);
    sqlite_put_hash(&c, cert->fingerprint);
    sqlite_put_int(&c, cert->not_before);
    sqlite_put_int(&c, cert->not_after);
    sqlite_put_int(&c, cert->revoked_at);
    sqlite_put_int(&c, cert->reason);
    return sqlite_change(&c, ret_new, err);
}

static rs_code
add_der(struct sqlite_store *s, const struct store_cert *cert, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    if (cert->der.len == 0)
        return RS_OK;
    sqlite_call_init(&c, s, SQLITE_SQL_ADD_DER);
    sqlite_put_text(&c, cert->tenant);
    sqlite_put_int(&c, cert->signer_id);
    sqlite_put_int(&c, (int64_t)cert->leaf);
    sqlite_put_text(&c, cert->issuer);
    sqlite_put_blob(&c, cert->serial);
    sqlite_put_blob(&c, cert->der);
    return sqlite_change(&c, NULL, err);
}

/* The serial is taken: the same certificate again, or another one (L2). */
static rs_code
judge_replay(struct sqlite_store *s, struct store_issue *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    const struct store_cert *cert = &item->cert;
    const struct rs_code_info *info;
    uint8_t fingerprint[32];
    const char *refusal;
    int same;
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_FIND_ISSUED);
    sqlite_put_text(&c, cert->tenant);
    sqlite_put_text(&c, cert->issuer);
    sqlite_put_blob(&c, cert->serial);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;

    same = sqlite_next_int(&r) == cert->signer_id;
    same &= sqlite_next_int(&r) == (int64_t)cert->leaf;
    sqlite_next_hash(&r, fingerprint);
    same &= memcmp(fingerprint, cert->fingerprint, 32) == 0;
    refusal = sqlite_next_text(&r);
    info = refusal[0] != '\0' ? rs_code_find(refusal) : NULL;
    item->result = !same ? RS_E_SERIAL_COLLISION : info != NULL ? info->code : RS_OK;
    return sqlite_row_check(&r, err);
}

static rs_code
supersede(struct issue *is, const struct store_issue *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, is->s, SQLITE_SQL_SUPERSEDE);
    sqlite_put_int(&c, is->now);
    sqlite_put_text(&c, rs_code_info(item->result)->name);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_text(&c, item->cert.issuer);
    sqlite_put_blob(&c, item->cert.serial);
    return sqlite_change(&c, NULL, err);
}

/* ---- Claims ---------------------------------------------------------------------------- */

static int
has_request(const struct store_cert *cert)
{
    static const uint8_t none[32];

    return memcmp(cert->request_id, none, sizeof(none)) != 0;
}

/* Who a key belongs to: a device, or the named holder of a certificate without one. */
static void
put_owner(struct rs_buf *owner, const struct store_cert *cert)
{
    if (has_text(cert->device)) {
        rs_buf_printf(owner, "device:%s", cert->device);
    } else {
        rs_buf_printf(owner, "%s:%s", or_empty(cert->holder), or_empty(cert->subject));
    }
    rs_buf_put_u8(owner, 0);
}

/* The list of requests that a key has with this item's; nothing is added without a request id. */
static rs_code
put_requests(const struct issue *is, const struct store_issue *item, struct rs_bytes before,
             struct rs_buf *list, struct rs_err *err)
{
    const struct store_cert *cert = &item->cert;
    struct requests_entry entry = {.id = rs_bytes_of(cert->request_id, 32),
                                   .until = has_request(cert) ? item->request_until : 0,
                                   .issuer = rs_bytes_str(cert->issuer),
                                   .serial = cert->serial};

    return requests_add(before, &entry, is->now, list, err);
}

static rs_code
set_requests(struct sqlite_store *s, const struct store_cert *cert, struct rs_bytes list,
             struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_SET_REQUESTS);
    sqlite_put_blob(&c, list);
    sqlite_put_text(&c, cert->tenant);
    sqlite_put_hash(&c, cert->key_hash);
    return sqlite_change(&c, NULL, err);
}

/* The key was there before: whose it is, and which requests it had. */
static rs_code
judge_key(struct sqlite_store *s, struct store_issue *item, const char *owner, struct claims *held,
          struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c, .at = 1};
    struct rs_bytes list;
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_FIND_KEY);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_hash(&c, item->cert.key_hash);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    list = sqlite_next_blob(&r);
    if (list.len > sizeof(held->before))
        return rs_fail(err, RS_E_STORE_DAMAGED, "store: a key has too many requests");
    if (list.len > 0)
        memcpy(held->before, list.p, list.len);
    held->before_len = list.len;
    if (strcmp(sqlite_next_text(&r), owner) != 0)
        item->result = RS_E_KEY_UNIQUE;
    return RS_OK;
}

/* A request id leads to one certificate, until it expires or falls out of the list. */
static rs_code
claim_request(struct issue *is, struct store_issue *item, struct claims *held, struct rs_err *err)
{
    struct rs_bytes before = rs_bytes_of(held->before, held->before_len);
    uint8_t room[REQUESTS_BYTES_MAX];
    struct requests_entry other;
    struct rs_buf list;
    int found;
    rs_code rc;

    if (!has_request(&item->cert))
        return RS_OK;
    rc = requests_find(before, item->cert.request_id, is->now, &other, &found, err);
    if (rc == RS_OK && found)
        item->result = RS_E_SERIAL_COLLISION;
    if (rc != RS_OK || found || item->request_until <= is->now)
        return rc;
    rs_buf_init_fixed(&list, room, sizeof(room));
    rc = put_requests(is, item, before, &list, err);
    if (rc == RS_OK)
        rc = set_requests(is->s, &item->cert, rs_buf_bytes(&list), err);
    held->requests = rc == RS_OK;
    return rc;
}

static rs_code
add_key(struct issue *is, const struct store_issue *item, const char *owner, int *ret_new,
        struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    uint8_t room[REQUESTS_BYTES_MAX];
    struct rs_buf list;
    rs_code rc;

    rs_buf_init_fixed(&list, room, sizeof(room));
    rc = put_requests(is, item, rs_bytes_of(NULL, 0), &list, err);
    if (rc != RS_OK)
        return rc;
    sqlite_call_init(&c, is->s, SQLITE_SQL_ADD_KEY);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_hash(&c, item->cert.key_hash);
    sqlite_put_text(&c, item->cert.device);
    sqlite_put_text(&c, owner);
    sqlite_put_int(&c, is->now);
    sqlite_put_blob(&c, rs_buf_bytes(&list));
    return sqlite_change(&c, ret_new, err);
}

/* One public key, one device (L8), and for each of its live request ids one certificate. */
static rs_code
claim_key(struct issue *is, struct store_issue *item, struct claims *held, struct rs_err *err)
{
    char text[STORE_TEXT_MAX + 2 * STORE_NAME_MAX];
    struct rs_buf owner;
    rs_code rc;

    rs_buf_init_fixed(&owner, (uint8_t *)text, sizeof(text));
    put_owner(&owner, &item->cert);
    if (!rs_buf_ok(&owner))
        return rs_fail(err, RS_E_INTERNAL, "store: the name of a key's owner is too long");
    rc = add_key(is, item, text, &held->key, err);
    if (rc == RS_OK && !held->key)
        rc = judge_key(is->s, item, text, held, err);
    if (rc == RS_OK && !held->key && item->result == RS_OK)
        rc = claim_request(is, item, held, err);
    return rc;
}

static rs_code
judge_chip(struct sqlite_store *s, struct store_issue *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_FIND_CHIP);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_text(&c, item->device.chip_model);
    sqlite_put_blob(&c, item->device.chip_uid);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK && strcmp(sqlite_next_text(&r), item->device.device) != 0)
        item->result = RS_E_CHIP_TWIN;
    return rc;
}

/* One chip, one identity (L8). */
static rs_code
claim_chip(struct issue *is, struct store_issue *item, struct claims *held, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    const struct store_device *d = &item->device;
    rs_code rc;

    if (!has_text(d->device) || d->chip_uid.len == 0)
        return RS_OK;
    sqlite_call_init(&c, is->s, SQLITE_SQL_ADD_CHIP);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_text(&c, d->chip_model);
    sqlite_put_blob(&c, d->chip_uid);
    sqlite_put_text(&c, d->device);
    sqlite_put_text(&c, d->provenance);
    rc = sqlite_change(&c, &held->chip, err);
    if (rc == RS_OK && !held->chip)
        rc = judge_chip(is->s, item, err);
    return rc;
}

/* ---- The device -------------------------------------------------------------------------- */

static void
put_device(struct sqlite_call *c, const struct store_issue *item)
{
    const struct store_device *d = &item->device;

    sqlite_put_int(c, d->state);
    sqlite_put_text(c, d->product);
    sqlite_put_text(c, d->order);
    sqlite_put_text(c, d->station);
    sqlite_put_text(c, d->fixture);
    sqlite_put_text(c, d->chip_model);
    sqlite_put_blob(c, d->chip_uid);
    sqlite_put_text(c, d->provenance);
    sqlite_put_hash(c, item->cert.key_hash);
    sqlite_put_int(c, d->made_at);
    sqlite_put_int(c, d->took_ms);
}

/* A manifest announced this device; now it is made. */
static rs_code
fill_device(struct sqlite_store *s, const struct store_issue *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_FILL_DEVICE);
    put_device(&c, item);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_text(&c, item->device.device);
    return sqlite_change(&c, NULL, err);
}

/*
 * The device is there already.  It keeps its chip for ever, and its first key
 * unless the item says that this is no new device (renewal, further keys).
 */
static rs_code
judge_device(struct sqlite_store *s, struct store_issue *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    const struct store_device *d = &item->device;
    struct rs_bytes uid, key;
    const char *model;
    int64_t state;
    int same_chip;
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_FIND_DEVICE_BINDING);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_text(&c, d->device);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    state = sqlite_next_int(&r);
    model = sqlite_next_text(&r);
    uid = sqlite_next_blob(&r);
    key = sqlite_next_blob(&r);
    same_chip = uid.len == 0 || d->chip_uid.len == 0 ||
                (strcmp(model, or_empty(d->chip_model)) == 0 && rs_bytes_equal(uid, d->chip_uid));
    if (!same_chip)
        item->result = RS_E_DEVICE_EXISTS;
    else if (state == STORE_DEVICE_EXPECTED)
        return fill_device(s, item, err);
    else if (item->new_device && (key.len != 32 || memcmp(key.p, item->cert.key_hash, 32) != 0))
        item->result = RS_E_DEVICE_EXISTS;
    return sqlite_row_check(&r, err);
}

static rs_code
claim_device(struct issue *is, struct store_issue *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    const struct store_device *d = &item->device;
    int is_new = 0;
    rs_code rc;

    if (!has_text(d->device))
        return RS_OK;
    sqlite_call_init(&c, is->s, SQLITE_SQL_ADD_DEVICE);
    sqlite_put_text(&c, item->cert.tenant);
    sqlite_put_text(&c, d->device);
    put_device(&c, item);
    rc = sqlite_change(&c, &is_new, err);
    if (rc == RS_OK && !is_new)
        return judge_device(is->s, item, err);
    if (rc == RS_OK)
        rc = sqlite_add_figure(is->s, item->cert.tenant, SQLITE_FIGURE_DEVICES, 1, err);
    return rc;
}

/* ---- An item -------------------------------------------------------------------------------- */

static rs_code
drop_claim(struct sqlite_store *s, enum sqlite_sql id, const char *tenant, const char *model,
           struct rs_bytes key, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, id);
    sqlite_put_text(&c, tenant);
    if (model != NULL)
        sqlite_put_text(&c, model);
    sqlite_put_blob(&c, key);
    return sqlite_change(&c, NULL, err);
}

/* Take back what a refused item had claimed before the refusal. */
static rs_code
drop_claims(struct sqlite_store *s, const struct store_issue *item, const struct claims *held,
            struct rs_err *err)
{
    const struct store_cert *cert = &item->cert;
    rs_code rc = RS_OK;

    if (held->requests)
        rc = set_requests(s, cert, rs_bytes_of(held->before, held->before_len), err);
    if (rc == RS_OK && held->key)
        rc = drop_claim(s, SQLITE_SQL_DROP_KEY, cert->tenant, NULL, rs_bytes_of(cert->key_hash, 32),
                        err);
    if (rc == RS_OK && held->chip)
        rc = drop_claim(s, SQLITE_SQL_DROP_CHIP, item->cert.tenant, item->device.chip_model,
                        item->device.chip_uid, err);
    return rc;
}

static rs_code
claim_all(struct issue *is, struct store_issue *item, struct rs_err *err)
{
    struct claims held = {0};
    rs_code rc;

    rc = claim_key(is, item, &held, err);
    if (rc == RS_OK && item->result == RS_OK)
        rc = claim_chip(is, item, &held, err);
    if (rc == RS_OK && item->result == RS_OK)
        rc = claim_device(is, item, err);
    if (rc != RS_OK || item->result == RS_OK)
        return rc;

    rc = drop_claims(is->s, item, &held, err);
    if (rc == RS_OK)
        rc = supersede(is, item, err);
    return rc;
}

/*
 * An identity under an order counts once, when its row is made.  It counts
 * even when it lost a race: the signer counted it, too (L7).
 */
static rs_code
count_item(struct sqlite_store *s, const struct store_issue *item, struct rs_err *err)
{
    const struct store_cert *cert = &item->cert;
    int bad = cert->state != STORE_CERT_ISSUED || item->result != RS_OK;
    rs_code rc;

    rc = sqlite_add_figure(s, cert->tenant, SQLITE_FIGURE_CERTS, 1, err);
    if (rc == RS_OK && bad)
        rc = sqlite_add_figure(s, cert->tenant, SQLITE_FIGURE_REVOKED, 1, err);
    if (rc == RS_OK && has_text(item->device.order) &&
        strcmp(or_empty(cert->object), "idevid") == 0)
        rc = sqlite_add_taken(s, cert->tenant, item->device.order, or_empty(item->device.station),
                              err);
    return rc;
}

static rs_code
commit_item(struct issue *is, struct store_issue *item, struct rs_err *err)
{
    int is_new = 0;
    rs_code rc;

    item->result = RS_OK;
    rc = add_cert(is->s, &item->cert, &is_new, err);
    if (rc == RS_OK && !is_new)
        return judge_replay(is->s, item, err);
    if (rc == RS_OK)
        rc = add_der(is->s, &item->cert, err);
    if (rc == RS_OK && item->cert.state == STORE_CERT_ISSUED)
        rc = claim_all(is, item, err);
    if (rc == RS_OK)
        rc = count_item(is->s, item, err);
    return rc;
}

rs_code
sqlite_commit_issued(struct store *store, struct store_issue *items, size_t count,
                     struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct issue is = {.s = s, .now = rs_now()};
    rs_code rc = sqlite_begin(s, err);

    for (size_t i = 0; rc == RS_OK && i < count; i++)
        rc = commit_item(&is, &items[i], err);
    return sqlite_finish(s, rc, err);
}
