/*
 * recipe_bench.h: a board in a fixture, a server and a station's memory, for
 * the recipe to run with.
 *
 * The chip is the soft one behind a driver that counts calls, cuts the wire
 * before or after the n-th took effect, and lies as it is told; told so, it is
 * a secure element or a part with its maker's endorsement.  A test says what
 * is to happen, places the board, and reads how it ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_STATION_RECIPE_BENCH_H
#define TESTS_UNIT_STATION_RECIPE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <rot/linux.h>
#include <rot/rot_driver.h>

#include "crypto/key.h"
#include "station/recipe.h"

#define ELEMENT_UID "PART-0001" /* of the secure element, without its 0 byte */

/* Nothing is amiss where all is 0.  There is one at a time: a driver's calls know no other. */
struct world {
    /* ---- The chip's wire ---- */
    struct {
        unsigned calls;
        unsigned cut_at; /* 0: never */
        int after;       /* the n-th call took effect before the wire was cut */
        int is_dead;     /* until the board is placed again */
    } wire;

    /* ---- What a chip says once, or another that stood in its place for a moment ---- */
    struct {
        rot_object object; /* what is meant */
        enum rot_part part;
        unsigned refusals; /* so many writes get this answer */
        rot_err refusal;
        unsigned lost_writes;  /* so many are acknowledged and reach nobody */
        struct rs_bytes shows; /* the next read gives that */
        int is_away;           /* another is here from a lost write to that read */
        rot_err size_says;     /* the next question for the size gets that; ROT_OK: the truth */
        unsigned lost_seals;   /* so many seals of the data are acknowledged and reach nobody */
        unsigned bad_signs;    /* so many signatures are refused */
        int made_elsewhere;    /* the next attestation key is; 2: and another is here instead */
        unsigned opened, sealed_objects; /* counted */
    } once;

    /* ---- A chip that is another from a step on ---- */
    struct {
        enum recipe_step now; /* what the recipe is at */
        int signs_else;       /* at the end: something else than the challenge */
        int has_other_cert;   /* at the end: not what was written */
        int is_foreign;       /* sealed with something else than the layout */
        int hides_seals;      /* does not say what is sealed */
    } liar;

    /* ---- A secure element: what it does more than the soft chip, whose keys it has ---- */
    struct {
        int is_one;              /* the driver has the slots */
        int has_config;          /* its layout has a configuration to lock, */
        int is_configured;       /* which is */
        int is_plain;            /* anybody may join its bus: no channel before that */
        int has_speaker;         /* a key that speaks for the others, the host's to make */
        int has_life;            /* a life cycle to move, */
        unsigned moved;          /* which was, so often */
        int is_moved;            /* by somebody else */
        int has_secret;          /* the host has one for it */
        unsigned rotated;        /* how often it was given one */
        unsigned lacks_secret;   /* so often it has another when it is asked */
        enum recipe_step spoken; /* when it last said who its maker is */
        EVP_PKEY *maker_key;     /* both a test's to make, and freed by tear_down() */
        EVP_PKEY *own_key;
        unsigned exchanged_at; /* the question who it is from which on it is another; 0: never */
        unsigned uid_asked;    /* so many there were */
        const char *says_uid;  /* nine letters: whom its maker's certificate is for */
    } element;

    /* ---- A part with its maker's endorsement, as a TPM; the keys are the soft chip's ---- */
    struct {
        int is_one;          /* the driver has the slots */
        int has_no_cert;     /* nothing in its maker's place */
        int opens_nothing;   /* the challenge is for another part */
        int opens_something; /* and gives back the wrong secret */
    } tpm;

    /* ---- How the chip is opened ---- */
    int production;
    int seals_objects; /* its layout closes ROT_TRUST(0) and ROT_DATA(1), each by itself */

    /* ---- A server ---- */
    struct crypto_key *ca_key; /* signs what it issues */
    struct rs_buf ca;
    struct rs_bytes ca_list[1];
    /* Its record: certificates by key. */
    struct {
        uint8_t key_hash[32];
        char device[64];
        struct rs_buf cert;
    } issued[8];
    unsigned issued_count, asked;
    rs_code refuse_with; /* RS_OK: answer */
    int lose_answer;     /* issue, and then the line breaks */
    int wrong_key;       /* answer with the certificate of another board */
    unsigned challenged, answered;
    uint8_t nonce[32]; /* of the last challenge; its first byte counts */
    int is_open;       /* that challenge was answered */
    int forgets;       /* it was restarted before the next request */

    /* ---- The station ---- */
    char dir[64], chip_path[128]; /* the board that is in the fixture */
    struct memory *memory;
    uint64_t number, board;
    int journal_fails;
    int no_seals;      /* the journal takes no durable record of one */
    const char *order; /* NULL: o-1 */
    struct recipe_host host;
    struct recipe_result result; /* of the last board */
};

/* Fixture: *state is a new world with board 1, which is blank. */
int set_up(void **state);
int tear_down(void **state);

/* Put the board into the fixture, as this device, and record how it ended. */
rs_code place(struct world *w, const char *device, const char *model);
/* The board with that number, 1 or 2, is in the fixture. */
void change_board(struct world *w, unsigned n);

/* The station lost its journal (or is another one). */
void forget(struct world *w);
/* The server lost what it issued. */
void forget_server(struct world *w);
/* Both, and the board in the fixture has a new chip. */
void a_blank_board(struct world *w);

/* Open the chip by the soft driver itself; both are for the caller to close. */
void look(struct world *w, struct rot_linux *lin, struct rot_chip *chip);
/* Is its data? */
int is_sealed(struct world *w);

/* A certificate by element.maker_key over a key, with these basic constraints; its length. */
size_t maker_cert(const struct world *w, EVP_PKEY *key, struct rs_bytes serial, const char *ca,
                  uint8_t out[1024]);

#endif /* TESTS_UNIT_STATION_RECIPE_BENCH_H */
