/* What the two halves of the ledger know of each other. `calls.c` stands between a program and the C functions that
 * lend and take back; `ledger.c` keeps the account. No fault here may become the program's: what does not fit, or would
 * have to wait, is counted and dropped. */

#pragma once
#define _GNU_SOURCE
#include <stdint.h>

typedef uint64_t word;

/* All see to it that the file is open. `begun` is the order of the account before the call. */
word ledger_order(void);
void ledger_note_lent(word value, word caller, word function, word begun);
void ledger_note_given_back(word value, word caller, word function);
