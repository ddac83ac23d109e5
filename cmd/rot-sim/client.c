/*
 * client.c: one control request to a running rot-sim.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/sock.h"
#include "rot_sim.h"
#include "sims/panel/session.h"

#define CONNECT_MS 2000

static const uint8_t hello[] = {0x00, 0x08, 0x01, 'R', 'O', 'T', 'S', 'I', 'M', 1};

/* One answer: op and status go to head, the rest to body. */
static rs_code
read_answer(int fd, uint8_t head[2], struct rs_buf *body, struct rs_err *err)
{
    uint8_t len_bytes[2], *room;
    rs_code rc = rs_sock_read(fd, len_bytes, 2, err);
    size_t len = rs_get_u16(len_bytes);

    if (rc == RS_OK && len < 2)
        return rs_fail(err, RS_E_NET_UNREACHABLE, "rot-sim: an answer that is no answer");
    if (rc == RS_OK)
        rc = rs_sock_read(fd, head, 2, err);
    rs_buf_reset(body);
    room = rc == RS_OK ? rs_buf_extend(body, len - 2) : NULL;
    if (rc == RS_OK && len > 2)
        rc = room == NULL ? rs_fail(err, RS_E_NO_MEMORY, "rot-sim: no memory for an answer")
                          : rs_sock_read(fd, room, len - 2, err);
    return rc;
}

static rs_code
exchange(int fd, const json_t *request, struct rs_buf *body, uint8_t head[2], struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf out;
    rs_code rc;

    rs_buf_init(&out, SIM_REQUEST_MAX + 2);
    rs_buf_put(&out, hello, sizeof(hello));
    rs_buf_put_u16(&out, 0);
    rs_buf_put_u8(&out, 0x20);
    rs_json_put(&out, request);
    if (!rs_buf_ok(&out))
        return rs_fail(err, RS_E_USAGE, "rot-sim: the request is too long");
    rs_set_u16(out.p + sizeof(hello), (unsigned)(out.len - sizeof(hello) - 2));
    rc = rs_sock_write(fd, rs_buf_bytes(&out), err);
    if (rc == RS_OK)
        rc = read_answer(fd, head, body, err);
    if (rc == RS_OK && head[1] != 0)
        return rs_fail(err, RS_E_NET_UNREACHABLE, "rot-sim: it speaks another version");
    return rc == RS_OK ? read_answer(fd, head, body, err) : rc;
}

rs_code
client_ask(const char *socket, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf body;
    char address[300];
    uint8_t head[2] = {0};
    int fd = -1;
    rs_code rc;

    rs_buf_init(&body, SIM_ANSWER_MAX);
    (void)snprintf(address, sizeof(address), "unix:%s", socket);
    rc = rs_sock_connect(address, CONNECT_MS, &fd, NULL);
    if (rc != RS_OK)
        return rs_fail(err, RS_E_NET_UNREACHABLE,
                       "no rot-sim answers on %s; start one: rot-sim panel FILE", socket);
    rc = exchange(fd, request, &body, head, err);
    rs_sock_close(fd);
    if (rc != RS_OK)
        return rc;
    if (head[1] != 0)
        return rs_fail(err, RS_E_USAGE, "%.*s", (int)(body.len > 200 ? 200 : body.len),
                       (const char *)body.p);
    return rs_json_read(rs_buf_bytes(&body), ret_answer, err);
}
