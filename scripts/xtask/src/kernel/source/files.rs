// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files of a kernel tree that differ from the pristine one.

use std::collections::BTreeMap;

/// Contents by path in the kernel tree; `None` for a file that a patch removes.
pub type TreeFiles = BTreeMap<String, Option<Vec<u8>>>;
