/*
 * vendor.c: the keys of the simulated maker, kept beside the chips' states.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/atecc/vendor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/random.h"

#define FORMAT       "rot-sim vendor 1"
#define FILE_NAME    "simulator-vendor.json"
#define FILE_MAX     4096
#define ROOT_YEARS   40
#define SIGNER_YEARS 31

static rs_code
draw_key(struct atecc_p256 *p256, uint8_t key[32], struct rs_err *err)
{
    rs_code rc;

    do {
        rc = rs_random(key, 32, err);
    } while (rc == RS_OK && !atecc_p256_key_ok(p256, key));
    return rc;
}

/* Dates go into five bits of year from 2000, and days that exist in every year. */
static void
this_hour(struct atecc_dates *d)
{
    struct rs_utc utc;

    rs_utc_from_time(rs_now(), &utc);
    *d = (struct atecc_dates){.year = utc.year > 2031 ? 2031 : utc.year,
                              .month = utc.month,
                              .day = utc.day > 28 ? 28 : utc.day,
                              .hour = utc.hour};
    if (d->year < 2000)
        d->year = 2000;
}

static rs_code
draw_vendor(struct atecc_p256 *p256, struct sim_vendor *v, struct rs_err *err)
{
    rs_code rc = draw_key(p256, v->root_key, err);

    if (rc == RS_OK)
        rc = draw_key(p256, v->signer_key, err);
    if (rc == RS_OK)
        rc = rs_random(v->signer_id, sizeof(v->signer_id), err);
    this_hour(&v->since);
    return rc;
}

static rs_code
finish_vendor(struct atecc_p256 *p256, struct sim_vendor *v, struct rs_err *err)
{
    if (!atecc_p256_public(p256, v->root_key, v->root_public) ||
        !atecc_p256_public(p256, v->signer_key, v->signer_public))
        return rs_fail(err, RS_E_FILE_FAILED, "simulator vendor: a key in %s is no key", FILE_NAME);
    return RS_OK;
}

/* ---- Files ---------------------------------------------------------------------------- */

static rs_code
read_vendor(const char *path, struct sim_vendor *v, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(rs_json_done) json_t *object = NULL;
    int64_t since = 0;
    size_t len = 0;
    struct rs_utc utc;
    rs_code rc;

    rs_buf_init(&text, FILE_MAX);
    text.secret = 1;
    rc = rs_file_read(path, FILE_MAX, &text, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&text), &object, err);
    if (rc == RS_OK)
        rc = rs_json_hex(object, "root_key", v->root_key, 32, &len, err);
    if (rc == RS_OK)
        rc = rs_json_hex(object, "signer_key", v->signer_key, 32, &len, err);
    if (rc == RS_OK)
        rc = rs_json_hex(object, "signer_id", v->signer_id, 2, &len, err);
    if (rc == RS_OK)
        rc = rs_json_int(object, "since", 946684800, 1956528000, &since, err);
    if (rc != RS_OK)
        return rc;
    rs_utc_from_time(since, &utc);
    v->since = (struct atecc_dates){
        .year = utc.year, .month = utc.month, .day = utc.day, .hour = utc.hour};
    return RS_OK;
}

static rs_code
write_vendor(const char *path, const struct sim_vendor *v, struct rs_err *err)
{
    const struct rs_utc utc = {v->since.year, v->since.month, v->since.day, v->since.hour, 0, 0};
    char root[65], signer[65], id[5], text[512];
    int64_t since = 0;
    rs_code rc;

    if (!rs_utc_to_time(&utc, &since))
        return rs_fail(err, RS_E_FILE_FAILED, "simulator vendor: a date that does not exist");
    rs_hex(rs_bytes_of(v->root_key, 32), root, sizeof(root));
    rs_hex(rs_bytes_of(v->signer_key, 32), signer, sizeof(signer));
    rs_hex(rs_bytes_of(v->signer_id, 2), id, sizeof(id));
    (void)snprintf(text, sizeof(text),
                   "{\n  \"format\": \"" FORMAT "\",\n  \"since\": %lld,\n  \"signer_id\": "
                   "\"%s\",\n  \"root_key\": \"%s\",\n  \"signer_key\": \"%s\"\n}\n",
                   (long long)since, id, root, signer);
    rc = rs_file_replace(path, rs_bytes_str(text), 0600, err);
    rs_wipe(text, sizeof(text));
    rs_wipe(root, sizeof(root));
    rs_wipe(signer, sizeof(signer));
    return rc;
}

/* The certificate that people put into their trust store, and the one below it. */
static rs_code
write_cert(const char *dir, const char *name, struct atecc_p256 *p256, const struct sim_vendor *v,
           const struct atecc_cert *cert, struct rs_err *err)
{
    uint8_t room[ATECC_CERT_MAX];
    struct rs_buf der;
    char path[512];
    rs_code rc;

    rs_buf_init_fixed(&der, room, sizeof(room));
    rc = atecc_cert_make(p256, v, cert, &der, NULL, err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, name, path, sizeof(path), err);
    return rc == RS_OK ? rs_file_replace(path, rs_buf_bytes(&der), 0644, err) : rc;
}

static rs_code
write_certs(const char *dir, struct atecc_p256 *p256, const struct sim_vendor *v,
            struct rs_err *err)
{
    struct atecc_cert cert = {
        .kind = ATECC_CERT_ROOT, .public_key = v->root_public, .dates = v->since};
    rs_code rc;

    cert.dates.expire_years = ROOT_YEARS;
    rc = write_cert(dir, "simulator-vendor-root.der", p256, v, &cert, err);
    if (rc != RS_OK)
        return rc;
    cert.kind = ATECC_CERT_SIGNER;
    cert.public_key = v->signer_public;
    cert.dates.expire_years = SIGNER_YEARS;
    return write_cert(dir, "simulator-vendor-signer.der", p256, v, &cert, err);
}

static rs_code
open_in(const char *dir, struct atecc_p256 *p256, struct sim_vendor *v, struct rs_err *err)
{
    char path[512];
    rs_code rc = rs_path_join(dir, FILE_NAME, path, sizeof(path), err);

    if (rc == RS_OK && rs_path_exists(path)) {
        rc = read_vendor(path, v, err);
        return rc == RS_OK ? finish_vendor(p256, v, err) : rc;
    }
    if (rc == RS_OK)
        rc = draw_vendor(p256, v, err);
    if (rc == RS_OK)
        rc = finish_vendor(p256, v, err);
    if (rc == RS_OK)
        rc = write_certs(dir, p256, v, err);
    return rc == RS_OK ? write_vendor(path, v, err) : rc;
}

rs_code
sim_vendor_open(const char *dir, struct sim_vendor *ret_vendor, struct rs_err *err)
{
    struct atecc_p256 *p256 = atecc_p256_new();
    struct sim_vendor v;
    rs_code rc;

    if (p256 == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for the vendor's keys");
    memset(&v, 0, sizeof(v));
    if (dir != NULL) {
        rc = open_in(dir, p256, &v, err);
    } else {
        rc = draw_vendor(p256, &v, err);
        if (rc == RS_OK)
            rc = finish_vendor(p256, &v, err);
    }
    atecc_p256_free(p256);
    if (rc == RS_OK)
        *ret_vendor = v;
    rs_wipe(&v, sizeof(v));
    return rc;
}
