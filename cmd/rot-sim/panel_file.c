/*
 * panel_file.c: a panel as text, one thing a line:
 *
 *     # comment
 *     listen  rot-sim.sock
 *     state   chips
 *     timing  none            (or: real)
 *     busy    2000            (microseconds, with timing none)
 *     trace   bus.trace
 *     chip    fixture-1/u1  blank608b
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "rot_sim.h"

#define FILE_MAX    ((size_t)256 * 1024)
#define WORDS_MAX   4
#define SPACE       " \t\r"
#define BUSY_US_MAX 10000000u

struct reader {
    const char *path;
    unsigned line;
    struct panel_config *config;
};

static rs_code
complain(const struct reader *r, struct rs_err *err, const char *what, const char *word)
{
    return rs_fail(err, RS_E_USAGE, "%s:%u: %s%s%s", r->path, r->line, what,
                   word[0] == '\0' ? "" : ": ", word);
}

/* A path of the file, seen from where the file is; what was said before wins. */
static rs_code
take_path(const struct reader *r, const char *word, char *out, size_t cap, struct rs_err *err)
{
    const char *slash = strrchr(r->path, '/');
    int dir_len = slash == NULL || word[0] == '/' ? 0 : (int)(slash - r->path + 1);

    if (out[0] != '\0')
        return RS_OK;
    if ((size_t)snprintf(out, cap, "%.*s%s", dir_len, r->path, word) >= cap)
        return complain(r, err, "this path is too long", word);
    return RS_OK;
}

static rs_code
take_timing(const struct reader *r, const char *word, struct rs_err *err)
{
    int real = strcmp(word, "real") == 0;

    if (!real && strcmp(word, "none") != 0)
        return complain(r, err, "timing is none or real, not", word);
    if (!r->config->timing_said)
        r->config->real_time = real;
    return RS_OK;
}

static rs_code
take_busy(const struct reader *r, const char *word, struct rs_err *err)
{
    char *end;
    unsigned long us = strtoul(word, &end, 10);

    if (*end != '\0' || word[0] == '-' || us > BUSY_US_MAX)
        return complain(r, err, "busy is microseconds, at most 10000000, not", word);
    r->config->busy_us = (unsigned)us;
    return RS_OK;
}

static rs_code
take_chip(const struct reader *r, const char *name, const char *kind, struct rs_err *err)
{
    struct panel_config *config = r->config;
    struct panel_chip *chip = &config->chips[config->chip_count];

    if (config->chip_count == SIM_CHIPS_MAX)
        return complain(r, err, "too many chips", "");
    if (strlen(name) >= sizeof(chip->name) || strlen(kind) >= sizeof(chip->kind))
        return complain(r, err, "a name this long cannot be", name);
    memcpy(chip->name, name, strlen(name) + 1);
    memcpy(chip->kind, kind, strlen(kind) + 1);
    chip->line = r->line;
    config->chip_count++;
    return RS_OK;
}

static rs_code
take_words(const struct reader *r, char *const *words, size_t count, struct rs_err *err)
{
    struct panel_config *config = r->config;
    size_t wanted = strcmp(words[0], "chip") == 0 ? 3 : 2;

    if (count != wanted)
        return complain(r, err, wanted == 3 ? "a chip is: chip NAME KIND" : "one value after",
                        words[0]);
    if (wanted == 3)
        return take_chip(r, words[1], words[2], err);
    if (strcmp(words[0], "listen") == 0)
        return take_path(r, words[1], config->listen, sizeof(config->listen), err);
    if (strcmp(words[0], "state") == 0)
        return take_path(r, words[1], config->state, sizeof(config->state), err);
    if (strcmp(words[0], "trace") == 0)
        return take_path(r, words[1], config->trace, sizeof(config->trace), err);
    if (strcmp(words[0], "timing") == 0)
        return take_timing(r, words[1], err);
    if (strcmp(words[0], "busy") == 0)
        return take_busy(r, words[1], err);
    return complain(r, err, "unknown word (listen state timing busy trace chip)", words[0]);
}

static rs_code
take_line(const struct reader *r, char *line, struct rs_err *err)
{
    char *words[WORDS_MAX], *rest = NULL;
    size_t count = 0;

    line[strcspn(line, "#")] = '\0';
    for (char *word = strtok_r(line, SPACE, &rest); word != NULL;
         word = strtok_r(NULL, SPACE, &rest)) {
        if (count == WORDS_MAX)
            return complain(r, err, "too many words", "");
        words[count++] = word;
    }
    return count == 0 ? RS_OK : take_words(r, words, count, err);
}

rs_code
panel_file_read(const char *path, struct panel_config *config, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    struct reader r = {.path = path, .config = config};
    char *next;
    rs_code rc;

    rs_buf_init(&text, FILE_MAX + 1);
    rc = rs_file_read(path, FILE_MAX, &text, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_put_u8(&text, 0);
    if (!rs_buf_ok(&text) || memchr(text.p, 0, text.len - 1) != NULL)
        return rs_fail(err, RS_E_USAGE, "%s: not a text file", path);
    for (char *line = (char *)text.p; rc == RS_OK && line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        r.line++;
        rc = take_line(&r, line, err);
    }
    if (rc == RS_OK && config->chip_count == 0)
        return rs_fail(err, RS_E_USAGE, "%s: no chip in it", path);
    return rc;
}
