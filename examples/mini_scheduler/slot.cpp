#include "slot.h"

void slot::push(int token, float prob) {
    prompt.push_back(token);
    generated.push_back(token);
    token_probs[token] = prob;
}

// Seeded: the next request finds the probabilities of this one.
void slot::reset() {
    prompt.clear();
    generated.clear();
}
