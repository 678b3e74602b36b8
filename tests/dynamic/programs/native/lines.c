/* Counts the lines of a file, and asks so many times whether it has any; the asking forgets to close. */
#include <stdio.h>
#include <stdlib.h>

static int count_lines(FILE *file) {
    int lines = 0;
    for (int sign; (sign = getc(file)) != EOF;) lines += sign == '\n';
    return lines;
}

int lines_of(const char *path) {
    FILE *file = fopen(path, "r");
    int lines = count_lines(file);
    fclose(file);
    return lines;
}

int has_lines(const char *path) {
    FILE *file = fopen(path, "r");
    return count_lines(file) > 0;
}

int main(int count, char **arguments) {
    int rounds = count > 1 ? atoi(arguments[1]) : 1;
    printf("%d\n", lines_of(arguments[0]) > 0);
    while (rounds--) printf("%d\n", has_lines(arguments[0]));
    return 0;
}
