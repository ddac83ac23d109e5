/*
 * jail.h: what the signer's process can no longer do once it runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNER_JAIL_H
#define SIGNER_JAIL_H

#include "base/err.h"

/*
 * Forbid new sockets, new programs, tracing, and loading of kernel things, for
 * this process and its threads.  A deny list rather than an allow list: the
 * libraries of two Debian releases and the sanitizers need different calls, and
 * what must not happen is short and stays the same.
 */
RS_MUST_USE rs_code signer_jail(struct rs_err *err);

#endif /* SIGNER_JAIL_H */
