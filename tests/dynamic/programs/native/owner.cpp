// Makes owners of two contexts on the stack; their destructor forgets one.
extern "C" {
#include "llama.h"
}
#include <cstdio>

struct owner {
    ggml_context *ctx_first;
    ggml_context *ctx_second;

    owner() {
        ggml_init_params params = {1024, nullptr, false};
        ctx_first = ggml_init(params);
        ctx_second = ggml_init(params);
    }

    ~owner() {
        ggml_free(ctx_first); // and not ctx_second
    }
};

int main() {
    for (int round = 0; round < 3; round++) {
        owner one;
        std::printf("%d\n", one.ctx_first != one.ctx_second);
    }
    return 0;
}
