// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Functions to be replaced: `klp_init_func()`, `klp_init_object_loaded()`, `klp_patch_func()`.

use super::variant::Base::{Function, Kernel, Patch, Twins};
use super::variant::Order::{First, Later};
use super::variant::{bad, good, helped, kept, Variant};

pub const VARIANTS: &[Variant] = &[
    good("patch-unique-0", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)
    }),
    good("patch-unique-1", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 1)
    }),
    bad("patch-unique-2", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 2)
    }),
    bad("patch-largest-position", Function, |m, _| {
        m.function(0, "cmdline_proc_show", u64::MAX)
    }),
    bad("patch-many-0", Function, |m, _| {
        m.function(0, "event_show", 0)
    }),
    good("patch-many-1", Function, |m, _| {
        m.function(0, "event_show", 1)
    }),
    good("patch-many-last", Function, |m, names| {
        m.function(0, "event_show", names.count("event_show")?)
    }),
    bad("patch-many-past-the-last", Function, |m, names| {
        m.function(0, "event_show", names.count("event_show")? + 1)
    }),
    bad("patch-unknown", Function, |_, _| Ok(())),
    kept("patch-promoted-0", Function, |m, _| {
        m.function(0, "tty_ldiscs_seq_show", 0)
    }),
    helped("patch-promoted-any", Function, |m, _| {
        m.function(0, "tty_ldiscs_seq_show.llvm.*", 1)
    }),
    good("patch-promoted-full", Function, |m, names| {
        let name = "tty_ldiscs_seq_show";
        match names.promoted(name) {
            Ok(full) => m.function(0, full, 0),
            // It kept its name.
            Err(_) => m.function(0, name, 1),
        }
    }),
    bad("patch-promoted-other-hash", Function, |m, _| {
        m.function(0, "tty_ldiscs_seq_show.llvm.12", 1)
    }),
    bad("patch-any-of-many", Function, |m, _| {
        m.function(0, "event_show.llvm.*", 0)
    }),
    // What ftrace cannot trace, or kallsyms has no size for.
    bad("patch-assembler", Function, |m, _| {
        m.function(0, "entry_SYSCALL_64", 0)
    }),
    bad("patch-notrace", Function, |m, _| {
        m.function(0, "do_syscall_64", 0)
    }),
    bad("patch-init-function", Function, |m, _| {
        m.function(0, "start_kernel", 0)
    }),
    bad("patch-data", Function, |m, _| {
        m.function(0, "saved_command_line", 0)
    }),
    bad("patch-per-cpu", Function, |m, _| {
        m.function(0, "arch_freq_scale", 0)
    }),
    bad("patch-address-zero", Function, |m, _| {
        m.function(0, "fixed_percpu_data", 0)
    }),
    // What an author forgot, or misspelt.
    bad("patch-no-new-func", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.no_new_func(0)
    }),
    bad("patch-new-func-far-away", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.new_func_moved(0, 1 << 32)
    }),
    bad("patch-new-func-of-null-symbol", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.new_func_of_null_symbol(0)
    }),
    bad("patch-no-old-name", Function, |m, _| m.no_old_name(0)),
    good("patch-no-function", Function, |m, _| {
        m.no_old_name(0)?;
        m.no_new_func(0)
    }),
    bad("patch-name-empty", Function, |m, _| m.function(0, "", 0)),
    bad("patch-name-511", Function, |m, _| {
        m.function(0, &"a".repeat(511), 0)
    }),
    bad("patch-name-512", Function, |m, _| {
        m.function(0, &"a".repeat(512), 0)
    }),
    bad("patch-name-with-comma", Function, |m, _| {
        m.function(0, "event_show,1", 0)
    }),
    bad("patch-name-strange", Function, |m, _| {
        m.function(0, "no/such%s name", 1)
    }),
    // Several functions: everything is looked up before anything is patched.
    bad("pair-same", Patch, |m, _| m.function(0, "event_show", 2)).with(First),
    bad("pair-0-and-1", Patch, |m, _| {
        m.function(1, "cmdline_proc_show", 1)
    })
    .with(First),
    good("pair-neighbours", Patch, |m, _| {
        m.function(0, "event_show", 1)
    })
    .with(First),
    // Two functions at one address cannot be tried: the kernel takes them, and its transition does not
    // end. klp-gen refuses them.
    bad("pair-unknown-and-no-new-func", Patch, |m, _| {
        m.function(0, "no_such_function", 0)?;
        m.no_new_func(1)
    })
    .with(First),
    bad("pair-untraceable-and-unknown", Patch, |m, _| {
        m.function(0, "do_syscall_64", 0)?;
        m.function(1, "no_such_function", 0)
    })
    .with(First),
    // A module's.
    bad("twin-plain-position", Patch, |m, _| {
        m.function_of("twins_funcs", 0, "twin", 2)
    })
    .with(First),
    bad("twin-plain-position-later", Patch, |m, _| {
        m.function_of("twins_funcs", 0, "twin", 2)
    })
    .with(Later),
    bad("twin-unknown", Patch, |m, _| {
        m.function_of("twins_funcs", 0, "no_such_twin", 0)
    })
    .with(First),
    bad("twin-unknown-later", Patch, |m, _| {
        m.function_of("twins_funcs", 0, "no_such_twin", 0)
    })
    .with(Later),
    good("twin-full", Patch, |m, _| {
        m.function_of("twins_funcs", 0, "twin.llvm.900", 0)
    })
    .with(First),
    helped("twin-any-3", Twins, |_, _| Ok(())).with(First),
    helped("twin-any-3-later", Twins, |_, _| Ok(())).with(Later),
    bad("twin-any-4", Twins, |m, _| m.function(0, "twin.llvm.*", 4)).with(First),
    bad("twin-any-0", Twins, |m, _| m.function(0, "twin.llvm.*", 0)).with(First),
    bad("twin-any-0-later", Twins, |m, _| {
        m.function(0, "twin.llvm.*", 0)
    })
    .with(Later),
    bad("twin-data", Twins, |m, _| m.function(0, "base", 0)).with(First),
    bad("twin-init-function", Twins, |m, _| {
        m.function(0, "init_module", 0)
    })
    .with(First),
    // The kernel's own, as they are and misspelt.
    good("kernel-sample", Kernel("livepatch-sample"), |_, _| Ok(())),
    bad(
        "kernel-sample-misspelt",
        Kernel("livepatch-sample"),
        |m, _| m.function(0, "cmdline_proc_shew", 0),
    ),
    good("kernel-selftest", Kernel("test_klp_livepatch"), |_, _| {
        Ok(())
    }),
    good(
        "kernel-atomic-replace",
        Kernel("test_klp_atomic_replace"),
        |_, _| Ok(()),
    ),
    good(
        "kernel-shadow-vars",
        Kernel("test_klp_shadow_vars"),
        |_, _| Ok(()),
    ),
];
