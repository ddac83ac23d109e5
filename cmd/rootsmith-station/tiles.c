/*
 * tiles.c: a tile for each nest, in as many lines as there are.
 *
 * With room a tile has a frame, its steps and its time.  Sixteen nests on 80 by 24 leave
 * it four lines of 19 columns: number, shape and word; the board; two lines of what the
 * hands do, three if that needs them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "screen.h"

#define FRAMED_WIDTH  24
#define COMPACT_WIDTH 20 /* with the gap behind it */
#define FRAMED_MIN    7  /* lines, from which on a frame is worth it */
#define STEPS_MIN     (STEP_COUNT + 6)
#define LINE_MAX_TEXT 160

/* Word, shape and fill together: never colour alone (experience 5.2). */
static const struct {
    const char *shape, *plain;
    const char *colour; /* background and ink */
} looks[] = {
    [TILE_READY] = {"○", "o", "\033[48;2;42;47;53m\033[38;2;255;255;255m"},
    [TILE_BUSY] = {"◐", "*", "\033[48;2;43;108;176m\033[38;2;255;255;255m"},
    [TILE_PASS] = {"✔", "+", "\033[48;2;127;209;174m\033[38;2;20;23;26m"},
    [TILE_AGAIN] = {"↻", "@", "\033[48;2;242;178;51m\033[38;2;20;23;26m"},
    [TILE_REJECT] = {"✖", "X", "\033[48;2;179;21;12m\033[38;2;255;255;255m"},
    [TILE_STOP] = {"■", "!", "\033[48;2;0;0;0m\033[38;2;255;255;255m"},
    [TILE_OFF] = {"–", "-", "\033[2m"},
};

/* ---- Words ----------------------------------------------------------------------- */

static const char *
shape_of(const struct screen *s, const struct station_tile *t)
{
    return s->utf8 ? looks[t->tile].shape : looks[t->tile].plain;
}

/* Line number `line` of text broken at blanks to width; 0 when there is none. */
static int
wrapped(const char *text, int width, int line, char *out, size_t cap)
{
    out[0] = '\0';
    for (int i = 0; *text != '\0'; i++) {
        size_t n = strlen(text);
        if (n > (size_t)width) {
            n = (size_t)width;
            while (n > 1 && text[n] != ' ')
                n--;
            if (n == 1)
                n = (size_t)width; /* one long word */
        }
        if (i == line) {
            (void)snprintf(out, cap, "%.*s", (int)n, text);
            return 1;
        }
        text += n;
        while (*text == ' ')
            text++;
    }
    return 0;
}

static int
lines_of(const char *text, int width)
{
    char ignored[LINE_MAX_TEXT];
    int n = 0;

    while (wrapped(text, width, n, ignored, sizeof(ignored)))
        n++;
    return n;
}

/* What the hands do now. */
static void
hint(const struct station_tile *t, char *out, size_t cap)
{
    if (t->tile == TILE_BUSY)
        (void)snprintf(out, cap, "%s %d/%d%s", recipe_step_name(t->step), (int)t->step + 1,
                       STEP_COUNT, t->waiting ? " waiting" : "");
    else if (t->tile == TILE_READY && t->operator_[0] == '\0')
        (void)snprintf(out, cap, "%s", t->is_reference ? "Reference board" : "Scan the next board");
    else
        (void)snprintf(out, cap, "%s", t->operator_);
}

static void
put_time(const struct station_tile *t, char *out, size_t cap)
{
    out[0] = '\0';
    if (t->tile == TILE_BUSY)
        (void)snprintf(out, cap, "%.1f s", (double)(rs_mono_us() - t->since_us) / 1e6);
    else if (t->took_ms > 0 && t->tile != TILE_OFF)
        (void)snprintf(out, cap, "%.1f s", (double)t->took_ms / 1000);
}

/* ---- Small tiles ----------------------------------------------------------------- */

/* "12 ✔ PASS    3.6 s" */
static void
compact_head(const struct screen *s, const struct station_tile *t, int width, char *out, size_t cap)
{
    char time[16];
    int used;

    put_time(t, time, sizeof(time));
    used = (int)strlen(t->name) + 3 + (int)strlen(tile_word(t->tile)) + 1;
    if (used + (int)strlen(time) + 1 > width)
        time[0] = '\0';
    (void)snprintf(out, cap, " %s %s %s%*s", t->name, shape_of(s, t), tile_word(t->tile),
                   width - used - 1, time);
}

static void
compact_line(const struct screen *s, const struct station_tile *t, int i, int width, int lines,
             char *out, size_t cap)
{
    char text[LINE_MAX_TEXT], piece[LINE_MAX_TEXT];
    int shows_device = t->device[0] != '\0' && t->tile != TILE_OFF, first;

    if (i == 0) {
        compact_head(s, t, width, out, cap);
        return;
    }
    hint(t, text, sizeof(text));
    /* What is in there is worth more than whose it should be; that stands below, too. */
    if (shows_device && lines_of(text, width - 2) + (t->what[0] != '\0' ? 1 : 0) > lines - 2)
        shows_device = 0;
    first = shows_device ? 2 : 1;
    if (i == 1 && shows_device)
        (void)snprintf(out, cap, " %s", t->device);
    else if (wrapped(text, width - 2, i - first, piece, sizeof(piece)))
        (void)snprintf(out, cap, " %s", piece);
    else if (wrapped(t->what, width - 2, i - first - lines_of(text, width - 2), piece,
                     sizeof(piece)))
        (void)snprintf(out, cap, " %s", piece);
    else
        out[0] = '\0';
}

/* ---- Tiles with a frame ---------------------------------------------------------- */

static void
step_line(const struct screen *s, const struct station_tile *t, int step, char *out, size_t cap)
{
    const char *mark = (int)t->step > step    ? (s->utf8 ? "✓" : "+")
                       : (int)t->step == step ? (s->utf8 ? "◐" : "*")
                                              : (s->utf8 ? "·" : ".");

    (void)snprintf(out, cap, "  %s %s", mark, recipe_step_name((enum recipe_step)step));
}

/* Line i of so many inside the frame. */
static void
framed_line(const struct screen *s, const struct station_tile *t, int i, int lines, char *out,
            size_t cap)
{
    char text[LINE_MAX_TEXT], piece[LINE_MAX_TEXT];
    int roomy = lines >= STEPS_MIN - 2, top = roomy ? 1 : 0, body = top + (roomy ? 4 : 2), n;

    out[0] = '\0';
    hint(t, text, sizeof(text));
    n = lines_of(text, FRAMED_WIDTH - 6);
    if (i == top) {
        (void)snprintf(out, cap, "     %s  %s", shape_of(s, t), tile_word(t->tile));
    } else if (i == top + (roomy ? 2 : 1)) {
        (void)snprintf(out, cap, "  %s", t->tile == TILE_OFF ? "" : t->device);
    } else if (i == lines - 1) {
        put_time(t, piece, sizeof(piece));
        (void)snprintf(out, cap, "  %-10s%s %.20s", piece, t->class,
                       t->tile == TILE_BUSY ? "" : t->code);
    } else if (roomy && t->tile == TILE_BUSY) {
        if (i >= body - 1 && i - body + 1 < STEP_COUNT)
            step_line(s, t, i - body + 1, out, cap);
    } else if (i >= body && wrapped(text, FRAMED_WIDTH - 6, i - body, piece, sizeof(piece))) {
        (void)snprintf(out, cap, "  %s", piece);
    } else if (i >= body + n + (roomy ? 1 : 0) &&
               wrapped(t->what, FRAMED_WIDTH - 6, i - body - n - (roomy ? 1 : 0), piece,
                       sizeof(piece))) {
        (void)snprintf(out, cap, "  %s", piece);
    }
}

static void
put_frame(struct screen *s, const struct station_tile *t, int is_top)
{
    const char *dash = s->utf8 ? "─" : "-";
    int used = is_top ? 4 + (int)strlen(t->name) : 2;

    rs_buf_put_str(&s->out, is_top ? (s->utf8 ? "┌ " : "+ ") : (s->utf8 ? "└" : "+"));
    if (is_top)
        rs_buf_printf(&s->out, "%s ", t->name);
    for (; used < FRAMED_WIDTH; used++)
        rs_buf_put_str(&s->out, dash);
    rs_buf_put_str(&s->out, is_top ? (s->utf8 ? "┐" : "+") : (s->utf8 ? "┘" : "+"));
}

/* ---- Rows ------------------------------------------------------------------------ */

struct plan {
    int per_row, rows, height, width, framed;
};

static struct plan
plan_for(const struct screen *s, int count, int lines, int height, int width)
{
    struct plan p = {.height = height, .width = width, .framed = width == FRAMED_WIDTH};
    int fit = s->cols / width;

    p.rows = fit > 0 ? (count + fit - 1) / fit : count;
    p.per_row = (count + p.rows - 1) / p.rows; /* 4 tiles: two by two */
    if (p.rows * height > lines)
        p.rows = 0;
    return p;
}

static struct plan
choose_plan(const struct screen *s, int count, int lines)
{
    struct plan p = {.rows = 0};

    for (int height = STEPS_MIN; height >= FRAMED_MIN && p.rows == 0; height--)
        p = plan_for(s, count, lines, height, FRAMED_WIDTH);
    for (int height = FRAMED_MIN - 1; height >= 1 && p.rows == 0; height--)
        p = plan_for(s, count, lines, height, COMPACT_WIDTH);
    return p;
}

static void
put_tile_line(struct screen *s, const struct station_tile *t, const struct plan *p, int i)
{
    const char *bar = s->utf8 ? "│" : "|";
    char text[LINE_MAX_TEXT + 8];

    if (p->framed && (i == 0 || i == p->height - 1)) {
        put_frame(s, t, i == 0);
        return;
    }
    if (p->framed)
        framed_line(s, t, i - 1, p->height - 2, text, sizeof(text));
    else
        compact_line(s, t, i, p->width - 1, p->height, text, sizeof(text));
    if (p->framed)
        rs_buf_put_str(&s->out, bar);
    rs_buf_put_str(&s->out, looks[t->tile].colour);
    screen_put_padded(s, text, p->framed ? p->width - 2 : p->width - 1);
    rs_buf_put_str(&s->out, "\033[0m");
    rs_buf_put_str(&s->out, p->framed ? bar : " ");
}

int
tiles_put(struct screen *s, const struct station_view *v, int lines)
{
    struct plan p;

    if (v->tile_count == 0)
        return 0;
    p = choose_plan(s, (int)v->tile_count, lines);
    for (int row = 0; row < p.rows; row++) {
        for (int i = 0; i < p.height; i++) {
            for (int n = row * p.per_row; n < (row + 1) * p.per_row && n < (int)v->tile_count; n++)
                put_tile_line(s, &v->tiles[n], &p, i);
            screen_end_line(s);
        }
    }
    return p.rows * p.height;
}
