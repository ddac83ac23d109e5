/*
 * foreign.c: a program that knows nothing of simulators, and does with device files all that
 * programs do: every refusal, copies of descriptors, children, threads, signals.
 *
 *   rot-sim exec --chip atecc608b --chip stsafe-a110 --bus 2 --chip se050 --gpio 17=se050 \
 *       --chip ta100@spi0.0 -- foreign
 *
 * It starts itself again with a device open ("inherited FD"), and as a child that asks by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATECC  0x60
#define STSAFE 0x20
#define SE050  0x48

static atomic_uint checks, failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        checks++;                                                                                  \
        if (!(condition)) {                                                                        \
            failures++;                                                                            \
            printf("FAILED %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);        \
        }                                                                                          \
    } while (0)

/* The call fails with just this errno. */
#define REFUSED(call, code)                                                                        \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK((call) < 0);                                                                         \
        if (errno != (code))                                                                       \
            printf("  %s: errno %d, not %d\n", #call, errno, code);                                \
        CHECK(errno == (code));                                                                    \
    } while (0)

extern char **environ;
extern int __open_2(const char *path, int flags);
extern int __open64_2(const char *path, int flags);
extern int __openat_2(int dir, const char *path, int flags);
extern int __openat64_2(int dir, const char *path, int flags);
extern ssize_t __read_chk(int fd, void *p, size_t len, size_t room);
extern int __xstat(int version, const char *path, struct stat *st);
extern int __fxstat(int version, int fd, struct stat *st);

/* What no compiler sees through. */
static void *volatile nowhere;
static char thread_paths[2][16] = {"/dev/i2c-1", "/dev/i2c-2"};

static const uint8_t echo[] = {0x00, 0x01, 0x02, 0x03, 0xa7, 0x29};
static const uint8_t echoed[] = {0x00, 0x00, 0x05, 0x01, 0x02, 0x03, 0xa7, 0x29};

static int
open_at(const char *path, unsigned long address)
{
    int fd = open(path, O_RDWR);

    if (fd < 0 || ioctl(fd, I2C_SLAVE, address) != 0) {
        printf("%s: errno %d\n", path, errno);
        return -1;
    }
    return fd;
}

/* STSAFE's Echo over the descriptor: written, and read from its beginning. */
static int
says_echo(int fd)
{
    uint8_t rx[8] = {0};

    return write(fd, echo, sizeof(echo)) == (ssize_t)sizeof(echo) &&
           read(fd, rx, sizeof(rx)) == (ssize_t)sizeof(rx) && memcmp(rx, echoed, sizeof(rx)) == 0;
}

/* ---- Refusals ------------------------------------------------------------------------------- */

static void
names_that_are_not_there(void)
{
    struct stat st;
    char text[16];

    REFUSED(open("/dev/i2c-3", O_RDWR), ENOENT);
    REFUSED(open("/dev/i2c-01", O_RDWR), ENOENT);
    REFUSED(open("/dev/spidev0.1", O_RDWR), ENOENT);
    REFUSED(open(nowhere, O_RDWR), EFAULT);
    REFUSED(stat("/dev/i2c-3", &st), ENOENT);
    REFUSED(stat(nowhere, &st), EFAULT);
    REFUSED(access("/dev/i2c-3", F_OK), ENOENT);
    REFUSED(open("/sys/class/gpio/gpio18/value", O_WRONLY), ENOENT);
    REFUSED(readlink("/sys/class/i2c-dev/i2c-3", text, sizeof(text)), ENOENT);
    errno = 0;
    CHECK(opendir("/sys/class/i2c-dev/i2c-3") == NULL && errno == ENOENT);
    errno = 0;
    CHECK(fopen("/dev/i2c-1", "r+") == NULL && errno == EOPNOTSUPP);
    errno = 0;
    CHECK(fopen("/dev/i2c-3", "r+") == NULL && errno == ENOENT);
}

static void
ioctls_that_are_refused(int fd)
{
    uint8_t byte = 0;
    struct i2c_msg messages[43], big = {.addr = STSAFE, .len = 8193, .buf = &byte};
    struct i2c_rdwr_ioctl_data rdwr = {.msgs = messages, .nmsgs = 43};
    union i2c_smbus_data data = {.block = {0}};
    struct i2c_smbus_ioctl_data smbus = {.size = 99, .data = &data};

    memset(messages, 0, sizeof(messages));
    REFUSED(ioctl(fd, I2C_SLAVE, 0x80), EINVAL);
    REFUSED(ioctl(fd, I2C_SLAVE_FORCE, 0x3FFUL), EINVAL);
    REFUSED(ioctl(fd, I2C_TENBIT, 1), EOPNOTSUPP);
    REFUSED(ioctl(fd, I2C_PEC, 1), EOPNOTSUPP);
    REFUSED(ioctl(fd, I2C_TIMEOUT, 0x80000000UL), EINVAL);
    REFUSED(ioctl(fd, I2C_FUNCS, NULL), EFAULT);
    REFUSED(ioctl(fd, TCGETS, &data), ENOTTY);
    REFUSED(ioctl(fd, SPI_IOC_RD_MODE, &byte), ENOTTY);
    REFUSED(ioctl(fd, I2C_RDWR, NULL), EFAULT);
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), EINVAL);
    rdwr.nmsgs = 0;
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), EINVAL);
    rdwr = (struct i2c_rdwr_ioctl_data){.msgs = &big, .nmsgs = 1};
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), EINVAL);
    big = (struct i2c_msg){.addr = STSAFE, .len = 1, .buf = NULL};
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), EFAULT);
    big = (struct i2c_msg){.addr = STSAFE, .len = 1, .flags = I2C_M_TEN, .buf = &byte};
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), EOPNOTSUPP);
    big = (struct i2c_msg){.addr = STSAFE, .len = 1, .flags = I2C_M_RECV_LEN, .buf = &byte};
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), EOPNOTSUPP);
    big = (struct i2c_msg){.addr = 0x21, .len = 1, .buf = &byte};
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), ENXIO);
    big = (struct i2c_msg){.addr = 0x100 | STSAFE, .len = 1, .buf = &byte};
    REFUSED(ioctl(fd, I2C_RDWR, &rdwr), EOPNOTSUPP);
    REFUSED(ioctl(fd, I2C_SMBUS, NULL), EFAULT);
    REFUSED(ioctl(fd, I2C_SMBUS, &smbus), EINVAL);
    smbus = (struct i2c_smbus_ioctl_data){.size = I2C_SMBUS_BYTE_DATA, .read_write = 2};
    REFUSED(ioctl(fd, I2C_SMBUS, &smbus), EINVAL);
    smbus.read_write = I2C_SMBUS_READ;
    REFUSED(ioctl(fd, I2C_SMBUS, &smbus), EINVAL);
    smbus = (struct i2c_smbus_ioctl_data){
        .size = I2C_SMBUS_BLOCK_DATA, .read_write = I2C_SMBUS_WRITE, .data = &data};
    REFUSED(ioctl(fd, I2C_SMBUS, &smbus), EINVAL); /* a block of nothing */
    data.block[0] = 33;
    REFUSED(ioctl(fd, I2C_SMBUS, &smbus), EINVAL);
    smbus.read_write = I2C_SMBUS_READ;
    REFUSED(ioctl(fd, I2C_SMBUS, &smbus), EOPNOTSUPP);
}

static void
transfers_that_are_refused(void)
{
    int fd = open("/dev/i2c-1", O_RDONLY);
    uint8_t bytes[2000] = {0};

    CHECK(fd >= 0 && ioctl(fd, I2C_SLAVE, STSAFE) == 0);
    REFUSED(write(fd, bytes, 1), EBADF);
    REFUSED(read(fd, nowhere, 1), EFAULT);
    REFUSED(read(fd, bytes, 0), EOPNOTSUPP);
    REFUSED(read(fd, bytes, 1025), EOPNOTSUPP);
    CHECK(ioctl(fd, I2C_SLAVE, 0x21) == 0);
    REFUSED(read(fd, bytes, 1), ENXIO);
    ioctls_that_are_refused(fd);
    CHECK(close(fd) == 0);
    REFUSED(read(fd, bytes, 1), EBADF);
    fd = open("/dev/i2c-1", O_WRONLY);
    CHECK(fd >= 0 && ioctl(fd, I2C_SLAVE, STSAFE) == 0);
    REFUSED(read(fd, bytes, 1), EBADF);
    REFUSED(write(fd, nowhere, 1), EFAULT);
    REFUSED(write(fd, bytes, sizeof(bytes)), EOPNOTSUPP);
    CHECK(close(fd) == 0);
}

/* ---- What a device is ------------------------------------------------------------------------ */

static void
is_a_device(const struct stat *st, unsigned minor_number)
{
    CHECK(S_ISCHR(st->st_mode));
    CHECK(st->st_rdev == makedev(89, minor_number));
}

static void
looks_like_a_device(void)
{
    int fd = open("/dev/i2c-2", O_RDWR | O_CLOEXEC), tree;
    struct stat st;
    struct stat64 st64;
    struct statx stx;
    char text[64] = "";
    DIR *dir;
    FILE *f;

    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(stat("/dev/i2c-2", &st) == 0);
    is_a_device(&st, 2);
    CHECK(lstat("/dev/i2c-2", &st) == 0);
    is_a_device(&st, 2);
    CHECK(fstat(fd, &st) == 0);
    is_a_device(&st, 2);
    CHECK(fstatat(AT_FDCWD, "/dev/i2c-2", &st, 0) == 0);
    is_a_device(&st, 2);
    CHECK(fstatat(fd, "", &st, AT_EMPTY_PATH) == 0);
    is_a_device(&st, 2);
    CHECK(__xstat(1, "/dev/i2c-2", &st) == 0);
    is_a_device(&st, 2);
    CHECK(__fxstat(1, fd, &st) == 0);
    is_a_device(&st, 2);
    CHECK(stat64("/dev/i2c-2", &st64) == 0 && st64.st_rdev == makedev(89, 2));
    CHECK(fstat64(fd, &st64) == 0 && st64.st_rdev == makedev(89, 2));
    CHECK(statx(AT_FDCWD, "/dev/i2c-2", 0, STATX_BASIC_STATS, &stx) == 0);
    CHECK(stx.stx_rdev_major == 89 && stx.stx_rdev_minor == 2 && S_ISCHR(stx.stx_mode));
    CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) == 0 && stx.stx_rdev_minor == 2);
    CHECK(access("/dev/i2c-2", R_OK | W_OK) == 0);
    CHECK(close(fd) == 0);
    f = fopen("/sys/class/i2c-dev/i2c-2/name", "r");
    CHECK(f != NULL && fgets(text, sizeof(text), f) != NULL);
    CHECK(strcmp(text, "rot-sim bus 2\n") == 0);
    if (f != NULL)
        (void)fclose(f);
    dir = opendir("/sys/class/i2c-dev");
    CHECK(dir != NULL);
    if (dir != NULL)
        (void)closedir(dir);
    tree = open("/sys/class/i2c-dev/i2c-1/dev", O_RDONLY);
    CHECK(tree >= 0 && read(tree, text, sizeof(text)) == 5 && memcmp(text, "89:1\n", 5) == 0);
    (void)close(tree);
    /* What is not ours is what it was. */
    CHECK(stat("/dev/null", &st) == 0 && st.st_rdev == makedev(1, 3));
    CHECK(stat("/sys/class/net", &st) == 0);
}

static void
opens_by_every_name(void)
{
    int (*const two[])(const char *, int) = {__open_2, __open64_2};
    int (*const three[])(int, const char *, int) = {__openat_2, __openat64_2};
    uint8_t rx[8] = {0};
    int fd;

    for (int i = 0; i < 6; i++) {
        if (i < 2)
            fd = two[i]("/dev/i2c-1", O_RDWR);
        else if (i < 4)
            fd = three[i - 2](AT_FDCWD, "/dev/i2c-1", O_RDWR);
        else
            fd = i == 4 ? open64("/dev/i2c-1", O_RDWR) : openat(AT_FDCWD, "/dev/i2c-1", O_RDWR);
        CHECK(fd >= 0 && ioctl(fd, I2C_SLAVE_FORCE, STSAFE) == 0);
        CHECK(write(fd, echo, sizeof(echo)) == (ssize_t)sizeof(echo));
        CHECK(__read_chk(fd, rx, sizeof(rx), sizeof(rx)) == (ssize_t)sizeof(rx));
        CHECK(memcmp(rx, echoed, sizeof(rx)) == 0);
        CHECK(close(fd) == 0);
    }
}

/* ---- Speaking to parts --------------------------------------------------------------------------- */

static void
wakes_an_atecc(void)
{
    static const uint8_t want[] = {0x07, 0x00, 0x00, 0x60, 0x03, 0x83, 0xbb};
    uint8_t zero = 0, rx[7] = {0}, greeting[4] = {0};
    uint8_t info[] = {0x03, 0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5d};
    struct i2c_msg m[] = {{.addr = ATECC, .len = sizeof(info), .buf = info},
                          {.addr = ATECC, .len = 1, .buf = &zero},
                          {.addr = ATECC, .flags = I2C_M_RD, .len = sizeof(rx), .buf = rx}};
    struct i2c_rdwr_ioctl_data rdwr = {.msgs = m, .nmsgs = 3};
    unsigned long functions = 0;
    int fd = open_at("/dev/i2c-1", 0);

    CHECK(ioctl(fd, I2C_FUNCS, &functions) == 0 && (functions & I2C_FUNC_I2C) != 0);
    CHECK(ioctl(fd, I2C_RETRIES, 3) == 0 && ioctl(fd, I2C_TIMEOUT, 100) == 0);
    CHECK(ioctl(fd, I2C_TENBIT, 0) == 0 && ioctl(fd, I2C_PEC, 0) == 0);
    REFUSED(write(fd, &zero, 1), ENXIO); /* nobody acknowledges a general call */
    (void)usleep(1500);
    CHECK(ioctl(fd, I2C_SLAVE, ATECC) == 0);
    CHECK(read(fd, greeting, 4) == 4 && greeting[1] == 0x11);
    CHECK(ioctl(fd, I2C_RDWR, &rdwr) == 3);
    CHECK(memcmp(rx, want, sizeof(want)) == 0);
    CHECK(write(fd, "\x01", 1) == 1); /* sleep */
    REFUSED(write(fd, &zero, 1), ENXIO);
    CHECK(close(fd) == 0);
}

static void
copies_share_a_device(void)
{
    int fd = open_at("/dev/i2c-1", 0x21), copy = dup(fd), third;
    uint8_t byte;

    REFUSED(read(copy, &byte, 1), ENXIO);
    CHECK(ioctl(copy, I2C_SLAVE, STSAFE) == 0); /* the address belongs to what both are of */
    CHECK(says_echo(fd) && says_echo(copy));
    CHECK(close(fd) == 0 && says_echo(copy));
    CHECK(dup2(copy, fd) == fd && says_echo(fd));
    third = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    CHECK(third >= 100 && says_echo(third));
    CHECK(dup2(STDOUT_FILENO, fd) == fd); /* it is something else now */
    REFUSED(ioctl(fd, I2C_SLAVE, STSAFE), ENOTTY);
    CHECK(close(fd) == 0 && close(copy) == 0 && close(third) == 0);
}

/* ---- Processes --------------------------------------------------------------------------------------- */

static int
wait_ok(pid_t pid)
{
    int status = -1;

    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static void
children_have_lines_of_their_own(void)
{
    int fd = open_at("/dev/i2c-1", STSAFE);
    pid_t pids[4];

    CHECK(says_echo(fd));
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (int n = 0; n < 50; n++)
                if (!says_echo(fd) && !says_echo(fd)) /* others may come between its two halves */
                    _exit(1);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++)
        CHECK(wait_ok(pids[i]));
    CHECK(says_echo(fd) && close(fd) == 0);
}

static void
a_program_inherits_a_device(const char *self)
{
    int fd = open_at("/dev/i2c-1", STSAFE);
    char number[16], how[] = "inherited";
    char *args[] = {(char *)(uintptr_t)self, how, number, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    (void)snprintf(number, sizeof(number), "%d", fd);
    CHECK(posix_spawn(&pid, self, NULL, NULL, args, environ) == 0 && wait_ok(pid));
    /* And one that it does not get stays ours. */
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, fd) == 0);
    CHECK(posix_spawn(&pid, self, &actions, NULL, args, environ) == 0 && !wait_ok(pid));
    (void)posix_spawn_file_actions_destroy(&actions);
    CHECK(says_echo(fd) && close(fd) == 0);
}

/* Daemons close all that they have, and with it what this library has. */
static void
closes_everything(void)
{
    pid_t pid = fork();
    int fd;

    if (pid != 0) {
        CHECK(wait_ok(pid));
        return;
    }
    fd = open_at("/dev/i2c-1", STSAFE);
    if (!says_echo(fd))
        _exit(1);
    closefrom(3);
    for (int i = 3; i < 260; i++) /* every number is something else */
        if (open("/dev/null", O_RDWR) < 0)
            _exit(2);
    if (ioctl(fd, I2C_SLAVE, STSAFE) >= 0)
        _exit(3);
    closefrom(3);
    fd = open_at("/dev/i2c-1", STSAFE);
    _exit(says_echo(fd) ? 0 : 4);
}

/* ---- Threads and signals -------------------------------------------------------------------------------- */

static void *
run_thread(void *arg)
{
    const char *path = arg;
    int fd = open_at(path, strcmp(path, "/dev/i2c-1") == 0 ? STSAFE : SE050);
    uint8_t resync[] = {0x5a, 0xc0, 0x00, 0xff, 0xfc};

    for (int i = 0; i < 100; i++) {
        if (strcmp(path, "/dev/i2c-1") == 0)
            CHECK(says_echo(fd) || says_echo(fd) || says_echo(fd));
        else /* others may ask in between: it has not always something to say */
            (void)!write(fd, resync, sizeof(resync));
    }
    CHECK(close(fd) == 0);
    return NULL;
}

static void
threads_take_turns(void)
{
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, run_thread, thread_paths[i % 2]) == 0);
    for (size_t i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static int signal_fd;
static volatile sig_atomic_t signal_count, signal_wrong;

static void
on_timer(int number)
{
    uint8_t probe = 0;
    int saved = errno;

    (void)number;
    signal_count++;
    if (write(signal_fd, &probe, 0) != 0)
        signal_wrong++;
    errno = saved;
}

/* A library that speaks to its part from a timer's handler, while the program speaks, too. */
static void
a_handler_speaks(void)
{
    struct sigaction act = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    struct itimerval every = {.it_interval = {.tv_usec = 700}, .it_value = {.tv_usec = 700}};
    struct itimerval never = {.it_interval = {.tv_usec = 0}};
    int fd = open_at("/dev/i2c-1", STSAFE), wrong = 0;

    signal_fd = open_at("/dev/i2c-2", SE050);
    CHECK(sigaction(SIGALRM, &act, NULL) == 0 && setitimer(ITIMER_REAL, &every, NULL) == 0);
    for (int i = 0; i < 20000 && signal_count < 50; i++)
        wrong += !says_echo(fd);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(signal_count >= 50 && signal_wrong == 0 && wrong == 0);
    CHECK(close(fd) == 0 && close(signal_fd) == 0);
}

/* ---- SPI ------------------------------------------------------------------------------------------ */

static void
spi_refuses(int fd)
{
    static uint8_t bytes[4100];
    struct spi_ioc_transfer t = {.tx_buf = (uintptr_t)bytes, .len = 4097};
    struct spi_ioc_transfer two[2] = {{.len = 2048}, {.len = 2049}};
    uint8_t byte = 16;
    uint32_t word = SPI_CS_HIGH;

    REFUSED(ioctl(fd, I2C_SLAVE, 0x20), ENOTTY);
    REFUSED(ioctl(fd, TCGETS, bytes), ENOTTY);
    REFUSED(ioctl(fd, SPI_IOC_RD_MODE, NULL), EFAULT);
    REFUSED(ioctl(fd, SPI_IOC_MESSAGE(1), NULL), EFAULT);
    REFUSED(ioctl(fd, SPI_IOC_WR_BITS_PER_WORD, &byte), EINVAL);
    REFUSED(ioctl(fd, SPI_IOC_WR_LSB_FIRST, &byte), EINVAL);
    REFUSED(ioctl(fd, SPI_IOC_WR_MODE32, &word), EINVAL);
    word = 0;
    REFUSED(ioctl(fd, SPI_IOC_WR_MAX_SPEED_HZ, &word), EINVAL);
    REFUSED(ioctl(fd, _IOC(_IOC_WRITE, SPI_IOC_MAGIC, 0, 33), bytes), EINVAL);
    REFUSED(ioctl(fd, SPI_IOC_MESSAGE(1), &t), EMSGSIZE);
    REFUSED(ioctl(fd, SPI_IOC_MESSAGE(2), two), EMSGSIZE);
    t = (struct spi_ioc_transfer){.len = 1, .bits_per_word = 16};
    REFUSED(ioctl(fd, SPI_IOC_MESSAGE(1), &t), EINVAL);
    REFUSED(read(fd, bytes, 4097), EMSGSIZE);
    REFUSED(write(fd, bytes, 4097), EMSGSIZE);
    REFUSED(read(fd, nowhere, 1), EFAULT);
    REFUSED(write(fd, nowhere, 1), EFAULT);
    CHECK(ioctl(fd, SPI_IOC_MESSAGE(0), bytes) == 0);
}

static void
spi_keeps_its_settings(int fd)
{
    int copy = dup(fd);
    uint8_t mode = SPI_MODE_3, bits = 8, zero = 0;
    uint32_t hz = 4000000, word = 0;

    CHECK(ioctl(fd, SPI_IOC_WR_MODE, &mode) == 0 &&
          ioctl(fd, SPI_IOC_WR_BITS_PER_WORD, &bits) == 0);
    CHECK(ioctl(fd, SPI_IOC_WR_MAX_SPEED_HZ, &hz) == 0 &&
          ioctl(fd, SPI_IOC_WR_LSB_FIRST, &zero) == 0);
    mode = bits = 0;
    hz = 0;
    CHECK(ioctl(copy, SPI_IOC_RD_MODE, &mode) == 0 && mode == SPI_MODE_3);
    CHECK(ioctl(copy, SPI_IOC_RD_MODE32, &word) == 0 && word == SPI_MODE_3);
    CHECK(ioctl(copy, SPI_IOC_RD_BITS_PER_WORD, &bits) == 0 && bits == 8);
    CHECK(ioctl(copy, SPI_IOC_RD_MAX_SPEED_HZ, &hz) == 0 && hz == 4000000);
    CHECK(ioctl(copy, SPI_IOC_RD_LSB_FIRST, &zero) == 0 && zero == 0);
    CHECK(close(copy) == 0);
}

/* The part's status byte. */
static int
spi_status(int fd)
{
    uint8_t tx[2] = {0x30, 0}, rx[2] = {0};
    struct spi_ioc_transfer t = {
        .tx_buf = (uintptr_t)tx, .rx_buf = (uintptr_t)rx, .len = 2, .delay_usecs = 50};

    return ioctl(fd, SPI_IOC_MESSAGE(1), &t) == 2 ? rx[1] : -1;
}

static void
spi_speaks(int fd)
{
    static const uint8_t info[] = {0x10, 0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x89};
    uint8_t ask = 0x20, length[2] = {0}, rx[64] = {0};
    struct spi_ioc_transfer t[3] = {{.tx_buf = (uintptr_t)&ask, .len = 1},
                                    {.rx_buf = (uintptr_t)length, .len = 2},
                                    {.rx_buf = (uintptr_t)rx, .len = 24}};

    for (int i = 0; i < 100 && spi_status(fd) == 0xFF; i++)
        (void)usleep(1000); /* it starts */
    CHECK(spi_status(fd) == 0);
    CHECK(write(fd, info, sizeof(info)) == (ssize_t)sizeof(info));
    CHECK(spi_status(fd) == 1);
    /* One frame of three pieces; then the same in two frames. */
    CHECK(ioctl(fd, SPI_IOC_MESSAGE(3), t) == 27);
    CHECK(memcmp(rx + 1, "SIM-TA100-PLACEHOLDER", 21) == 0 && length[1] > 5);
    t[1].cs_change = 1; /* chip select rises behind the length */
    CHECK(write(fd, info, sizeof(info)) == (ssize_t)sizeof(info));
    CHECK(ioctl(fd, SPI_IOC_MESSAGE(2), t) ==
          3); /* and here it stays: the last one's flag holds it */
    CHECK(read(fd, rx, 24) == 24 && memcmp(rx + 1, "SIM-TA100-PLACEHOLDER", 21) == 0);
}

static void
spi(void)
{
    int fd = open("/dev/spidev0.0", O_RDWR);
    struct stat st;

    CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(153, 0));
    spi_refuses(fd);
    spi_keeps_its_settings(fd);
    spi_speaks(fd);
    CHECK(close(fd) == 0);
}

/* ---- A power line ------------------------------------------------------------------------------------------ */

static void
put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CHECK(f != NULL && fputs(text, f) >= 0);
    if (f != NULL)
        CHECK(fclose(f) == 0);
}

static char
get_value(void)
{
    char c = '?';
    int fd = open("/sys/class/gpio/gpio17/value", O_RDONLY);

    CHECK(fd >= 0 && read(fd, &c, 1) == 1);
    (void)close(fd);
    return c;
}

static int
is_there(int fd)
{
    return write(fd, "", 0) == 0;
}

static void
a_line_feeds_a_part(void)
{
    static const uint8_t resync[] = {0x5a, 0xc0, 0x00, 0xff, 0xfc};
    int fd = open_at("/dev/i2c-2", SE050), line;
    uint8_t rx[5] = {0};

    CHECK(is_there(fd) && get_value() == '1');
    put("/sys/class/gpio/export", "17");
    CHECK(is_there(fd));
    put("/sys/class/gpio/gpio17/direction", "out");
    CHECK(!is_there(fd) && get_value() == '0');
    line = open("/sys/class/gpio/gpio17/value", O_WRONLY);
    CHECK(line >= 0 && write(line, "1", 1) == 1 && is_there(fd) && get_value() == '1');
    /* A pulse between two transactions is a reset: what the part had to say is gone. */
    CHECK(write(fd, resync, sizeof(resync)) == (ssize_t)sizeof(resync));
    CHECK(write(line, "0", 1) == 1 && write(line, "1", 1) == 1);
    (void)usleep(20000);
    REFUSED(read(fd, rx, sizeof(rx)), ENXIO);
    CHECK(is_there(fd));
    put("/sys/class/gpio/gpio17/direction", "low\n");
    CHECK(!is_there(fd));
    put("/sys/class/gpio/gpio17/direction", "high\n");
    CHECK(is_there(fd));
    CHECK(close(line) == 0 && close(fd) == 0);
}

/* ---- The same line by the chip's device, in both forms ---------------------------------------- */

static void
gpiochip_refuses(int fd)
{
    struct gpiohandle_request old = {.lineoffsets = {18}, .lines = 1};
    struct gpio_v2_line_request new = {.offsets = {17}, .num_lines = 1};
    struct gpioline_info info = {.line_offset = 18};
    struct gpioevent_request event = {.lineoffset = 17};
    uint8_t byte = 0;

    REFUSED(open("/dev/gpiochip1", O_RDWR), ENOENT);
    REFUSED(ioctl(fd, GPIO_GET_CHIPINFO_IOCTL, NULL), EFAULT);
    REFUSED(ioctl(fd, I2C_SLAVE, 0x20), ENOTTY);
    REFUSED(ioctl(fd, TCGETS, &info), ENOTTY);
    REFUSED(ioctl(fd, GPIO_GET_LINEINFO_IOCTL, &info), EINVAL);
    REFUSED(ioctl(fd, GPIO_GET_LINEHANDLE_IOCTL, &old), EINVAL); /* behind the last one */
    old.lineoffsets[0] = 16;
    REFUSED(ioctl(fd, GPIO_GET_LINEHANDLE_IOCTL, &old), EBUSY); /* not one of --gpio */
    old.lines = 0;
    REFUSED(ioctl(fd, GPIO_GET_LINEHANDLE_IOCTL, &old), EINVAL);
    old.lines = 17;
    REFUSED(ioctl(fd, GPIO_GET_LINEHANDLE_IOCTL, &old), EINVAL);
    REFUSED(ioctl(fd, GPIO_GET_LINEEVENT_IOCTL, &event), EOPNOTSUPP);
    new.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING;
    REFUSED(ioctl(fd, GPIO_V2_GET_LINE_IOCTL, &new), EINVAL);
    new.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_OUTPUT;
    REFUSED(ioctl(fd, GPIO_V2_GET_LINE_IOCTL, &new), EINVAL);
    new.config = (struct gpio_v2_line_config){.num_attrs = 11};
    REFUSED(ioctl(fd, GPIO_V2_GET_LINE_IOCTL, &new), EINVAL);
    new.config = (struct gpio_v2_line_config){
        .num_attrs = 1, .attrs = {{.attr = {.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE}}}};
    REFUSED(ioctl(fd, GPIO_V2_GET_LINE_IOCTL, &new), EOPNOTSUPP);
    REFUSED(read(fd, &byte, 1), EINVAL);
    REFUSED(write(fd, &byte, 1), EINVAL);
}

static void
gpiochip_tells(int fd)
{
    struct gpiochip_info chip;
    struct gpioline_info line = {.line_offset = 17}, other = {.line_offset = 3};
    struct gpio_v2_line_info line2 = {.offset = 17}, other2 = {.offset = 3};

    CHECK(ioctl(fd, GPIO_GET_CHIPINFO_IOCTL, &chip) == 0 && chip.lines == 18);
    CHECK(strcmp(chip.name, "gpiochip0") == 0);
    CHECK(ioctl(fd, GPIO_GET_LINEINFO_IOCTL, &line) == 0 && strcmp(line.name, "GPIO17") == 0);
    CHECK(ioctl(fd, GPIO_GET_LINEINFO_IOCTL, &other) == 0);
    CHECK((other.flags & GPIOLINE_FLAG_KERNEL) != 0 && (line.flags & GPIOLINE_FLAG_KERNEL) == 0);
    CHECK(ioctl(fd, GPIO_V2_GET_LINEINFO_IOCTL, &line2) == 0 && line2.offset == 17);
    CHECK((line2.flags & GPIO_V2_LINE_FLAG_USED) == 0);
    CHECK(ioctl(fd, GPIO_V2_GET_LINEINFO_IOCTL, &other2) == 0);
    CHECK((other2.flags & GPIO_V2_LINE_FLAG_USED) != 0);
}

static void
gpiochip_first_form(int fd, int part)
{
    struct gpiohandle_request r = {
        .lineoffsets = {17}, .lines = 1, .flags = GPIOHANDLE_REQUEST_OUTPUT, .default_values = {0}};
    struct gpiohandle_data data = {.values = {1}};
    struct gpiohandle_config config = {.flags = GPIOHANDLE_REQUEST_INPUT};
    struct gpioline_info line = {.line_offset = 17};

    CHECK(ioctl(fd, GPIO_GET_LINEHANDLE_IOCTL, &r) == 0 && !is_there(part));
    CHECK(ioctl(fd, GPIO_GET_LINEINFO_IOCTL, &line) == 0);
    CHECK((line.flags & GPIOLINE_FLAG_IS_OUT) != 0);
    CHECK(ioctl(r.fd, GPIOHANDLE_SET_LINE_VALUES_IOCTL, &data) == 0 && is_there(part));
    data.values[0] = 0;
    CHECK(ioctl(r.fd, GPIOHANDLE_GET_LINE_VALUES_IOCTL, &data) == 0 && data.values[0] == 1);
    CHECK(get_value() == '1');
    data.values[0] = 0;
    CHECK(ioctl(r.fd, GPIOHANDLE_SET_LINE_VALUES_IOCTL, &data) == 0 && !is_there(part));
    CHECK(ioctl(r.fd, GPIOHANDLE_SET_CONFIG_IOCTL, &config) == 0 && is_there(part));
    REFUSED(ioctl(r.fd, GPIOHANDLE_SET_LINE_VALUES_IOCTL, &data), EPERM);
    REFUSED(ioctl(r.fd, GPIO_GET_CHIPINFO_IOCTL, &data), ENOTTY);
    CHECK(close(r.fd) == 0);
}

/* Active low: 1 is what takes the power. */
static void
gpiochip_second_form(int fd, int part)
{
    struct gpio_v2_line_request r = {
        .offsets = {17},
        .num_lines = 1,
        .config = {.flags = GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW,
                   .num_attrs = 1,
                   .attrs = {{.attr = {.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, .values = 1},
                              .mask = 1}}}};
    struct gpio_v2_line_values v = {.bits = 0, .mask = 1};
    struct gpio_v2_line_config config = {.flags = GPIO_V2_LINE_FLAG_INPUT};

    CHECK(ioctl(fd, GPIO_V2_GET_LINE_IOCTL, &r) == 0 && !is_there(part));
    CHECK(ioctl(r.fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &v) == 0 && is_there(part));
    v.bits = 1;
    CHECK(ioctl(r.fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &v) == 0 && v.bits == 0);
    v.bits = 1;
    CHECK(ioctl(r.fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &v) == 0 && !is_there(part));
    CHECK(ioctl(r.fd, GPIO_V2_LINE_SET_CONFIG_IOCTL, &config) == 0 && is_there(part));
    CHECK(ioctl(r.fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &v) == 0 && v.bits == 1);
    REFUSED(ioctl(r.fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &v), EPERM);
    v.mask = 2;
    REFUSED(ioctl(r.fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &v), EINVAL);
    CHECK(close(r.fd) == 0);
}

static void
a_line_of_a_gpiochip(void)
{
    int fd = open("/dev/gpiochip0", O_RDWR | O_CLOEXEC), part = open_at("/dev/i2c-2", SE050);
    struct stat st;
    char text[16] = "";
    FILE *f = fopen("/sys/bus/gpio/devices/gpiochip0/dev", "r");

    CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
    CHECK(f != NULL && fgets(text, sizeof(text), f) != NULL && strcmp(text, "254:0\n") == 0);
    CHECK(st.st_rdev == makedev(254, 0));
    if (f != NULL)
        (void)fclose(f);
    gpiochip_refuses(fd);
    gpiochip_tells(fd);
    gpiochip_first_form(fd, part);
    gpiochip_second_form(fd, part);
    CHECK(close(fd) == 0 && close(part) == 0);
}

/* ---- All of it ------------------------------------------------------------------------------------------------ */

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "inherited") == 0)
        return says_echo(atoi(argv[2])) ? 0 : 1;
    names_that_are_not_there();
    transfers_that_are_refused();
    looks_like_a_device();
    opens_by_every_name();
    wakes_an_atecc();
    copies_share_a_device();
    children_have_lines_of_their_own();
    a_program_inherits_a_device(argv[0]);
    closes_everything();
    threads_take_turns();
    a_handler_speaks();
    spi();
    a_line_feeds_a_part();
    a_line_of_a_gpiochip();
    printf("%u checks, %u failures\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
