/*
 * tpm_tool.c: calls of rot.h that no program of ours has a verb for, for scripts.
 *
 *   rot-tpm-tool CHIP evidence OBJECT NONCE-HEX FILE   what rot_attest() gives
 *   rot-tpm-tool CHIP activate OBJECT FILE             prints the secret, in hex
 *   rot-tpm-tool CHIP hmac OBJECT WRAPPED TEXT         imports a key, prints its HMAC over the text
 *   rot-tpm-tool CHIP call CALL OBJECT                 prints code and raw status
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rot/linux.h>

static struct rot_linux lin;
static struct rot_chip chip;

static int
say(const char *what, rot_err rc)
{
    printf("%s %s 0x%03x\n", what, rot_err_name(rc), (unsigned)rot_raw_status(&chip));
    return rc == ROT_OK ? 0 : 1;
}

static int
evidence(rot_object obj, const char *hex, const char *path)
{
    static uint8_t buf[ROT_EVIDENCE_MAX];
    struct rot_evidence ev = {.buf = buf, .cap = sizeof(buf)};
    uint8_t nonce[32] = {0};
    unsigned byte;
    FILE *f;
    rot_err rc;

    for (size_t i = 0; i < 32 && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
        nonce[i] = (uint8_t)byte;
    rc = rot_attest(&chip, obj, nonce, &ev);
    if (rc != ROT_OK)
        return say("evidence", rc);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(buf, 1, ev.len, f) != ev.len)
        return 1;
    return fclose(f) == 0 && ev.format == ROT_EVIDENCE_TPM_CERTIFY ? 0 : 1;
}

static size_t
read_file(const char *path, uint8_t *to, size_t cap)
{
    FILE *f = fopen(path, "rb");
    size_t len = f == NULL ? 0 : fread(to, 1, cap, f);

    if (f != NULL)
        (void)fclose(f);
    return len;
}

static int
put_hex(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", p[i]);
    printf("\n");
    return 0;
}

static int
activate(rot_object obj, const char *path)
{
    uint8_t in[2048], secret[ROT_SECRET_MAX];
    size_t len = read_file(path, in, sizeof(in)), n = 0;
    rot_err rc = rot_activate(&chip, obj, in, len, secret, sizeof(secret), &n);

    return rc == ROT_OK ? put_hex(secret, n) : say("activate", rc);
}

static int
hmac(rot_object obj, const char *wrapped, const char *text)
{
    uint8_t in[2048], mac[32];
    size_t len = read_file(wrapped, in, sizeof(in)), n = 0;
    rot_err rc = rot_key_import(&chip, obj, ROT_ALG_HMAC_SHA256, in, len);

    if (rc != ROT_OK)
        return say("import", rc);
    len = read_file(text, in, sizeof(in));
    rc = rot_mac(&chip, obj, in, len, mac, sizeof(mac), &n);
    return rc == ROT_OK ? put_hex(mac, n) : say("mac", rc);
}

static int
call(const char *what, rot_object obj)
{
    static uint8_t bytes[1500], out[ROT_PUBLIC_KEY_MAX];
    size_t n = 0;
    uint64_t value = 0;

    if (strcmp(what, "sign") == 0)
        return say(what, rot_sign_digest(&chip, obj, bytes, 32, out, sizeof(out), &n));
    if (strcmp(what, "generate") == 0)
        return say(what, rot_key_generate(&chip, obj, ROT_ALG_P256, out, sizeof(out), &n));
    if (strcmp(what, "write") == 0)
        return say(what, rot_object_write(&chip, obj, ROT_PART_DATA, 0, bytes, sizeof(bytes),
                                          sizeof(bytes), &n));
    if (strcmp(what, "read") == 0)
        return say(what, rot_object_read(&chip, obj, ROT_PART_DATA, 0, out, 16, &n));
    if (strcmp(what, "count") == 0)
        return say(what, rot_counter_increment(&chip, obj, &value));
    if (strcmp(what, "random") == 0)
        return say(what, rot_random(&chip, out, 64));
    if (strcmp(what, "die") == 0) { /* as a program that is killed: nothing is given back */
        (void)!rot_random(&chip, out, 64);
        _Exit(0);
    }
    return 2;
}

int
main(int argc, char **argv)
{
    rot_object obj = 0;
    int code = 2;

    if (argc < 5 ||
        rot_object_parse(argv[argc > 4 && strcmp(argv[2], "call") == 0 ? 4 : 3], &obj) != ROT_OK) {
        printf("usage: rot-tpm-tool CHIP evidence|activate|call ...\n");
        return 2;
    }
    if (rot_linux_open(&lin, argv[1]) != ROT_OK) {
        printf("%s\n", lin.error);
        return 1;
    }
    if (rot_open(&chip, &lin.setup) != ROT_OK)
        code = say("open", ROT_E_BUS);
    else if (strcmp(argv[2], "evidence") == 0 && argc == 6)
        code = evidence(obj, argv[4], argv[5]);
    else if (strcmp(argv[2], "activate") == 0)
        code = activate(obj, argv[4]);
    else if (strcmp(argv[2], "hmac") == 0 && argc == 6)
        code = hmac(obj, argv[4], argv[5]);
    else if (strcmp(argv[2], "call") == 0)
        code = call(argv[3], obj);
    rot_close(&chip);
    rot_linux_close(&lin);
    return code;
}
