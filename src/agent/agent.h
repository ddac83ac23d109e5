/*
 * agent.h: the device's side: gets an identity, keeps it fresh, never loses it.
 *
 *     struct agent *agent;
 *
 *     rc = agent_open(&config, &agent, err);
 *     if (rc == RS_OK)
 *         rc = agent_enroll(agent, 0, err);     no identity yet: the first one
 *     if (rc == RS_OK)
 *         rc = agent_renew(agent, 0, err);      the next one, whenever it is wanted
 *     agent_close(agent);
 *
 * The IDevID is the maker's and is never changed here, except that it is asked
 * for where there is none.  The LDevID lives in two slots of the chip, of which
 * one is in use; a new key is made in the other, and only when its certificate
 * is on the disk and the key has signed does the agent turn to it, by the
 * rename of one symbolic link.  At every moment one identity works.
 *
 * On the disk (config.state):
 *   current        link to the generation in use
 *   id-N-SLOT/     a generation: request.csr ldevid.pem chain.pem ldevid.key
 *   next-SLOT/     one that is being made; survives a crash, is never used
 *   ldevid.pem chain.pem ldevid.key    links into current, for other programs
 *   trust.pem      roots, which count only if the chip names them (client/anchor.h)
 *   state.json     when the server was last heard, and how the last try went
 *
 * One thread at a time; other processes are kept out by a lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "base/bytes.h"

#define AGENT_TEXT_MAX 256
#define AGENT_ARGV_MAX 16

/* How a device that has no identity of this installation comes to one. */
enum agent_first {
    AGENT_FIRST_IDEVID = 0, /* the maker's, from the line: nothing to do */
    AGENT_FIRST_TOKEN = 1,  /* a one-time code, or any user and password, over HTTP Basic */
    AGENT_FIRST_TPM = 2,    /* the TPM's endorsement (src/attest) */
};

/* A step of something long, for people: "key", "ldevid/1 made in the chip". */
typedef void (*agent_say_fn)(void *arg, const char *what, const char *text);

/* What agent.yaml says, and who listens.  Text lives as long as the agent. */
struct agent_config {
    const char *server; /* "https://host:port" */
    const char *label;  /* EST label: a product or profile; "" the server's default */
    const char *trust;  /* PEM of roots for a chip that has none yet; NULL: only the chip counts */
    const char *rot;    /* name of the chip (rot/linux.h); "auto" */
    /* File with the secret of its part's channel; NULL: what $ROOTSMITH_CHANNEL_SECRET names. */
    const char *channel_secret;
    const char *state; /* directory */
    const char *name;  /* common name to ask for; NULL: the device's serial */
    enum agent_first first;
    const char *token; /* file with the code, or "user:password" */
    int same_key;      /* renew without a new key */
    int binding;       /* bind requests to the connection (RFC 7030 3.5, RFC 9266) */
    int64_t renew_percent, jitter_percent;    /* of a certificate's life */
    int64_t retry_s, retry_max_s;             /* first and longest wait after a failure */
    int64_t check_s;                          /* how often roots are looked at */
    const char *on_renew[AGENT_ARGV_MAX + 1]; /* argv; [0] NULL: none */
    const char *run_as;                       /* a user; NULL: who runs the agent */
    int look_only;    /* for agent_status(): beside a running agent, changes nothing */
    agent_say_fn say; /* NULL: nobody listens */
    void *say_arg;
};

struct agent;

/* Opens state and chip.  RS_E_STORE_BUSY: another agent runs on this directory. */
RS_MUST_USE rs_code agent_open(const struct agent_config *config, struct agent **ret_agent,
                               struct rs_err *err);
void agent_close(struct agent *agent); /* NULL is fine */

/*
 * Get the first operational identity.  Does nothing when there is one that works,
 * unless anew: the IDevID (or what first says) then gets another one.
 * RS_E_NET_TRUST, RS_E_AUTH_..., what the server refuses by its code.
 */
RS_MUST_USE rs_code agent_enroll(struct agent *agent, int anew, struct rs_err *err);
/* Get the next certificate; same_key: over the key in use, else over a new one. */
RS_MUST_USE rs_code agent_renew(struct agent *agent, int same_key, struct rs_err *err);
/* Fetch the server's CA certificates and follow a roll-over of the root. */
RS_MUST_USE rs_code agent_update_trust(struct agent *agent, int *ret_changed, struct rs_err *err);

/* Let other programs know of the new certificate: on_renew.  RS_E_AGENT_HOOK: it did not end with 0. */
RS_MUST_USE rs_code agent_hook(struct agent *agent, struct rs_err *err);

/* One round: what is due, is done.  *ret_wait_s: until the next one. */
RS_MUST_USE rs_code agent_round(struct agent *agent, int64_t *ret_wait_s, struct rs_err *err);

/* ---- What there is ---------------------------------------------------------------------- */

struct agent_certificate {
    int is_there;
    int works; /* key in the chip and certificate belong together, and its time is not over */
    char object[32], subject[AGENT_TEXT_MAX], issuer[AGENT_TEXT_MAX], serial[48];
    int64_t not_before, not_after, renew_at;
};

struct agent_status {
    char chip[64], uid[72], device[AGENT_TEXT_MAX];
    struct agent_certificate idevid, ldevid;
    int64_t spare;                       /* slot that is free for the next key; -1: none */
    unsigned anchors;                    /* roots that count and are at hand */
    int anchors_in_chip;                 /* the chip names them; else the configuration does */
    int64_t heard_at;                    /* last answer of the server; 0: never */
    int64_t tried_at, next_at;           /* last failure, and the next try; 0: none */
    char code[64], text[AGENT_TEXT_MAX]; /* of the last failure; "" after success */
    int clock_behind;                    /* the clock shows a time that cannot be */
    int64_t now;                         /* what the agent takes for the time */
};
RS_MUST_USE rs_code agent_status(struct agent *agent, struct agent_status *ret_status,
                                 struct rs_err *err);

/* A mutual TLS connection to any server with the identity in use; each step is said. */
RS_MUST_USE rs_code agent_test(struct agent *agent, const char *url, struct rs_err *err);

#endif /* AGENT_AGENT_H */
