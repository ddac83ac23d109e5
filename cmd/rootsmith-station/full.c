/*
 * full.c: the tiles, drawn with plain ANSI sequences, at most ten times a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "program.h"

#define TILE_WIDTH 24
#define TILE_LINES 12
#define FRAME_MS   100
#define SCREEN_MAX 65536

struct screen {
    struct rs_buf out;
    int cols, rows, utf8;
    char scan[STATION_TEXT_MAX];
    size_t scan_len;
    char said[96]; /* the answer to the last scan */
};

int
full_fits(void)
{
    struct winsize w;

    return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) &&
           ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 80 && w.ws_row >= 24;
}

static void
measure(struct screen *s)
{
    struct winsize w;

    s->cols = 80;
    s->rows = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40 && w.ws_row >= 12) {
        s->cols = w.ws_col;
        s->rows = w.ws_row;
    }
}

/* ---- Tiles -------------------------------------------------------------------------- */

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

/* Columns that a text takes: one per character of UTF-8. */
static int
width_of(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0u) != 0x80u;
    return n;
}

static void
put_padded(struct screen *s, const char *text, int width)
{
    int left = width;

    for (; *text != '\0'; text++) {
        if (((unsigned char)*text & 0xc0u) != 0x80u && left-- <= 0)
            break;
        rs_buf_put(&s->out, text, 1);
    }
    for (; left > 0; left--)
        rs_buf_put_str(&s->out, " ");
}

static const char *
operator_line(const struct station_tile *t, int line)
{
    static char part[TILE_WIDTH];
    const char *text = t->operator_;

    /* Break at a blank before the tile's edge. */
    for (int i = 0; *text != '\0'; i++) {
        size_t n = strlen(text);
        if (n > TILE_WIDTH - 6) {
            n = TILE_WIDTH - 6;
            while (n > 1 && text[n] != ' ')
                n--;
        }
        if (i == line) {
            memcpy(part, text, n);
            part[n] = '\0';
            return part;
        }
        text += n;
        while (*text == ' ')
            text++;
    }
    return "";
}

static void
step_line(const struct screen *s, const struct station_tile *t, int step, char *out, size_t cap)
{
    const char *mark = (int)t->step > step    ? (s->utf8 ? "✓" : "+")
                       : (int)t->step == step ? (s->utf8 ? "◐" : "*")
                                              : (s->utf8 ? "·" : ".");

    if (t->tile == TILE_PASS)
        mark = s->utf8 ? "✓" : "+";
    (void)snprintf(out, cap, "  %s %s", mark, recipe_step_name((enum recipe_step)step));
}

/* Line i of a tile, without its frame. */
static void
tile_line(const struct screen *s, const struct station_tile *t, int i, char *out, size_t cap)
{
    out[0] = '\0';
    if (i == 1)
        (void)snprintf(out, cap, "     %s  %s",
                       s->utf8 ? looks[t->tile].shape : looks[t->tile].plain, tile_word(t->tile));
    else if (i == 3)
        (void)snprintf(out, cap, "  %s", t->tile == TILE_READY ? "Scan the next board" : t->device);
    else if (t->tile == TILE_BUSY && i >= 4 && i < 4 + STEP_COUNT)
        step_line(s, t, i - 4, out, cap);
    else if (t->tile == TILE_BUSY && i == TILE_LINES - 1)
        (void)snprintf(out, cap, "  %.1f s%s", (double)(rs_mono_us() - t->since_us) / 1e6,
                       t->waiting ? "  waiting" : "");
    else if (t->tile != TILE_BUSY && i >= 5 && i <= 8)
        (void)snprintf(out, cap, "  %s", operator_line(t, i - 5));
    else if (t->tile != TILE_BUSY && i == 10 && t->code[0] != '\0')
        (void)snprintf(out, cap, "  %s %.16s", t->class, t->code);
    else if (t->tile != TILE_BUSY && i == TILE_LINES - 1 && t->took_ms > 0)
        (void)snprintf(out, cap, "  %.1f s", (double)t->took_ms / 1000);
}

static void
put_tile_line(struct screen *s, const struct station_tile *t, int i)
{
    const char *bar = s->utf8 ? "│" : "|";
    const char *dash = s->utf8 ? "─" : "-";
    char text[160];

    if (i < 0 || i == TILE_LINES) {
        rs_buf_put_str(&s->out, i < 0 ? (s->utf8 ? "┌ " : "+ ") : (s->utf8 ? "└" : "+"));
        if (i < 0)
            rs_buf_printf(&s->out, "%s ", t->name);
        for (int n = i < 0 ? 4 + width_of(t->name) : 2; n < TILE_WIDTH; n++)
            rs_buf_put_str(&s->out, dash);
        rs_buf_put_str(&s->out, i < 0 ? (s->utf8 ? "┐" : "+") : (s->utf8 ? "┘" : "+"));
        return;
    }
    tile_line(s, t, i, text, sizeof(text));
    rs_buf_put_str(&s->out, bar);
    rs_buf_put_str(&s->out, looks[t->tile].colour);
    put_padded(s, text, TILE_WIDTH - 2);
    rs_buf_put_str(&s->out, "\033[0m");
    rs_buf_put_str(&s->out, bar);
}

/* ---- The whole screen -------------------------------------------------------------------- */

static void
end_line(struct screen *s)
{
    rs_buf_put_str(&s->out, "\033[K\r\n");
}

static void
put_bar(struct screen *s, int64_t done, int64_t all, int width)
{
    int full = all > 0 ? (int)(done * width / all) : 0;

    for (int i = 0; i < width; i++)
        rs_buf_put_str(&s->out, i < full ? (s->utf8 ? "█" : "#") : (s->utf8 ? "░" : "-"));
}

static void
put_head(struct screen *s, const struct station_view *v, const char *name)
{
    int64_t good = v->order.good + (int64_t)v->passed;
    uint64_t ran_us = rs_mono_us() - v->started_us;
    uint64_t ended = v->passed + v->rejected + v->scrapped;
    struct rs_utc utc;

    rs_utc_from_time(rs_now(), &utc);
    rs_buf_printf(&s->out, "\033[1m%s\033[0m   %s   %s", name, v->order.name, v->order.rot);
    rs_buf_printf(&s->out, "\033[K\033[%dG%02d:%02d:%02d", s->cols - 8, utc.hour, utc.minute,
                  utc.second);
    end_line(s);
    rs_buf_printf(&s->out, "GOOD  %lld / %lld  ", (long long)good, (long long)v->order.target);
    put_bar(s, good, v->order.target, 20);
    if (v->order.target > 0)
        rs_buf_printf(&s->out, "  %lld %%", (long long)(good * 100 / v->order.target));
    if (ran_us > 1000000)
        rs_buf_printf(&s->out, "   %llu per hour",
                      (unsigned long long)(v->passed * 3600000000ull / ran_us));
    if (ended > 0)
        rs_buf_printf(&s->out, "   yield %.1f %%", 100.0 * (double)v->passed / (double)ended);
    end_line(s);
    rs_buf_printf(&s->out, "server %s %lld ms     rejected %llu     reports waiting %zu",
                  v->server_ok ? (s->utf8 ? "✓" : "ok") : (s->utf8 ? "✗" : "x"),
                  (long long)v->server_ms, (unsigned long long)(v->rejected + v->scrapped),
                  v->unsent);
    end_line(s);
}

static void
put_tiles(struct screen *s, const struct station_view *v)
{
    size_t fit = (size_t)s->cols / TILE_WIDTH;
    size_t rows = fit > 0 ? (v->tile_count + fit - 1) / fit : 1;
    size_t per_row = rows > 0 ? (v->tile_count + rows - 1) / rows : 1; /* 4 tiles: two by two */

    if (v->tile_count == 0)
        return;

    for (size_t at = 0; at < v->tile_count; at += per_row) {
        size_t end = at + per_row < v->tile_count ? at + per_row : v->tile_count;
        for (int i = -1; i <= TILE_LINES; i++) {
            /* Where rows are few, tiles lose their lower lines. */
            if (v->tile_count > per_row && s->rows < 40 && i > 4 && i < TILE_LINES)
                continue;
            for (size_t n = at; n < end; n++)
                put_tile_line(s, &v->tiles[n], i);
            end_line(s);
        }
    }
}

static void
put_stop(struct screen *s, const struct station_view *v)
{
    rs_buf_put_str(&s->out, "\033[7m");
    put_padded(s, s->utf8 ? "  ■■■■■■  STOP  ■■■■■■" : "  ######  STOP  ######", s->cols);
    rs_buf_put_str(&s->out, "\033[0m\r\n");
    rs_buf_printf(&s->out, "  %s", failure_find(v->stopped_by)->operator_);
    end_line(s);
    rs_buf_printf(&s->out, "  %s (%s)", v->stop_text, rs_code_info(v->stopped_by)->name);
    end_line(s);
}

static void
put_foot(struct screen *s, const struct station_view *v)
{
    const char *next = "no fixture is free";

    for (size_t i = v->tile_count; i > 0; i--) {
        if (v->tiles[i - 1].tile != TILE_BUSY && v->tiles[i - 1].tile != TILE_OFF)
            next = v->tiles[i - 1].name;
    }
    rs_buf_printf(&s->out, "SCAN %s %s_   %s\033[K\033[%dGnext: %s", s->utf8 ? "▸" : ">", s->scan,
                  s->said, s->cols - 24, next);
    end_line(s);
    for (int i = 0; i < STATION_RECENT; i++) {
        rs_buf_put_str(&s->out, v->recent[i]);
        end_line(s);
    }
    rs_buf_put_str(&s->out, "F10 or Ctrl-C end shift\033[K\033[J");
}

static void
draw(struct screen *s, struct station *st, const char *name)
{
    struct station_view v;

    measure(s);
    station_look(st, &v);
    rs_buf_reset(&s->out);
    rs_buf_put_str(&s->out, "\033[H");
    put_head(s, &v, name);
    if (v.stopped_by != RS_OK)
        put_stop(s, &v);
    put_tiles(s, &v);
    put_foot(s, &v);
    if (rs_buf_ok(&s->out))
        (void)fwrite(s->out.p, 1, s->out.len, stdout);
    (void)fflush(stdout);
}

/* ---- Keys --------------------------------------------------------------------------------- */

static void
take_scan(struct screen *s, struct station *st)
{
    struct station_board b = {.fixture = ""};
    struct rs_err err = {0};

    if (s->scan_len == 0)
        return;
    (void)snprintf(b.device, sizeof(b.device), "%s", s->scan);
    s->scan_len = 0;
    s->scan[0] = s->said[0] = '\0';
    if (station_put(st, &b, &err) != RS_OK)
        (void)snprintf(s->said, sizeof(s->said), "%.80s", err.text);
}

/* 1: end the shift. */
static int
take_keys(struct screen *s, struct station *st, int takes_scans)
{
    char keys[64];
    ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

    if (n >= 5 && memcmp(keys, "\033[21~", 5) == 0)
        return 1;
    for (ssize_t i = 0; i < n && takes_scans; i++) {
        if (keys[i] == '\r' || keys[i] == '\n')
            take_scan(s, st);
        else if (keys[i] == 0x7f && s->scan_len > 0)
            s->scan[--s->scan_len] = '\0';
        else if (keys[i] > 0x20 && keys[i] < 0x7f && s->scan_len + 1 < sizeof(s->scan)) {
            s->scan[s->scan_len++] = keys[i];
            s->scan[s->scan_len] = '\0';
        }
    }
    return 0;
}

void
full_run(struct station *st, const char *name, int takes_scans, int (*is_over)(void *arg),
         void *arg)
{
    struct screen s = {.utf8 = terminal_is_utf8()};
    struct termios before, raw;
    int has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;

    rs_buf_init(&s.out, SCREEN_MAX);
    if (has_keys) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    }
    (void)fputs("\033[?1049h\033[?25l\033[2J", stdout);
    while (!is_over(arg)) {
        struct pollfd keys = {.fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN};
        draw(&s, st, name);
        if (poll(&keys, 1, FRAME_MS) > 0 && take_keys(&s, st, takes_scans))
            break;
        rs_sleep_us(FRAME_MS * 500);
    }
    draw(&s, st, name);
    (void)fputs("\033[?25h\033[?1049l", stdout);
    (void)fflush(stdout);
    if (has_keys)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    station_interrupt(st);
    rs_buf_done(&s.out);
}
