// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds in the kernel's log what must fail a run whatever the tests say.

/// Texts by which the kernel reports that something is wrong with itself.
const MARKERS: [&str; 20] = [
    // kernel/panic.c, arch/x86/kernel/dumpstack.c, arch/x86/mm/fault.c
    "Kernel panic",
    "Oops: ",
    "BUG: ",
    "kernel BUG at",
    "WARNING: ",
    "general protection fault",
    "unable to handle",
    "refcount_t: ",
    // kernel/locking/lockdep.c and the checks that come with it
    "possible circular locking dependency",
    "possible recursive locking",
    "inconsistent lock state",
    "bad unlock balance",
    "suspicious RCU usage",
    "trying to register non-static key",
    "sleeping function called from invalid context",
    "scheduling while atomic",
    // kernel/hung_task.c, kernel/watchdog.c, kernel/rcu/tree_stall.h
    "blocked for more than",
    "soft lockup",
    "detected stall",
    "detected expedited stalls",
];

/// The first line that reports trouble, if there is one.
pub fn first_failure(console: &str) -> Option<String> {
    console
        .lines()
        .find(|line| MARKERS.iter().any(|marker| line.contains(marker)))
        .map(|line| format!("the kernel reported `{}`", without_time_stamp(line)))
}

fn without_time_stamp(line: &str) -> &str {
    let line = line.trim();
    match line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((stamp, rest)) if stamp.trim().parse::<f64>().is_ok() => rest.trim_start(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_found_and_quoted_without_its_time() {
        let console = "[    0.1] Linux version\r\n\
                       [   12.345678] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2\r\n";
        assert_eq!(
            first_failure(console).unwrap(),
            "the kernel reported `WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2`"
        );
    }

    #[test]
    fn a_quiet_boot_is_fine() {
        let console = "[    0.0] Linux version 6.12\n[    1.0] livepatch: enabling patch 'x'\n\
                       [    1.1] x: tainting kernel with TAINT_LIVEPATCH\n";
        assert_eq!(first_failure(console), None);
    }
}
