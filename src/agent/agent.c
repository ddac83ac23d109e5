/*
 * agent.c: opening, the loop's one round, and what there is to tell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/provider.h>

#include <rot/linux.h>

#include "agent/inner.h"
#include "base/clock.h"
#include "base/random.h"
#include "provider/rot_provider.h"
#include "shared/chips.h"
#include "x509/name.h"

#define REFUSED_WAIT_S 21600 /* a refusal that only a person can change */
#define ROUND_MAX_S    3600

void
agent_tell(const struct agent *a, const char *what, const char *fmt, ...)
{
    char text[512];
    va_list args;

    if (a->config->say == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    a->config->say(a->config->say_arg, what, text);
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Keys of chips inside TLS: our provider beside the usual one. */
static rs_code
load_provider(struct rs_err *err)
{
    static int is_loaded;

    if (is_loaded)
        return RS_OK;
    if (OSSL_PROVIDER_add_builtin(NULL, "rot", rot_provider_init) != 1 ||
        OSSL_PROVIDER_load(NULL, "default") == NULL || OSSL_PROVIDER_load(NULL, "rot") == NULL)
        return rs_fail(err, RS_E_CRYPTO_FAILED, "OpenSSL does not take the provider of chips");
    is_loaded = 1;
    return RS_OK;
}

static rs_code
open_chip(struct agent *a, struct rs_err *err)
{
    char error[ROT_LINUX_ERROR_MAX] = "";
    struct rot_identity who;
    struct rot_chip *chip;
    rot_err rot;
    rs_code rc;

    /* The provider in this process opens the chip, too, and has no other way to be told. */
    if (a->config->channel_secret != NULL &&
        setenv("ROOTSMITH_CHANNEL_SECRET", a->config->channel_secret, 1) != 0)
        return rs_fail(err, RS_E_NO_MEMORY, "agent");
    rot = chips_take(a->config->rot, &a->chips, error);
    if (rot != ROT_OK)
        return rs_fail(err, rot == ROT_E_FORMAT ? RS_E_USAGE : RS_E_CHIP_ABSENT, "%s", error);
    rc = chip_enter(a, &chip, err);
    if (rc != RS_OK)
        return rc;
    rot = rot_identify(chip, &who);
    chip_leave(a);
    if (rot != ROT_OK)
        return chip_fail(a, rot, "identify", err);
    rs_hex(rs_bytes_of(who.uid, who.uid_len), a->uid, sizeof(a->uid));
    (void)snprintf(a->model, sizeof(a->model), "%s", who.model);
    (void)snprintf(a->serial, sizeof(a->serial), "%s", a->uid);
    agent_tell(a, "chip", "%s, %s, uid %s", who.model, a->config->rot, a->uid);
    return RS_OK;
}

rs_code
agent_open(const struct agent_config *config, struct agent **ret_agent, struct rs_err *err)
{
    struct agent *a = calloc(1, sizeof(*a));
    rs_code rc;

    if (a == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "agent");
    a->config = config;
    a->lock_fd = -1;
    rc = load_provider(err);
    if (rc == RS_OK)
        rc = state_open(a, err);
    if (rc == RS_OK)
        rc = open_chip(a, err);
    if (rc != RS_OK) {
        agent_close(a);
        return rc;
    }
    clock_at_least(a, a->memory.heard_at);
    *ret_agent = a;
    return RS_OK;
}

void
agent_close(struct agent *agent)
{
    if (agent == NULL)
        return;
    if (agent->chips != NULL)
        chips_drop(agent->chips);
    state_close(agent);
    free(agent);
}

/* ---- How it went -------------------------------------------------------------------------- */

/* Full jitter: anything up to a bound that doubles with each failure. */
static int64_t
back_off(const struct agent *a)
{
    const struct agent_config *c = a->config;
    int64_t bound = c->retry_s;
    uint32_t random = 0;

    for (int64_t i = 1; i < a->memory.failures && bound < c->retry_max_s; i++)
        bound *= 2;
    if (bound > c->retry_max_s)
        bound = c->retry_max_s;
    if (rs_random((uint8_t *)&random, sizeof(random), NULL) != RS_OK)
        return bound;
    return 1 + (int64_t)((uint64_t)random * (uint64_t)bound >> 32);
}

static void
note_failure(struct agent *a, const struct rs_err *why)
{
    struct memory *m = &a->memory;
    int is_refusal = rs_code_info(why->code)->kind == RS_KIND_POLICY ||
                     rs_code_info(why->code)->kind == RS_KIND_AUTH;
    int64_t wait;

    m->failures++;
    wait = back_off(a);
    if (a->retry_after_s > 0)
        wait += a->retry_after_s;
    else if (is_refusal && why->code != RS_E_NET_TRUST)
        wait = REFUSED_WAIT_S;
    m->tried_at = clock_now(a);
    m->next_at = m->tried_at + wait;
    (void)snprintf(m->code, sizeof(m->code), "%s", rs_code_info(why->code)->name);
    (void)snprintf(m->text, sizeof(m->text), "%s", why->text);
}

static void
note_success(struct agent *a)
{
    struct memory *m = &a->memory;

    if (!clock_is_behind(a))
        m->heard_at = clock_now(a);
    m->checked_at = clock_now(a);
    m->failures = m->tried_at = m->next_at = 0;
    m->code[0] = m->text[0] = '\0';
}

/* How a try went, for `status` and for the wait before the next. */
rs_code
agent_remember(struct agent *a, rs_code rc, struct rs_err *err)
{
    rs_code saved;

    if (rc == RS_OK)
        note_success(a);
    else
        note_failure(a, err);
    saved = state_save(a, rc == RS_OK ? err : NULL);
    return rc == RS_OK ? saved : rc;
}

/* ---- Trust --------------------------------------------------------------------------------------- */

rs_code
agent_update_trust(struct agent *a, int *ret_changed, struct rs_err *err)
{
    struct rs_bytes certs[AGENT_CERTS_MAX];
    struct web *web = NULL;
    struct trust t;
    size_t count = 0;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 1u << 20);
    trust_init(&t);
    *ret_changed = 0;
    rc = trust_load(a, &t, err);
    if (rc == RS_OK && t.from_chip && t.count == 0)
        rc = talk_fetch_named(a, &t, err);
    if (rc == RS_OK)
        rc = talk_open(a, &t, NULL, &web, err);
    if (rc == RS_OK)
        rc = talk_cacerts(a, web, &t, &arena, certs, &count, err);
    web_close(web);
    if (rc == RS_OK)
        rc = trust_learn(a, &t, certs, count, ret_changed, err);
    if (rc == RS_OK)
        agent_tell(a, "trust", "%zu roots%s", t.count, *ret_changed ? ", one is new" : "");
    trust_done(&t);
    return agent_remember(a, rc, err);
}

/* ---- One round -------------------------------------------------------------------------------------- */

/* What is due: the identity first, then the roots. */
static rs_code
do_due(struct agent *a, struct rs_err *err)
{
    int64_t now = clock_now(a);
    struct identity id;
    int changed, is_new = 1;
    rs_code rc;

    identity_init(&id);
    rc = identity_ldevid(a, &id, NULL);
    if (rc == RS_OK && now < identity_renew_at(a, &id.cert)) {
        is_new = 0;
        if (now - a->memory.checked_at >= a->config->check_s)
            rc = agent_update_trust(a, &changed, err);
    } else if (rc == RS_OK) {
        rc = agent_renew(a, a->config->same_key, err);
        if (rc == RS_E_AUTH_REVOKED || rc == RS_E_AUTH_UNKNOWN) {
            memset(err, 0, sizeof(*err)); /* this certificate is done for; the device need not be */
            rc = agent_enroll(a, 1, err);
        }
    } else {
        rc = agent_enroll(a, 0, err);
    }
    identity_done(&id);
    return rc == RS_OK && is_new ? agent_hook(a, err) : rc;
}

static int64_t
next_due(struct agent *a)
{
    int64_t now = clock_now(a), at = a->memory.checked_at + a->config->check_s;
    struct identity id;

    if (a->memory.next_at > 0)
        at = a->memory.next_at;
    identity_init(&id);
    if (a->memory.next_at == 0 && identity_ldevid(a, &id, NULL) == RS_OK &&
        identity_renew_at(a, &id.cert) < at)
        at = identity_renew_at(a, &id.cert);
    identity_done(&id);
    if (at <= now)
        return 1;
    return at - now > ROUND_MAX_S ? ROUND_MAX_S : at - now;
}

rs_code
agent_round(struct agent *a, int64_t *ret_wait_s, struct rs_err *err)
{
    rs_code rc = RS_OK;

    /* A restart does not hurry; a time far ahead was written by a clock that was wrong. */
    if (a->memory.next_at <= clock_now(a) ||
        a->memory.next_at - clock_now(a) > WEB_RETRY_MAX_S + a->config->retry_max_s)
        rc = do_due(a, err);
    *ret_wait_s = next_due(a);
    return rc;
}
