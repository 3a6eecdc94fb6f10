/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of a program that holds very many small things for as long as it runs. */
#ifndef LANYARD_BASE_HEAP_H
#define LANYARD_BASE_HEAP_H

/* Before the first thread: all threads allocate from one heap, and it grows in large steps. Memory
 * counts when it is touched, not when the heap has grown. (A thread's own heap of glibc grows by a
 * system call for each page.) */
void heap_tune(void);
/* Asks for large pages in what the heap has grown by since the last call; costs nothing when it has
 * not. A look at one of a hundred thousand endpoints then misses fewer levels of the page tables.
 * Any thread, one at a time. */
void heap_grown(void);

#endif
