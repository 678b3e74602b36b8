/* Loads its engine when it is running, for itself alone, and gives it up in between. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char **arguments) {
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
