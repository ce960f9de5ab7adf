// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What a livepatch module says about itself.

pub mod modinfo;
