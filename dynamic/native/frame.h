/* What forward_<machine>.S leaves on the stack of a call, and where its arguments are in that. */

#pragma once
#include "ledger.h"

#if defined(__x86_64__)

struct frame { double vectors[16]; word number, al, r9, r8, rcx, rdx, rsi, rdi, rbp, caller, stack[]; };

static inline word argument_of(struct frame *frame, int at) { return (&frame->rdi)[1 - at]; }
static inline word struct_argument(struct frame *frame) { return (word)frame->stack; }
static inline word returned_struct(struct frame *frame, word result) { return (void)frame, result; }

#elif defined(__aarch64__)

struct frame { double vectors[16]; word number, x8, x[8], fp, caller, stack[]; };

static inline word argument_of(struct frame *frame, int at) { return frame->x[at - 1]; }
static inline word struct_argument(struct frame *frame) { return frame->x[0]; }
static inline word returned_struct(struct frame *frame, word result) { return (void)result, frame->x8; }

#endif
