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

/*
 * Make folders unreachable for this thread and every thread it starts, with all
 * that is below them.  In the folders that lead to them nothing can be made or
 * removed any more; what was there, and every other folder, is as before.  On a
 * kernel without Landlock it says so in the log and changes nothing.
 */
RS_MUST_USE rs_code rs_hide(const char *const *folders, size_t count, struct rs_err *err);

#endif /* BASE_JAIL_H */
