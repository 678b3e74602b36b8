/* While it is ordered so, the disk of one process is full and its clock is an hour off.
 *
 * The orders stand in a mapped file of the run's folder, `faults`: who has no room on disk, whose clock is off, and by
 * how many seconds. What the tracer writes into that folder is let through: it is to tell what came of it. Reached is
 * what calls these functions by name; the C library's own streams (fwrite, fprintf) write past them. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct orders { int64_t without_room, clock_off, seconds; };

static const struct orders none;
static const volatile struct orders *orders = &none;
static char folder[PATH_MAX];

__attribute__((constructor)) static void read_orders(void) {
    char name[PATH_MAX + 8];
    const char *given = getenv("LLMLINT_TRACE");
    if (!given || strlen(given) >= sizeof folder) return;
    strcpy(folder, given);
    snprintf(name, sizeof name, "%s/faults", folder);
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *found = mmap(NULL, sizeof *orders, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) orders = found;
}

static int is_the_runs_own(int file) {
    char link[40], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t begins = strlen(folder);
    return length > (ssize_t)begins && !strncmp(path, folder, begins) && path[begins] == '/';
}

/* Whether there is no room for what is to be written to this file. */
static int is_full(int file) {
    struct stat about;
    int kept = errno;
    int full = orders->without_room && orders->without_room == getpid() && !fstat(file, &about) &&
               S_ISREG(about.st_mode) && !is_the_runs_own(file);
    errno = full ? ENOSPC : kept;
    return full;
}

static int64_t ahead(void) { return orders->clock_off && orders->clock_off == getpid() ? orders->seconds : 0; }

#pragma GCC visibility push(default)

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define WRITES(result, name, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        return is_full(file) ? -1 : real arguments; \
    }

WRITES(ssize_t, write, (int file, const void *what, size_t size), (file, what, size))
WRITES(ssize_t, pwrite, (int file, const void *what, size_t size, off_t at), (file, what, size, at))
WRITES(ssize_t, pwrite64, (int file, const void *what, size_t size, off64_t at), (file, what, size, at))
WRITES(ssize_t, writev, (int file, const struct iovec *parts, int count), (file, parts, count))
WRITES(ssize_t, pwritev, (int file, const struct iovec *parts, int count, off_t at), (file, parts, count, at))
WRITES(ssize_t, sendfile, (int file, int from, off_t *at, size_t size), (file, from, at, size))
WRITES(ssize_t, sendfile64, (int file, int from, off64_t *at, size_t size), (file, from, at, size))
WRITES(ssize_t, copy_file_range, (int from, off64_t *at, int file, off64_t *to, size_t size, unsigned int flags),
       (from, at, file, to, size, flags))
WRITES(int, fallocate, (int file, int mode, off_t at, off_t size), (file, mode, at, size))

int posix_fallocate(int file, off_t at, off_t size) {
    REAL(posix_fallocate);
    return is_full(file) ? ENOSPC : real(file, at, size);
}

int posix_fallocate64(int file, off64_t at, off64_t size) {
    REAL(posix_fallocate64);
    return is_full(file) ? ENOSPC : real(file, at, size);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int failed = real ? real(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static int (*real)(struct timeval *, void *);
    if (!real) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int failed = real(now, zone);
    if (!failed && now) now->tv_sec += ahead();
    return failed;
}

time_t time(time_t *there) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (there) *there = now.tv_sec;
    return now.tv_sec;
}
