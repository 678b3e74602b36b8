// A guest asks whether the device can run an operation, and sends no operation.
#include "guest.h"

int main() {
    send(APIR_COMMAND_TYPE_DEVICE_SUPPORTS_OP, "", nullptr);
}
