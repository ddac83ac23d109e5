/*
 * rollover.c: a root gets its next key.
 *
 * Three documents, signed here one after the other by the person who decides: the
 * root of the same name with another key, its key by the old one (newWithOld), and
 * the old key by the new one (oldWithNew; RFC 4210 4.4).  Whoever trusts either root
 * then comes to what the other one signs.  What was cut off goes on with the same
 * command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "keys/doc.h"

#define NAMES_MAX 100

struct rollover {
    struct cli *cli;
    const char *old_name;
    char name[DOC_NAME_MAX + 1];
    struct rs_buf old_document;
    struct doc_issuer doc; /* of the old root, then of the new one */
    char crl_url[256], ocsp_url[256], ca_url[256];
    json_t *there; /* the new root, when an earlier try made it */
};

static rs_code
get_ca(struct rollover *r, const char *name, json_t **ret_json, struct rs_err *err)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "/api/v1/cas/%.80s", name);
    return cli_call(r->cli, "GET", path, NULL, ret_json, err);
}

static rs_code
read_old(struct rollover *r, struct rs_err *err)
{
    json_t *j = NULL;
    rs_code rc = get_ca(r, r->old_name, &j, err);

    if (rc == RS_OK &&
        !rs_base64_read(rs_bytes_str(rs_json_text_or(j, "document", "")), &r->old_document))
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "the server says nothing of CA %s", r->old_name);
    json_decref(j);
    if (rc == RS_OK)
        rc = doc_issuer_read(rs_buf_bytes(&r->old_document), &r->doc, err);
    if (rc == RS_OK && r->doc.parent.len != 0)
        rc = rs_fail(err, RS_E_USAGE, "%s is no root: the CA above it certifies it", r->old_name);
    return rc;
}

/* acme-root-2 after acme-root, acme-root-3 after acme-root-2; or one that was begun. */
static rs_code
find_name(struct rollover *r, const char *wanted, struct rs_err *err)
{
    size_t base = strlen(r->old_name);

    if (wanted != NULL) {
        struct rs_err none = {0};
        (void)snprintf(r->name, sizeof(r->name), "%.63s", wanted);
        return get_ca(r, r->name, &r->there, &none) == RS_OK || none.code == RS_E_ISSUER_UNKNOWN
                   ? RS_OK
                   : rs_fail(err, none.code, "%s", none.text);
    }
    while (base > 0 && r->old_name[base - 1] >= '0' && r->old_name[base - 1] <= '9')
        base--;
    if (base < 2 || r->old_name[base - 1] != '-' || r->old_name[base] == '\0')
        base = strlen(r->old_name) + 1; /* no number yet */
    for (int i = 2; i < NAMES_MAX; i++) {
        struct rs_err none = {0};
        json_t *j = NULL;
        (void)snprintf(r->name, sizeof(r->name), "%.*s-%d", (int)base - 1, r->old_name, i);
        if (get_ca(r, r->name, &j, &none) == RS_E_ISSUER_UNKNOWN)
            return RS_OK;
        json_decref(j);
        if (none.code != RS_OK)
            return rs_fail(err, none.code, "%s", none.text);
    }
    return rs_fail(err, RS_E_USAGE, "say how the new root is called (--name)");
}

/* ".../crl/acme-root.crl" -> ".../crl/acme-root-2.crl" */
static struct rs_bytes
rename_in(const struct rollover *r, struct rs_bytes url, char *room, size_t cap)
{
    char part[DOC_NAME_MAX + 3];
    const uint8_t *at;
    size_t len = strlen(r->old_name), before;

    (void)snprintf(part, sizeof(part), "/%.63s.", r->old_name);
    at = url.len > 0 ? memmem(url.p, url.len, part, len + 2) : NULL;
    if (at == NULL)
        return url;
    before = (size_t)(at - url.p) + 1;
    (void)snprintf(room, cap, "%.*s%s%.*s", (int)before, (const char *)url.p, r->name,
                   (int)(url.len - before - len), (const char *)url.p + before + len);
    return rs_bytes_str(room);
}

static void
make_doc(struct rollover *r)
{
    int64_t life = r->doc.not_after - r->doc.not_before;

    r->doc.name = rs_bytes_str(r->name);
    r->doc.not_before = rs_now();
    r->doc.not_after = r->doc.not_before + life;
    r->doc.crl_url = rename_in(r, r->doc.crl_url, r->crl_url, sizeof(r->crl_url));
    r->doc.ocsp_url = rename_in(r, r->doc.ocsp_url, r->ocsp_url, sizeof(r->ocsp_url));
    r->doc.ca_url = rename_in(r, r->doc.ca_url, r->ca_url, sizeof(r->ca_url));
}

static rs_code
send(struct rollover *r, const char *kind, const char *name, const char *action,
     const struct rs_buf *document, struct rs_err *err)
{
    char path[160];
    json_t *body = NULL, *j = NULL;
    rs_code rc = cli_approve(r->cli, kind, rs_bytes_str(name), rs_buf_bytes(document), &body, err);

    if (rc != RS_OK)
        return rc;
    (void)snprintf(path, sizeof(path), "/api/v1/cas/%.63s%s", name, action);
    rc = cli_call(r->cli, "PUT", path, body, &j, err);
    json_decref(body);
    json_decref(j);
    return rc;
}

static rs_code
send_cross(struct rollover *r, const char *of, const char *by, struct rs_err *err)
{
    struct doc_cross doc = {rs_bytes_str(of), rs_bytes_str(by), rs_now()};

    RS_AUTO(rs_buf_done) struct rs_buf document;
    rs_buf_init(&document, 1024);
    doc_cross_put(&document, &doc);
    return send(r, "cross", of, "/cross", &document, err);
}

static rs_code
roll_over(struct rollover *r, struct rs_err *err)
{
    rs_code rc = cli_context_load(r->cli, err);

    RS_AUTO(rs_buf_done) struct rs_buf document;
    rs_buf_init(&document, DOC_BYTES_MAX);
    make_doc(r);
    doc_issuer_put(&document, &r->doc);
    if (rc == RS_OK && r->there == NULL)
        rc = send(r, "issuer", r->name, "", &document, err);
    if (rc == RS_OK)
        rc = send_cross(r, r->name, r->old_name, err);
    if (rc == RS_OK)
        rc = send_cross(r, r->old_name, r->name, err);
    return rc;
}

static int
report(struct rollover *r)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    int code = 0;

    if (get_ca(r, r->name, &j, &err) != RS_OK)
        return cli_fail(r->cli, "Not shown", &err);
    if (r->cli->json)
        code = cli_put_json(r->cli, j);
    cli_say(r->cli, "Root %s has its next key: %s.\n", r->old_name, r->name);
    cli_field(r->cli, "subject", "%s", rs_json_text_or(j, "subject", "?"));
    cli_field(r->cli, "until", "%s", rs_json_text_or(j, "until", "?"));
    cli_field(r->cli, "links", "the new key by the old one, the old key by the new one");
    cli_field(r->cli, "devices", "find all four in EST's cacerts and follow (RFC 7030 4.1.3)");
    json_decref(j);
    return code;
}

int
verb_ca_rollover(struct cli *cli, const struct cli_args *args)
{
    struct rollover r = {.cli = cli, .old_name = args->words[0]};
    struct rs_err err = {0};
    rs_code rc;
    int code;

    if (strlen(r.old_name) > DOC_NAME_MAX - 4)
        return cli_usage(cli, "the name is too long");
    rs_buf_init(&r.old_document, DOC_BYTES_MAX);
    rc = read_old(&r, &err);
    if (rc == RS_OK)
        rc = find_name(&r, cli_option(args, "name"), &err);
    if (rc == RS_OK && cli->dry_run)
        code = cli_would(cli, "make root %s beside %s, and link them", r.name, r.old_name);
    else if (rc != RS_OK || roll_over(&r, &err) != RS_OK)
        code = cli_fail(cli, "Not rolled over", &err);
    else
        code = report(&r);
    json_decref(r.there);
    rs_buf_done(&r.old_document);
    return code;
}
