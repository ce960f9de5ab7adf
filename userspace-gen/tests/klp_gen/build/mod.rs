// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen build` on kernels of a few files, with the compiler and linker of real ones.

mod affected;
mod backends;
mod cache;
mod calls;
mod command;
mod declared;
mod launcher;
mod refused;
mod small_kernel;
mod tree;
