/*
 * tcti.c: a TPM behind the TSS's TCTI loader.
 *
 * The loader knows how to reach every kind of TPM by a string: a device, a
 * resource manager, a software TPM on a socket.  A connection that broke is
 * given up; the next message begins a new one, so that a TPM that was
 * restarted is found again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux_port.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>

#define DEVICE "/dev/tpmrm0"

static rot_err
connect_tcti(struct rot_linux *lin)
{
    TSS2_TCTI_CONTEXT *tcti = NULL;
    TSS2_RC rc = Tss2_TctiLdr_Initialize(lin->tcti_name[0] != '\0' ? lin->tcti_name : NULL, &tcti);

    if (rc != TSS2_RC_SUCCESS)
        return linux_fail(lin, ROT_E_BUS, "tpm: cannot reach %s (TCTI error 0x%x)",
                          lin->tcti_name[0] != '\0' ? lin->tcti_name : "a TPM", (unsigned)rc);
    lin->tcti = tcti;
    return ROT_OK;
}

void
linux_close_tcti(struct rot_linux *lin)
{
    TSS2_TCTI_CONTEXT *tcti = lin->tcti;

    if (tcti != NULL)
        Tss2_TctiLdr_Finalize(&tcti);
    lin->tcti = NULL;
}

static rot_err
tcti_exchange(void *self, const uint8_t *tx, size_t tx_len, uint8_t *rx, size_t cap,
              size_t *ret_len)
{
    struct rot_linux *lin = self;
    size_t len = cap;
    TSS2_RC rc;

    if (lin->tcti == NULL && connect_tcti(lin) != ROT_OK)
        return ROT_E_BUS;
    rc = Tss2_Tcti_Transmit(lin->tcti, tx_len, tx);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Tcti_Receive(lin->tcti, &len, rx, TSS2_TCTI_TIMEOUT_BLOCK);
    if (rc != TSS2_RC_SUCCESS || len > cap) {
        linux_close_tcti(lin);
        return ROT_E_BUS;
    }
    *ret_len = len;
    return ROT_OK;
}

/* No line resets a TPM from here: what can be done is to connect anew. */
static rot_err
tcti_reset(void *self)
{
    linux_close_tcti(self);
    return connect_tcti(self);
}

static const struct rot_line_ops tcti_line = {
    .delay_us = linux_delay_us,
    .pulse_reset = tcti_reset,
};

static const struct rot_message_ops tcti_message = {
    .exchange = tcti_exchange,
};

static int
begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

int
linux_has_tpm(void)
{
    return access(DEVICE, F_OK) == 0;
}

rot_err
linux_open_tcti(struct rot_linux *lin, const char *name)
{
    rot_err rc;

    if (name == NULL)
        name = linux_has_tpm() ? "device:" DEVICE : "";
    else if (name[0] == '\0')
        return linux_fail(lin, ROT_E_FORMAT, "tpm: want tpm or tpm:TCTI, as in tpm:device:" DEVICE);
    if (strlen(name) >= sizeof(lin->tcti_name))
        return linux_fail(lin, ROT_E_FORMAT, "tpm: the name of the TCTI is too long");
    (void)snprintf(lin->tcti_name, sizeof(lin->tcti_name), "%s", name);
    rc = connect_tcti(lin);
    if (rc != ROT_OK)
        return rc;
    lin->transport.self = lin;
    lin->transport.line = &tcti_line;
    lin->transport.message = &tcti_message;
    lin->transport.simulated = begins_with(name, "swtpm") || begins_with(name, "mssim");
    return ROT_OK;
}
