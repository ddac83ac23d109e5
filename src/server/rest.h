/*
 * rest.h: handlers of /api/v1 that stand in files of their own; private to src/server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVER_REST_H
#define SERVER_REST_H

#include "server/front.h"

/* rest_cert.c */
void rest_get_certificate(struct call *call);
void rest_revoke_certificate(struct call *call);
void rest_get_crls(struct call *call);
void rest_get_crl(struct call *call);
void rest_get_crl_file(struct call *call);

/* rest_token.c */
void rest_put_device_token(struct call *call);
void rest_get_tokens(struct call *call);
void rest_revoke_token(struct call *call);

/* rest_line.c */
void rest_get_station(struct call *call);
void rest_get_order_report(struct call *call);

#endif /* SERVER_REST_H */
