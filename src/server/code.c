/*
 * code.c: see code.h.
 *
 * A token is an object of the store (kind "token") whose document says for what it
 * was made and which requests used it.  It is read twice: first by a reader, so
 * that a wrong code costs no write, and then on the writer's thread, where a use
 * is recorded before the request goes on.  Two devices with one code therefore
 * cannot both get in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/code.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"

/* ---- Wrong tries ------------------------------------------------------------------------ */

/* A keyed place in the table; who shares it by chance takes the other's turn. */
static uint64_t
try_key(const char *kind, const char *a, struct rs_bytes b)
{
    uint8_t hash[32], nul = 0;
    struct rs_bytes parts[] = {rs_bytes_str(kind), {&nul, 1}, rs_bytes_str(a), {&nul, 1}, b};

    crypto_sha256_parts(parts, 5, hash);
    return rs_get_u64(hash);
}

static void
note_try(struct code_tries *t, uint64_t who)
{
    size_t i = who % CODE_TRIES_SLOTS;
    int64_t now = rs_now();

    (void)pthread_mutex_lock(&t->lock);
    if (t->slots[i].who != who || now - t->slots[i].since >= CODE_WINDOW_S) {
        t->slots[i].who = who;
        t->slots[i].since = now;
        t->slots[i].count = 0;
    }
    t->slots[i].count++;
    (void)pthread_mutex_unlock(&t->lock);
}

static int
is_over(struct code_tries *t, uint64_t who)
{
    size_t i = who % CODE_TRIES_SLOTS;
    int over;

    (void)pthread_mutex_lock(&t->lock);
    over = t->slots[i].who == who && t->slots[i].count >= CODE_TRIES_MAX &&
           rs_now() - t->slots[i].since < CODE_WINDOW_S;
    (void)pthread_mutex_unlock(&t->lock);
    return over;
}

/* ---- What was sent ------------------------------------------------------------------------ */

int
code_read(const char *header, struct code_ask *ask)
{
    struct rs_bytes parts[] = {rs_bytes_str("rootsmith token id v1"), {NULL, 0}};
    uint8_t room[256], code[64];
    struct rs_buf text;
    const uint8_t *colon;
    size_t n = 0;

    rs_buf_init_fixed(&text, room, sizeof(room));
    if (strncmp(header, "Basic ", 6) != 0 || !rs_base64_read(rs_bytes_str(header + 6), &text) ||
        (colon = memchr(room, ':', text.len)) == NULL || colon == room ||
        colon - room >= STORE_NAME_MAX || memchr(room, 0, (size_t)(colon - room)) != NULL)
        return 0;
    memcpy(ask->user, room, (size_t)(colon - room));
    ask->user[colon - room] = '\0';
    for (const uint8_t *p = colon + 1; p < room + text.len && n < sizeof(code); p++) {
        if (*p != '-')
            code[n++] = *p >= 'a' && *p <= 'z' ? (uint8_t)(*p - 'a' + 'A') : *p;
    }
    parts[1] = rs_bytes_of(code, n);
    crypto_sha256_parts(parts, 2, ask->id);
    rs_wipe(room, sizeof(room));
    rs_wipe(code, sizeof(code));
    return 1;
}

void
code_name(const uint8_t id[32], char name[CODE_NAME_SIZE])
{
    rs_hex(rs_bytes_of(id, (CODE_NAME_SIZE - 1) / 2), name, CODE_NAME_SIZE);
}

/* ---- The token ------------------------------------------------------------------------------ */

struct code_use {
    const struct code_ask *ask;
    const char *tenant;
    const char *product; /* that the label names; "" none */
    char request[65];    /* hex of what identifies the request */
    int seen_before;     /* out: this very request was let in before */
    int is_certified;    /* its key has a certificate */
};

static void
name_request(const struct code_ask *ask, char out[65])
{
    uint8_t hash[32], nul = 0;
    struct rs_bytes parts[] = {rs_bytes_str(ask->label), {&nul, 1}, ask->csr};

    crypto_sha256_parts(parts, 3, hash);
    rs_hex(RS_BYTES(hash), out, 65);
}

static int64_t
number(const json_t *doc, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(doc, name));
}

/* When this request was let in; 0: never. */
static int64_t
used_at(const json_t *doc, const char *request)
{
    const json_t *list = json_object_get(doc, "used");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *use = json_array_get(list, i);
        if (strcmp(rs_json_text_or(use, "request", ""), request) == 0)
            return number(use, "at");
    }
    return 0;
}

/*
 * The same request may come again for a while; and as long as it made no
 * certificate: a device whose first try met a server that could not sign loses
 * nothing by it.
 */
static rs_code
judge_uses(const json_t *doc, struct code_use *use, struct rs_err *err)
{
    int64_t at = used_at(doc, use->request);

    use->seen_before = at != 0;
    if (at != 0 && (rs_now() - at < CODE_WINDOW_S || !use->is_certified))
        return RS_OK;
    if (at != 0 || (int64_t)json_array_size(json_object_get(doc, "used")) >= number(doc, "uses"))
        return rs_fail(err, RS_E_AUTH_TOKEN, "auth: the code was used before");
    return RS_OK;
}

static rs_code
judge(const struct store_object *token, const json_t *doc, struct code_use *use, struct rs_err *err)
{
    const struct code_ask *ask = use->ask;
    const char *product = rs_json_text_or(doc, "product", "");
    char id[65];

    rs_hex(RS_BYTES(ask->id), id, sizeof(id));
    if (!rs_bytes_equal_secret(rs_bytes_str(rs_json_text_or(doc, "id", "")), rs_bytes_str(id)))
        return rs_fail(err, RS_E_AUTH_TOKEN, "auth: the code is not valid");
    if (strcmp(token->state, "open") != 0)
        return rs_fail(err, RS_E_AUTH_TOKEN, "auth: the code was withdrawn");
    if (!rs_bytes_equal_secret(rs_bytes_str(rs_json_text_or(doc, "device", "")),
                               rs_bytes_str(ask->user)))
        return rs_fail(err, RS_E_AUTH_TOKEN, "auth: the code was made for another device");
    if (use->product[0] != '\0' && strcmp(product, use->product) != 0)
        return rs_fail(err, RS_E_AUTH_TOKEN, "auth: the code was made for another product");
    if (rs_now() >= number(doc, "until"))
        return rs_fail(err, RS_E_AUTH_TOKEN, "auth: the code has expired");
    return judge_uses(doc, use, err);
}

static rs_code
find_token(struct store *store, struct code_use *use, struct rs_arena *arena,
           struct store_object *ret_token, json_t **ret_doc, struct rs_err *err)
{
    char name[CODE_NAME_SIZE];
    struct rs_err why = {0};
    rs_code rc;

    code_name(use->ask->id, name);
    rc = store_find_object(store, use->tenant, "token", name, 0, arena, ret_token, &why);
    if (rc == RS_E_REQUEST_UNKNOWN)
        return rs_fail(err, RS_E_AUTH_TOKEN, "auth: the code is not valid");
    if (rc != RS_OK)
        return rs_fail(err, rc, "%s", why.text);
    return rs_json_read(ret_token->document, ret_doc, err);
}

static rs_code
look_at_token(struct store *store, struct code_use *use, struct rs_err *err)
{
    RS_AUTO(rs_arena_done) struct rs_arena arena;
    RS_AUTO(rs_json_done) json_t *doc = NULL;
    struct store_object token;
    rs_code rc;

    rs_arena_init(&arena, 65536);
    rc = find_token(store, use, &arena, &token, &doc, err);
    return rc == RS_OK ? judge(&token, doc, use, err) : rc;
}

/* On the writer's thread: judged once more, and recorded, before anybody else can be. */
static rs_code
use_token(struct store *store, void *arg, struct rs_err *err)
{
    struct code_use *use = arg;
    struct store_object token;
    int64_t version;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(rs_json_done) json_t *doc = NULL;
    rs_arena_init(&arena, 65536);
    rs_buf_init(&text, CODE_DOCUMENT_MAX);
    rc = find_token(store, use, &arena, &token, &doc, err);
    if (rc == RS_OK)
        rc = judge(&token, doc, use, err);
    if (rc != RS_OK || use->seen_before)
        return rc;
    (void)json_array_append_new(
        json_object_get(doc, "used"),
        json_pack("{s:s, s:I}", "request", use->request, "at", (json_int_t)rs_now()));
    rs_json_put(&text, doc);
    if (!rs_buf_ok(&text))
        return rs_fail(err, RS_E_INTERNAL, "auth: a code has too many uses");
    token.document = rs_buf_bytes(&text);
    token.updated_at = rs_now();
    return store_put_object(store, &token, token.version, &version, err);
}

/* ---- Letting in ------------------------------------------------------------------------------ */

/* The product that the label names; other labels are judged with the request. */
static rs_code
find_product(struct pki *pki, const char *label, char product[STORE_NAME_MAX], struct rs_err *err)
{
    struct pki_label found = {0};
    struct rs_err why = {0};
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    rc = pki_find_label(pki, label, &arena, &found, &why);
    (void)snprintf(product, STORE_NAME_MAX, "%s", rc == RS_OK ? found.product : "");
    return rc == RS_OK || rs_code_info(rc)->http < 500 ? RS_OK : rs_fail(err, rc, "%s", why.text);
}

static rs_code
check(struct pki *pki, struct code_use *use, const struct pki_issue_request *request,
      struct rs_err *err)
{
    struct store *store;
    rs_code rc = pki_reader(pki, &store, err);

    if (rc == RS_OK)
        rc = look_at_token(store, use, err);
    return rc == RS_OK ? pki_check_issue(pki, request, &use->is_certified, err) : rc;
}

rs_code
code_admit(struct pki *pki, struct code_tries *tries, const struct code_ask *ask,
           struct pki_caller *ret_caller, struct rs_err *err)
{
    uint64_t who = try_key("name", ask->address, rs_bytes_str(ask->user));
    uint64_t code = try_key("code", "", RS_BYTES(ask->id));
    struct code_use use = {.ask = ask, .tenant = pki_tenant(pki)};
    struct pki_issue_request request = {.protocol = "est",
                                        .label = ask->label,
                                        .csr = ask->csr,
                                        .is_linked = ask->is_linked,
                                        .link = ask->link,
                                        .must_link = ask->must_link};
    char product[STORE_NAME_MAX];
    rs_code rc;

    if (is_over(tries, code))
        note_try(tries, who);
    if (is_over(tries, who) || is_over(tries, code))
        return rs_fail(err, RS_E_REQUEST_LIMIT, "auth: too many wrong codes; try again later");
    request.caller.role = PKI_DEVICE;
    (void)snprintf(request.caller.name, sizeof(request.caller.name), "%s", ask->user);
    (void)snprintf(request.caller.who, sizeof(request.caller.who), "device:%.80s", ask->user);
    use.product = product;
    name_request(ask, use.request);
    rc = find_product(pki, ask->label, product, err);
    if (rc == RS_OK)
        rc = check(pki, &use, &request, err);
    if (rc == RS_OK)
        rc = pki_write(pki, use_token, &use, err);
    if (rc == RS_E_AUTH_TOKEN) {
        note_try(tries, who);
        note_try(tries, code);
    }
    if (rc == RS_OK)
        *ret_caller = request.caller;
    return rc;
}
