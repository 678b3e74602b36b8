// The host's side of ggml-virtgpu, given messages as a guest would send them.
#pragma once

#include "backend-virgl-apir.h"
#include "backend-dispatched.h"
#include "shared/apir_backend.h"

#include <string>

inline uint32_t send(ApirBackendCommandType command, std::string message, void * (*shared_memory)(uint32_t, uint32_t)) {
    virgl_apir_callbacks callbacks = {nullptr, shared_memory};
    std::string answer(4096, '\0');
    char * end = nullptr;
    return apir_backend_dispatcher(0, &callbacks, command, &message[0], message.data() + message.size(), &answer[0],
                                   answer.data() + answer.size(), &end);
}
