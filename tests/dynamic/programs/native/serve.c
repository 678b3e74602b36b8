/* Answers requests of 1, 2, 3 … tokens; those of more than MOST leave by an early return. How, is the first argument. */
#include "llama.h"
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 3, STOPS = 100, LEAVES = 101 };
extern char **environ;

int answer(int tokens) {
    struct llama_sampler_chain_params params = {false};
    struct llama_sampler *chain = llama_sampler_chain_init(params);
    if (tokens > MOST) {
        if (tokens == STOPS) pause();
        if (tokens == LEAVES) exit(5);
        return -1; /* leaks the sampler */
    }
    llama_sampler_chain_add(chain, llama_sampler_init_greedy());
    llama_sampler_free(chain);
    return tokens;
}

int embed(int tokens) {
    struct llama_batch batch = llama_batch_init(8, 0, 1);
    if (tokens > MOST) {
        return -1; /* leaks the batch */
    }
    llama_batch_free(batch);
    return tokens;
}

/* When optimised, these jump: the address the callee returns to is one of their caller's. */
struct llama_sampler *make(void) {
    struct llama_sampler_chain_params params = {false};
    return llama_sampler_chain_init(params);
}

void drop(struct llama_sampler *sampler) { llama_sampler_free(sampler); }

static void serve(int requests) {
    for (int tokens = 1; tokens <= requests; tokens++) printf("%d %d\n", answer(tokens), embed(tokens));
    fflush(stdout);
}

static void *in_thread(void *tokens) { return (void *)(long)answer((int)(long)tokens); }

int main(int count, char **arguments) {
    const char *way = count > 1 ? arguments[1] : "";
    int requests = count > 2 ? atoi(arguments[2]) : 5, status = 0;
    pthread_t thread;
    if (!strcmp(way, "exec")) {
        char *child[] = {arguments[0], "plain", NULL};
        pid_t pid;
        posix_spawn(&pid, arguments[0], NULL, NULL, child, environ);
        waitpid(pid, &status, 0);
        return WEXITSTATUS(status);
    }
    if (!strcmp(way, "stop")) pthread_create(&thread, NULL, in_thread, (void *)(long)STOPS), usleep(200000);
    if (!strcmp(way, "leave")) answer(LEAVES);
    if (!strcmp(way, "fork")) {
        serve(MOST);
        if (fork() == 0) serve(requests), exit(0);
        wait(&status);
        return 0;
    }
    if (strcmp(way, "idle")) serve(requests);
    if (!strcmp(way, "kill")) raise(SIGKILL);
    fprintf(stderr, "served\n");
    return 3;
}
