// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The reasons for which a patch cannot be a livepatch.

use serde::Serialize;

/// A reason for which the patch cannot be a livepatch: an honest no, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRefusal {
    /// The kind of the reason.
    pub kind: RefusalKind,
    /// The function, variable or file that the refusal is about.
    pub subject: String,
    /// The fault, and the cure.
    pub reason: String,
}

/// The kind of a reason, for programs. docs/schema/build.json has the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// The patch does not apply to the source of the kernel.
    DoesNotApply,
    /// A file does not compile with the patch.
    DoesNotCompile,
    /// The kernel would have the same code with the patch.
    NoChange,
    /// The patch changes a file of which ThinLTO compiles no functions: assembler, Kconfig, the vDSO.
    NotThinLto,
    /// The patch changes a variable that is in use.
    Data,
    /// The patch changes what is only there while the kernel boots or a module loads.
    Init,
    /// The patch changes what the kernel exports.
    Export,
    /// A changed function has another type, which calls through pointers check.
    Prototype,
    /// A function moves to another file.
    Moved,
    /// A changed function has no call to ftrace.
    Untraceable,
    /// A changed function uses a variable that cannot be told from others.
    Variable,
    /// A changed function uses something that livepatch does not find in the kernel.
    NoSymbol,
    /// A changed function depends on a static key of a module.
    Key,
    /// Very many files include a header of the patch.
    ManyFiles,
    /// Source, build directory and kernel are not of one build.
    OtherBuild,
    /// kbuild, objtool or the checks of klp-gen refuse the module.
    Link,
}
