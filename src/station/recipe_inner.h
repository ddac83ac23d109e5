/*
 * recipe_inner.h: what the files of the recipe share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_RECIPE_INNER_H
#define STATION_RECIPE_INNER_H

#include <rot/rot_driver.h>

#include "client/anchor.h"
#include "crypto/pub.h"
#include "station/recipe.h"
#include "x509/cert.h"

#define RECIPE_UNREAD_MAX 3

struct recipe {
    const struct recipe_job *job;
    struct recipe_result *result;
    struct rot_identity identity;
    struct memory_chip known;     /* from the journal, at the start */
    struct rot_capability idevid; /* of ROT_IDEVID */
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    size_t spki_len;
    struct rs_buf stored; /* the certificate that the chip has; empty: none */
    int is_configured;    /* the configuration seal was set before this run */
    int is_sealed;        /* the data seal was set before this run */
    int has_no_place;     /* this part lacks what the layout has for the identity's certificate */
    int is_genuine;       /* proved to the server in this run; its nonce: */
    uint8_t nonce[32];
    uint8_t proof_id[16]; /* of the server's challenge to a part */
    int has_proof;
    int wrote; /* this run changed the chip or got an identity */
    /* What went into a part on a bus that anybody may join, and is read there before the board passes. */
    struct {
        rot_object obj;
        enum rot_part part;
        struct rs_bytes bytes;
    } unread[RECIPE_UNREAD_MAX];
    unsigned unread_count;
    uint8_t anchor[ANCHOR_DIGEST_SIZE];
    uint8_t attestation
        [ROT_PUBLIC_KEY_MAX]; /* the part's own key that speaks for it, where the host makes it */
    size_t attestation_len;
    int was_paired;    /* in this run */
    int is_chips_word; /* that it failed is what the chip said */
};

/* What a chip's refusal means at this point; names the step's doing in the text. */
rs_code recipe_chip_fail(struct recipe *r, rot_err rot, const char *what, struct rs_err *err);

/*
 * Is the part that answers now the one that this board began with?  Asked before whatever binds
 * the two for good; RS_E_CHIP_INTERRUPTED: boards were exchanged.
 */
rs_code recipe_same_part(struct recipe *r, struct rs_err *err);

/* Endorsement (recipe_genuine.c). */
rs_code recipe_genuine(struct recipe *r, struct rs_err *err);
/* What a TPM says about its identity's key, over the nonce; nothing for other parts. */
rs_code recipe_evidence(struct recipe *r, struct rs_buf *out, struct rs_err *err);

/* The same for parts with a certificate of their maker (recipe_proof.c). */
rs_code recipe_prove(struct recipe *r, struct rs_err *err);
rs_code recipe_proof(struct recipe *r, struct rs_buf *out, struct rs_err *err);

/* The channel (recipe_channel.c): before its configuration, or once its identity is granted; each part has its time. */
rs_code recipe_pair(struct recipe *r, struct rs_err *err);
rs_code recipe_pair_late(struct recipe *r, struct rs_err *err);
/* Is that secret in the part that is finished now? */
rs_code recipe_pair_check(struct recipe *r, struct rs_err *err);

/* Seals (recipe_seal.c). */
const struct rot_layout *recipe_layout(const struct recipe *r);
rs_code recipe_configure(struct recipe *r, struct rs_err *err);
rs_code recipe_lock(struct recipe *r, struct rs_err *err);
/* On a bus that anybody may join: is the finished part sealed? */
rs_code recipe_check_sealed(struct recipe *r, struct rs_err *err);
/* The durable record before a seal: from here on the chip is known as this station's. */
rs_code recipe_note_seal(struct recipe *r, enum rot_stage stage, rot_object obj,
                         struct rs_err *err);
/* 1 when the layout of this chip takes that seal. */
int recipe_takes_stage(const struct recipe *r, enum rot_stage stage);

/* Objects (recipe_object.c). */
/* A whole object into out; RS_OK with nothing in out when the place is empty or missing. */
rs_code recipe_read_object(struct recipe *r, rot_object obj, enum rot_part part, struct rs_buf *out,
                           struct rs_err *err);
rs_code recipe_write(struct recipe *r, struct rs_err *err);
/* Is what was written in there?  Before the seal, or after it in parts that show nothing before. */
rs_code recipe_check_unread(struct recipe *r, struct rs_err *err);

/* Key, certificate, challenge (recipe_key.c). */
/* Is the key that speaks for the part in it, while it can still be made? */
rs_code recipe_check_attestation(struct recipe *r, struct rs_err *err);
rs_code recipe_key(struct recipe *r, struct rs_err *err);
rs_code recipe_certificate(struct recipe *r, struct rs_err *err);
rs_code recipe_check(struct recipe *r, struct rs_err *err);

#endif /* STATION_RECIPE_INNER_H */
