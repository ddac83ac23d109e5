/*
 * recipe.h: from a blank chip to a sealed, proved identity, in resumable steps.
 *
 * Each step looks first and does only what is missing, so the whole recipe may
 * be run again at any time: after a power cut, on a finished board, on a board
 * that another fixture began.  Before each thing that cannot be undone the host
 * writes a durable record that says so.  A board that is complete already is
 * proved by a fresh challenge, and nothing is written (class D1).
 *
 * The recipe knows chips through librot only and the world through struct
 * recipe_host only, so tests run it against a failing chip and a made-up server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_RECIPE_H
#define STATION_RECIPE_H

#include <rot/rot.h>

#include "attest/makers.h"
#include "client/endorse.h"
#include "station/memory.h"

/* The steps, in order.  Their names stand in events and reports. */
enum recipe_step {
    STEP_CONTACT = 0,     /* who is it, was it here before */
    STEP_GENUINE = 1,     /* its maker's endorsement, proved to the server; parts that have one */
    STEP_PAIR = 2,        /* a secret of its own for its secure channel; parts that have one */
    STEP_CONFIGURE = 3,   /* configuration of the layout, sealed */
    STEP_KEY = 4,         /* key made in the chip */
    STEP_CERTIFICATE = 5, /* identity asked for */
    STEP_WRITE = 6,       /* certificate, chain, trust, firmware key */
    STEP_LOCK = 7,        /* data sealed */
    STEP_CHECK = 8,       /* challenge and read-back */
    STEP_COUNT = 9,
};

const char *recipe_step_name(enum recipe_step step); /* "certificate" */

/* What the recipe needs from outside.  All are called from the fixture's thread. */
struct recipe_host {
    void *arg;
    /* Write a record; durable: it is on disk when the call returns. */
    rs_code (*note)(void *arg, struct journal_record *record, int durable, struct rs_err *err);
    /* What is known of this chip, copied; all zero when nothing. */
    rs_code (*recall)(void *arg, struct rs_bytes uid, struct memory_chip *ret_chip,
                      struct rs_err *err);
    /* Whether another chip belongs to that device serial already; may be NULL. */
    enum memory_holder (*holder)(void *arg, const char *device, struct rs_bytes uid);
    /* Ask for the identity; waits and asks again while the server says "later". */
    rs_code (*enroll)(void *arg, const char *order, struct rs_bytes csr, struct rs_buf *ret_cert,
                      struct rs_err *err);
    /* For parts with an endorsement: let it be challenged, and say what the part gave back. */
    rs_code (*challenge)(void *arg, const char *order, struct rs_bytes ek_cert, struct rs_bytes iak,
                         struct client_challenge *ret_challenge, struct rs_err *err);
    rs_code (*answer)(void *arg, const char *id, struct rs_bytes secret, struct rs_err *err);
    /* For parts with their maker's certificate: a nonce, and what the part said over it. */
    rs_code (*part_challenge)(void *arg, const char *order, struct rs_bytes uid,
                              struct client_challenge *ret_challenge, struct rs_err *err);
    rs_code (*part_answer)(void *arg, const char *id, unsigned format, struct rs_bytes evidence,
                           struct rs_err *err);
    int asks_part;                /* the server wants that */
    const struct makers *vendors; /* that the station believes by itself; NULL: it does not judge */
    /* A step begins. */
    void (*progress)(void *arg, enum recipe_step step);
    /* CA certificates, DER, and which of them is the root. */
    const struct rs_bytes *ca_certs;
    size_t ca_count;
    struct rs_bytes root;
    struct rs_bytes
        firmware_key; /* SubjectPublicKeyInfo that firmware is verified with; may be empty */
};

struct recipe_job {
    const char *fixture;
    const char *device; /* the serial from the label */
    const char *order;
    const char *model; /* that the order wants: "atecc608b" */
    uint64_t board;    /* number of the board at this station */
    struct rot_chip *chip;
    const struct recipe_host *host;
};

/* How it went.  Zero-initialise; recipe_result_done() frees. */
struct recipe_result {
    rs_code code; /* RS_OK: made; RS_E_BOARD_DONE: it was complete before; else why not */
    struct rs_err err;
    enum recipe_step step; /* where it ended */
    rs_code again; /* what it failed with before it was begun anew by itself; RS_OK: nothing */
    char model[ROT_NAME_MAX];
    uint8_t uid[ROT_UID_MAX];
    size_t uid_len;
    int began;               /* the chip was taken up: a begin record is written */
    int was_irreversible;    /* something was done that cannot be undone */
    int identity_used;       /* a certificate was signed for it */
    int was_finished;        /* it passed before: nothing that ends badly now takes that back */
    struct rs_buf cert;      /* DER, once it is known */
    unsigned again_count[2]; /* how often C1 and F1 were answered with AGAIN before */
    int64_t took_us[STEP_COUNT];
};

void recipe_result_done(struct recipe_result *result);

/* Run all steps, or up to the first that fails. */
void recipe_run(const struct recipe_job *job, struct recipe_result *result);

#endif /* STATION_RECIPE_H */
