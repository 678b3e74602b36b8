/* Loads its engine when it is running, for itself alone, and gives it up in between. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char **arguments) {
    for (int round = 0; count > 1 && round < 3; round++) {
        void *engine = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        int (*answer)(int) = (int (*)(int))dlsym(engine, "answer");
        printf("%d %d\n", answer(1), answer(7));
        dlclose(engine);
    }
    return 0;
}
