/*
 * sock.h: sockets, the only way to them, and descriptors over Unix sockets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SOCK_H
#define BASE_SOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Two connected SEQPACKET ends, close-on-exec, with send and receive buffers of buf_size. */
RS_MUST_USE rs_code rs_sock_pair(size_t buf_size, int ret_fd[2], struct rs_err *err);

/*
 * Listen on "host:port", "[v6]:port" or "unix:PATH".  Non-blocking.
 * RS_E_PORT_IN_USE names the port.  Port 0 picks one: see rs_sock_port().
 */
RS_MUST_USE rs_code rs_sock_listen(const char *address, int backlog, int *ret_fd,
                                   struct rs_err *err);
int rs_sock_port(int fd); /* -1 for a Unix socket */
/* Connect, blocking, within timeout_ms: RS_E_NET_UNREACHABLE with the reason. */
RS_MUST_USE rs_code rs_sock_connect(const char *address, unsigned timeout_ms, int *ret_fd,
                                    struct rs_err *err);
void rs_sock_close(int fd); /* -1 is fine */
/*
 * The next connection of a listening socket, blocking from then on.  *ret_fd is
 * -1 when none came within timeout_ms or a signal arrived.
 */
RS_MUST_USE rs_code rs_sock_accept(int listen_fd, int timeout_ms, int *ret_fd, struct rs_err *err);
/* End both directions: a thread that reads or writes it comes back. */
void rs_sock_shutdown(int fd);

/*
 * One message of a SEQPACKET socket.  Send blocks while the peer's queue is
 * full.  Receive gives *ret_len 0 when the peer is gone; a message larger than
 * cap is RS_E_SIGNER_PROTOCOL, never cut.  timeout_ms < 0: wait for ever;
 * nothing came in time: RS_E_SIGNER_AWAY.
 */
RS_MUST_USE rs_code rs_sock_send(int fd, struct rs_bytes message, struct rs_err *err);
RS_MUST_USE rs_code rs_sock_receive(int fd, uint8_t *buf, size_t cap, int timeout_ms,
                                    size_t *ret_len, struct rs_err *err);

/* All of it, on a stream. */
RS_MUST_USE rs_code rs_sock_write(int fd, struct rs_bytes bytes, struct rs_err *err);
/* Exactly len bytes, or RS_E_NET_UNREACHABLE when the peer is gone. */
RS_MUST_USE rs_code rs_sock_read(int fd, uint8_t *buf, size_t len, struct rs_err *err);

/* Hand descriptors to a child process at SEQPACKET setup: at most 8 with one byte. */
RS_MUST_USE rs_code rs_sock_send_fds(int fd, const int *fds, size_t count, struct rs_err *err);
RS_MUST_USE rs_code rs_sock_receive_fds(int fd, int *fds, size_t cap, size_t *ret_count,
                                        struct rs_err *err);

/*
 * Tell the service manager that started us how it stands ("READY=1", "STOPPING=1",
 * sd_notify(3)): one datagram to $NOTIFY_SOCKET.  Nothing without one; a manager that
 * does not listen changes nothing here, so there is no error.
 */
void rs_sock_notify(const char *state);

#endif /* BASE_SOCK_H */
