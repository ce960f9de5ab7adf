// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Values as JSON strings.

use serde::Serialize;
use std::fmt;

/// An address as a JSON string.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub u64);

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

/// A value to be printed as a JSON string.
#[derive(Clone, Copy, Debug)]
pub struct Text<T>(pub T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
