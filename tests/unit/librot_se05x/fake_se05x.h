/*
 * fake_se05x.h: the other end of the SE05x driver, for its tests: far ends of T=1 and
 * of SCP03 written from the reference with OpenSSL's primitives, and an applet that
 * keeps objects and answers with bytes of the right form.  It makes no keys and
 * no signatures that hold.
 *
 * A test may change an answer before it is protected (`lie`), the block that carries
 * it (`tamper`), take the part's power away at a certain command (`cut_at`), or look at
 * every command in the clear (`seen`, `last`).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_SE05X_FAKE_SE05X_H
#define TESTS_UNIT_LIBROT_SE05X_FAKE_SE05X_H

#include <rot/rot_transport.h>

#define FAKE_OBJECTS 48
#define FAKE_DATA    2100
#define FAKE_APDU    1400

struct fake_object {
    uint32_t id; /* 0: free */
    uint8_t type;
    uint8_t curve;
    uint8_t origin;
    uint8_t transient;
    uint8_t has_policy;
    uint32_t rights;
    size_t len;
    uint8_t data[FAKE_DATA];
};

/* An answer in the clear. */
struct fake_answer {
    uint8_t p[FAKE_APDU];
    size_t len;
    uint16_t sw;
};

struct fake_se05x {
    struct rot_transport transport;
    uint8_t version[3];
    uint8_t curves; /* bits 1 << curve: set up, with all parameters */
    uint8_t half_curves;
    uint8_t refuses_half; /* a half-told curve is not listed, and cannot be created again */
    uint8_t configuration[12];
    struct fake_object objects[FAKE_OBJECTS];
    uint8_t keys[48], key_version;
    int has_domain; /* the security domain can be selected */
    int hides_uid;  /* nothing in the clear but the channel */
    uint8_t answer_to_verify;

    /* T=1. */
    uint8_t queue[300];
    size_t queue_len, queue_pos;
    uint8_t last[300];
    size_t last_len;
    uint8_t ns, nr;
    uint8_t in[FAKE_APDU], out[FAKE_APDU];
    size_t in_len, out_len, out_pos;
    unsigned wtx; /* requests for time before the next answer */
    int is_dead;

    /* SCP03. */
    int is_selected, is_challenged, is_secure;
    uint8_t host[8], enc[16], mac[16], rmac[16], chain[16];
    uint32_t counter;

    /* What happened. */
    unsigned commands, writes, waited_ms, clear_commands;
    uint8_t seen[FAKE_APDU]; /* the last command in the clear, as the applet got it */
    size_t seen_len;
    unsigned bad_macs;

    /* What is different from an honest part; all optional. */
    void *arg;
    void (*lie)(void *arg, const uint8_t *command, size_t len, struct fake_answer *a);
    /* The block that is about to be queued; gives its new length. */
    size_t (*tamper)(void *arg, uint8_t *block, size_t len, size_t cap);
    unsigned cut_at; /* this command, counting from 1, is the last: 0 for none */
    int cut_before;  /* and it is not run */
    int is_cheap; /* for fuzzing, without crypto: MACs are 0xcc ^ the key, encryption changes nothing */
};

/* A part as delivered: applet 7.2, published keys, its maker's key and certificate. */
void fake_init(struct fake_se05x *f);
/* The same with an applet 3.1. */
void fake_init_old(struct fake_se05x *f);

/* After a cut: everything volatile is gone. */
void fake_power_on(struct fake_se05x *f);

struct fake_object *fake_find(struct fake_se05x *f, uint32_t id);
struct fake_object *fake_add(struct fake_se05x *f, uint32_t id, uint8_t type, const void *p,
                             size_t len);

#endif /* TESTS_UNIT_LIBROT_SE05X_FAKE_SE05X_H */
