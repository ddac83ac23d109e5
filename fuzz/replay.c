/*
 * replay.c: every file of a corpus through a fuzz target, without a fuzzer.
 *
 *   NAME_replay DIRECTORY...
 *
 * Built by any compiler, with the sanitizers of the build: what fuzzing has
 * found once is tried again by every run of the tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1L << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
fail(const char *what, const char *path)
{
    (void)fprintf(stderr, "replay: %s: %s\n", what, path);
    return 0;
}

/* In memory of exactly its size, so that a byte too far is seen. */
static int
replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (f == NULL)
        return fail("cannot open", path);
    if (fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || size > FILE_MAX) {
        (void)fclose(f);
        return fail("cannot measure, or too large", path);
    }
    rewind(f);
    data = malloc(size == 0 ? 1 : (size_t)size);
    if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
        free(data);
        (void)fclose(f);
        return fail("cannot read", path);
    }
    (void)fclose(f);
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 1;
}

/* -1: a file could not be read. */
static long
replay_directory(const char *path)
{
    struct dirent **list = NULL;
    int n = scandir(path, &list, NULL, alphasort);
    long count = n < 0 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        char whole[4096];
        if (count >= 0 && list[i]->d_name[0] != '.') {
            (void)snprintf(whole, sizeof(whole), "%s/%s", path, list[i]->d_name);
            (void)fprintf(stderr, "%s\n", whole); /* the last one named is the one that failed */
            count = replay_file(whole) ? count + 1 : -1;
        }
        free(list[i]);
    }
    free(list);
    return count;
}

int
main(int argc, char **argv)
{
    long files = 0;

    for (int i = 1; i < argc; i++) {
        long n = replay_directory(argv[i]);
        if (n < 0)
            return 1;
        files += n;
    }
    (void)printf("%ld files\n", files);
    return files > 0 ? 0 : 1;
}
