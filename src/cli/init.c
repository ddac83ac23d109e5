/*
 * init.c: an installation in one command.
 *
 * Everything is made in a directory of its own by a signer that is started for
 * this alone; the directory gets its name last, so a failed init leaves nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/random.h"
#include "base/sock.h"
#include "cli/cli.h"
#include "crypto/hash.h"
#include "keys/doc.h"
#include "keys/signer_client.h"
#include "server/server.h"

#define YEAR_S        31557600
#define CLAIM_LIFE_S  86400
#define DOCUMENTS_MAX 8

/* The built-in profiles. */
struct builtin {
    const char *name;
    enum doc_profile_type type;
    const char *subject;
    int64_t valid_s;
    uint64_t key_algs;
    uint64_t flags;
    uint64_t from_request;
    const char *eku;
    const char *dns;
    uint64_t max_size;
};

#define EKU_SERVER    "1.3.6.1.5.5.7.3.1"
#define EKU_CLIENT    "1.3.6.1.5.5.7.3.2"
#define EKU_OCSP      "1.3.6.1.5.5.7.3.9"
#define EKU_RA        "1.3.6.1.5.5.7.3.28"
#define HARDWARE_TYPE "1.3.6.1.4.1.32473.7"
#define EC_KEYS       (DOC_KEY_P256 | DOC_KEY_P384)
#define ANY_KEYS      (EC_KEYS | DOC_KEY_ED25519 | DOC_KEY_RSA2048 | DOC_KEY_RSA3072)

static const struct builtin builtins[] = {
    {"idevid", DOC_PROFILE_IDEVID, "serialNumber={device.serial},CN={product.name}", DOC_NEVER,
     DOC_KEY_P256,
     DOC_PROFILE_NEEDS_ORDER | DOC_PROFILE_NEEDS_DEVICE | DOC_PROFILE_SKI_SHA1 |
         DOC_PROFILE_SAN_HARDWARE | DOC_PROFILE_WHOLE_HOURS,
     0, EKU_CLIENT, NULL, 1024},
    {"ldevid", DOC_PROFILE_LDEVID, "CN={device.serial}", 90 * 86400, EC_KEYS,
     DOC_PROFILE_NEEDS_DEVICE, 0, EKU_CLIENT, NULL, 1024},
    {"station", DOC_PROFILE_STATION, "CN={name},OU=Stations", 90 * 86400, EC_KEYS, 0,
     1u << DOC_VALUE_NAME, EKU_CLIENT, NULL, 0},
    {"person", DOC_PROFILE_PERSON, "CN={name},OU=People", 365 * 86400, EC_KEYS, 0,
     1u << DOC_VALUE_NAME, EKU_CLIENT, NULL, 0},
    {"tls-server", DOC_PROFILE_TLS_SERVER, "CN={name}", 90 * 86400, ANY_KEYS, 0,
     (1u << DOC_VALUE_NAME) | (1u << DOC_VALUE_DNS) | (1u << DOC_VALUE_IP), EKU_SERVER, "*", 0},
    {"ocsp", DOC_PROFILE_OCSP, "CN=OCSP responder", 30 * 86400, EC_KEYS, DOC_PROFILE_OCSP_NOCHECK,
     0, EKU_OCSP, NULL, 0},
};

#define BACKDATE_S 3600 /* as much as the signer allows */

#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

struct making {
    struct cli *cli;
    const char *name;
    char title[64];
    char dir[512], work[560];
    const char *devices, *people, *http;
    int production;
    char code[21];
    uint8_t claim_key[32];
    int64_t now;
    struct rs_buf documents[DOCUMENTS_MAX];
    const char *kinds[DOCUMENTS_MAX];
    size_t document_count;
    uint64_t leaves;
    struct proto_ready ready;
};

/* ---- Documents ------------------------------------------------------------------------------- */

static struct rs_buf *
next_document(struct making *m, const char *kind)
{
    struct rs_buf *b = &m->documents[m->document_count];

    rs_buf_init(b, DOC_BYTES_MAX);
    m->kinds[m->document_count++] = kind;
    return b;
}

/* They are new at each start of the server, and meet clocks that are a little behind. */
static int
is_the_servers_own(enum doc_profile_type type)
{
    return type == DOC_PROFILE_TLS_SERVER || type == DOC_PROFILE_OCSP;
}

static void
put_profile(struct making *m, const struct builtin *from)
{
    struct doc_profile p = {.name = rs_bytes_str(from->name),
                            .version = 1,
                            .type = from->type,
                            .valid_s = from->valid_s,
                            .backdate_s = is_the_servers_own(from->type) ? BACKDATE_S : 0,
                            .key_algs = from->key_algs,
                            .key_usage = 1, /* digitalSignature */
                            .flags = from->flags,
                            .from_request = from->from_request,
                            .max_size = from->max_size};
    char subject[300];

    (void)snprintf(subject, sizeof(subject), "%s,O=%s", from->subject, m->title);
    p.subject = rs_bytes_str(subject);
    p.eku.items[p.eku.count++] = rs_bytes_str(from->eku);
    if (from->type == DOC_PROFILE_STATION)
        p.eku.items[p.eku.count++] = rs_bytes_str(EKU_RA);
    if (from->dns != NULL)
        p.dns.items[p.dns.count++] = rs_bytes_str(from->dns);
    if ((from->flags & DOC_PROFILE_SAN_HARDWARE) != 0)
        p.hardware_type = rs_bytes_str(HARDWARE_TYPE);
    doc_profile_put(next_document(m, "profile"), &p);
}

static void
put_issuers(struct making *m)
{
    char root[80], devices[80], root_dn[160], devices_dn[160], crl[200], ocsp[200], ca[200];
    char root_crl[200];
    struct doc_issuer r = {.key_alg = DOC_KEY_P384,
                           .not_before = m->now,
                           .not_after = m->now + 30 * (int64_t)YEAR_S,
                           .path_length = -1,
                           .crl_every_s = 30 * 86400};
    struct doc_issuer d = {.key_alg = DOC_KEY_P256,
                           .not_before = m->now,
                           .not_after = m->now + 15 * (int64_t)YEAR_S,
                           .path_length = 0,
                           .crl_every_s = 7 * 86400};

    (void)snprintf(root, sizeof(root), "%s-root", m->name);
    (void)snprintf(devices, sizeof(devices), "%s-devices", m->name);
    (void)snprintf(root_dn, sizeof(root_dn), "CN=%s Root,O=%s", m->title, m->title);
    (void)snprintf(devices_dn, sizeof(devices_dn), "CN=%s Devices,O=%s", m->title, m->title);
    (void)snprintf(root_crl, sizeof(root_crl), "http://%s/crl/%s.crl", m->http, root);
    (void)snprintf(crl, sizeof(crl), "http://%s/crl/%s.crl", m->http, devices);
    (void)snprintf(ocsp, sizeof(ocsp), "http://%s/ocsp", m->http);
    (void)snprintf(ca, sizeof(ca), "http://%s/ca/%s.cer", m->http, root);
    r.name = rs_bytes_str(root);
    r.subject = rs_bytes_str(root_dn);
    r.crl_url = rs_bytes_str(root_crl);
    r.ca_url = rs_bytes_str(ca);
    doc_issuer_put(next_document(m, "issuer"), &r);
    d.name = rs_bytes_str(devices);
    d.parent = rs_bytes_str(root);
    d.subject = rs_bytes_str(devices_dn);
    d.crl_url = rs_bytes_str(crl);
    d.ocsp_url = rs_bytes_str(ocsp);
    char issuer_file[200];
    (void)snprintf(issuer_file, sizeof(issuer_file), "http://%s/ca/%s.cer", m->http, devices);
    d.ca_url = rs_bytes_str(issuer_file);
    for (size_t i = 0; i < BUILTINS; i++)
        d.profiles.items[d.profiles.count++] = rs_bytes_str(builtins[i].name);
    doc_issuer_put(next_document(m, "issuer"), &d);
}

/* ---- Directory ---------------------------------------------------------------------------------- */

static rs_code
write_text(const struct making *m, const char *name, const char *text, unsigned mode,
           struct rs_err *err)
{
    char path[1024];
    rs_code rc = rs_path_join(m->work, name, path, sizeof(path), err);

    return rc == RS_OK ? rs_file_replace(path, rs_bytes_str(text), mode, err) : rc;
}

static rs_code
make_dirs(const struct making *m, struct rs_err *err)
{
    static const char *const names[] = {"signer", "witness"};
    char path[1024];
    rs_code rc = rs_dir_make(m->work, 0700, err);

    for (size_t i = 0; i < 2 && rc == RS_OK; i++) {
        rc = rs_path_join(m->work, names[i], path, sizeof(path), err);
        if (rc == RS_OK)
            rc = rs_dir_make(path, 0700, err);
    }
    return rc;
}

static rs_code
write_files(const struct making *m, struct rs_err *err)
{
    uint8_t secret[32];
    char hex[65], text[1024];
    rs_code rc = rs_random(secret, sizeof(secret), err);

    rs_hex(RS_BYTES(secret), hex, sizeof(hex));
    if (rc == RS_OK)
        rc = write_text(m, "signer/passphrase", hex, 0600, err);
    rs_wipe(secret, sizeof(secret));
    rs_wipe(hex, sizeof(hex));
    (void)snprintf(text, sizeof(text),
                   "installation: %s\n"
                   "mode: %s\n"
                   "url: \"https://%s\"\n"
                   "listen:\n  devices: \"%s\"\n  people: \"%s\"\n  http: \"%s\"\n",
                   m->name, m->production ? "production" : "test", m->devices, m->devices,
                   m->people, m->http);
    return rc == RS_OK ? write_text(m, "rootsmithd.yaml", text, 0600, err) : rc;
}

/* ---- The signer ---------------------------------------------------------------------------------- */

static rs_code
send_bootstrap(struct making *m, struct signer_client *client, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_BOOTSTRAP};
    struct proto_bootstrap *b = &item.as.bootstrap;

    b->installation = rs_bytes_str(m->name);
    b->tenant = rs_bytes_str("default");
    b->production = (uint8_t)m->production;
    b->claim_key = RS_BYTES(m->claim_key);
    b->claim_until = m->now + CLAIM_LIFE_S;
    for (size_t i = 0; i < m->document_count; i++) {
        b->kinds[i] = rs_bytes_str(m->kinds[i]);
        b->documents[i] = rs_buf_bytes(&m->documents[i]);
    }
    b->document_count = m->document_count;
    return signer_client_call(client, &item, &m->leaves, NULL, err);
}

static rs_code
run_signer(struct making *m, struct rs_err *err)
{
    struct server_config config = {.installation = m->name, .data = m->work};
    struct signer_client *client;
    struct proto_ready ready;
    int pair[2], pid = 0, status;
    rs_code rc = rs_sock_pair(1 << 20, pair, err);

    if (rc != RS_OK)
        return rc;
    rc = server_spawn_signer(&config, m->cli->program, pair[1], 1, &pid, err);
    rs_sock_close(pair[1]);
    if (rc != RS_OK) {
        rs_sock_close(pair[0]);
        return rc;
    }
    rc = signer_client_new(pair[0], "init", &client, &ready, err);
    if (rc == RS_OK) {
        rc = send_bootstrap(m, client, err);
        signer_client_free(client);
    }
    (void)waitpid(pid, &status, 0);
    if (rc == RS_OK && status != 0)
        rc = rs_fail(err, RS_E_INTERNAL, "the signer ended with status %d", status);
    return rc;
}

/* ---- The verb -------------------------------------------------------------------------------------- */

/* "acme" -> "Acme TEST"; everything a test installation makes says so (UX-11). */
static void
make_title(struct making *m)
{
    (void)snprintf(m->title, sizeof(m->title), "%.40s%s", m->name, m->production ? "" : " TEST");
    if (m->title[0] >= 'a' && m->title[0] <= 'z')
        m->title[0] = (char)(m->title[0] - 'a' + 'A');
}

static void
remove_work(const struct making *m)
{
    static const char *const files[] = {
        "signer/passphrase",
        "rootsmithd.yaml",
    };
    char path[1024];
    struct rs_err none = {0};

    for (size_t i = 0; i < 2; i++) {
        if (rs_path_join(m->work, files[i], path, sizeof(path), &none) == RS_OK &&
            rs_file_remove(path, &none) != RS_OK)
            return;
    }
}

static const char *
day_in_years(const struct making *m, int years, char out[RS_TIME_TEXT_SIZE])
{
    rs_time_text(m->now + years * (int64_t)YEAR_S, out);
    return out;
}

static int
report(struct making *m)
{
    char code[25], first[600], second[600], until[RS_TIME_TEXT_SIZE];
    struct cli *cli = m->cli;

    cli_show_code(m->code, code);
    (void)snprintf(first, sizeof(first), "rootsmithd --data %s", m->dir);
    (void)snprintf(second, sizeof(second), "rootsmith login https://%s --claim %s", m->people,
                   code);
    if (cli->json) {
        rs_time_text(m->now + CLAIM_LIFE_S, until);
        json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:[s++, s++], s:{s:s, s:s}, s:[[s,s,s]]}",
                              "kind", "installation", "name", m->name, "mode",
                              m->production ? "production" : "test", "data", m->dir, "cas", m->name,
                              "-root", "", m->name, "-devices", "", "claim", "code", code,
                              "expires", until, "next", "rootsmithd", "--data", m->dir);
        int rc = cli_put_json(cli, j);
        json_decref(j);
        return rc;
    }
    cli_say(cli, "Making a %s installation in %s. Nothing leaves this machine.\n",
            m->production ? "production" : "test", m->dir);
    cli_say(cli, "  %s root CA        %s-root      P-384, until %.10s    \"%s Root\"",
            cli_sign(cli, 'y'), m->name, day_in_years(m, 30, until), m->title);
    cli_say(cli, "  %s issuing CA     %s-devices   P-256, until %.10s    \"%s Devices\"",
            cli_sign(cli, 'y'), m->name, day_in_years(m, 15, until), m->title);
    cli_say(cli, "  %s profiles       idevid, ldevid, tls-server, station, person, ocsp",
            cli_sign(cli, 'y'));
    cli_say(cli, "  %s ledger         %llu entries\n", cli_sign(cli, 'y'),
            (unsigned long long)m->leaves);
    if (!m->production)
        cli_say(cli, "This is TEST MODE: simulators and keys in files are allowed, and every name\n"
                     "says TEST.\n");
    cli_next(cli, first, second, "                                          (once, within 24 h)");
    return 0;
}

static int
is_installation_name(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (i > 0 && c == '-')))
            return 0;
    }
    return n >= 1 && n <= 40;
}

static rs_code
make_installation(struct making *m, struct rs_err *err)
{
    rs_code rc;

    if (rs_path_exists(m->dir))
        return rs_fail(err, RS_E_EXISTS, "%s exists already; nothing was changed", m->dir);
    rc = make_dirs(m, err);
    if (rc == RS_OK)
        rc = write_files(m, err);
    if (rc == RS_OK)
        rc = cli_new_code(m->code, err);
    if (rc != RS_OK)
        return rc;
    cli_derive("rootsmith claim key v1", m->code, m->claim_key);
    for (size_t i = 0; i < BUILTINS; i++)
        put_profile(m, &builtins[i]);
    put_issuers(m);
    rc = run_signer(m, err);
    if (rc == RS_OK && rename(m->work, m->dir) != 0)
        rc = rs_fail_errno(err, RS_E_FILE_FAILED, "cannot name %s", m->dir);
    return rc;
}

int
verb_init(struct cli *cli, const struct cli_args *args)
{
    struct making m = {.cli = cli, .name = args->words[0], .now = rs_now()};
    const char *dir = cli_option(args, "data");
    struct rs_err err = {0};
    rs_code rc;

    if (!is_installation_name(m.name))
        return cli_usage(cli, "init NAME: lower-case letters, digits and \"-\", at most 40");
    m.production = cli_flag(args, "production");
    m.devices = cli_option(args, "devices") ? cli_option(args, "devices") : "localhost:8443";
    m.people = cli_option(args, "people") ? cli_option(args, "people") : "localhost:9443";
    m.http = cli_option(args, "http") ? cli_option(args, "http") : "localhost:8080";
    (void)snprintf(m.dir, sizeof(m.dir), "%s%s", dir ? dir : "./", dir ? "" : m.name);
    (void)snprintf(m.work, sizeof(m.work), "%s.new-%d", m.dir, (int)getpid());
    make_title(&m);
    if (m.production)
        return cli_usage(cli, "production needs keys in an HSM, which this version does not have");
    if (cli->dry_run && !rs_path_exists(m.dir))
        return cli_would(cli, "make a test installation in %.200s", m.dir);
    rc = make_installation(&m, &err);
    for (size_t i = 0; i < m.document_count; i++)
        rs_buf_done(&m.documents[i]);
    rs_wipe(m.claim_key, sizeof(m.claim_key));
    if (rc != RS_OK) {
        remove_work(&m);
        return cli_fail(cli, "Not made", &err);
    }
    return report(&m);
}
