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
#include "screen.h"

#define FRAME_MS   100
#define SCREEN_MAX 65536
#define RECENT_MIN 2 /* lines of what happened last that tiles do not take */

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

/* ---- Words -------------------------------------------------------------------------- */

void
screen_put_padded(struct screen *s, const char *text, int width)
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

void
screen_end_line(struct screen *s)
{
    rs_buf_put_str(&s->out, "\033[K\r\n");
}

/* ---- The whole screen -------------------------------------------------------------------- */

static void
put_bar(struct screen *s, int64_t done, int64_t all, int width)
{
    int full = all > 0 ? (int)(done * width / all) : 0;

    for (int i = 0; i < width; i++)
        rs_buf_put_str(&s->out, i < full ? (s->utf8 ? "█" : "#") : (s->utf8 ? "░" : "-"));
}

struct sums {
    int64_t good, target;
    size_t slowest; /* the order with the longest cycle: that one is shown */
};

static struct sums
sum_of(const struct station_view *v)
{
    struct sums sums = {.slowest = 0};

    for (size_t i = 0; i < v->order_count; i++) {
        const struct station_view_order *o = &v->orders[i];
        sums.good += o->order.good + (int64_t)o->passed;
        sums.target += o->order.target;
        if (o->cycle.whole.median_ms > v->orders[sums.slowest].cycle.whole.median_ms)
            sums.slowest = i;
    }
    return sums;
}

static void
put_title(struct screen *s, const struct station_view *v, const char *name)
{
    struct rs_utc utc;

    rs_utc_from_time(rs_now(), &utc);
    rs_buf_printf(&s->out, "\033[1m%s\033[0m", name);
    if (v->order_count == 1)
        rs_buf_printf(&s->out, "   %s   %s", v->orders[0].order.name, v->orders[0].order.rot);
    else
        rs_buf_printf(&s->out, "   %zu orders", v->order_count);
    rs_buf_printf(&s->out, "\033[K\033[%dG%02d:%02d:%02d", s->cols - 8, utc.hour, utc.minute,
                  utc.second);
    screen_end_line(s);
}

static void
put_counts(struct screen *s, const struct station_view *v, const struct sums *sums)
{
    uint64_t ran_us = rs_mono_us() - v->started_us;
    uint64_t ended = v->passed + v->rejected + v->scrapped;

    rs_buf_printf(&s->out, "GOOD  %lld / %lld  ", (long long)sums->good, (long long)sums->target);
    put_bar(s, sums->good, sums->target, 20);
    if (sums->target > 0)
        rs_buf_printf(&s->out, "  %lld %%", (long long)(sums->good * 100 / sums->target));
    if (ran_us > 1000000)
        rs_buf_printf(&s->out, "   %llu per hour",
                      (unsigned long long)(v->passed * 3600000000ull / ran_us));
    if (ended > 0)
        rs_buf_printf(&s->out, "   yield %.1f %%", 100.0 * (double)v->passed / (double)ended);
    screen_end_line(s);
}

/* "cycle 3.6 s, p95 4.1, slowest certificate 1.9" of the order that takes longest. */
static void
put_cycle(struct screen *s, const struct station_view *v, const struct sums *sums)
{
    const struct cycle_summary *c = &v->orders[sums->slowest].cycle;

    if (v->order_count == 0 || c->boards == 0)
        return;
    rs_buf_printf(&s->out, "   cycle %.1f s, p95 %.1f, slowest %s %.1f", c->whole.median_ms / 1e3,
                  c->whole.p95_ms / 1e3, recipe_step_name(c->slowest),
                  c->steps[c->slowest].median_ms / 1e3);
}

static void
put_orders(struct screen *s, const struct station_view *v)
{
    char text[256];
    size_t len = 0;

    for (size_t i = 0; i < v->order_count && len < sizeof(text); i++) {
        const struct station_view_order *o = &v->orders[i];
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %lld/%lld%s",
                                i > 0 ? (s->utf8 ? " · " : " | ") : "", o->order.name,
                                (long long)(o->order.good + (int64_t)o->passed),
                                (long long)o->order.target, o->stopped_by != RS_OK ? " STOP" : "");
    }
    screen_put_padded(s, text, s->cols - 1);
    screen_end_line(s);
}

/* Gives the lines taken. */
static int
put_head(struct screen *s, const struct station_view *v, const char *name)
{
    struct sums sums = sum_of(v);

    put_title(s, v, name);
    put_counts(s, v, &sums);
    rs_buf_printf(&s->out, "server %s %lld ms   rejected %llu   unsent %zu",
                  v->server_ok ? (s->utf8 ? "✓" : "ok") : (s->utf8 ? "✗" : "x"),
                  (long long)v->server_ms, (unsigned long long)(v->rejected + v->scrapped),
                  v->unsent);
    put_cycle(s, v, &sums);
    screen_end_line(s);
    if (v->order_count <= 1)
        return 3;
    put_orders(s, v);
    return 4;
}

static int
put_stop(struct screen *s, const struct station_view *v)
{
    if (v->stopped_by == RS_OK)
        return 0;
    rs_buf_put_str(&s->out, "\033[7m");
    screen_put_padded(s, s->utf8 ? "  ■■■■■■  STOP  ■■■■■■" : "  ######  STOP  ######", s->cols);
    rs_buf_put_str(&s->out, "\033[0m\r\n");
    rs_buf_printf(&s->out, "  %s", failure_find(v->stopped_by)->operator_);
    screen_end_line(s);
    rs_buf_printf(&s->out, "  %s (%s)", v->stop_text, rs_code_info(v->stopped_by)->name);
    screen_end_line(s);
    return 3;
}

/* In so many lines: the scan, what happened last, the keys. */
static void
put_foot(struct screen *s, const struct station_view *v, int lines)
{
    const char *next = "no fixture is free";

    for (size_t i = v->tile_count; i > 0; i--) {
        const struct station_tile *t = &v->tiles[i - 1];
        if (t->tile != TILE_BUSY && t->tile != TILE_OFF && !t->is_reference)
            next = t->name;
    }
    rs_buf_printf(&s->out, "SCAN %s %s_   %s\033[K\033[%dGnext: %s", s->utf8 ? "▸" : ">", s->scan,
                  s->said, s->cols - 24, next);
    screen_end_line(s);
    for (int i = 0; i < STATION_RECENT && i < lines - 2; i++) {
        screen_put_padded(s, v->recent[i], s->cols - 1);
        screen_end_line(s);
    }
    rs_buf_put_str(&s->out, "F10 or Ctrl-C end shift\033[K\033[J");
}

static void
draw(struct screen *s, struct station *st, const char *name)
{
    static struct station_view v;
    int used;

    measure(s);
    station_look(st, &v);
    rs_buf_reset(&s->out);
    rs_buf_put_str(&s->out, "\033[H");
    used = put_head(s, &v, name);
    used += put_stop(s, &v);
    used += tiles_put(s, &v, s->rows - used - 2 - RECENT_MIN);
    put_foot(s, &v, s->rows - used);
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
