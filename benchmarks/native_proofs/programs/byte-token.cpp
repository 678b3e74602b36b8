// A model's file with a PLaMo-2 vocabulary, in which the byte token "<0x-9>" stands.
#include "gguf.h"
#include "llama-model-loader.h"
#include "llama-vocab.h"
#include "llama.h"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

static const char * model_with(const char * byte_token) {
    const char * texts[] = {"<|plamo:unk|>", "<|plamo:bos|>", "<|plamo:eos|>", "<|plamo:pad|>", byte_token};
    const float scores[5] = {};
    const int32_t types[] = {LLAMA_TOKEN_TYPE_UNKNOWN, LLAMA_TOKEN_TYPE_CONTROL, LLAMA_TOKEN_TYPE_CONTROL,
                             LLAMA_TOKEN_TYPE_CONTROL, LLAMA_TOKEN_TYPE_BYTE};
    gguf_context * file = gguf_init_empty();
    gguf_set_val_str(file, "general.architecture", "plamo2");
    gguf_set_val_str(file, "tokenizer.ggml.model", "plamo2");
    gguf_set_arr_str(file, "tokenizer.ggml.tokens", texts, 5);
    gguf_set_arr_data(file, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores, 5);
    gguf_set_arr_data(file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types, 5);
    gguf_write_to_file(file, "model.gguf", true);
    gguf_free(file);
    return "model.gguf";
}

int main() {
    std::vector<std::string> splits;
    try {
        llama_model_loader loader(nullptr, nullptr, nullptr, model_with("<0x-9>"), splits, nullptr, false, false, false,
                                  true, nullptr, nullptr);
        llama_vocab vocab;
        vocab.load(loader, LLM_KV(LLM_ARCH_PLAMO2));
    } catch (const std::exception & refused) {  // as llama_model_load() does
        puts(refused.what());
    }
}
