/*
 * harness.c: see harness.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define WAKE_WAIT_US 1500

void
part_init(struct part *p, const struct sim_model *model, const char *personality)
{
    const struct sim_create how = {.personality = personality,
                                   .unique = {0x8B, 0x26, 0x36, 0x5D, 0xC4, 0x18}};

    memset(p, 0, sizeof(*p));
    p->model = model;
    sim_holder_init(&p->holder);
    assert_int_equal(model->create(&p->chip, &p->holder.host, &how, NULL), RS_OK);
}

void
part_done(struct part *p)
{
    p->model->done(&p->chip);
}

void
part_advance(struct part *p, uint64_t us)
{
    p->now_us += us;
    p->model->set_time(&p->chip, p->now_us);
}

int
part_write(struct part *p, const uint8_t *bytes, size_t len)
{
    return p->model->i2c_write(&p->chip, p->model->get_address(&p->chip), bytes, len);
}

int
part_read(struct part *p, uint8_t *bytes, size_t len)
{
    return p->model->i2c_read(&p->chip, p->model->get_address(&p->chip), bytes, len);
}

int
part_wake(struct part *p)
{
    static const uint8_t awake[4] = {0x04, 0x11, 0x33, 0x43};
    uint8_t answer[4];

    p->model->wake(&p->chip, 80);
    part_advance(p, WAKE_WAIT_US);
    return part_read(p, answer, sizeof(answer)) && memcmp(answer, awake, sizeof(awake)) == 0;
}

static size_t
build(uint8_t *packet, unsigned opcode, unsigned p1, unsigned p2, const uint8_t *data, size_t len)
{
    uint16_t crc;

    packet[0] = 0x03;
    packet[1] = (uint8_t)(len + 7);
    packet[2] = (uint8_t)opcode;
    packet[3] = (uint8_t)p1;
    packet[4] = (uint8_t)p2;
    packet[5] = (uint8_t)(p2 >> 8);
    if (len > 0)
        memcpy(packet + 6, data, len);
    crc = atecc_crc(packet + 1, len + 5);
    packet[len + 6] = (uint8_t)crc;
    packet[len + 7] = (uint8_t)(crc >> 8);
    return len + 8;
}

/* Rewind (the poll), Count, the rest. */
static int
fetch(struct part *p, uint8_t *answer)
{
    static const uint8_t rewind = 0x00;
    uint8_t frame[256];
    uint16_t crc;

    if (!part_write(p, &rewind, 1) || !part_read(p, frame, 1) || frame[0] < 4 ||
        !part_read(p, frame + 1, frame[0] - 1u))
        return -1;
    crc = atecc_crc(frame, frame[0] - 2u);
    assert_int_equal(frame[frame[0] - 2], crc & 0xFF);
    assert_int_equal(frame[frame[0] - 1], crc >> 8);
    if (frame[0] == 4 && answer == NULL)
        return frame[1];
    if (answer != NULL)
        memcpy(answer, frame + 1, frame[0] - 3u);
    return frame[0] == 4 ? frame[1] : PART_DATA + frame[0] - 3;
}

int
part_run(struct part *p, unsigned opcode, unsigned p1, unsigned p2, const uint8_t *data, size_t len,
         uint8_t *answer)
{
    static const uint8_t idle = 0x02;
    uint8_t packet[300];
    size_t packet_len = build(packet, opcode, p1, p2, data, len);
    int status;

    if (p->chip.awake != ATECC_WOKEN && !part_wake(p))
        return -1;
    if (!part_write(p, packet, packet_len))
        return -1;
    status = fetch(p, answer);
    if (!p->no_idle)
        (void)part_write(p, &idle, 1);
    return status;
}

/* ---- Vectors ----------------------------------------------------------------- */

static FILE *
vector_open(const char *file)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", RS_VECTORS, file);
    f = fopen(path, "r");
    if (f == NULL)
        fail_msg("no vector file %s", path);
    return f;
}

/* Hex with blanks, up to the end of the line. */
static size_t
read_hex(const char *text, uint8_t *bytes, size_t cap)
{
    char digits[2048];
    size_t n = 0, len = 0;

    for (; *text != '\0' && *text != '\n' && *text != '#'; text++)
        if (*text != ' ' && n + 1 < sizeof(digits))
            digits[n++] = *text;
    if (!rs_hex_read(digits, n, bytes, cap, &len))
        fail_msg("bad hex: %s", text);
    return len;
}

void
vector_each(const char *file, const char *section,
            void (*each)(void *arg, const char *name, const uint8_t *bytes, size_t len), void *arg)
{
    FILE *f = vector_open(file);
    char line[2048], here[64] = "", name[64];
    uint8_t bytes[512];

    while (fgets(line, sizeof(line), f) != NULL) {
        char *eq = strchr(line, '=');

        if (line[0] == '#')
            continue;
        if (sscanf(line, "[%63[^]]", here) == 1 || eq == NULL || strcmp(here, section) != 0 ||
            sscanf(line, "%63s", name) != 1)
            continue;
        each(arg, name, bytes, read_hex(eq + 1, bytes, sizeof(bytes)));
    }
    (void)fclose(f);
}

void
vector_sections(const char *file, void (*each)(void *arg, const char *section), void *arg)
{
    FILE *f = vector_open(file);
    char line[2048], here[64];

    while (fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line, "[%63[^]]", here) == 1)
            each(arg, here);
    (void)fclose(f);
}

struct search {
    const char *name;
    uint8_t *bytes;
    size_t cap, len;
    int found;
};

static void
on_value(void *arg, const char *name, const uint8_t *bytes, size_t len)
{
    struct search *s = arg;

    if (strcmp(name, s->name) != 0)
        return;
    assert_true(len <= s->cap);
    memcpy(s->bytes, bytes, len);
    s->len = len;
    s->found = 1;
}

size_t
vector_get(const char *file, const char *section, const char *name, uint8_t *bytes, size_t cap)
{
    struct search s = {name, bytes, cap, 0, 0};

    vector_each(file, section, on_value, &s);
    if (!s.found)
        fail_msg("%s: no [%s] %s", file, section, name);
    return s.len;
}

/* ---- Life --------------------------------------------------------------------- */

void
part_lock_config(struct part *p, const uint8_t from16[112])
{
    for (unsigned word = 4; word < 32; word++)
        if (word != 21)
            assert_int_equal(
                part_run(p, 0x12, 0x00, word, from16 + 4 * (size_t)(word - 4), 4, NULL), 0);
    assert_int_equal(part_run(p, 0x17, 0x80, 0, NULL, 0, NULL), 0);
}

void
part_lock_data(struct part *p)
{
    assert_int_equal(part_run(p, 0x17, 0x81, 0, NULL, 0, NULL), 0);
}
