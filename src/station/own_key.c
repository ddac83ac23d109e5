/*
 * own_key.c: see own_key.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/own_key.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "provider/rot_provider.h"
#include "shared/chips.h"
#include "shared/uri.h"

rs_code
own_key_uri(const char *text, char uri[OWN_KEY_URI_MAX], struct rs_err *err)
{
    struct rot_uri parts = {.object = 0};
    int ok = strlen(text) < sizeof(parts.chip);

    if (ok && strncmp(text, "rot:", 4) == 0)
        ok = rot_uri_parse(text, &parts) == ROT_OK;
    else if (ok)
        (void)snprintf(parts.chip, sizeof(parts.chip), "%s", text);
    if (parts.object == 0)
        parts.object = ROT_IDEVID;
    parts.type = ROT_URI_ALL;
    if (!ok || text[0] == '\0' || rot_uri_format(&parts, uri, OWN_KEY_URI_MAX) != ROT_OK)
        return rs_fail(err, RS_E_USAGE, "\"%.80s\" names no chip", text);
    return RS_OK;
}

/* ---- The chip ------------------------------------------------------------------------- */

struct lent {
    struct chips *chips;
    struct rot_chip *chip;
    rot_object object;
};

static rs_code
code_of(rot_err rot)
{
    return rot == ROT_BUSY            ? RS_E_CHIP_BUSY
           : rot == ROT_E_BUS         ? RS_E_CHIP_ABSENT
           : rot == ROT_E_WRONG_PART  ? RS_E_CHIP_WRONG_PART
           : rot == ROT_E_UNSUPPORTED ? RS_E_CHIP_WRONG_PART
           : rot == ROT_E_FORMAT      ? RS_E_CONFIG_INVALID
                                      : RS_E_CHIP_FAULT;
}

static rs_code
refuse(const char *uri, const char *what, rot_err rot, struct rs_err *err)
{
    return rs_fail(err, code_of(rot), "%s: %.80s: the part says %s", what, uri, rot_err_name(rot));
}

static rs_code
borrow(const char *uri, struct lent *ret, struct rs_err *err)
{
    char error[ROT_LINUX_ERROR_MAX] = "";
    struct rot_uri parts;
    rot_err rot = rot_uri_parse(uri, &parts);

    if (rot == ROT_OK)
        rot = chips_take(uri, &ret->chips, error);
    if (rot != ROT_OK)
        return rs_fail(err, code_of(rot), "the station's key: %.160s", error);
    rot = chips_lock(ret->chips, &ret->chip);
    if (rot != ROT_OK) {
        chips_drop(ret->chips);
        return rs_fail(err, code_of(rot), "the station's key: %.160s", chips_error());
    }
    ret->object = parts.object;
    return RS_OK;
}

static void
give_back(struct lent *l)
{
    chips_unlock(l->chips);
    chips_drop(l->chips);
}

rs_code
own_key_make(const char *uri, uint8_t spki[ROT_PUBLIC_KEY_MAX], size_t *ret_len, struct rs_err *err)
{
    struct lent l = {0};
    rs_code rc = borrow(uri, &l, err);
    rot_err rot;

    if (rc != RS_OK)
        return rc;
    rot = rot_key_public(l.chip, l.object, spki, ROT_PUBLIC_KEY_MAX, ret_len);
    if (rot == ROT_E_EMPTY)
        rot = rot_key_generate(l.chip, l.object, ROT_ALG_P256, spki, ROT_PUBLIC_KEY_MAX, ret_len);
    give_back(&l);
    return rot == ROT_OK ? RS_OK : refuse(uri, "make the station's key", rot, err);
}

rs_code
own_key_sign(void *uri, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
             struct rs_err *err)
{
    struct lent l = {0};
    rs_code rc = borrow(uri, &l, err);
    rot_err rot;

    if (rc != RS_OK)
        return rc;
    rot = rot_sign_message(l.chip, l.object, tbs.p, tbs.len, sig, cap, ret_len);
    give_back(&l);
    return rot == ROT_OK ? RS_OK : refuse(uri, "sign with the station's key", rot, err);
}

rs_code
own_key_counter(const char *uri, int count_up, int *ret_has, uint64_t *ret_value,
                struct rs_err *err)
{
    struct rot_capability cap;
    struct lent l = {0};
    rot_err rot = ROT_OK;
    rs_code rc = borrow(uri, &l, err);

    if (rc != RS_OK)
        return rc;
    *ret_value = 0;
    *ret_has = rot_capabilities(l.chip, ROT_COUNTER(0), &cap) == ROT_OK &&
               cap.where[ROT_CAN_COUNT] != ROT_NOWHERE;
    if (*ret_has && count_up)
        rot = rot_counter_increment(l.chip, ROT_COUNTER(0), ret_value);
    else if (*ret_has)
        rot = rot_counter_read(l.chip, ROT_COUNTER(0), ret_value);
    give_back(&l);
    if (rot == ROT_E_EMPTY) /* never counted */
        rot = ROT_OK;
    return rot == ROT_OK ? RS_OK : refuse(uri, "the station's counter", rot, err);
}

/* ---- TLS -------------------------------------------------------------------------------- */

/* One key and one provider for the process: a program is one station. */
static struct {
    pthread_mutex_t lock;
    int has_provider;
    char uri[OWN_KEY_URI_MAX];
    EVP_PKEY *key;
} tls = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int
load_provider(void)
{
    if (!tls.has_provider)
        tls.has_provider = OSSL_PROVIDER_add_builtin(NULL, "rot", rot_provider_init) == 1 &&
                           OSSL_PROVIDER_load(NULL, "default") != NULL &&
                           OSSL_PROVIDER_load(NULL, "rot") != NULL;
    return tls.has_provider;
}

rs_code
own_key_tls(const char *uri, struct evp_pkey_st **ret_key, struct rs_err *err)
{
    rs_code rc = RS_OK;

    (void)pthread_mutex_lock(&tls.lock);
    if (tls.key == NULL && load_provider() && (tls.key = rot_provider_key(NULL, uri)) != NULL)
        (void)snprintf(tls.uri, sizeof(tls.uri), "%s", uri);
    if (tls.key == NULL)
        rc = rs_fail(err, RS_E_CHIP_ABSENT, "the station's key: %.120s cannot be used%s%.80s", uri,
                     chips_error()[0] != '\0' ? ": " : "", chips_error());
    else if (strcmp(tls.uri, uri) != 0)
        rc = rs_fail(err, RS_E_INTERNAL, "one process is one station");
    *ret_key = tls.key;
    (void)pthread_mutex_unlock(&tls.lock);
    return rc;
}
