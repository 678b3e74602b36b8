// llama-quantize --imatrix FILE, in the old format: a name as long as an int can say.
#include "proof.h"

#define main quantize_main
#include "tools/quantize/quantize.cpp"
#undef main

int main() {
    const int32_t entries = 1;
    std::vector<std::string> datasets;
    std::unordered_map<std::string, std::vector<float>> data;
    load_legacy_imatrix(written("old.imatrix", as_bytes(entries) + as_bytes(INT32_MAX)), datasets, data);
}
