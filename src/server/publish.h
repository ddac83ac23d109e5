/*
 * publish.h: CRLs as files, in directories that a web server or a share serves.
 *
 * DIR/NAME.crl, DER.  Whoever reads it gets a whole list, the old one or the new one,
 * whenever the writer dies; and a list is never replaced by one with a lower number
 * (L4), nor is a file that is not this issuer's list replaced at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVER_PUBLISH_H
#define SERVER_PUBLISH_H

#include "base/bytes.h"

#define PUBLISH_DIRS_MAX 8

/*
 * Into one directory.  Nothing is written when the file has this list already, or a
 * newer one.  RS_E_STORE_BUSY: another writer is at it, try again later;
 * RS_E_FILE_FAILED: the directory is not there, or the file is somebody else's.
 */
RS_MUST_USE rs_code publish_crl(const char *dir, const char *name, struct rs_bytes der,
                                struct rs_err *err);

#endif /* SERVER_PUBLISH_H */
