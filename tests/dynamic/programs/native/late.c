/* Loads its engine when it is running, for itself alone, and gives it up in between; two engines stay side by side. */
#include <dlfcn.h>
#include <stdio.h>

static int side_by_side(char **engines) {
    for (int number = 0; number < 2; number++) {
        void *engine = dlopen(engines[number], RTLD_NOW | RTLD_LOCAL);
        int (*answer)(int) = (int (*)(int))dlsym(engine, "answer");
        int (*made_so_far)(void) = (int (*)(void))dlsym(engine, "made_so_far");
        for (int tokens = 0; tokens <= number; tokens++) answer(tokens);
        printf("%d\n", made_so_far());
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count == 3) return side_by_side(arguments + 1);
    for (int round = 0; count > 1 && round < 3; round++) {
        void *engine = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        int (*answer)(int) = (int (*)(int))dlsym(engine, "answer");
        void *(*make)(void) = (void *(*)(void))dlsym(engine, "make");
        void (*drop)(void *) = (void (*)(void *))dlsym(engine, "drop");
        void *made = make();
        printf("%d %d %s\n", answer(1), answer(7), made ? "made" : "nothing made");
        drop(made);
        dlclose(engine);
    }
    return 0;
}
