/*
 * verbs.c: what rootsmith-agent does, in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sock.h"
#include "program.h"

#define DAY_S 86400

static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
    (void)sig;
    stopped = 1;
}

/* ---- Steps ------------------------------------------------------------------------------- */

static void
say_step(void *arg, const char *what, const char *text)
{
    (void)arg;
    (void)printf("  %s %-13s %s\n", terminal_is_utf8() ? "✓" : "ok", what, text);
    (void)fflush(stdout);
}

static void
log_step(void *arg, const char *what, const char *text)
{
    (void)arg;
    rs_log(RS_LOG_INFO, "agent", what, "text=%s", text);
}

static rs_code
open_agent(struct options *o, agent_say_fn say, struct agent **ret_agent, struct rs_err *err)
{
    o->agent.say = o->json ? NULL : say;
    return agent_open(&o->agent, ret_agent, err);
}

static void
put_json(json_t *j)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;

    rs_buf_init(&text, 65536);
    rs_json_put(&text, j);
    json_decref(j);
    (void)printf("%.*s\n", (int)text.len, (const char *)text.p);
}

/* ---- Status --------------------------------------------------------------------------------- */

static json_t *
json_of_time(int64_t t)
{
    char text[RS_TIME_TEXT_SIZE];

    if (t == 0 || t == INT64_MAX)
        return json_null();
    rs_time_text(t, text);
    return json_string(text);
}

static json_t *
json_of_certificate(const struct agent_certificate *c)
{
    if (!c->is_there)
        return json_null();
    return json_pack("{s:s, s:b, s:s, s:s, s:s, s:o, s:o, s:o}", "object", c->object, "works",
                     c->works, "subject", c->subject, "issuer", c->issuer, "serial", c->serial,
                     "from", json_of_time(c->not_before), "until", json_of_time(c->not_after),
                     "renews", json_of_time(c->renew_at));
}

static json_t *
json_of_status(const struct agent_status *s)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:o, s:o, s:{s:i, s:b}, s:I, s:o, s:{s:s, s:s, s:o, "
                     "s:o}, s:b, s:o}",
                     "kind", "agent", "device", s->device, "chip", "model", s->chip, "uid", s->uid,
                     "idevid", json_of_certificate(&s->idevid), "ldevid",
                     json_of_certificate(&s->ldevid), "trust", "roots", (int)s->anchors, "in_chip",
                     s->anchors_in_chip, "spare", (json_int_t)s->spare, "heard",
                     json_of_time(s->heard_at), "failure", "code", s->code, "text", s->text,
                     "tried", json_of_time(s->tried_at), "next", json_of_time(s->next_at),
                     "clock_behind", s->clock_behind, "now", json_of_time(s->now));
}

static int
is_well(const struct agent_status *s)
{
    return s->ldevid.works && s->code[0] == '\0' && s->anchors > 0;
}

static void
put_ago(char *text, size_t cap, int64_t now, int64_t then)
{
    int64_t s = now > then ? now - then : 0;

    if (then == 0)
        (void)snprintf(text, cap, "never");
    else if (s < 3600)
        (void)snprintf(text, cap, "%lld min ago", (long long)(s / 60));
    else if (s < 2 * DAY_S)
        (void)snprintf(text, cap, "%lld h ago", (long long)(s / 3600));
    else
        (void)snprintf(text, cap, "%lld d ago", (long long)(s / DAY_S));
}

static void
print_certificate(const char *what, const struct agent_certificate *c, const struct agent_status *s)
{
    char renews[RS_TIME_TEXT_SIZE] = "";

    if (!c->is_there) {
        (void)printf("  %-12s none\n", what);
        return;
    }
    if (c->not_after == INT64_MAX) {
        (void)printf("  %-12s %-10s never ends%s\n", what, c->object,
                     c->works ? "" : "   ! its key is not in the chip");
        return;
    }
    rs_time_text(c->renew_at, renews);
    if (c->not_after < s->now)
        (void)printf("  %-12s %-10s over since %lld d\n", what, c->object,
                     (long long)((s->now - c->not_after) / DAY_S));
    else
        (void)printf("  %-12s %-10s %lld d left, renews %.10s%s\n", what, c->object,
                     (long long)((c->not_after - s->now) / DAY_S), renews,
                     c->works ? "" : "   ! its key is not in the chip");
}

static void
print_status(const struct agent_status *s)
{
    char ago[64], next[RS_TIME_TEXT_SIZE];

    put_ago(ago, sizeof(ago), s->now, s->heard_at);
    (void)printf("%s   %s, last talked to the server %s\n", s->device,
                 is_well(s) ? "all well" : "needs attention", ago);
    print_certificate("idevid", &s->idevid, s);
    print_certificate("ldevid", &s->ldevid, s);
    (void)printf("  %-12s %u root%s, named by the %s\n", "trust", s->anchors,
                 s->anchors == 1 ? "" : "s", s->anchors_in_chip ? "chip" : "configuration only");
    (void)printf("  %-12s %s, uid %s\n", "chip", s->chip, s->uid);
    (void)printf("  %-12s ldevid/%lld is free for the next key\n", "spare", (long long)s->spare);
    if (s->clock_behind)
        (void)printf("  %-12s ! behind: a time that certainly has been is used instead\n", "clock");
    if (s->code[0] != '\0') {
        rs_time_text(s->next_at, next);
        (void)printf("  %-12s ! %s (%s); %s still answers; next try %s\n", "last try", s->code,
                     s->text,
                     s->ldevid.works   ? "ldevid"
                     : s->idevid.works ? "idevid"
                                       : "nothing",
                     next);
    }
}

static int
show_status(struct options *o, struct agent *agent, const char *what)
{
    struct agent_status s;
    struct rs_err err = {0};

    if (agent_status(agent, &s, &err) != RS_OK)
        return program_refuse(o, what, &err);
    if (o->json)
        put_json(json_of_status(&s));
    else
        print_status(&s);
    return is_well(&s) ? EXIT_DONE : EXIT_NO;
}

int
program_status(struct options *o)
{
    struct rs_err err = {0};
    struct agent *agent = NULL;
    int code;

    o->agent.look_only = 1;
    if (open_agent(o, NULL, &agent, &err) != RS_OK)
        return program_refuse(o, "No status", &err);
    code = show_status(o, agent, "No status");
    agent_close(agent);
    return code;
}

/* ---- Verbs that change something ----------------------------------------------------------------- */

static int
finish(struct options *o, struct agent *agent, rs_code rc, const char *what,
       const struct rs_err *err)
{
    int code = EXIT_DONE;

    if (rc != RS_OK)
        code = program_refuse(o, what, err);
    else if (o->json)
        code = show_status(o, agent, what);
    agent_close(agent);
    return code;
}

int
program_enroll(struct options *o)
{
    struct rs_err err = {0};
    struct agent *agent = NULL;
    rs_code rc = open_agent(o, say_step, &agent, &err);

    if (rc == RS_OK)
        rc = agent_enroll(agent, o->anew, &err);
    if (rc == RS_OK && !o->json)
        (void)printf(
            "\nNext\n  systemctl enable --now rootsmith-agent\n  rootsmith-agent status\n");
    return finish(o, agent, rc, "Not enrolled", &err);
}

int
program_renew(struct options *o)
{
    struct rs_err err = {0};
    struct agent *agent = NULL;
    rs_code rc = open_agent(o, say_step, &agent, &err);

    if (rc == RS_OK)
        rc = agent_renew(agent, o->agent.same_key, &err);
    if (rc == RS_OK)
        rc = agent_hook(agent, &err);
    return finish(o, agent, rc, "Not renewed", &err);
}

int
program_trust(struct options *o)
{
    struct rs_err err = {0};
    struct agent *agent = NULL;
    int changed = 0;
    rs_code rc = open_agent(o, say_step, &agent, &err);

    if (rc == RS_OK)
        rc = agent_update_trust(agent, &changed, &err);
    return finish(o, agent, rc, "Roots not followed", &err);
}

int
program_test(struct options *o)
{
    struct rs_err err = {0};
    struct agent *agent = NULL;
    rs_code rc;

    o->agent.look_only = 1;
    rc = open_agent(o, say_step, &agent, &err);
    if (rc == RS_OK)
        rc = agent_test(agent, o->object, &err);
    if (rc != RS_OK) {
        agent_close(agent);
        return program_refuse(o, "No connection", &err);
    }
    agent_close(agent);
    return EXIT_DONE;
}

/* ---- The service ------------------------------------------------------------------------------------ */

static void
sleep_for(int64_t seconds)
{
    uint64_t end = rs_mono_us() + (uint64_t)seconds * 1000000;

    while (!stopped && rs_mono_us() < end)
        rs_sleep_us(200000);
}

int
program_run(struct options *o)
{
    struct rs_err err = {0};
    struct agent *agent = NULL;
    struct sigaction stop = {.sa_handler = on_stop};
    int64_t wait_s = 1;
    rs_code rc = open_agent(o, log_step, &agent, &err);

    if (rc != RS_OK)
        return program_refuse(o, "Not started", &err);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    rs_sock_notify("READY=1\nSTATUS=Keeps the device's certificates fresh");
    while (!stopped) {
        memset(&err, 0, sizeof(err));
        rc = agent_round(agent, &wait_s, &err);
        if (rc != RS_OK)
            rs_log_err(RS_LOG_WARN, "agent", "the round failed", &err);
        if (o->once)
            return finish(o, agent, rc, "The round failed", &err);
        sleep_for(wait_s);
    }
    rs_sock_notify("STOPPING=1");
    agent_close(agent);
    return EXIT_DONE;
}
