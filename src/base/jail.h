/*
 * jail.h: what a process can no longer do once it runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_JAIL_H
#define BASE_JAIL_H

#include "base/err.h"

/* What a process still needs of what is otherwise forbidden. */
enum rs_jail {
    RS_JAIL_CLOSED = 0, /* works on the descriptors that it was given */
    RS_JAIL_ACCEPTS = 1 /* and takes connections from listening sockets that it was given */
};

/*
 * Forbid new sockets, new programs, tracing, and loading of kernel things, for
 * this thread and every thread it starts: call it before there are others.  A
 * deny list rather than an allow list: the libraries of two Debian releases and
 * the sanitizers need different calls, and what must not happen is short and
 * stays the same.
 */
RS_MUST_USE rs_code rs_jail(enum rs_jail jail, struct rs_err *err);

#endif /* BASE_JAIL_H */
