/*
 * people.c: signing in, and what is said about the installation and codes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/config.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/cli.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "x509/cert.h"

#define CLAIM_LABEL "rootsmith claim v1"
#define ROOT_LABEL  "rootsmith root v1"

/* ---- login ----------------------------------------------------------------------------------- */

struct login {
    struct cli *cli;
    const char *url, *name, *context;
    char code[21];
    uint8_t claim_key[32];
    struct crypto_key *key;
    struct rs_buf csr;
};

static json_t *
json_b64(struct rs_bytes bytes)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    rs_buf_init(&b, 262144);
    rs_base64_put(&b, bytes, 0);
    return json_stringn((const char *)b.p, b.len);
}

static json_t *
claim_body(const struct login *l)
{
    static const uint8_t nul = 0;
    struct rs_bytes parts[] = {rs_bytes_str(CLAIM_LABEL),
                               {&nul, 1},
                               rs_bytes_str(l->name),
                               {&nul, 1},
                               crypto_key_pub(l->key)->spki};
    uint8_t mac[32];

    crypto_hmac_sha256(RS_BYTES(l->claim_key), parts, 5, mac);
    return json_pack("{s:s, s:o, s:o}", "name", l->name, "csr", json_b64(rs_buf_bytes(&l->csr)),
                     "proof", json_b64(RS_BYTES(mac)));
}

static rs_code
send_claim(struct login *l, json_t **ret_json, struct rs_err *err)
{
    struct web_config config = {.base = l->url, .insecure = 1};
    struct web_request ask = {
        .method = "POST", .path = "/api/v1/claim", .type = "application/json"};
    json_t *body = claim_body(l);
    struct web *web;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    rs_buf_init(&text, 65536);
    rs_json_put(&text, body);
    json_decref(body);
    ask.body = rs_buf_bytes(&text);
    rc = web_open(&config, &web, err);
    if (rc != RS_OK)
        return rc;
    rc = web_call(web, &ask, &reply, err);
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&reply.body), ret_json, err);
    web_close(web);
    return rc;
}

/* The root is trusted because whoever printed the code vouches for it, and for nothing else. */
static rs_code
check_root(const struct login *l, const json_t *answer, struct rs_err *err)
{
    const json_t *chain = json_object_get(answer, "chain_pem");
    const char *root = json_string_value(json_array_get(chain, json_array_size(chain) - 1));
    uint8_t hash[32], mac[32];
    struct rs_bytes text, parts[] = {rs_bytes_str(ROOT_LABEL), RS_BYTES(hash)};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der, proof;
    rs_buf_init(&der, CERT_BYTES_MAX);
    rs_buf_init(&proof, 64);
    if (root == NULL)
        return rs_fail(err, RS_E_NET_TRUST, "the server sent no root certificate");
    text = rs_bytes_str(root);
    rc = cert_next_pem(&text, "CERTIFICATE", &der, err);
    if (rc != RS_OK)
        return rc;
    cert_fingerprint(rs_buf_bytes(&der), hash);
    crypto_hmac_sha256(RS_BYTES(l->claim_key), parts, 2, mac);
    if (!rs_base64_read(rs_bytes_str(rs_json_text_or(answer, "proof", "")), &proof) ||
        !rs_bytes_equal_secret(rs_buf_bytes(&proof), RS_BYTES(mac)))
        return rs_fail(err, RS_E_NET_TRUST, "the server could not prove that it knows the code");
    return RS_OK;
}

static rs_code
save_file(const struct login *l, const char *name, struct rs_bytes bytes, struct rs_err *err)
{
    char path[640];
    rs_code rc = rs_path_join(l->cli->at.dir, name, path, sizeof(path), err);

    return rc == RS_OK ? rs_file_replace(path, bytes, 0600, err) : rc;
}

static rs_code
save_all(struct login *l, const json_t *answer, struct rs_err *err)
{
    const json_t *chain = json_object_get(answer, "chain_pem");
    size_t n = json_array_size(chain);
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf certs, der, pem;
    rs_buf_init(&certs, 65536);
    rs_buf_init(&der, 8192);
    rs_buf_init(&pem, 16384);
    der.secret = pem.secret = 1;
    rs_buf_put_str(&certs, rs_json_text_or(answer, "pem", ""));
    for (size_t i = 0; i + 1 < n; i++)
        rs_buf_put_str(&certs, json_string_value(json_array_get(chain, i)));
    rc = cli_context_save(l->cli, l->context, err);
    if (rc == RS_OK)
        rc = crypto_key_to_pkcs8(l->key, &der, err);
    cert_put_pem(&pem, "PRIVATE KEY", rs_buf_bytes(&der));
    if (rc == RS_OK)
        rc = save_file(l, "key.pem", rs_buf_bytes(&pem), err);
    if (rc == RS_OK)
        rc = save_file(l, "cert.pem", rs_buf_bytes(&certs), err);
    if (rc == RS_OK)
        rc = save_file(l, "root.pem", rs_bytes_str(json_string_value(json_array_get(chain, n - 1))),
                       err);
    return rc;
}

static rs_code
do_login(struct login *l, struct rs_err *err)
{
    json_t *answer = NULL;
    rs_code rc = cli_context_dir(l->context, l->cli->at.dir, err);

    (void)snprintf(l->cli->at.server, sizeof(l->cli->at.server), "%s", l->url);
    (void)snprintf(l->cli->at.person, sizeof(l->cli->at.person), "%s", l->name);
    if (rc == RS_OK)
        rc = crypto_key_generate(CRYPTO_P256, &l->key, err);
    if (rc == RS_OK)
        rc = cli_make_csr(l->key, l->name, &l->csr, err);
    if (rc == RS_OK)
        rc = send_claim(l, &answer, err);
    if (rc == RS_OK)
        rc = check_root(l, answer, err);
    if (rc == RS_OK)
        rc = save_all(l, answer, err);
    json_decref(answer);
    return rc;
}

int
verb_login(struct cli *cli, const struct cli_args *args)
{
    const char *code = cli_option(args, "claim"), *user = getenv("USER");
    struct login l = {.cli = cli, .url = args->words[0]};
    struct rs_err err = {0};
    rs_code rc;

    l.name = cli_option(args, "name") ? cli_option(args, "name") : user ? user : "admin";
    l.context = cli_option(args, "as") ? cli_option(args, "as") : "default";
    if (code == NULL)
        code = getenv("ROOTSMITH_CLAIM");
    if (code == NULL || !cli_read_code(code, l.code))
        return cli_usage(cli, "login needs the claim code that rootsmith init printed (--claim)");
    cli_derive("rootsmith claim key v1", l.code, l.claim_key);
    rs_buf_init(&l.csr, 8192);
    rc = do_login(&l, &err);
    crypto_key_free(l.key);
    rs_buf_done(&l.csr);
    rs_wipe(&l.claim_key, sizeof(l.claim_key));
    if (rc != RS_OK)
        return cli_fail(cli, "Not signed in", &err);
    if (cli->json) {
        json_t *j =
            json_pack("{s:s, s:s, s:s}", "kind", "context", "name", l.context, "person", l.name);
        int exit_code = cli_put_json(cli, j);
        json_decref(j);
        return exit_code;
    }
    cli_say(cli, "Signed in to %s as %s.\n", l.url, l.name);
    cli_field(cli, "server", "proved that it knows the code %s", cli_sign(cli, 'y'));
    cli_field(cli, "key", "%s/key.pem (P-256, also signs what you approve)", cli->at.dir);
    cli_next(cli, "rootsmith status", "rootsmith product set NAME --rot atecc608b --issuer CA",
             NULL);
    return 0;
}

/* ---- whoami, status, doctor -------------------------------------------------------------------- */

int
verb_whoami(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    (void)args;

    if (cli_context_load(cli, &err) != RS_OK)
        return cli_fail(cli, "Not signed in", &err);
    json_t *j = json_pack("{s:s, s:s, s:s}", "kind", "person", "name", cli->at.person, "server",
                          cli->at.server);
    if (cli->json)
        (void)cli_put_json(cli, j);
    json_decref(j);
    cli_say(cli, "%s at %s", cli->at.person, cli->at.server);
    return 0;
}

static long long
number(const json_t *j, const char *name)
{
    return (long long)json_integer_value(json_object_get(j, name));
}

int
verb_status(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    (void)args;

    if (cli_call(cli, "GET", "/api/v1/status", NULL, &j, &err) != RS_OK)
        return cli_fail(cli, "No status", &err);
    if (cli->json) {
        int code = cli_put_json(cli, j);
        json_decref(j);
        return code;
    }
    cli_say(cli, "%s   %s   as %s\n", rs_json_text_or(j, "name", "?"),
            strcmp(rs_json_text_or(j, "mode", ""), "test") == 0 ? "TEST MODE" : "production",
            cli->at.person);
    cli_field(cli, "signer", "%s", json_is_true(json_object_get(j, "signer")) ? "answers" : "away");
    cli_field(cli, "devices", "%lld", number(j, "devices"));
    cli_field(cli, "certs", "%lld, %lld revoked", number(j, "certificates"), number(j, "revoked"));
    cli_field(cli, "orders", "%lld", number(j, "orders"));
    cli_field(cli, "boards", "%lld", number(j, "boards"));
    json_decref(j);
    return 0;
}

int
verb_doctor(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    int signer;
    (void)args;

    if (cli_call(cli, "GET", "/api/v1/status", NULL, &j, &err) != RS_OK) {
        (void)cli_fail(cli, "The server does not answer", &err);
        return 3;
    }
    signer = json_is_true(json_object_get(j, "signer"));
    json_decref(j);
    if (cli->json) {
        json_t *out = json_pack("{s:s, s:b, s:[]}", "kind", "doctor", "ok", signer, "findings");
        (void)cli_put_json(cli, out);
        json_decref(out);
    }
    cli_say(cli, "  %s server         answers", cli_sign(cli, 'y'));
    cli_say(cli, "  %s signer         %s", cli_sign(cli, signer ? 'y' : 'n'),
            signer ? "answers" : "is away: nothing can be issued");
    return signer ? 0 : 3;
}

/* ---- explain, version, completion ----------------------------------------------------------------- */

/* The nearest code, and the others of the area that was named. */
static int
unknown_code(const char *word)
{
    const char *known[RS_CODE_COUNT], *nearest;
    size_t area = strcspn(word, "."), shown = 0;

    for (int i = 0; i < RS_CODE_COUNT; i++)
        known[i] = rs_code_info((rs_code)i)->name;
    nearest = rs_nearest(word, known, RS_CODE_COUNT);
    (void)fprintf(stderr, "there is no code \"%s\".", word);
    if (nearest != NULL)
        (void)fprintf(stderr, " Did you mean \"%s\"?", nearest);
    for (int i = 0; i < RS_CODE_COUNT && nearest == NULL; i++) {
        if (strncmp(known[i], word, area) == 0 && known[i][area] == '.')
            (void)fprintf(stderr, "%s%s", shown++ == 0 ? " There are: " : ", ", known[i]);
    }
    (void)fputc('\n', stderr);
    return 1;
}

int
verb_explain(struct cli *cli, const struct cli_args *args)
{
    const struct rs_code_info *info = rs_code_find(args->words[0]);

    if (info == NULL)
        return unknown_code(args->words[0]);
    if (cli->json) {
        json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "code", info->name,
                              "title", info->title, "means", info->means, "do", info->admin,
                              "operator", info->operator_, "class", info->station, "status",
                              info->http, "exit", info->exit_code);
        int code = cli_put_json(cli, j);
        json_decref(j);
        return code;
    }
    cli_say(cli, "%s   %s.\n", info->name, info->title);
    if (info->means[0] != '\0')
        cli_say(cli, "  %s", info->means);
    if (info->admin[0] != '\0')
        cli_say(cli, "  do         %s", info->admin);
    if (info->operator_[0] != '\0')
        cli_say(cli, "  line       %s: \"%s\"", info->station, info->operator_);
    cli_say(cli, "  shows as   HTTP %d, exit %d", info->http, info->exit_code);
    return 0;
}

int
verb_version(struct cli *cli, const struct cli_args *args)
{
    const char *openssl = OpenSSL_version(OPENSSL_VERSION_STRING);

    (void)args;
    if (cli->json)
        (void)printf("{\"version\":\"0.1.0\",\"commit\":\"%s\",\"openssl\":\"%s\"}\n", cli_commit,
                     openssl);
    else
        (void)printf("rootsmith 0.1.0, commit %s, OpenSSL %s\n", cli_commit, openssl);
    return 0;
}

/* Flags of the verb that stands there, and those of every verb. */
static void
put_flags(void)
{
    (void)puts("  [[ $cur == -* ]] && case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in");
    for (const struct cli_verb *v = cli_verbs; v->noun != NULL; v++) {
        (void)printf("  '%s %s'*) words='", v->noun, v->verb);
        for (const char *p = v->options; *p != '\0'; p += strcspn(p, " "), p += strspn(p, " ")) {
            (void)fputs("--", stdout);
            (void)fwrite(p, 1, strcspn(p, " ="), stdout);
            (void)fputc(' ', stdout);
        }
        (void)puts("' ;;");
    }
    (void)puts(
        "  esac\n  [[ $cur == -* ]] && words+='--json --quiet --verbose --output --overwrite "
        "--wide --dry-run --reason --confirm --context --server --color --help '");
}

/* Nouns and verbs from the table, so that completion never offers what does not exist (UX-3). */
int
verb_completion(struct cli *cli, const struct cli_args *args)
{
    if (strcmp(args->words[0], "bash") != 0)
        return cli_usage(cli, "completion is there for: bash");
    (void)puts("_rootsmith() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words=''");
    (void)puts("  case ${COMP_CWORD}:${COMP_WORDS[1]} in\n  1:*) words='");
    for (const struct cli_verb *v = cli_verbs; v->noun != NULL; v++) {
        if (v == cli_verbs || strcmp(v->noun, v[-1].noun) != 0)
            (void)printf("%s ", v->noun);
    }
    (void)puts("' ;;");
    for (const struct cli_verb *v = cli_verbs; v->noun != NULL; v++) {
        if (v->verb[0] == '\0')
            continue;
        if (v == cli_verbs || strcmp(v->noun, v[-1].noun) != 0)
            (void)printf("  2:%s) words='", v->noun);
        (void)printf("%s ", v->verb);
        if (v[1].noun == NULL || strcmp(v->noun, v[1].noun) != 0)
            (void)puts("' ;;");
    }
    (void)puts("  esac");
    put_flags();
    (void)puts("  COMPREPLY=( $(compgen -W \"$words\" -- \"$cur\") )\n}\n"
               "complete -F _rootsmith rootsmith");
    return 0;
}
