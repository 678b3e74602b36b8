// What several proofs need: a file of given bytes, and numbers as they lie in one.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

inline const char * written(const char * name, const std::string & bytes) {
    std::ofstream(name, std::ios::binary) << bytes;
    return name;
}

inline std::string as_bytes(int32_t number) {
    return std::string(reinterpret_cast<const char *>(&number), sizeof(number));
}
