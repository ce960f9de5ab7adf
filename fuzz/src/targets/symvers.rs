// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Module.symvers.

use klp_gen::target::Symvers;

/// Reads a file.
pub fn run(data: &[u8]) {
    let mut symvers = Symvers::default();
    if symvers.add("Module.symvers", data).is_err() {
        return;
    }
    for line in data.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let symbol = line.split(|&b| b == b'\t').nth(1).unwrap_or_default();
        assert!(symvers.get(symbol).is_some());
    }
}
