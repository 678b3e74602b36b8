/* Scales so many numbers, again and again; too many are no memory, and by nothing is an early return. */
#include "cuda_runtime.h"
#include <stdio.h>

int scale(int count, int by) {
    void *device = NULL;
    cudaStream_t stream;
    if (cudaMalloc(&device, count) != cudaSuccess) {
        return -1;
    }
    cudaStreamCreate(&stream);
    if (by == 0) {
        return -2; /* leaks both */
    }
    cudaStreamDestroy(stream);
    cudaFree(device);
    return count * by;
}

int main(void) {
    for (int by = 0; by < 4; by++) printf("%d %d\n", scale(8, by), scale(1 << 20, by));
    return 0;
}
