// A small server's worth of llama.cpp, without Python: answers numbered prompts and prints what became of them.
//
//     answers MODEL REQUESTS
//
// Every eleventh prompt is too long and refused.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llama.h"

enum { CONTEXT = 256, TOKENS = 12 };

static void silent(enum ggml_log_level level, const char * text, void * data) {
    (void) level, (void) text, (void) data;
}

// The batch holds these tokens, the first of them at this place of the sequence.
static void fill(struct llama_batch * batch, const llama_token * tokens, int count, int at) {
    batch->n_tokens = count;
    for (int i = 0; i < count; i++) {
        batch->token[i]     = tokens[i];
        batch->pos[i]       = at + i;
        batch->n_seq_id[i]  = 1;
        batch->seq_id[i][0] = 0;
        batch->logits[i]    = i == count - 1;
    }
}

static int answer(struct llama_context * ctx, const struct llama_vocab * vocab, const char * prompt) {
    llama_token            tokens[CONTEXT];
    struct llama_sampler * sampler = llama_sampler_chain_init(llama_sampler_chain_default_params());
    int count = llama_tokenize(vocab, prompt, (int) strlen(prompt), tokens, CONTEXT, true, false);
    if (count < 0 || count + TOKENS > CONTEXT) {
        llama_sampler_free(sampler);
        return -1;
    }
    struct llama_batch batch = llama_batch_init(CONTEXT, 0, 1);
    int at = 0, said = 0;
    llama_sampler_chain_add(sampler, llama_sampler_init_top_k(40));
    llama_sampler_chain_add(sampler, llama_sampler_init_greedy());
    while (said < TOKENS) {
        fill(&batch, tokens, count, at);
        if (llama_decode(ctx, batch) != 0) {
            break;
        }
        at += count;
        tokens[0] = llama_sampler_sample(sampler, ctx, -1);
        count = 1;
        said++;
    }
    llama_batch_free(batch);
    llama_sampler_free(sampler);
    llama_memory_clear(llama_get_memory(ctx), true);
    return said;
}

int main(int count, char ** arguments) {
    if (count < 3) {
        return 2;
    }
    llama_log_set(silent, NULL);
    llama_backend_init();
    struct llama_model * model = llama_model_load_from_file(arguments[1], llama_model_default_params());
    if (!model) {
        return 1;
    }
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx     = CONTEXT;
    params.n_threads = params.n_threads_batch = 1;
    struct llama_context * ctx = llama_init_from_model(model, params);
    int finished = 0, refused = 0;
    for (int request = 0; request < atoi(arguments[2]); request++) {
        char prompt[1024] = "";
        for (int i = 0; i < (request % 11 == 10 ? 40 : 1); i++) {
            snprintf(prompt + strlen(prompt), sizeof prompt - strlen(prompt), "%d riddles ", request);
        }
        int said = answer(ctx, llama_model_get_vocab(model), prompt);
        *(said < 0 ? &refused : &finished) += 1;
    }
    printf("%d finished, %d refused\n", finished, refused);
    llama_free(ctx);
    llama_model_free(model);
    return 0;
}
