/* The names the program calls. Each passes on every argument register and the result as they were, whatever the real
 * function's parameters are, so nothing need be known of them; a lender is passed up to STACK bytes of the stack, too.
 * AArch64. `struct frame` in frame.h is what `save` leaves on the stack. */

#define STACK 512

        .text

        .macro  save
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        stp     x6, x7, [sp, #-16]!
        stp     x4, x5, [sp, #-16]!
        stp     x2, x3, [sp, #-16]!
        stp     x0, x1, [sp, #-16]!
        stp     x17, x8, [sp, #-16]!
        stp     q6, q7, [sp, #-32]!
        stp     q4, q5, [sp, #-32]!
        stp     q2, q3, [sp, #-32]!
        stp     q0, q1, [sp, #-32]!
        mov     x0, sp
        .endm

        .macro  restore                         /* all but x17, where the real function is by now */
        sub     x9, x29, #208
        ldp     q0, q1, [x9]
        ldp     q2, q3, [x9, #32]
        ldp     q4, q5, [x9, #64]
        ldp     q6, q7, [x9, #96]
        ldr     x8, [x9, #136]
        ldp     x0, x1, [x9, #144]
        ldp     x2, x3, [x9, #160]
        ldp     x4, x5, [x9, #176]
        ldp     x6, x7, [x9, #192]
        .endm

        .macro  leave_frame
        mov     sp, x29
        ldp     x29, x30, [sp], #16
        .cfi_def_cfa sp, 0
        .cfi_restore x29
        .cfi_restore x30
        .endm

ledger_lend:                                    /* x17 is the function's number */
        .cfi_startproc
        save
        bl      ledger_lending                  /* (frame) gives the real function and how much of the stack */
        mov     x17, x0
        sub     sp, sp, #STACK
        add     x9, x29, #16
        mov     x10, sp
1:      cbz     x1, 2f
        ldr     x11, [x9], #8
        str     x11, [x10], #8
        sub     x1, x1, #8
        b       1b
2:      restore
        blr     x17
        stp     x0, x1, [sp, #-16]!
        stp     q0, q1, [sp, #-32]!
        stp     q2, q3, [sp, #-32]!
        mov     x1, x0
        sub     x0, x29, #208
        bl      ledger_lent                     /* (frame, what it returned) */
        ldp     q2, q3, [sp], #32
        ldp     q0, q1, [sp], #32
        ldp     x0, x1, [sp], #16
        leave_frame
        ret
        .cfi_endproc

ledger_take_back:
        .cfi_startproc
        save
        bl      ledger_given_back               /* (frame) gives the real function */
        mov     x17, x0
        restore
        leave_frame
        br      x17
        .cfi_endproc

#define WATCH(number, name, way, argument, within) \
        .globl name; .type name, %function; \
        name: .cfi_startproc; hint 34; mov w17, number; b ledger_##way; .cfi_endproc; .size name, . - name;
#include "watched.h"

        .section .note.GNU-stack, "", %progbits
