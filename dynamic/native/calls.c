/* Stands between a program and the C functions that lend and take back; every call is passed on as it came.
 *
 * Built with a watched.h that has one line a function: WATCH(number, name, way, argument, within). `way` is lend or
 * take_back. `argument` says which one is given back, or points to where the function writes what it lends (0: it is
 * the result). `within`, if it is not 0, is where in a struct that is passed by value the pointer stands that tells one
 * from another. The names themselves are in forward_<machine>.S, which calls the functions at the end of this file. */

#include "frame.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

enum { STACK = 512, PAGE = 4096 };

static struct { const char *name; int argument, within; void *real, *late; } watched[] = {
#define WATCH(number, name, way, argument, within) {#name, argument, within, NULL, NULL},
#include "watched.h"
};

__attribute__((constructor)) static void find_what_is_there(void) {
    for (word i = 0; i < sizeof watched / sizeof *watched; i++) watched[i].real = dlsym(RTLD_NEXT, watched[i].name);
    dlerror(); /* what is not there yet is no error of the program's */
}

static word nothing(void) { return 0; }

/* The function as this library and those it needs have it; never the stand-in for it here. */
static void *had_by(const char *library, word number) {
    Dl_info there, here;
    void *handle = *library ? dlopen(library, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    void *found = handle ? dlsym(handle, watched[number].name) : NULL;
    if (handle) dlclose(handle);
    if (!found || !dladdr(found, &there) || !dladdr(watched, &here)) return NULL;
    return there.dli_fbase == here.dli_fbase ? NULL : found;
}

struct search { int skipped; char library[PATH_MAX]; };

static int next_library(struct dl_phdr_info *info, size_t size, void *given) {
    struct search *search = given;
    (void)size;
    if (search->skipped-- || strlen(info->dlpi_name) >= sizeof search->library) return 0;
    strcpy(search->library, info->dlpi_name);
    return 1;
}

/* All libraries are asked; what was found is good while it still goes by this name. */
static void *had_by_any(word number) {
    Dl_info at;
    struct search search = {0};
    void *found = __atomic_load_n(&watched[number].late, __ATOMIC_RELAXED);
    if (found && dladdr(found, &at) && at.dli_saddr == found && !strcmp(at.dli_sname, watched[number].name))
        return found;
    found = NULL;
    for (int i = 0; !found && (search.skipped = i, dl_iterate_phdr(next_library, &search)); i++)
        found = had_by(search.library, number);
    __atomic_store_n(&watched[number].late, found, __ATOMIC_RELAXED);
    return found;
}

/* A function of a library that was loaded later and may go again. It is looked for as the loader would: among what all
 * may see, then in the caller's library; but where another library jumped here, the caller is not who it seems. */
static void *late(word number, word caller) {
    Dl_info at;
    void *found = dlsym(RTLD_NEXT, watched[number].name);
    if (!found && dladdr((void *)caller, &at)) found = had_by(at.dli_fname, number);
    return found ? found : had_by_any(number);
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

/* From here on the forward file calls. The frame's number also keeps how far the account was when the call began. */
struct call { void *function; word stack; } ledger_lending(struct frame *frame) {
    int kept = errno;
    word number = frame->number;
    frame->number |= ledger_order() << 16;
    struct call call = {real(number, frame->caller), readable(frame)};
    errno = kept;
    return call;
}

void ledger_lent(struct frame *frame, word result) {
    int kept = errno;
    word number = frame->number & 0xffff, value = result;
    if (watched[number].argument) /* functions of this kind return 0 when all is well */
        value = (int)result == 0 ? *(word *)argument_of(frame, watched[number].argument) : 0;
    else if (watched[number].within)
        value = *(word *)(returned_struct(frame, result) + watched[number].within);
    if (value) ledger_note_lent(value, frame->caller, number, frame->number >> 16);
    errno = kept;
}

void *ledger_given_back(struct frame *frame) {
    int kept = errno;
    word number = frame->number, within = watched[number].within;
    word value = within ? *(word *)(struct_argument(frame) + within) : argument_of(frame, watched[number].argument);
    ledger_note_given_back(value, frame->caller, number);
    void *found = real(number, frame->caller);
    errno = kept;
    return found;
}
