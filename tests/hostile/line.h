/*
 * line.h: one station of the line, its recipe and its journal, with hostile fixtures.
 *
 * Everything between the label and the tile is the station's own code: opening, recipe, journal,
 * failure table, reports, the connection to a real server.  Only the way from a chip's name to
 * its wire is ours ("far:..."), and the waiting for people to press a board down.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOSTILE_LINE_H
#define TESTS_HOSTILE_LINE_H

#include "bus.h"

#define LINE_FIXTURES 2
#define LINE_CERT_MAX 4096

struct line_config {
    const char *home, *order;
    int production;
};

/* How an attempt ended. */
struct line_end {
    char state[16], code[48], step[16], text[240];
    char again[48]; /* what the station began anew for by itself; "" */
    char uid[65];   /* that the station knows the part by; "" when it does not */
    uint8_t cert[LINE_CERT_MAX];
    size_t cert_len;
    int identity_used;
};

struct line;

/* Ends the program when there is no such station or order. */
struct line *line_open(const struct line_config *config);
void line_close(struct line *l);

struct bus *line_bus(struct line *l, unsigned fixture);
/* The order's CA certificates as the server gives them; the root first. */
size_t line_cas(const struct line *l);
const uint8_t *line_ca(const struct line *l, size_t n, size_t *ret_len);

/*
 * Put the board of that label into a fixture once.  1: the station puts it into its queue
 * again.  tries: how often it was tried without anybody placing it anew.
 */
int line_run(struct line *l, unsigned fixture, const char *label, unsigned tries,
             struct line_end *ret_end);
/* Let the server have all reports; 0: it would not take them. */
int line_post(struct line *l);

#endif /* TESTS_HOSTILE_LINE_H */
