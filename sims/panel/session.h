/*
 * session.h: one connection of the simulator socket, message by message.
 *
 * Bytes in, bytes out, no descriptor: the caller reads frames from wherever
 * they come and hands over what follows the length field.  The protocol is
 * docs/protocols/simulator.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_PANEL_SESSION_H
#define SIMS_PANEL_SESSION_H

#include "base/bytes.h"
#include "sims/panel/panel.h"

#define SIM_REQUEST_MAX 16384
#define SIM_ANSWER_MAX  65535
#define SIM_VERSION     2 /* the highest; 1 is spoken too */

struct sim_session {
    struct sim_panel *panel;
    const char *socket;    /* as shown by "list" */
    unsigned version;      /* 0 before HELLO */
    int own_time;          /* the client waits by itself: see CLOCK */
    int spi_held;          /* the chip is selected, and let go with the connection */
    struct sim_bus *bus;   /* NULL before OPEN */
    struct sim_chip *chip; /* NULL: the whole bus */
    uint32_t speed_hz;
};

void sim_session_init(struct sim_session *s, struct sim_panel *panel, const char *socket);

/* The connection is gone. */
void sim_session_done(struct sim_session *s);

/*
 * Answer one request (op and body, without its length).  The whole answer, with
 * length, is put into out, which is reset first and needs room for
 * SIM_ANSWER_MAX + 2.  0: close the connection (the first request was no HELLO).
 */
int sim_session_answer(struct sim_session *s, struct rs_bytes request, struct rs_buf *out);

#endif /* SIMS_PANEL_SESSION_H */
