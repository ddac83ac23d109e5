/*
 * cmd_app.c: OpenApplication, CloseApplication, and what they keep between them (section 5.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

#define OPEN_FRESH      0x00
#define OPEN_RESTORE    0x01
#define CLOSE           0x00
#define CLOSE_HIBERNATE 0x01

static const uint8_t application_id[16] = {0xD2, 0x76, 0x00, 0x00, 0x04, 'G', 'e', 'n',
                                           'A',  'u',  't',  'h',  'A',  'p', 'p', 'l'};

/* The saved context is used up, or nobody wants it any more. */
static int
forget(struct optiga_chip *c)
{
    static const struct optiga_hibernation none;

    if (!c->hibernation.valid)
        return OPTIGA_OK;
    return optiga_store_whole(c, &c->hibernation, &none, sizeof(none));
}

static void
start_fresh(struct optiga_chip *c)
{
    optiga_sym_drop(c);
    rs_wipe(&c->app, sizeof(c->app));
    c->app.kept.status_g = *optiga_byte(c, OPTIGA_OID_STATUS_G);
    c->app.kept.status_a = *optiga_byte(c, OPTIGA_OID_STATUS_A);
}

static int
is_terminated(struct optiga_chip *c)
{
    return *optiga_byte(c, OPTIGA_OID_LCSG) >= OPTIGA_TERMINATION ||
           *optiga_byte(c, OPTIGA_OID_LCSA) >= OPTIGA_TERMINATION;
}

int
optiga_do_open(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    const struct optiga_hibernation kept = c->hibernation;
    size_t handle_len = cmd->param == OPEN_RESTORE ? sizeof(kept.handle) : 0;
    int status;

    (void)a;
    if (cmd->param != OPEN_FRESH && cmd->param != OPEN_RESTORE)
        return OPTIGA_E_PARAM;
    if (cmd->len != sizeof(application_id) + handle_len)
        return OPTIGA_E_LENGTH;
    if (memcmp(cmd->data, application_id, sizeof(application_id)) != 0)
        return OPTIGA_U_WRONG_AID_ERROR;
    if (is_terminated(c))
        return OPTIGA_E_CLOSED;
    if (handle_len > 0 &&
        (!kept.valid || memcmp(cmd->data + sizeof(application_id), kept.handle, handle_len) != 0))
        return OPTIGA_U_WRONG_HANDLE_ERROR;
    status = forget(c);
    if (status != OPTIGA_OK)
        return status;
    start_fresh(c);
    if (handle_len > 0)
        c->app.kept = kept.context;
    c->app.open = 1;
    return OPTIGA_OK;
}

static int
hibernate(struct optiga_chip *c, struct optiga_answer *a)
{
    struct optiga_hibernation kept = {.valid = 1, .context = c->app.kept};

    optiga_monitor_settle(c);
    if (*optiga_byte(c, OPTIGA_OID_SEC) != 0)
        return OPTIGA_E_SEQUENCE;
    c->host->random(c->host->self, kept.handle, sizeof(kept.handle));
    optiga_put(a, kept.handle, sizeof(kept.handle));
    return optiga_store_whole(c, &c->hibernation, &kept, sizeof(kept));
}

int
optiga_do_close(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    int status = OPTIGA_OK;

    if (cmd->param != CLOSE && cmd->param != CLOSE_HIBERNATE)
        return OPTIGA_E_PARAM;
    if (cmd->len != 0)
        return OPTIGA_E_LENGTH;
    if (cmd->param == CLOSE_HIBERNATE)
        status = hibernate(c, a);
    if (status == OPTIGA_OK)
        start_fresh(c);
    return status;
}
