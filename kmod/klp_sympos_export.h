/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KLP_SYMPOS_EXPORT_H
#define _KLP_SYMPOS_EXPORT_H

#include <linux/types.h>

extern const unsigned int klp_sympos_v1;

/* The parameters of the module, for parameters.rs. */
extern bool klp_sympos_livepatch;
extern bool klp_sympos_tracers;

#endif /* _KLP_SYMPOS_EXPORT_H */
