/* The account of who was lent what, from where, and what of it was given back where.
 *
 * Only a process that calls a watched function has one: a mapped file of fixed size, which outlives the process however
 * that ends. read.py beside this file reads it. */

#include "ledger.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

enum { SITES = 512, LINKS = 2048, BUCKETS = 1024, BUCKET = 16, LEDGERS = 256 };
#ifndef RUN
#define RUN 0 /* a word of this run alone, which its ledgers repeat */
#endif
enum { PATIENCE = 100000, ON_THE_WAY_OUT = 0xffff };

/* A place that calls a watched function, or (ON_THE_WAY_OUT) stood on the stack when the program was left. */
struct site { word address, bias, function, calls, vanished; char module[472]; };
/* What was lent at one site has been given back at another, so often. Sites are told by their index. */
struct link { word lent_at, given_back_at, count; };
struct handle { word value, site, thread, order, running; };
struct ledger {
    char magic[8];
    word pid, started, ended, order, lent_unnoted, given_back_unnoted, run;
    struct site sites[SITES];
    struct link links[LINKS];
    struct handle handles[BUCKETS][BUCKET];
};

static struct ledger *ledger;
static char folder[PATH_MAX];
static char opened, busy;
static __thread __attribute__((tls_model("initial-exec"))) word thread;

static int enter(void) {
    for (int tries = 0; __atomic_test_and_set(&busy, __ATOMIC_ACQUIRE); tries++) {
        if (tries == PATIENCE) return 0;
        sched_yield();
    }
    return 1;
}

static void leave(void) { __atomic_clear(&busy, __ATOMIC_RELEASE); }

static void add_one(word *count) { __atomic_fetch_add(count, 1, __ATOMIC_RELAXED); }

/* A run that starts processes by the thousand has so many ledgers and no more: each adds a byte to a file of all. */
static int is_one_too_many(void) {
    struct stat counted = {0};
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/ledgers", folder);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int failed = file < 0 || write(file, "+", 1) != 1 || fstat(file, &counted);
    if (file >= 0) close(file);
    return failed || counted.st_size > LEDGERS;
}

static void open_ledger(void) {
    struct timespec now;
    struct rlimit most;
    char path[PATH_MAX + 64];
    if (getrlimit(RLIMIT_FSIZE, &most) || most.rlim_cur < sizeof *ledger) return; /* a larger file is a signal */
    if (is_one_too_many()) return;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(path, sizeof path, "%s/n-%d-%lld%09ld.ledger", folder, getpid(), (long long)now.tv_sec, now.tv_nsec);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), status;
    if (file < 0) return;
    struct ledger *fresh = MAP_FAILED;
    while ((status = posix_fallocate(file, 0, sizeof *fresh)) == EINTR);
    if (status == 0) /* a hole on a full disk would kill the program */
        fresh = mmap(NULL, sizeof *fresh, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (fresh == MAP_FAILED) {
        unlink(path);
        return;
    }
    memcpy(fresh->magic, "LLMLEDG1", sizeof fresh->magic);
    fresh->pid = getpid();
    fresh->started = now.tv_sec;
    fresh->run = RUN;
    __atomic_store_n(&ledger, fresh, __ATOMIC_RELEASE);
}

static int is_open(void) {
    if (!opened && *folder && enter()) {
        if (!opened) open_ledger();
        __atomic_store_n(&opened, 1, __ATOMIC_RELEASE);
        leave();
    }
    if (!thread) thread = syscall(SYS_gettid);
    return ledger != NULL;
}

word ledger_order(void) { return is_open() ? ledger->order : 0; }

/* Where the address lies is asked outside of the lock: the loader has a lock of its own. */
static void name_site(struct site *site) {
    Dl_info info;
    struct link_map *map = NULL;
    char path[PATH_MAX] = "";
    if (!dladdr1((void *)site->address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return;
    if (*map->l_name ? !realpath(map->l_name, path) : readlink("/proc/self/exe", path, sizeof path - 1) < 0) return;
    site->bias = map->l_addr;
    if (strlen(path) < sizeof site->module) strcpy(site->module, path);
}

static struct site *site_of(word address, word function) {
    struct site *found = NULL;
    int fresh = 0;
    if (!enter()) return NULL;
    for (word i = 0; i < SITES && !found; i++) {
        struct site *site = &ledger->sites[((address >> 2) + i) % SITES];
        if ((fresh = !site->address)) site->address = address, site->function = function;
        if (site->address == address && site->function == function) found = site;
    }
    leave();
    if (fresh) name_site(found);
    return found;
}

static struct handle *place_of(word value, word wanted) {
    struct handle *bucket = ledger->handles[(value * 0x9E3779B97F4A7C15u >> 32) % BUCKETS];
    for (int i = 0; i < BUCKET; i++)
        if (bucket[i].value == wanted) return &bucket[i];
    return NULL;
}

void ledger_note_lent(word value, word caller, word function, word begun) {
    if (!is_open()) return;
    struct site *site = site_of(caller, function);
    if (!site || !enter()) return add_one(&ledger->lent_unnoted);
    struct handle *held = place_of(value, value);
    int by_a_call_inside_this_one = held && held->thread == thread && held->order > begun;
    if (held && !by_a_call_inside_this_one) ledger->sites[held->site].vanished++;
    if (held || (held = place_of(value, 0)))
        *held = (struct handle){value, site - ledger->sites, thread, ++ledger->order, 0};
    else
        add_one(&ledger->lent_unnoted);
    site->calls++;
    leave();
}

static void count_link(word lent_at, word given_back_at) {
    for (word i = 0; i < LINKS; i++) {
        struct link *link = &ledger->links[(lent_at * 31 + given_back_at + i) % LINKS];
        if (!link->count) link->lent_at = lent_at, link->given_back_at = given_back_at;
        if (link->lent_at == lent_at && link->given_back_at == given_back_at) {
            link->count++;
            return;
        }
    }
}

void ledger_note_given_back(word value, word caller, word function) {
    if (!is_open()) return;
    struct site *site = site_of(caller, function);
    if (!site || !enter()) return add_one(&ledger->given_back_unnoted);
    struct handle *held = value ? place_of(value, value) : NULL;
    if (held) count_link(held->site, site - ledger->sites), held->value = 0;
    site->calls++;
    leave();
}

/* A forked child lends and takes back on its own account. */
static void forked(void) {
    if (ledger) munmap(ledger, sizeof *ledger);
    ledger = NULL;
    thread = opened = busy = 0;
}

__attribute__((constructor)) static void started(void) {
    const char *given = getenv("LLMLINT_TRACE");
    if (given && strlen(given) < sizeof folder) strcpy(folder, given);
    pthread_atfork(NULL, NULL, forked);
}

static _Unwind_Reason_Code on_the_way_out(struct _Unwind_Context *context, void *depth) {
    site_of(_Unwind_GetIP(context), ON_THE_WAY_OUT);
    return ++*(int *)depth < 64 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* The ordinary end: what other threads hold may be in use, and so may what the functions hold that called exit. */
__attribute__((destructor)) static void ended(void) {
    int depth = 0;
    if (!ledger || ledger->pid != (word)getpid()) return;
    for (struct handle *held = *ledger->handles; held < ledger->handles[BUCKETS]; held++)
        held->running = held->value && held->thread != thread && !syscall(SYS_tgkill, getpid(), held->thread, 0);
    _Unwind_Backtrace(on_the_way_out, &depth);
    ledger->ended = 1;
}
