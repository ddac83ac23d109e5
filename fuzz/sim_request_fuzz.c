/*
 * sim_request_fuzz.c: a hostile client at the simulator socket.
 *
 * A case is a row of frames as they come over the socket.  Each gets one answer
 * of its own operation, whole and with the length that it says, or ends the
 * connection.  The panel stands for the whole run, as it does behind a socket.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "sims/panel/panel.h"
#include "sims/panel/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim_panel *
make_panel(void)
{
    const struct sim_panel_options options = {.real_time = 0};
    struct sim_panel *panel = NULL;
    struct sim_chip *chip;

    if (sim_panel_new(&options, &panel, NULL) != RS_OK ||
        sim_panel_add(panel, "a/a", "blank608b", &chip, NULL) != RS_OK ||
        sim_panel_add(panel, "a/t", "blank-ta100", &chip, NULL) != RS_OK)
        abort();
    return panel;
}

static void
check_answer(const struct rs_buf *out, unsigned op)
{
    if (out->len < 4 || rs_get_u16(out->p) != out->len - 2 || out->p[2] != op || out->p[3] > 7)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sim_panel *panel;
    struct sim_session session;
    struct rs_reader r;
    struct rs_buf out;

    if (panel == NULL)
        panel = make_panel();
    sim_session_init(&session, panel, "socket");
    rs_buf_init(&out, SIM_ANSWER_MAX + 2);
    rs_reader_init(&r, rs_bytes_of(data, size));
    while (r.left > 0) {
        struct rs_bytes request = rs_read_u16_bytes(&r, SIM_REQUEST_MAX);

        if (!rs_reader_ok(&r) || request.len == 0 || !sim_session_answer(&session, request, &out))
            break;
        check_answer(&out, request.p[0]);
    }
    sim_session_done(&session);
    rs_buf_done(&out);
    return 0;
}
