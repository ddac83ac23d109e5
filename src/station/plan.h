/*
 * plan.h: what a run would do to the part in a nest, without doing it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_PLAN_H
#define STATION_PLAN_H

#include "station/memory.h"
#include "station/recognise.h"

#define PLAN_STEPS_MAX 32

enum plan_kind {
    PLAN_PROVE = 1,  /* ask the part something; changes nothing */
    PLAN_MAKE = 2,   /* a key, inside of it */
    PLAN_ASK = 3,    /* an identity, of the order */
    PLAN_WRITE = 4,  /* what can be written again */
    PLAN_SECRET = 5, /* its own secret for its channel: who loses that loses the part */
    PLAN_LOCK = 6,   /* for good */
};

struct plan_step {
    enum plan_kind kind;
    char what[80]; /* "lock the configuration" */
};

struct plan {
    struct plan_step steps[PLAN_STEPS_MAX];
    size_t count;
    size_t irreversible; /* of them */
    rs_code code;        /* RS_OK, or what the board would end with instead */
    char text[240];      /* why */
};

/* What stays for good when boards of that model and layout ("" default) are made; "" for nothing. */
void plan_irreversible(const char *model, const char *layout, char *out, size_t cap);

struct plan_job {
    const char *device; /* "": no label was read */
    const char *order, *model;
    int proves_maker; /* the order, or the station, wants to know */
    int has_root, has_firmware_key, has_channel_secret;
    const struct memory_chip *known; /* of the journal; NULL: nothing */
};

/* The steps for an open chip that was recognised.  Reads only. */
void plan_make(struct rot_chip *chip, const struct recognised *what, const struct plan_job *job,
               struct plan *ret_plan);
/* The same where nothing could be opened: it would end with that. */
void plan_refuse(rs_code code, const char *text, struct plan *ret_plan);

const char *plan_kind_name(enum plan_kind kind); /* "lock" */
int plan_is_irreversible(enum plan_kind kind);

#endif /* STATION_PLAN_H */
