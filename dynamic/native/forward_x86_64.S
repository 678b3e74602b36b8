/* The names the program calls. Each passes on every argument register and the result as they were, whatever the real
 * function's parameters are, so nothing need be known of them; a lender is passed up to STACK bytes of the stack, too.
 * x86-64, System V. `struct frame` in frame.h is what `save` leaves on the stack. */

#define STACK 512

        .text

        .macro  save
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        push    %rdi
        push    %rsi
        push    %rdx
        push    %rcx
        push    %r8
        push    %r9
        push    %rax
        push    %r11
        sub     $128, %rsp
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        movups  %xmm\n, 16*\n(%rsp)
        .endr
        mov     %rsp, %rdi
        .endm

        .macro  restore                         /* all but %r11, where the real function is by now */
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        movups  16*\n-192(%rbp), %xmm\n
        .endr
        mov     -56(%rbp), %rax
        mov     -48(%rbp), %r9
        mov     -40(%rbp), %r8
        mov     -32(%rbp), %rcx
        mov     -24(%rbp), %rdx
        mov     -16(%rbp), %rsi
        mov     -8(%rbp), %rdi
        .endm

        .macro  leave_frame
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        .endm

ledger_lend:                                    /* %r11 is the function's number */
        .cfi_startproc
        save
        call    ledger_lending                  /* (frame) gives the real function and how much of the stack */
        mov     %rax, %r11
        mov     %rdx, %rcx
        sub     $STACK, %rsp
        lea     16(%rbp), %rsi
        mov     %rsp, %rdi
        rep movsb
        restore
        call    *%r11
        push    %rax
        push    %rdx
        sub     $32, %rsp
        movups  %xmm0, (%rsp)
        movups  %xmm1, 16(%rsp)
        lea     -192(%rbp), %rdi
        mov     %rax, %rsi
        call    ledger_lent                     /* (frame, what it returned) */
        movups  16(%rsp), %xmm1
        movups  (%rsp), %xmm0
        add     $32, %rsp
        pop     %rdx
        pop     %rax
        leave_frame
        ret
        .cfi_endproc

ledger_take_back:
        .cfi_startproc
        save
        call    ledger_given_back               /* (frame) gives the real function */
        mov     %rax, %r11
        restore
        leave_frame
        jmp     *%r11
        .cfi_endproc

#define WATCH(number, name, way, argument, within) \
        .globl name; .type name, @function; \
        name: .cfi_startproc; endbr64; mov $number, %r11d; jmp ledger_##way; .cfi_endproc; .size name, . - name;
#include "watched.h"

        .section .note.GNU-stack, "", @progbits
