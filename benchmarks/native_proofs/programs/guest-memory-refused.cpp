// A guest offers its memory as a buffer, and the device cannot take it: Vulkan answers null then.
#include "guest.h"

static void * shared_memory(uint32_t, uint32_t) {
    static char memory[64];
    return memory;
}

int main() {
    ggml_backend_device device = {};
    device.iface.buffer_from_host_ptr = [](ggml_backend_dev_t, void *, size_t, size_t) -> ggml_backend_buffer_t {
        return nullptr;
    };
    dev = &device;
    send(APIR_COMMAND_TYPE_DEVICE_BUFFER_FROM_PTR, std::string(64, '\0'), shared_memory);
}
