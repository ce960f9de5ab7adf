/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KLP_SYMPOS_EXPORT_H
#define _KLP_SYMPOS_EXPORT_H

extern const unsigned int klp_sympos_v1;

#endif /* _KLP_SYMPOS_EXPORT_H */
