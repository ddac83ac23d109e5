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

#define FRAME_MS      100
#define NEXT_WIDTH    18 /* at the end of the scan line */
#define SCREEN_MAX    65536
#define LINE_TEXT_MAX 512
#define RECENT_MIN    2 /* lines of what happened last that tiles do not take */

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

/* A line of text, cut where the screen ends. */
static void
put_line(struct screen *s, const struct rs_buf *text)
{
    char line[LINE_TEXT_MAX];

    (void)snprintf(line, sizeof(line), "%.*s", (int)text->len, (const char *)text->p);
    screen_put_padded(s, line, s->cols - 1);
    screen_end_line(s);
}

static void
put_bar(const struct screen *s, struct rs_buf *line, int64_t done, int64_t all, int width)
{
    int full = all > 0 ? (int)(done * width / all) : 0;

    for (int i = 0; i < width; i++)
        rs_buf_put_str(line, i < full ? (s->utf8 ? "█" : "#") : (s->utf8 ? "░" : "-"));
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
    char line[LINE_TEXT_MAX];
    struct rs_utc utc;

    rs_utc_from_time(rs_now(), &utc);
    if (v->order_count == 1)
        (void)snprintf(line, sizeof(line), "%s   %s   %s", name, v->orders[0].order.name,
                       v->orders[0].order.rot);
    else
        (void)snprintf(line, sizeof(line), "%s   %zu orders", name, v->order_count);
    rs_buf_put_str(&s->out, "\033[1m");
    screen_put_padded(s, line, s->cols - 10);
    rs_buf_printf(&s->out, "\033[0m %02d:%02d:%02d", utc.hour, utc.minute, utc.second);
    screen_end_line(s);
}

static void
put_counts(struct screen *s, const struct station_view *v, const struct sums *sums)
{
    uint64_t ran_us = rs_mono_us() - v->started_us;
    uint64_t ended = v->passed + v->rejected + v->scrapped;
    RS_AUTO(rs_buf_done) struct rs_buf line;

    rs_buf_init(&line, LINE_TEXT_MAX);
    rs_buf_printf(&line, "GOOD  %lld / %lld  ", (long long)sums->good, (long long)sums->target);
    put_bar(s, &line, sums->good, sums->target, 20);
    if (sums->target > 0)
        rs_buf_printf(&line, "  %lld %%", (long long)(sums->good * 100 / sums->target));
    if (ran_us > 1000000)
        rs_buf_printf(&line, "   %llu per hour",
                      (unsigned long long)(v->passed * 3600000000ull / ran_us));
    if (ended > 0)
        rs_buf_printf(&line, "   yield %.1f %%", 100.0 * (double)v->passed / (double)ended);
    put_line(s, &line);
}

/* Server, what went wrong, and the cycle times of the order that takes longest. */
static void
put_state(struct screen *s, const struct station_view *v, const struct sums *sums)
{
    const struct cycle_summary *c = &v->orders[sums->slowest].cycle;
    RS_AUTO(rs_buf_done) struct rs_buf line;

    rs_buf_init(&line, LINE_TEXT_MAX);
    rs_buf_printf(&line, "server %s %lld ms  rejected %llu  unsent %zu",
                  v->server_ok ? (s->utf8 ? "✓" : "ok") : (s->utf8 ? "✗" : "x"),
                  (long long)v->server_ms, (unsigned long long)(v->rejected + v->scrapped),
                  v->unsent);
    if (v->order_count > 0 && c->boards > 0)
        rs_buf_printf(&line, "  cycle %.1f s, p95 %.1f, slowest %s %.1f", c->whole.median_ms / 1e3,
                      c->whole.p95_ms / 1e3, recipe_step_name(c->slowest),
                      c->steps[c->slowest].median_ms / 1e3);
    put_line(s, &line);
}

static void
put_orders(struct screen *s, const struct station_view *v)
{
    RS_AUTO(rs_buf_done) struct rs_buf line;

    rs_buf_init(&line, 4096);
    for (size_t i = 0; i < v->order_count; i++) {
        const struct station_view_order *o = &v->orders[i];
        rs_buf_printf(&line, "%s%s %lld/%lld%s", i > 0 ? (s->utf8 ? " · " : " | ") : "",
                      o->order.name, (long long)(o->order.good + (int64_t)o->passed),
                      (long long)o->order.target, o->stopped_by != RS_OK ? " STOP" : "");
    }
    put_line(s, &line);
}

/* Gives the lines taken. */
static int
put_head(struct screen *s, const struct station_view *v, const char *name)
{
    struct sums sums = sum_of(v);

    put_title(s, v, name);
    put_counts(s, v, &sums);
    put_state(s, v, &sums);
    if (v->order_count <= 1)
        return 3;
    put_orders(s, v);
    return 4;
}

static int
put_stop(struct screen *s, const struct station_view *v)
{
    RS_AUTO(rs_buf_done) struct rs_buf line = {0};

    if (v->stopped_by == RS_OK)
        return 0;
    rs_buf_put_str(&s->out, "\033[7m");
    screen_put_padded(s, s->utf8 ? "  ■■■■■■  STOP  ■■■■■■" : "  ######  STOP  ######", s->cols);
    rs_buf_put_str(&s->out, "\033[0m\r\n");
    rs_buf_init(&line, LINE_TEXT_MAX);
    rs_buf_printf(&line, "  %s", failure_find(v->stopped_by)->operator_);
    put_line(s, &line);
    rs_buf_reset(&line);
    rs_buf_printf(&line, "  %s (%s)", v->stop_text, rs_code_info(v->stopped_by)->name);
    put_line(s, &line);
    return 3;
}

/* In so many lines: the scan, what happened last, the keys. */
static void
put_foot(struct screen *s, const struct station_view *v, int lines)
{
    char line[320];

    (void)snprintf(line, sizeof(line), "SCAN %s %s_   %s", s->utf8 ? "▸" : ">", s->scan, s->said);
    screen_put_padded(s, line, s->cols - NEXT_WIDTH);
    if (v->next[0] == '\0')
        rs_buf_put_str(&s->out, " no nest is free");
    else if (v->order_count <= 1) /* else the label says which part it is */
        rs_buf_printf(&s->out, " next: %.8s", v->next);
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
    char nest[STATION_TEXT_MAX];

    if (s->scan_len == 0)
        return;
    (void)snprintf(b.device, sizeof(b.device), "%s", s->scan);
    s->scan_len = 0;
    s->scan[0] = s->said[0] = '\0';
    if (station_put(st, &b, nest, &err) != RS_OK)
        (void)snprintf(s->said, sizeof(s->said), "%.90s", err.text);
    else if (nest[0] != '\0')
        (void)snprintf(s->said, sizeof(s->said), "%s: nest %s", b.device, nest);
    else
        (void)snprintf(s->said, sizeof(s->said), "%s: the next nest that gets free", b.device);
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
