// A model's file with a T5 vocabulary, whose precompiled map of characters is of whole numbers.
#include "gguf.h"
#include "llama-model-loader.h"
#include "llama-vocab.h"
#include "llama.h"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

static const char * model_with(const std::vector<int32_t> & charsmap) {
    gguf_context * file = gguf_init_empty();
    gguf_set_val_str(file, "general.architecture", "t5");
    gguf_set_val_str(file, "tokenizer.ggml.model", "t5");
    gguf_set_arr_data(file, "tokenizer.ggml.precompiled_charsmap", GGUF_TYPE_INT32, charsmap.data(), charsmap.size());
    gguf_write_to_file(file, "model.gguf", true);
    gguf_free(file);
    return "model.gguf";
}

int main() {
    std::vector<std::string> splits;
    try {
        llama_model_loader loader(nullptr, nullptr, nullptr, model_with({0, 0}), splits, nullptr, false, false, false,
                                  true, nullptr, nullptr);
        llama_vocab vocab;
        vocab.load(loader, LLM_KV(LLM_ARCH_T5));
    } catch (const std::exception & refused) {  // as llama_model_load() does
        puts(refused.what());
    }
}
