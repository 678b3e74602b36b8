/* Stands in for libllama and the CUDA runtime: the same names and the same way of being called. */
#include "cuda_runtime.h"
#include "llama.h"
#include <stdlib.h>

struct llama_sampler { struct llama_sampler *next; };
struct ggml_context { long size; };

static int made;

int samplers_made(void) { return made; }

struct llama_sampler *llama_sampler_chain_init(struct llama_sampler_chain_params params) {
    made++;
    return calloc(1 + params.no_perf, sizeof(struct llama_sampler));
}

struct llama_sampler *llama_sampler_init_greedy(void) { return calloc(1, sizeof(struct llama_sampler)); }

void llama_sampler_chain_add(struct llama_sampler *chain, struct llama_sampler *sampler) {
    sampler->next = chain->next;
    chain->next = sampler;
}

void llama_sampler_free(struct llama_sampler *sampler) {
    if (sampler) free(sampler->next);
    free(sampler);
}

struct llama_batch llama_batch_init(int32_t tokens, int32_t embd, int32_t sequences) {
    struct llama_batch batch = {0};
    batch.token = malloc(tokens * sizeof(int32_t) + embd + sequences);
    batch.pos = malloc(tokens * sizeof(int32_t));
    return batch;
}

void llama_batch_free(struct llama_batch batch) {
    free(batch.token);
    free(batch.pos);
}

struct ggml_context *ggml_init(struct ggml_init_params params) {
    struct ggml_context *context = malloc(sizeof *context);
    context->size = params.mem_size;
    return context;
}

void ggml_free(struct ggml_context *context) { free(context); }

cudaError_t cudaMalloc(void **memory, size_t size) {
    *memory = size < 1 << 20 ? malloc(size) : (void *)16; /* what it holds after a failure says nothing */
    return size < 1 << 20 ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void *memory) {
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaMalloc((void **)stream, 8); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return cudaFree(stream); }
