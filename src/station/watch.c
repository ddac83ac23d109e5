/*
 * watch.c: adapters that are pulled and plugged in again while the line runs.
 *
 * Asked for twice a second, and when something failed in a nest: an answer that is half a
 * second old is early enough for a person, and needs nothing of the kernel but a directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "station/station_inner.h"

#define EVERY_US 500000u

/* The lock is held. */
static void
show_gone(struct fixture *fx, const char *why)
{
    fx->is_gone = fx->tile.is_gone = 1;
    (void)snprintf(fx->gone, sizeof(fx->gone), "%.150s", why);
    if (fx->tile.tile != TILE_BUSY)
        watch_tile(fx);
}

static void
show_back(struct fixture *fx)
{
    fx->is_gone = fx->tile.is_gone = 0;
    if (fx->tile.tile != TILE_OFF)
        return;
    fx->tile.tile = TILE_READY;
    fx->tile.operator_[0] = fx->tile.code[0] = fx->tile.class[0] = '\0';
}

void
watch_tile(struct fixture *fx)
{
    struct station_tile *t = &fx->tile;

    t->tile = TILE_OFF;
    t->what[0] = '\0';
    (void)snprintf(t->operator_, sizeof(t->operator_), "%.70s. Plug it in.", fx->gone);
    if (t->operator_[0] >= 'a' && t->operator_[0] <= 'z')
        t->operator_[0] = (char)(t->operator_[0] - 'a' + 'A');
    (void)snprintf(t->code, sizeof(t->code), "%s", rs_code_info(RS_E_FIXTURE_ABSENT)->name);
    (void)snprintf(t->class, sizeof(t->class), "%s", failure_find(RS_E_FIXTURE_ABSENT)->class);
}

static void
set_gone(struct fixture *fx, int is_gone, const char *why)
{
    struct station *st = fx->st;
    int changed;

    (void)pthread_mutex_lock(&st->lock);
    changed = fx->is_gone != is_gone;
    if (changed && is_gone)
        show_gone(fx, why);
    else if (changed)
        show_back(fx);
    if (changed)
        (void)pthread_cond_broadcast(&st->changed);
    (void)pthread_mutex_unlock(&st->lock);
    if (!changed)
        return;
    if (is_gone)
        events_note(st, NULL, "fixture.off",
                    json_pack("{s:s, s:s, s:s, s:s}", "fixture", fx->nest->name, "code",
                              rs_code_info(RS_E_FIXTURE_ABSENT)->name, "class",
                              failure_find(RS_E_FIXTURE_ABSENT)->class, "detail", why));
    else
        events_note(st, NULL, "fixture.on", json_pack("{s:s}", "fixture", fx->nest->name));
}

static void
look_at_adapter(struct station *st, size_t adapter)
{
    struct rs_err err = {0};
    int is_gone = wires_look(&st->wires, adapter, &err) != RS_OK;

    for (size_t i = 0; i < st->fixture_count; i++) {
        if (st->fixtures[i].nest->adapter == (int)adapter)
            set_gone(&st->fixtures[i], is_gone, err.text);
    }
}

void
watch_look(struct station *st)
{
    for (size_t i = 0; i < st->nests.adapter_count; i++)
        look_at_adapter(st, i);
}

int
watch_look_at(struct fixture *fx, struct rs_err *err)
{
    int is_gone;

    if (fx->nest->adapter < 0)
        return 0;
    look_at_adapter(fx->st, (size_t)fx->nest->adapter);
    (void)pthread_mutex_lock(&fx->st->lock);
    is_gone = fx->is_gone;
    if (is_gone)
        (void)rs_fail(err, RS_E_FIXTURE_ABSENT, "%s", fx->gone);
    (void)pthread_mutex_unlock(&fx->st->lock);
    return is_gone;
}

/* 0 when it is time to leave. */
static int
wait_a_little(struct station *st)
{
    uint64_t end_us = rs_mono_us() + EVERY_US;
    struct timespec until = {.tv_sec = (time_t)(end_us / 1000000u),
                             .tv_nsec = (long)(end_us % 1000000u) * 1000};
    int leave;

    (void)pthread_mutex_lock(&st->lock);
    while (!st->watcher_leaves && rs_mono_us() < end_us)
        (void)pthread_cond_clockwait(&st->changed, &st->lock, CLOCK_MONOTONIC, &until);
    leave = st->watcher_leaves;
    (void)pthread_mutex_unlock(&st->lock);
    return !leave;
}

void *
watch_thread(void *arg)
{
    while (wait_a_little(arg))
        watch_look(arg);
    return NULL;
}
