/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KLP_PLANTED_H
#define _KLP_PLANTED_H

/* They call statics of the names of the functions below. */
int klp_planted_call_strong(int x);
int klp_planted_call_weak(int x);

#endif /* _KLP_PLANTED_H */
