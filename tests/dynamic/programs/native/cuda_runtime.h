/* Two pairs of the CUDA runtime, as `stand_in.c` has them. */
#pragma once
#include <stddef.h>

typedef struct stream *cudaStream_t;
typedef enum { cudaSuccess, cudaErrorMemoryAllocation = 2 } cudaError_t;

cudaError_t cudaMalloc(void **memory, size_t size);
cudaError_t cudaFree(void *memory);
cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
