/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM klp_special

#if !defined(KLP_SPECIAL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KLP_SPECIAL_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(klp_special_shown,
	TP_PROTO(int times),
	TP_ARGS(times),
	TP_STRUCT__entry(__field(int, times)),
	TP_fast_assign(__entry->times = times;),
	TP_printk("times=%d", __entry->times)
);

#endif /* KLP_SPECIAL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE klp_special_trace
#include <trace/define_trace.h>
