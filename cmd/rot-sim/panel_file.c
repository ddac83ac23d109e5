/*
 * panel_file.c: a panel as text, one thing a line:
 *
 *     # comment
 *     listen  rot-sim.sock
 *     state   chips
 *     timing  none            (or: real)
 *     busy    2000            (microseconds, with timing none)
 *     trace   bus.trace
 *     mux     fixture-2     0x70
 *     chip    fixture-1/u1  blank608b
 *     chip    fixture-2/u1  blank608b  3      (behind channel 3 of the mux)
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
take_mux(const struct reader *r, const char *bus, const char *address, struct rs_err *err)
{
    struct panel_mux *mux = &r->config->muxes[r->config->mux_count];
    char *end;

    if (r->config->mux_count == PANEL_MUXES_MAX)
        return complain(r, err, "too many muxes", "");
    if (strlen(bus) >= sizeof(mux->bus))
        return complain(r, err, "a name this long cannot be", bus);
    memcpy(mux->bus, bus, strlen(bus) + 1);
    mux->address = (unsigned)strtoul(address, &end, 0);
    if (*end != '\0' || end == address)
        return complain(r, err, "a mux is: mux BUS ADDRESS, not", address);
    r->config->mux_count++;
    return RS_OK;
}

/* "3": behind that channel of the mux. */
static rs_code
take_channel(const struct reader *r, const char *word, struct rs_err *err)
{
    if (word[0] < '0' || word[0] > '7' || word[1] != '\0')
        return complain(r, err, "a channel is 0 to 7, not", word);
    r->config->chips[r->config->chip_count - 1].behind = (unsigned)(word[0] - '0') + 1;
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
    int is_chip = strcmp(words[0], "chip") == 0, is_mux = strcmp(words[0], "mux") == 0;
    rs_code rc;

    if (is_chip && (count == 3 || count == 4)) {
        rc = take_chip(r, words[1], words[2], err);
        return rc == RS_OK && count == 4 ? take_channel(r, words[3], err) : rc;
    }
    if (is_mux && count == 3)
        return take_mux(r, words[1], words[2], err);
    if (count != 2 || is_chip || is_mux)
        return complain(r, err,
                        is_chip  ? "a chip is: chip NAME KIND [CHANNEL]"
                        : is_mux ? "a mux is: mux BUS ADDRESS"
                                 : "one value after",
                        words[0]);
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
    return complain(r, err, "unknown word (listen state timing busy trace mux chip)", words[0]);
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
