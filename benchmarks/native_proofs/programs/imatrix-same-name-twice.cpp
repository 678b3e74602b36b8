// llama-imatrix --in-file FILE, in the old format: one name twice, the second time with more values.
#include "proof.h"

#define main imatrix_main
#include "tools/imatrix/imatrix.cpp"
#undef main

static std::string entry(const std::string & name, int32_t values) {
    const int32_t calls = 1;
    return as_bytes(name.size()) + name + as_bytes(calls) + as_bytes(values) + std::string(values * sizeof(float), '\0');
}

int main() {
    const int32_t entries = 2;
    IMatrixCollector collector;
    collector.load_imatrix_legacy(written("old.imatrix", as_bytes(entries) + entry("blk.0", 1) + entry("blk.0", 4096)));
}
