// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The C file with the structs that a livepatch passes to `klp_enable_patch()`.

use crate::build::extract::Replacement;
use crate::build::KbuildObject;
use crate::livepatch::MADE_BY_BUILD;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Returns the C file.
///
/// `callbacks` is a C file of the author, which is included. The functions that it defines as `KLP_PRE_PATCH`,
/// `KLP_POST_PATCH`, `KLP_PRE_UNPATCH` and `KLP_POST_UNPATCH` are called for each object. The table that it defines as
/// `KLP_STATES` is the livepatch's table of states.
#[must_use]
pub fn source(functions: &[Replacement], replace: bool, callbacks: Option<&str>) -> String {
    let mut objects: BTreeMap<&KbuildObject, Vec<(usize, &Replacement)>> = BTreeMap::new();
    for (at, function) in functions.iter().enumerate() {
        objects
            .entry(&function.object)
            .or_default()
            .push((at, function));
    }
    let mut text = String::from(HEAD);
    if let Some(callbacks) = callbacks {
        let _ = write!(text, "\n{callbacks}\n");
    }
    text.push_str(CALLBACKS);
    for (at, function) in functions.iter().enumerate() {
        let symbol = quoted(&function.symbol);
        let _ = writeln!(text, "extern char klp_new_{at}[] __asm__(\"{symbol}\");");
    }
    for (at, functions) in objects.values().enumerate() {
        let _ = writeln!(text, "\nstatic struct klp_func klp_funcs_{at}[] = {{");
        for (number, function) in functions {
            let name = quoted(&function.kernel_name.name);
            let sympos = function.kernel_name.sympos.0;
            let _ = writeln!(
                text,
                "\t{{ .old_name = \"{name}\", .old_sympos = {sympos}, .new_func = klp_new_{number} }},"
            );
        }
        text.push_str("\t{ }\n};\n");
    }
    text.push_str("\nstatic struct klp_object klp_objects[] = {\n");
    for (at, object) in objects.keys().enumerate() {
        let name = match object {
            KbuildObject::Vmlinux => "NULL".to_owned(),
            KbuildObject::Module(_) => format!("\"{}\"", object.name()),
        };
        let _ = write!(
            text,
            "\t{{
\t\t.name = {name},
\t\t.funcs = klp_funcs_{at},
\t\t.callbacks = {{
\t\t\t.pre_patch = KLP_PRE_PATCH,
\t\t\t.post_patch = KLP_POST_PATCH,
\t\t\t.pre_unpatch = KLP_PRE_UNPATCH,
\t\t\t.post_unpatch = KLP_POST_UNPATCH,
\t\t}},
\t}},
"
        );
    }
    let _ = write!(text, "\t{{ }}\n}};\n{}", tail(replace));
    text
}

const HEAD: &str = "\
// SPDX-License-Identifier: GPL-2.0
/* made by klp-gen build */
#include <linux/livepatch.h>
#include <linux/module.h>
";

/// The callbacks and states that the author's file defines.
const CALLBACKS: &str = "
#ifndef KLP_PRE_PATCH
#define KLP_PRE_PATCH NULL
#endif
#ifndef KLP_POST_PATCH
#define KLP_POST_PATCH NULL
#endif
#ifndef KLP_PRE_UNPATCH
#define KLP_PRE_UNPATCH NULL
#endif
#ifndef KLP_POST_UNPATCH
#define KLP_POST_UNPATCH NULL
#endif
#ifndef KLP_STATES
#define KLP_STATES NULL
#endif

";

/// Returns the text behind the tables of functions and objects.
fn tail(replace: bool) -> String {
    let (key, value) = MADE_BY_BUILD;
    format!(
        "
static struct klp_patch klp_patch = {{
	.mod = THIS_MODULE,
	.objs = klp_objects,
	.replace = {replace},
	.states = KLP_STATES,
}};

static int __init klp_init(void)
{{
	return klp_enable_patch(&klp_patch);
}}

static void __exit klp_exit(void)
{{
}}

module_init(klp_init);
module_exit(klp_exit);
MODULE_DESCRIPTION(\"livepatch\");
MODULE_LICENSE(\"GPL\");
MODULE_INFO(livepatch, \"Y\");
MODULE_INFO({key}, \"{value}\");
"
    )
}

/// Returns a name as C writes it between quotation marks.
fn quoted(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}
