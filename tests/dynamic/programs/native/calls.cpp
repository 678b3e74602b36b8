// Calls functions of every shape, and prints what arrived and what came back.
#include "calls.h"
#include <cerrno>
#include <cstdio>
#include <exception>

int main() {
    large many{};
    many.values[0] = 7, many.values[7] = 9, many.values[19] = -4;
    errno = 12;
    void *one = lend_all(-1, many, 1.5, 2.5f, 3, 4, 5, 6, {7.5, 8}, 9.25L, 10);
    std::printf("errno %d\n", errno);
    void *two = lend_written("%d %g %s %g %g\n", 1, 2.5, "three", 4.5, 5.5);
    try {
        lend_or_throw(-1);
    } catch (const std::exception &error) {
        std::printf("caught: %s\n", error.what());
    }
    small both = lend_small(11.5, 12);
    std::printf("%g %d\n", both.x, both.y);
    std::printf("%g %g\n", take_with("one", one, 13.0, many), take_with("two", two, 14.0, many));
    take_with("three", lend_or_throw(3), 0, many);
    return 4;
}
