/* A few of llama.cpp's C functions, as `stand_in.c` has them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct llama_sampler;
struct llama_sampler_chain_params { bool no_perf; };
struct llama_batch {
    int32_t n_tokens;
    int32_t *token;
    float *embd;
    int32_t *pos, *n_seq_id, **seq_id;
    int8_t *logits;
};
struct ggml_context;
struct ggml_init_params { long mem_size; void *mem_buffer; bool no_alloc; };

int samplers_made(void); /* by this copy of the library */
struct llama_sampler *llama_sampler_chain_init(struct llama_sampler_chain_params params);
struct llama_sampler *llama_sampler_init_greedy(void);
void llama_sampler_chain_add(struct llama_sampler *chain, struct llama_sampler *sampler);
void llama_sampler_free(struct llama_sampler *sampler);
struct llama_batch llama_batch_init(int32_t tokens, int32_t embd, int32_t sequences);
void llama_batch_free(struct llama_batch batch);
struct ggml_context *ggml_init(struct ggml_init_params params);
void ggml_free(struct ggml_context *context);
