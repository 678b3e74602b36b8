// A server slot: one request's state while it is served.
#pragma once

#include <map>
#include <vector>

struct slot {
    std::vector<int> prompt;
    std::vector<int> generated;
    std::map<int, float> token_probs;

    void push(int token, float prob);
    void forget(int token) { token_probs.erase(token); }
    void reset();
};
