/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The commands of klp-bpf. Each returns 0 for yes, 1 for an honest no, 2 if it could not run. */
#ifndef KLP_BPF_H
#define KLP_BPF_H

/* Attaches one program by this way to NAME, reads FILE, and prints how often the program ran. */
int probe(const char *way, const char *name, const char *file);
/* Attaches fentry to each function of standard input, and explains each that is refused. */
int fentry_each(void);
/* Attaches one kprobe.multi to all functions of standard input. */
int multi_all(void);

/* Reads the whole of FILE. */
int call(const char *file);

#endif
