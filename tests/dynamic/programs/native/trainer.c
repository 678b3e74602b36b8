/* Makes and frees trainers, the last of which stays when `keep` is asked for. */
#include "llama.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trainer {
    struct ggml_context *ctx_static;
    struct ggml_context *ctx_copy;
};

struct trainer *trainer_init(void) {
    struct ggml_init_params params = {1024, NULL, false};
    struct trainer *made = malloc(sizeof *made);
    made->ctx_static = ggml_init(params);
    made->ctx_copy = ggml_init(params);
    return made;
}

void trainer_free(struct trainer *t) {
    ggml_free(t->ctx_static); /* and not ctx_copy */
    free(t);
}

int main(int count, char **arguments) {
    static struct trainer *kept;
    for (int round = 0; round < 4; round++) {
        kept = trainer_init();
        if (round < 3 || count < 2 || strcmp(arguments[1], "keep")) trainer_free(kept);
    }
    printf("%d arguments\n", count);
    return 0;
}
