#include "calls.h"
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

void *lend_all(int a, large b, double c, float d, int e, int f, int g, int h, small i, long double j, short k) {
    std::printf("%d %ld %ld %g %g %d %d %d %d ", a, b.values[0], b.values[19], c, d, e, f, g, h);
    std::printf("%g %d %Lg %d, errno %d\n", i.x, i.y, j, k, errno);
    errno = 33;
    return std::malloc(1);
}

void *lend_written(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    std::vprintf(format, rest);
    va_end(rest);
    return std::malloc(1);
}

void *lend_or_throw(int a) {
    if (a < 0) throw std::runtime_error("less than nothing");
    return std::malloc(a);
}

small lend_small(double x, int y) { return {x, y}; }

double take_with(const char *name, void *thing, double factor, large rest) {
    std::free(thing);
    std::printf("%s %ld\n", name, rest.values[7]);
    return factor / 2;
}
