// llama-gguf-hash with a file that is no GGUF: what gguf_init_from_file() gives is used unasked.
#include "proof.h"

#define main gguf_hash_main
#include "examples/gguf-hash/gguf-hash.cpp"
#undef main

int main() {
    const char * arguments[] = {"llama-gguf-hash", written("notes.txt", "no model\n"), nullptr};
    gguf_hash_main(2, arguments);
}
