/*
 * sign.c: a signature by a key that never leaves its chip, whichever chip that is.
 *
 *     cc sign.c -lrot...                      the same file for every part
 *     ROOTSMITH_CHIP=sim:desk/1 ./sign        a simulated one
 *     ROOTSMITH_CHIP=tpm ./sign               the TPM of this machine
 *
 * On a microcontroller only rot/linux.h and the call that opens it differ.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include <rot/linux.h>
#include <rot/rot.h>

int
main(void)
{
    static const uint8_t message[] = "hello";
    static struct rot_linux port;
    struct rot_chip chip;
    struct rot_identity who = {0};
    uint8_t sig[ROT_SIGNATURE_MAX];
    size_t len = 0;
    rot_err rc = rot_linux_open(&port, "auto");

    if (rc == ROT_OK && (rc = rot_open(&chip, &port.setup)) == ROT_OK) {
        if ((rc = rot_identify(&chip, &who)) == ROT_OK)
            rc = rot_sign_message(&chip, ROT_LDEVID(0), message, sizeof(message) - 1, sig,
                                  sizeof(sig), &len);
        rot_close(&chip);
    }
    fprintf(stderr, "%s: %s, %zu bytes %s\n", who.model, rot_err_name(rc), len, port.error);
    for (size_t i = 0; i < len; i++)
        printf("%02x", sig[i]);
    rot_linux_close(&port);
    return rc != ROT_OK;
}
