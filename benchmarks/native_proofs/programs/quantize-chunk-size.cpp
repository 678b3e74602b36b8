// LLAMA_TRACE=1 llama-quantize --imatrix FILE: an importance matrix whose chunks are said to hold no token.
#include "ggml.h"
#include "gguf.h"

#define main quantize_main
#include "tools/quantize/quantize.cpp"
#undef main

static const char * matrix_with(uint32_t chunk_size) {
    const char * datasets[] = {"text"};
    ggml_context * tensors = ggml_init({1 << 20, nullptr, false});
    gguf_context * file = gguf_init_empty();
    gguf_set_arr_str(file, "imatrix.datasets", datasets, 1);
    gguf_set_val_u32(file, "imatrix.chunk_count", 1);
    gguf_set_val_u32(file, "imatrix.chunk_size", chunk_size);
    for (const char * name : {"blk.0.in_sum2", "blk.0.counts"}) {
        ggml_tensor * tensor = ggml_new_tensor_2d(tensors, GGML_TYPE_F32, 1, 1);
        ggml_set_name(tensor, name);
        *static_cast<float *>(tensor->data) = 1;
        gguf_add_tensor(file, tensor);
    }
    gguf_write_to_file(file, "matrix.gguf", false);
    gguf_free(file);
    ggml_free(tensors);
    return "matrix.gguf";
}

int main() {
    setenv("LLAMA_TRACE", "1", 1);
    std::vector<std::string> datasets;
    std::unordered_map<std::string, std::vector<float>> data;
    load_imatrix(matrix_with(0), datasets, data);
}
