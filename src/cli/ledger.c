/*
 * ledger.c: `rootsmith ledger verify --offline DIR`, by the independent verifier.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/cli.h"
#include "ledger/verify.h"

static void
on_progress(void *arg, uint64_t done)
{
    (void)arg;
    (void)fprintf(stderr, "\r  reading   %llu entries", (unsigned long long)done);
}

static int
put_verdict_json(struct cli *cli, const struct ledger_verdict *v)
{
    char root[65];
    json_t *j;
    int code;

    rs_hex(RS_BYTES(v->root), root, sizeof(root));
    j = json_pack("{s:s, s:b, s:I, s:s, s:i, s:s}", "kind", "ledger-check", "ok",
                  v->damage == LEDGER_WHOLE, "entries", (json_int_t)v->entries, "head", root,
                  "checkpoints", (int)v->checkpoints, "text", v->text);
    if (v->damage != LEDGER_WHOLE)
        (void)json_object_set_new(j, "first_bad",
                                  json_pack("{s:I, s:s, s:I, s:s}", "entry",
                                            (json_int_t)v->first_bad, "segment", v->segment,
                                            "offset", (json_int_t)v->offset, "damage",
                                            ledger_damage_name(v->damage)));
    code = cli_put_json(cli, j);
    json_decref(j);
    return code;
}

static void
say_verdict(const struct cli *cli, const struct ledger_verdict *v, uint64_t took_us)
{
    char root[65];

    rs_hex(RS_BYTES(v->root), root, sizeof(root));
    if (v->damage == LEDGER_WHOLE) {
        cli_say(cli, "%s The ledger is complete and unchanged.", cli_sign(cli, 'y'));
        cli_field(cli, "entries", "%llu, head %.8s%s%.4s", (unsigned long long)v->entries, root,
                  cli_sign(cli, '.'), root + 60);
        cli_field(cli, "compared", "%u checkpoints", v->checkpoints);
        cli_field(cli, "speed", "%.0f entries/s",
                  (double)v->entries * 1e6 / (double)(took_us ? took_us : 1));
        return;
    }
    cli_say(cli, "%s This ledger was CHANGED: entry %llu is not what was signed.",
            cli_sign(cli, 'n'), (unsigned long long)v->first_bad);
    cli_field(cli, "where", "%s, byte %llu", v->segment, (unsigned long long)v->offset);
    cli_field(cli, "kind", "%s", ledger_damage_name(v->damage));
    cli_field(cli, "what", "%s", v->text);
}

int
verb_ledger_verify(struct cli *cli, const struct cli_args *args)
{
    const char *dir = cli_option(args, "offline"), *note_path = cli_option(args, "note");
    struct ledger_verify_config config = {.dir = dir, .witness_dir = cli_option(args, "witness")};
    struct ledger_verdict verdict;
    struct rs_bytes note;
    struct rs_err err = {0};
    uint64_t started = rs_mono_us();
    rs_code rc = RS_OK;

    RS_AUTO(rs_buf_done) struct rs_buf file;
    rs_buf_init(&file, 65536);
    if (dir == NULL)
        return cli_usage(cli, "ledger verify needs --offline DIR (the signer's ledger directory)");
    if (isatty(STDERR_FILENO) && !cli->quiet && !cli->json)
        config.progress = on_progress;
    if (note_path != NULL) {
        rc = rs_file_read(note_path, 65536, &file, &err);
        note = rs_buf_bytes(&file);
        config.notes = &note;
        config.note_count = 1;
    }
    if (rc == RS_OK)
        rc = ledger_verify(&config, &verdict, &err);
    if (rc != RS_OK)
        return cli_fail(cli, "Not verified", &err);
    if (cli->json)
        (void)put_verdict_json(cli, &verdict);
    else
        say_verdict(cli, &verdict, rs_mono_us() - started);
    return verdict.damage == LEDGER_WHOLE ? 0 : 3;
}
