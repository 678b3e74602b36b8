/* The ledger: stands between a program and the C functions that lend and take back, and notes who holds what.
 *
 * Built by `llmlint trace` with a watched.h that has one line a function: WATCH(number, name, way, argument, within).
 * `way` is lend or take_back; `argument` says which argument is given back; `within`, if it is not 0, is where in a
 * struct that is passed by value the pointer stands that tells one from another. Everything is written to a mapped
 * file of fixed size, so it outlives the process however that ends; read.py beside this file reads it. No fault here
 * may become the program's: what does not fit, or would have to wait, is counted and dropped. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

typedef uint64_t word;

enum { SITES = 512, LINKS = 2048, BUCKETS = 2048, BUCKET = 16, PATIENCE = 100000, STACK = 512, PAGE = 4096, ON_THE_WAY_OUT = 0xffff };

/* A place that calls a watched function, or (ON_THE_WAY_OUT) stood on the stack when the program was left. */
struct site { word address, bias, function, calls, vanished; char module[472]; };
/* What was lent at one site has been given back at another, so often. Sites are told by their index. */
struct link { word lent_at, given_back_at, count; };
struct handle { word value, site, thread, order, running; };
struct ledger {
    char magic[8];
    word pid, started, ended, dropped, order;
    struct site sites[SITES];
    struct link links[LINKS];
    struct handle handles[BUCKETS][BUCKET];
};
struct frame { double simd[16]; word number, al, r9, r8, rcx, rdx, rsi, rdi, rbp, caller, stack[]; };

enum { lend, take_back };
static struct { const char *name; int way, argument, within; void *real, *late; } watched[] = {
#define WATCH(number, name, way, argument, within) {#name, way, argument, within, NULL, NULL},
#include "watched.h"
};

static struct ledger *ledger;
static char folder[PATH_MAX];
static char opened, busy;
static __thread __attribute__((tls_model("initial-exec"))) word thread;

static int enter(void) {
    for (int tries = 0; __atomic_test_and_set(&busy, __ATOMIC_ACQUIRE); tries++) {
        if (tries == PATIENCE) {
            if (ledger) __atomic_fetch_add(&ledger->dropped, 1, __ATOMIC_RELAXED);
            return 0;
        }
        sched_yield();
    }
    return 1;
}

static void leave(void) { __atomic_clear(&busy, __ATOMIC_RELEASE); }

/* Only a process that calls a watched function has a file. */
static void open_ledger(void) {
    struct timespec now;
    struct rlimit most;
    char path[PATH_MAX + 64];
    if (getrlimit(RLIMIT_FSIZE, &most) || most.rlim_cur < sizeof *ledger) return; /* a larger file is a signal */
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
    __atomic_store_n(&ledger, fresh, __ATOMIC_RELEASE);
}

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
    ledger->dropped += !found;
    leave();
    if (fresh) name_site(found);
    return found;
}

static struct handle *place_of(word value, word wanted) {
    struct handle *bucket = ledger->handles[(value * 0x9E3779B97F4A7C15u) >> 53];
    for (int i = 0; i < BUCKET; i++)
        if (bucket[i].value == wanted) return &bucket[i];
    return NULL;
}

static void note_lent(word value, word caller, word number, word began) {
    struct site *site = site_of(caller, number);
    if (!site || !enter()) return;
    struct handle *held = place_of(value, value);
    if (held && !(held->thread == thread && held->order > began)) /* not lent by a call inside this one: it went unseen */
        ledger->sites[held->site].vanished++;
    if (held || (held = place_of(value, 0)))
        *held = (struct handle){value, site - ledger->sites, thread, ++ledger->order, 0};
    else
        ledger->dropped++;
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
    ledger->dropped++;
}

static void note_given_back(word value, word caller, word number) {
    struct site *site = site_of(caller, number);
    if (!site || !enter()) return;
    struct handle *held = value ? place_of(value, value) : NULL;
    if (held) count_link(held->site, site - ledger->sites), held->value = 0;
    site->calls++;
    leave();
}

static word nothing(void) { return 0; }

/* The function as this library, which must not be the ledger itself, or one that it needs has it. */
static void *had_by(const char *library, word number) {
    Dl_info there, here;
    void *handle = *library ? dlopen(library, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    void *found = handle ? dlsym(handle, watched[number].name) : NULL;
    if (handle) dlclose(handle);
    return found && dladdr(found, &there) && dladdr(&ledger, &here) && there.dli_fbase != here.dli_fbase ? found : NULL;
}

struct search { int skipped; char library[PATH_MAX]; };

static int next_library(struct dl_phdr_info *info, size_t size, void *given) {
    struct search *search = given;
    (void)size;
    if (search->skipped-- || strlen(info->dlpi_name) >= sizeof search->library) return 0;
    strcpy(search->library, info->dlpi_name);
    return 1;
}

/* A function of a library that was loaded later and may go again: the caller's library knows it, unless the call was a
 * jump from another one; then all are asked, and what was found is good while it still goes by this name. */
static void *late(word number, word caller) {
    Dl_info at;
    struct search search = {0};
    void *found = dladdr((void *)caller, &at) ? had_by(at.dli_fname, number) : NULL;
    if (found) return found;
    found = __atomic_load_n(&watched[number].late, __ATOMIC_RELAXED);
    if (found && dladdr(found, &at) && at.dli_saddr == found && !strcmp(at.dli_sname, watched[number].name)) return found;
    found = dlsym(RTLD_NEXT, watched[number].name);
    for (int i = 0; !found && (search.skipped = i, dl_iterate_phdr(next_library, &search)); i++)
        found = had_by(search.library, number);
    __atomic_store_n(&watched[number].late, found, __ATOMIC_RELAXED);
    return found;
}

static void *real(word number, word caller) {
    void *found = watched[number].real ? watched[number].real : late(number, caller);
    return found ? found : nothing;
}

/* How much of the caller's stack may be passed on: a stack of the program's own making may end close above. */
static word readable(struct frame *frame) {
    word from = (word)frame->stack, next = (from | (PAGE - 1)) + 1;
    return next >= from + STACK || access((char *)next, F_OK) == 0 || errno != EFAULT ? STACK : next - from;
}

static void begin(void) {
    if (!opened && *folder && enter()) {
        if (!opened) open_ledger();
        __atomic_store_n(&opened, 1, __ATOMIC_RELEASE);
        leave();
    }
    if (!thread) thread = syscall(SYS_gettid);
}

/* The calls below come from forward.S. The frame's number also keeps how far the ledger was when the call began. */
struct call { void *function; word stack; } ledger_lending(struct frame *frame) {
    int kept = errno;
    word number = frame->number;
    begin();
    if (ledger) frame->number |= ledger->order << 16;
    struct call call = {real(number, frame->caller), readable(frame)};
    errno = kept;
    return call;
}

void ledger_lent(struct frame *frame, word result) {
    int kept = errno;
    word number = frame->number & 0xffff, within = watched[number].within;
    word value = result && within ? *(word *)(result + within) : result;
    if (ledger && value) note_lent(value, frame->caller, number, frame->number >> 16);
    errno = kept;
}

void *ledger_given_back(struct frame *frame) {
    int kept = errno;
    word number = frame->number, within = watched[number].within;
    word value = within ? *(word *)((char *)frame->stack + within) : (&frame->rdi)[1 - watched[number].argument];
    begin();
    if (ledger) note_given_back(value, frame->caller, number);
    void *found = real(number, frame->caller);
    errno = kept;
    return found;
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
    for (word i = 0; i < sizeof watched / sizeof *watched; i++) watched[i].real = dlsym(RTLD_NEXT, watched[i].name);
    dlerror(); /* what is not there yet is no error of the program's */
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
