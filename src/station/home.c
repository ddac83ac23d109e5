/*
 * home.c: see home.h.
 *
 * Files are written in the order key, root, certificate, station.json: a
 * directory with the last one is complete.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/home.h"

#include <stdio.h>
#include <string.h>

#include <rot/linux.h>

#include "base/io.h"
#include "base/json.h"
#include "client/csr.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "x509/cert.h"

#define ID_LABEL          "rootsmith token id v1"
#define KEY_LABEL         "rootsmith token key v1"
#define STATION_LABEL     "rootsmith station v1"
#define ROOT_LABEL        "rootsmith root v1"
#define FILE_MAX          65536
#define ENROLL_TIMEOUT_MS 30000u

/* ---- The directory ------------------------------------------------------------------ */

static rs_code
set_paths(const char *dir, struct home *h, struct rs_err *err)
{
    rs_code rc;

    memset(h, 0, sizeof(*h));
    if (strlen(dir) >= sizeof(h->dir))
        return rs_fail(err, RS_E_USAGE, "station: the directory's name is too long");
    (void)snprintf(h->dir, sizeof(h->dir), "%s", dir);
    rc = rs_path_join(dir, "station.key", h->key_path, sizeof(h->key_path), err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, "station.pem", h->cert_path, sizeof(h->cert_path), err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, "root.pem", h->root_path, sizeof(h->root_path), err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, "channel.secret", h->channel_path, sizeof(h->channel_path), err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, "journal", h->journal_path, sizeof(h->journal_path), err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, "events.jsonl", h->events_path, sizeof(h->events_path), err);
    return rc;
}

static rs_code
read_who(struct home *h, struct rs_err *err)
{
    char path[HOME_PATH_MAX + 32];
    const char *name, *server;
    int64_t counter = 0;
    rs_code rc = rs_path_join(h->dir, "station.json", path, sizeof(path), err);

    RS_AUTO(rs_buf_done) struct rs_buf text = {0};
    RS_AUTO(rs_json_done) json_t *j = NULL;
    rs_buf_init(&text, FILE_MAX);
    if (rc == RS_OK)
        rc = rs_file_read(path, FILE_MAX, &text, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&text), &j, err);
    if (rc == RS_OK)
        rc = rs_json_text(j, "name", &name, err);
    if (rc == RS_OK)
        rc = rs_json_text(j, "server", &server, err);
    if (rc != RS_OK)
        return rc;
    if (json_object_get(j, "key") != NULL) {
        rc = own_key_uri(rs_json_text_or(j, "key", ""), h->key_uri, err);
        if (rc == RS_OK)
            rc = rs_json_int(j, "counter", 0, INT64_MAX, &counter, err);
    }
    if (rc != RS_OK)
        return rc;
    h->counter = (uint64_t)counter;
    if (strlen(name) >= sizeof(h->name) || strlen(server) >= sizeof(h->server))
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: name or server is too long", path);
    (void)snprintf(h->name, sizeof(h->name), "%s", name);
    (void)snprintf(h->server, sizeof(h->server), "%s", server);
    return RS_OK;
}

rs_code
home_open(const char *dir, struct home *ret_home, struct rs_err *err)
{
    struct home h;
    char path[HOME_PATH_MAX + 32];
    rs_code rc = set_paths(dir, &h, err);

    if (rc == RS_OK)
        rc = rs_path_join(dir, "station.json", path, sizeof(path), err);
    if (rc != RS_OK)
        return rc;
    if (!rs_path_exists(path) || !rs_path_exists(h.cert_path) || !rs_path_exists(h.root_path))
        return rs_fail(err, RS_E_STATION_UNENROLLED, "%s holds no enrolled station", dir);
    rc = read_who(&h, err);
    if (rc == RS_OK && h.key_uri[0] == '\0' && !rs_path_exists(h.key_path))
        rc = rs_fail(err, RS_E_STATION_UNENROLLED, "%s holds no key of a station", dir);
    if (rc == RS_OK)
        *ret_home = h;
    return rc;
}

/* Made once, with the directory: a new one later would shut the station out of what it made. */
static rs_code
make_channel_secret(const struct home *h, struct rs_err *err)
{
    char error[ROT_LINUX_ERROR_MAX] = "";
    rot_err rot = ROT_E_STATE;

    if (!rs_path_exists(h->channel_path) && !rs_path_exists(h->journal_path))
        rot = rot_channel_make_master(h->channel_path, error);
    return rot == ROT_OK || rot == ROT_E_STATE ? RS_OK
                                               : rs_fail(err, RS_E_FILE_FAILED, "%s", error);
}

rs_code
home_open_alone(const char *dir, const char *name, struct home *ret_home, struct rs_err *err)
{
    struct home h;
    rs_code rc = set_paths(dir, &h, err);

    if (rc == RS_OK)
        rc = rs_dir_make(dir, 0700, err);
    if (rc == RS_OK)
        rc = make_channel_secret(&h, err);
    if (rc == RS_OK) {
        (void)snprintf(h.name, sizeof(h.name), "%s", name);
        *ret_home = h;
    }
    return rc;
}

/* With the key in a chip: the certificate from memory beside it. */
static rs_code
connect_by_chip(const struct home *home, struct web **ret_web, struct rs_err *err)
{
    struct web_config config = {.base = home->server, .trust_path = home->root_path};
    RS_AUTO(rs_buf_done) struct rs_buf pem;
    rs_code rc;

    rs_buf_init(&pem, FILE_MAX);
    rc = rs_file_read(home->cert_path, FILE_MAX, &pem, err);
    if (rc == RS_OK)
        rc = own_key_tls(home->key_uri, &config.pkey, err);
    config.cert = rs_buf_bytes(&pem);
    return rc == RS_OK ? web_open(&config, ret_web, err) : rc;
}

rs_code
home_connect(const struct home *home, struct web **ret_web, struct rs_err *err)
{
    struct web_config config = {.base = home->server,
                                .trust_path = home->root_path,
                                .cert_path = home->cert_path,
                                .key_path = home->key_path};

    return home->key_uri[0] != '\0' ? connect_by_chip(home, ret_web, err)
                                    : web_open(&config, ret_web, err);
}

/* ---- The one-time code --------------------------------------------------------------- */

struct token {
    uint8_t id[32];
    uint8_t key[32];
};

/* Dashes and blanks out, letters up; O, I and L are digits in Crockford's alphabet. */
static int
normalise(struct rs_bytes code, char out[HOME_TOKEN_DIGITS])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    size_t n = 0;

    for (size_t i = 0; i < code.len; i++) {
        char c = (char)code.p[i];
        if (c == '-' || c == ' ' || c == '\n' || c == '\r')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - ('a' - 'A'));
        c = (char)(c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c);
        if (c == '\0' || strchr(alphabet, c) == NULL || n == HOME_TOKEN_DIGITS)
            return 0;
        out[n++] = c;
    }
    return n == HOME_TOKEN_DIGITS;
}

static rs_code
derive_token(struct rs_bytes code, struct token *ret_token, struct rs_err *err)
{
    char digits[HOME_TOKEN_DIGITS];
    struct rs_bytes parts[2] = {rs_bytes_str(ID_LABEL), rs_bytes_of(digits, sizeof(digits))};

    if (!normalise(code, digits))
        return rs_fail(err, RS_E_AUTH_TOKEN, "token: not 20 characters of a one-time code");
    crypto_sha256_parts(parts, 2, ret_token->id);
    parts[0] = rs_bytes_str(KEY_LABEL);
    crypto_sha256_parts(parts, 2, ret_token->key);
    rs_wipe(digits, sizeof(digits));
    return RS_OK;
}

/* ---- Enrolment -------------------------------------------------------------------------- */

struct enrolment {
    const char *name;
    struct token token;
    struct crypto_key *key;        /* in a file, or */
    char key_uri[OWN_KEY_URI_MAX]; /* in a chip */
    uint64_t counter; /* of that chip: what was counted before is none of this station's */
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    size_t spki_len;
    struct rs_buf csr;
    struct rs_buf cert_pem; /* certificate and the chain without its root */
    struct rs_buf root;     /* DER */
};

static rs_code
make_key(struct enrolment *e, struct rs_err *err)
{
    struct rs_bytes spki;
    int has_counter;
    rs_code rc;

    if (e->key_uri[0] != '\0') {
        rc = own_key_counter(e->key_uri, 0, &has_counter, &e->counter, err);
        return rc == RS_OK ? own_key_make(e->key_uri, e->spki, &e->spki_len, err) : rc;
    }
    rc = crypto_key_generate(CRYPTO_P256, &e->key, err);
    if (rc != RS_OK)
        return rc;
    spki = crypto_key_pub(e->key)->spki;
    memcpy(e->spki, spki.p, spki.len);
    e->spki_len = spki.len;
    return RS_OK;
}

static rs_code
make_request(struct enrolment *e, struct rs_err *err)
{
    struct client_csr csr = {.cn = e->name, .sig = crypto_sig_for(CRYPTO_P256)};
    rs_code rc = make_key(e, err);

    if (rc != RS_OK)
        return rc;
    csr.spki = rs_bytes_of(e->spki, e->spki_len);
    return e->key != NULL ? client_csr_build(&csr, client_sign_with_key, e->key, &e->csr, err)
                          : client_csr_build(&csr, own_key_sign, e->key_uri, &e->csr, err);
}

static void
put_base64_member(struct rs_buf *out, const char *name, struct rs_bytes bytes)
{
    rs_buf_printf(out, ",\"%s\":\"", name);
    rs_base64_put(out, bytes, 0);
    rs_buf_put_str(out, "\"");
}

static void
put_body(const struct enrolment *e, struct rs_buf *out)
{
    struct rs_bytes parts[3] = {rs_bytes_str(STATION_LABEL), rs_bytes_str(e->name),
                                rs_buf_bytes(&e->csr)};
    char id[65];
    uint8_t mac[32];
    json_t *name = json_string(e->name);

    rs_hex(RS_BYTES(e->token.id), id, sizeof(id));
    crypto_hmac_sha256(RS_BYTES(e->token.key), parts, 3, mac);
    rs_buf_put_str(out, "{\"name\":");
    rs_json_put(out, name);
    json_decref(name);
    rs_buf_printf(out, ",\"token\":\"%s\"", id);
    put_base64_member(out, "csr", parts[2]);
    put_base64_member(out, "proof", RS_BYTES(mac));
    rs_buf_put_str(out, "}");
}

/* The last certificate of the chain, if the server proves that it knows the code over it. */
static rs_code
check_root(struct enrolment *e, const json_t *answer, struct rs_err *err)
{
    const char *text = rs_json_text_or(answer, "proof", "");
    uint8_t hash[32], mac[32];
    struct rs_bytes parts[2] = {rs_bytes_str(ROOT_LABEL), RS_BYTES(hash)};
    RS_AUTO(rs_buf_done) struct rs_buf proof = {0};

    rs_buf_init(&proof, 64);
    cert_fingerprint(rs_buf_bytes(&e->root), hash);
    crypto_hmac_sha256(RS_BYTES(e->token.key), parts, 2, mac);
    if (!rs_base64_read(rs_bytes_str(text), &proof) ||
        !rs_bytes_equal_secret(rs_buf_bytes(&proof), RS_BYTES(mac)))
        return rs_fail(err, RS_E_NET_TRUST,
                       "the server did not prove that it knows the token; nothing was kept");
    return RS_OK;
}

static rs_code
take_pem(const char *pem, struct rs_buf *der, struct rs_err *err)
{
    struct rs_bytes text = rs_bytes_str(pem);

    return cert_next_pem(&text, "CERTIFICATE", der, err);
}

/* Is it a certificate over the key that we made? */
static rs_code
check_cert(const struct enrolment *e, struct rs_bytes der, struct rs_err *err)
{
    struct cert cert;
    rs_code rc = cert_read(der, &cert, err);

    if (rc == RS_OK && !rs_bytes_equal(cert.spki, rs_bytes_of(e->spki, e->spki_len)))
        rc = rs_fail(err, RS_E_NET_TRUST, "the server's certificate is over another key");
    return rc;
}

static rs_code
take_answer(struct enrolment *e, const json_t *answer, struct rs_err *err)
{
    const json_t *chain = json_object_get(answer, "chain_pem");
    size_t n = json_array_size(chain);
    const char *pem;
    rs_code rc = rs_json_text(answer, "pem", &pem, err);

    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    rs_buf_init(&der, CERT_BYTES_MAX);
    if (rc == RS_OK && (n == 0 || n > 8))
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "chain_pem: 1 to 8 certificates");
    if (rc == RS_OK)
        rc = take_pem(pem, &der, err);
    if (rc == RS_OK)
        rc = check_cert(e, rs_buf_bytes(&der), err);
    if (rc != RS_OK)
        return rc;
    cert_put_pem(&e->cert_pem, "CERTIFICATE", rs_buf_bytes(&der));
    for (size_t i = 0; rc == RS_OK && i < n; i++) {
        pem = json_string_value(json_array_get(chain, i));
        rc = take_pem(pem != NULL ? pem : "", i + 1 < n ? &der : &e->root, err);
        if (rc == RS_OK && i + 1 < n)
            cert_put_pem(&e->cert_pem, "CERTIFICATE", rs_buf_bytes(&der));
    }
    return rc == RS_OK ? check_root(e, answer, err) : rc;
}

static rs_code
ask_server(struct enrolment *e, const char *server, struct rs_err *err)
{
    struct web_config config = {.base = server, .insecure = 1, .timeout_ms = ENROLL_TIMEOUT_MS};
    struct web_request ask = {
        .method = "POST", .path = "/station/v1/enroll", .type = "application/json"};
    struct web *web = NULL;
    rs_code rc;

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_buf_done) struct rs_buf body = {0};
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    rs_buf_init(&body, FILE_MAX);
    put_body(e, &body);
    if (!rs_buf_ok(&body))
        return rs_fail(err, RS_E_NO_MEMORY, "station: no memory for a request");
    ask.body = rs_buf_bytes(&body);
    rc = web_open(&config, &web, err);
    if (rc == RS_OK)
        rc = web_call(web, &ask, &reply, err);
    web_close(web);
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&reply.body), &answer, err);
    return rc == RS_OK ? take_answer(e, answer, err) : rc;
}

/* ---- Writing it down ----------------------------------------------------------------------- */

static rs_code
write_key(const struct home *h, const struct crypto_key *key, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    RS_AUTO(rs_buf_done) struct rs_buf pem = {0};
    rs_code rc;

    rs_buf_init(&der, FILE_MAX);
    rs_buf_init(&pem, FILE_MAX);
    der.secret = pem.secret = 1;
    rc = crypto_key_to_pkcs8(key, &der, err);
    if (rc != RS_OK)
        return rc;
    cert_put_pem(&pem, "PRIVATE KEY", rs_buf_bytes(&der));
    if (!rs_buf_ok(&pem))
        return rs_fail(err, RS_E_NO_MEMORY, "station: no memory for its key");
    return rs_file_replace(h->key_path, rs_buf_bytes(&pem), 0600, err);
}

static rs_code
write_who(const struct home *h, const struct enrolment *e, const char *server, struct rs_err *err)
{
    char path[HOME_PATH_MAX + 32];
    rs_code rc = rs_path_join(h->dir, "station.json", path, sizeof(path), err);
    RS_AUTO(rs_json_done) json_t *j =
        json_pack("{s:i, s:s, s:s}", "v", 1, "name", e->name, "server", server);
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};

    rs_buf_init(&text, FILE_MAX);
    if (j == NULL)
        return rs_fail(err, RS_E_USAGE, "station: name or server is not UTF-8");
    if (e->key_uri[0] != '\0') {
        (void)json_object_set_new(j, "key", json_string(e->key_uri));
        (void)json_object_set_new(j, "counter", json_integer((json_int_t)e->counter));
    }
    rs_json_put(&text, j);
    rs_buf_put_str(&text, "\n");
    return rc == RS_OK ? rs_file_replace(path, rs_buf_bytes(&text), 0644, err) : rc;
}

static rs_code
write_home(const struct home *h, const struct enrolment *e, const char *server, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf root = {0};
    rs_code rc = e->key != NULL ? write_key(h, e->key, err) : RS_OK;

    rs_buf_init(&root, FILE_MAX);
    cert_put_pem(&root, "CERTIFICATE", rs_buf_bytes(&e->root));
    if (rc == RS_OK && (!rs_buf_ok(&root) || !rs_buf_ok(&e->cert_pem)))
        rc = rs_fail(err, RS_E_NO_MEMORY, "station: no memory for certificates");
    if (rc == RS_OK)
        rc = rs_file_replace(h->root_path, rs_buf_bytes(&root), 0644, err);
    if (rc == RS_OK)
        rc = rs_file_replace(h->cert_path, rs_buf_bytes(&e->cert_pem), 0644, err);
    if (rc == RS_OK)
        rc = write_who(h, e, server, err);
    return rc;
}

static int
is_name(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        int alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || strchr("._-", c) == NULL))
            return 0;
    }
    return n > 0 && n < HOME_NAME_MAX;
}

rs_code
home_enroll(const char *dir, const char *server, const char *name, struct rs_bytes code,
            const char *chip, struct home *ret_home, struct rs_err *err)
{
    struct enrolment e = {.name = name};
    struct home h;
    rs_code rc = set_paths(dir, &h, err);

    if (rc == RS_OK && !is_name(name))
        rc = rs_fail(err, RS_E_USAGE, "station: \"%.60s\" is not a name", name);
    if (rc == RS_OK && strlen(server) >= sizeof(h.server))
        rc = rs_fail(err, RS_E_USAGE, "station: the server's address is too long");
    if (rc == RS_OK && home_open(dir, &h, NULL) == RS_OK)
        rc = rs_fail(err, RS_E_EXISTS, "%s holds station %s already", dir, h.name);
    if (rc == RS_OK && chip != NULL)
        rc = own_key_uri(chip, e.key_uri, err);
    if (rc == RS_OK)
        rc = derive_token(code, &e.token, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_init(&e.csr, 8192);
    rs_buf_init(&e.cert_pem, FILE_MAX);
    rs_buf_init(&e.root, CERT_BYTES_MAX);
    rc = rs_dir_make(dir, 0700, err);
    if (rc == RS_OK)
        rc = make_channel_secret(&h, err);
    if (rc == RS_OK)
        rc = make_request(&e, err);
    if (rc == RS_OK)
        rc = ask_server(&e, server, err);
    if (rc == RS_OK)
        rc = write_home(&h, &e, server, err);
    if (rc == RS_OK)
        rc = home_open(dir, ret_home, err);
    crypto_key_free(e.key);
    rs_buf_done(&e.csr);
    rs_buf_done(&e.cert_pem);
    rs_buf_done(&e.root);
    rs_wipe(&e.token, sizeof(e.token));
    return rc;
}
