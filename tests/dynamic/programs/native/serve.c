/* Answers requests of 1, 2, 3 … tokens; those of more than MOST leave by an early return. How, is the first argument. */
#include "llama.h"
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
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

int made_so_far(void) { return samplers_made(); }

static void serve(int requests) {
    for (int tokens = 1; tokens <= requests; tokens++) printf("%d %d\n", answer(tokens), embed(tokens));
    fflush(stdout);
}

static void *in_thread(void *tokens) { return (void *)(long)answer((int)(long)tokens); }

static void *many_in_thread(void *rounds) {
    for (long round = 0; round < (long)rounds; round++) answer(1);
    return NULL;
}

/* Threads at work while children are forked, which work too. */
static void in_threads_and_forks(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, many_in_thread, (void *)5000L);
    for (int i = 0; i < 20; i++) {
        if (fork() == 0) many_in_thread((void *)10L), exit(0);
        wait(NULL);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

static void answer_once(void) { answer(1); }

/* On a stack that ends where the next page may not be touched. */
static void on_a_stack_of_its_own(void) {
    static ucontext_t here, there;
    const size_t size = 1 << 16;
    char *stack = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(stack + size, 4096, PROT_NONE);
    getcontext(&there);
    there.uc_stack.ss_sp = stack, there.uc_stack.ss_size = size, there.uc_link = &here;
    makecontext(&there, answer_once, 0);
    swapcontext(&here, &there);
}

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
    if (!strcmp(way, "threads")) in_threads_and_forks();
    for (int i = 0; i < 50000 && !strcmp(way, "many"); i++) answer(MOST + 1);
    if (!strcmp(way, "stack")) on_a_stack_of_its_own();
    if (strcmp(way, "idle")) serve(requests);
    if (!strcmp(way, "kill")) raise(SIGKILL);
    fprintf(stderr, "served\n");
    return 3;
}
