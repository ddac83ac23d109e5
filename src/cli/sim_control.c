/*
 * sim_control.c: see sim_control.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/sim_control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/sock.h"

#define OP_HELLO     0x01
#define OP_CONTROL   0x20
#define VERSION      1
#define REQUEST_MAX  16384
#define CONNECT_MS   2000
#define SOCKET_BYTES 108 /* of a sockaddr_un */

/* The answer's status, and its body. */
static rs_code
read_answer(int fd, uint8_t *ret_status, struct rs_buf *body, struct rs_err *err)
{
    uint8_t head[4], *room;
    rs_code rc = rs_sock_read(fd, head, sizeof(head), err);
    size_t len = rs_get_u16(head);

    if (rc == RS_OK && len < 2)
        return rs_fail(err, RS_E_NET_UNREACHABLE, "rot-sim: an answer that is no answer");
    if (rc != RS_OK)
        return rc;
    *ret_status = head[3];
    rs_buf_reset(body);
    if (len == 2)
        return RS_OK;
    room = rs_buf_extend(body, len - 2);
    return room == NULL ? rs_fail(err, RS_E_NO_MEMORY, "rot-sim: no memory for an answer")
                        : rs_sock_read(fd, room, len - 2, err);
}

static rs_code
exchange(int fd, unsigned op, struct rs_bytes request, uint8_t *ret_status, struct rs_buf *body,
         struct rs_err *err)
{
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf out;
    rs_buf_init(&out, REQUEST_MAX + 3);
    rs_buf_put_u16(&out, (unsigned)request.len + 1);
    rs_buf_put_u8(&out, op);
    rs_buf_put_bytes(&out, request);
    if (!rs_buf_ok(&out) || request.len + 1 > REQUEST_MAX)
        return rs_fail(err, RS_E_USAGE, "rot-sim: the request is too long");
    rc = rs_sock_write(fd, rs_buf_bytes(&out), err);
    return rc == RS_OK ? read_answer(fd, ret_status, body, err) : rc;
}

rs_code
sim_control_open(struct sim_control *c, const char *socket, struct rs_err *err)
{
    static const uint8_t hello[] = {'R', 'O', 'T', 'S', 'I', 'M', VERSION};
    char address[SOCKET_BYTES + 8];
    uint8_t status = 1;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf body;
    rs_buf_init(&body, 65536);
    (void)snprintf(address, sizeof(address), "unix:%s", socket);
    c->fd = -1;
    rc = rs_sock_connect(address, CONNECT_MS, &c->fd, NULL);
    if (rc != RS_OK)
        return rs_fail(err, RS_E_NET_UNREACHABLE,
                       "no rot-sim answers on %.108s; start one: rot-sim panel FILE", socket);
    rc = exchange(c->fd, OP_HELLO, RS_BYTES(hello), &status, &body, err);
    if (rc == RS_OK && status != 0)
        rc = rs_fail(err, RS_E_NET_UNREACHABLE, "%.108s is no rot-sim of version %d", socket,
                     VERSION);
    if (rc != RS_OK)
        sim_control_close(c);
    return rc;
}

void
sim_control_close(struct sim_control *c)
{
    if (c->fd >= 0)
        rs_sock_close(c->fd);
    c->fd = -1;
}

rs_code
sim_control_ask(struct sim_control *c, json_t *request, json_t **ret_answer, struct rs_err *err)
{
    uint8_t status = 1;
    rs_code rc;

    RS_AUTO(rs_json_done) json_t *owned = request;
    RS_AUTO(rs_buf_done) struct rs_buf text, body;
    rs_buf_init(&text, REQUEST_MAX);
    rs_buf_init(&body, 65536);
    if (owned == NULL)
        return rs_fail(err, RS_E_USAGE, "rot-sim: a request that is not UTF-8");
    rs_json_put(&text, owned);
    rc = exchange(c->fd, OP_CONTROL, rs_buf_bytes(&text), &status, &body, err);
    if (rc != RS_OK)
        return rc;
    if (status != 0)
        return rs_fail(err, RS_E_USAGE, "%.*s", (int)(body.len > 200 ? 200 : body.len),
                       (const char *)body.p);
    return rs_json_read(rs_buf_bytes(&body), ret_answer, err);
}

static const char *
first_set(const char *a, const char *b)
{
    const char *value = getenv(a);

    if (value == NULL || value[0] == '\0')
        value = getenv(b);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

rs_code
sim_control_socket(const char *name, char *out, struct rs_err *err)
{
    const char *hash = name != NULL ? strrchr(name, '#') : NULL;
    const char *set = first_set("ROOTSMITH_SIM_SOCKET", "ROT_SIM_SOCKET");
    const char *dir = getenv("XDG_RUNTIME_DIR");
    int n;

    if (hash != NULL)
        n = snprintf(out, SOCKET_BYTES, "%.*s", (int)(hash - name), name);
    else if (set != NULL)
        n = snprintf(out, SOCKET_BYTES, "%s", set);
    else if (dir != NULL && dir[0] != '\0')
        n = snprintf(out, SOCKET_BYTES, "%s/rot-sim.sock", dir);
    else
        n = snprintf(out, SOCKET_BYTES, "/tmp/rot-sim-%u.sock", (unsigned)getuid());
    return n > 0 && n < SOCKET_BYTES
               ? RS_OK
               : rs_fail(err, RS_E_USAGE, "the path of the simulator's socket is too long");
}
