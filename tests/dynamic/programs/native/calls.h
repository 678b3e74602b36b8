#pragma once
#include <stdarg.h>
struct small { double x; int y; };
struct large { long values[20]; };
extern "C" {
void *lend_all(int a, large b, double c, float d, int e, int f, int g, int h, small i, long double j, short k);
void *lend_written(const char *format, ...);
void *lend_or_throw(int a);
small lend_small(double x, int y);
double take_with(const char *name, void *thing, double factor, large rest);
}
