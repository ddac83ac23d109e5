/*
 * state.c: identities on the disk, one after the other.
 *
 * What is being made lies in next-SLOT and gets its final name only when it is
 * complete and on the disk; turning to it is the rename of one link.  A crash
 * leaves the old one, or the new one, and never half of one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/inner.h"
#include "base/inject.h"
#include "base/io.h"
#include "base/json.h"

#define REQUEST "request.csr"
#define CURRENT "current"

static const char *const published[] = {"ldevid.pem", "chain.pem", "ldevid.key"};

rs_code
state_path(const struct agent *a, const char *name, char path[AGENT_PATH_MAX], struct rs_err *err)
{
    return rs_path_join(a->config->state, name, path, AGENT_PATH_MAX, err);
}

static rs_code
set_dir(const struct agent *a, struct generation *g, struct rs_err *err)
{
    char name[48];

    (void)snprintf(name, sizeof(name), "id-%u-%u", g->number, g->slot);
    return state_path(a, name, g->dir, err);
}

/* ---- What a crash left ------------------------------------------------------------------- */

struct look {
    struct agent *agent;
    struct generation newest;
};

static int
find_newest(void *arg, const char *name)
{
    struct look *l = arg;
    struct generation g = {0};

    if (read_generation(name, &g) && (!l->newest.is_there || g.number > l->newest.number))
        l->newest = g;
    return 0;
}

static int
remove_old(void *arg, const char *name)
{
    struct look *l = arg;
    struct generation g = {0};
    char path[AGENT_PATH_MAX];

    if (read_generation(name, &g) && g.number < l->agent->current.number &&
        state_path(l->agent, name, path, NULL) == RS_OK && rs_dir_remove(path, NULL) != RS_OK)
        return 0; /* it will be tried again */
    return 0;
}

/* Files that were to replace others (rs_file_replace()) bear the number of a process that is gone. */
static int
remove_temporary(void *arg, const char *name)
{
    const struct agent *a = arg;
    size_t len = strlen(name);
    char path[AGENT_PATH_MAX];

    if (len > 4 && strcmp(name + len - 4, ".tmp") == 0 &&
        state_path(a, name, path, NULL) == RS_OK && rs_file_remove(path, NULL) != RS_OK)
        return 0; /* it will be tried again */
    return 0;
}

static rs_code
turn_to(struct agent *a, const struct generation *g, struct rs_err *err)
{
    char link[AGENT_PATH_MAX], name[48];
    struct look l = {.agent = a};
    rs_code rc = state_path(a, CURRENT, link, err);

    (void)snprintf(name, sizeof(name), "id-%u-%u", g->number, g->slot);
    if (rc == RS_OK)
        rc = rs_link_replace(name, link, err);
    if (rc != RS_OK)
        return rc;
    rs_inject_mark("agent-turned");
    a->current = *g;
    return rs_dir_list(a->config->state, remove_old, &l, err);
}

/* A generation has its final name only when it is complete: the newest is the one. */
static rs_code
find_current(struct agent *a, struct rs_err *err)
{
    char link[AGENT_PATH_MAX], name[64];
    struct look l = {.agent = a};
    rs_code rc = rs_dir_list(a->config->state, find_newest, &l, err);

    memset(&a->current, 0, sizeof(a->current));
    if (rc == RS_OK)
        rc = state_path(a, CURRENT, link, err);
    if (rc != RS_OK || !l.newest.is_there)
        return rc;
    rc = set_dir(a, &l.newest, err);
    if (rc != RS_OK)
        return rc;
    if (rs_link_read(link, name, sizeof(name), NULL) == RS_OK &&
        read_generation(name, &a->current) && a->current.number == l.newest.number) {
        a->current = l.newest;
        return RS_OK;
    }
    if (a->config->look_only) {
        a->current = l.newest;
        return RS_OK;
    }
    return turn_to(a, &l.newest, err);
}

/* ---- state.json ------------------------------------------------------------------------------ */

static void
load_memory(struct agent *a)
{
    char path[AGENT_PATH_MAX];
    RS_AUTO(rs_buf_done) struct rs_buf text;

    rs_buf_init(&text, AGENT_FILE_MAX);
    if (state_path(a, "state.json", path, NULL) != RS_OK ||
        rs_file_read(path, AGENT_FILE_MAX, &text, NULL) != RS_OK)
        rs_buf_reset(&text);
    read_memory(rs_buf_bytes(&text), &a->memory);
}

rs_code
state_save(struct agent *a, struct rs_err *err)
{
    const struct memory *m = &a->memory;
    char path[AGENT_PATH_MAX];
    RS_AUTO(rs_json_done) json_t *j =
        json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "v", 1, "heard",
                  (json_int_t)m->heard_at, "checked", (json_int_t)m->checked_at, "tried",
                  (json_int_t)m->tried_at, "next", (json_int_t)m->next_at, "failures",
                  (json_int_t)m->failures, "code", m->code, "text", m->text);
    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_code rc = state_path(a, "state.json", path, err);

    rs_buf_init(&text, AGENT_FILE_MAX);
    if (j == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "no memory for the state");
    rs_json_put(&text, j);
    rs_buf_put_str(&text, "\n");
    return rc == RS_OK ? rs_file_replace(path, rs_buf_bytes(&text), 0644, err) : rc;
}

/* ---- Opening ------------------------------------------------------------------------------------ */

/* Before the first identity is kept in it, the directory's own name is made safe. */
static rs_code
sync_home(const struct agent *a, struct rs_err *err)
{
    char parent[AGENT_PATH_MAX];
    rs_code rc = state_path(a, "..", parent, err);

    return rc == RS_OK && !a->current.is_there ? rs_dir_sync(parent, err) : rc;
}

static rs_code
look(struct agent *a, struct rs_err *err)
{
    rs_code rc = find_current(a, err);

    load_memory(a);
    return rc;
}

rs_code
state_open(struct agent *a, struct rs_err *err)
{
    char path[AGENT_PATH_MAX];
    rs_code rc = rs_dir_make(a->config->state, 0755, err);

    a->lock_fd = -1;
    if (rc == RS_OK && a->config->look_only)
        return look(a, err);
    if (rc == RS_OK)
        rc = state_path(a, "agent.lock", path, err);
    if (rc == RS_OK)
        rc = rs_file_open(path, RS_OPEN_CREATE, &a->lock_fd, err);
    if (rc == RS_OK && rs_file_lock(a->lock_fd, NULL) != RS_OK)
        rc = rs_fail(err, RS_E_AGENT_RUNNING, "another agent works in %.120s", a->config->state);
    if (rc == RS_OK)
        rc = rs_dir_list(a->config->state, remove_temporary, a, err);
    if (rc == RS_OK)
        rc = find_current(a, err);
    if (rc == RS_OK)
        rc = sync_home(a, err);
    if (rc == RS_OK)
        load_memory(a);
    else
        state_close(a);
    return rc;
}

void
state_close(struct agent *a)
{
    if (a->lock_fd >= 0)
        rs_file_close(a->lock_fd);
    a->lock_fd = -1;
}

rs_code
state_read(const struct agent *a, const char *name, struct rs_buf *out, struct rs_err *err)
{
    char path[AGENT_PATH_MAX];
    rs_code rc;

    if (!a->current.is_there)
        return rs_fail(err, RS_E_AGENT_NO_IDENTITY, "no operational certificate was issued yet");
    rc = rs_path_join(a->current.dir, name, path, sizeof(path), err);
    return rc == RS_OK ? rs_file_read(path, AGENT_FILE_MAX, out, err) : rc;
}

/* ---- The next one ---------------------------------------------------------------------------------- */

static rs_code
next_dir(const struct agent *a, unsigned slot, char dir[AGENT_PATH_MAX], struct rs_err *err)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "next-%u", slot);
    return state_path(a, name, dir, err);
}

rs_code
state_pending(struct agent *a, unsigned slot, struct rs_buf *ret_csr, struct rs_err *err)
{
    char dir[AGENT_PATH_MAX], path[AGENT_PATH_MAX];
    rs_code rc = next_dir(a, slot, dir, err);

    rs_buf_reset(ret_csr);
    if (rc == RS_OK)
        rc = rs_path_join(dir, REQUEST, path, sizeof(path), err);
    if (rc == RS_OK && rs_path_exists(path))
        rc = rs_file_read(path, AGENT_FILE_MAX, ret_csr, err);
    return rc;
}

rs_code
state_drop_pending(struct agent *a, struct rs_err *err)
{
    char dir[AGENT_PATH_MAX];
    rs_code rc = RS_OK;

    for (unsigned slot = 0; slot < AGENT_SLOTS && rc == RS_OK; slot++) {
        rc = next_dir(a, slot, dir, err);
        if (rc == RS_OK)
            rc = rs_dir_remove(dir, err);
    }
    return rc;
}

rs_code
state_begin(struct agent *a, unsigned slot, struct rs_bytes csr, struct rs_err *err)
{
    char dir[AGENT_PATH_MAX], path[AGENT_PATH_MAX];
    rs_code rc = state_drop_pending(a, err);

    if (rc == RS_OK)
        rc = next_dir(a, slot, dir, err);
    if (rc == RS_OK)
        rc = rs_dir_make(dir, 0755, err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, REQUEST, path, sizeof(path), err);
    if (rc == RS_OK)
        rc = rs_file_make(path, csr, 0600, err);
    if (rc == RS_OK)
        rc = rs_dir_sync(dir, err);
    return rc == RS_OK ? rs_dir_sync(a->config->state, err) : rc;
}

static rs_code
make_file(const char *dir, const char *name, struct rs_bytes bytes, struct rs_err *err)
{
    char path[AGENT_PATH_MAX];
    rs_code rc = rs_path_join(dir, name, path, sizeof(path), err);

    if (rc == RS_OK)
        rc = rs_file_remove(path, err); /* of a try that did not end */
    return rc == RS_OK ? rs_file_make(path, bytes, 0644, err) : rc;
}

/* The names that other programs know; made once, before they lead anywhere. */
static rs_code
publish(const struct agent *a, struct rs_err *err)
{
    char path[AGENT_PATH_MAX], target[64], there[64];
    rs_code rc = RS_OK;

    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]) && rc == RS_OK; i++) {
        rc = state_path(a, published[i], path, err);
        (void)snprintf(target, sizeof(target), CURRENT "/%s", published[i]);
        if (rc == RS_OK &&
            (rs_link_read(path, there, sizeof(there), NULL) != RS_OK || strcmp(there, target) != 0))
            rc = rs_link_replace(target, path, err);
    }
    return rc;
}

rs_code
state_finish(struct agent *a, unsigned slot, struct rs_bytes cert_pem, struct rs_bytes chain_pem,
             struct rs_bytes key_pem, struct rs_err *err)
{
    struct rs_bytes bytes[] = {cert_pem, chain_pem, key_pem};
    struct generation g = {.is_there = 1, .number = a->current.number + 1, .slot = slot};
    char dir[AGENT_PATH_MAX];
    rs_code rc = next_dir(a, slot, dir, err);

    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]) && rc == RS_OK; i++)
        rc = make_file(dir, published[i], bytes[i], err);
    if (rc == RS_OK)
        rc = rs_dir_sync(dir, err);
    if (rc == RS_OK)
        rc = publish(a, err);
    if (rc == RS_OK)
        rc = set_dir(a, &g, err);
    if (rc == RS_OK)
        rc = rs_path_rename(dir, g.dir, err);
    return rc == RS_OK ? turn_to(a, &g, err) : rc;
}
