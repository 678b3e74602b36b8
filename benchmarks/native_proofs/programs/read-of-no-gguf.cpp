// llama-gguf NAME r with a file that is no GGUF: what gguf_init_from_file() gives is used unasked.
#include "proof.h"

#define main gguf_main
#include "examples/gguf/gguf.cpp"
#undef main

int main() {
    const char * file = written("notes.txt", "no model\n");
    gguf_ex_read_1(file, false);
}
