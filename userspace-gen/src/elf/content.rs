// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What a file of the wrong sort is, and what to do about it.

use object::elf::ELFMAG;
use object::read::ReadRef;

/// What an archive begins with: a regular one, and one that only names its members.
pub(crate) const ARCHIVES: [&[u8]; 2] = [b"!<arch>\n", b"!<thin>\n"];

/// Where an x86 kernel image has `HdrS` (`Documentation/arch/x86/boot.rst`).
const X86_BOOT_HEADER: u64 = 0x202;

/// What a file seems to be that should be an ELF file.
pub(crate) fn describe<'d, R: ReadRef<'d>>(data: R) -> &'static str {
    let start = start(data);
    let is_text = |b: &u8| b.is_ascii_graphic() || b" \t\r\n".contains(b);
    match known(data) {
        Some(known) => known,
        // Files in /proc do not say how long they are.
        None if start.is_empty() => "nothing (/proc/kallsyms is given with --kallsyms)",
        None if start.iter().all(is_text) => {
            "text (the text of /proc/kallsyms is given with --kallsyms)"
        }
        None => "something else",
    }
}

/// What a file is that says so itself.
pub(crate) fn known<'d, R: ReadRef<'d>>(data: R) -> Option<&'static str> {
    let start = start(data);
    let is_bzimage = data.read_bytes_at(X86_BOOT_HEADER, 4) == Ok(&b"HdrS"[..]);
    Some(match start {
        // To another file: unxz and gunzip would remove the one that is installed.
        [0x1f, 0x8b, ..] => "gzip data (give what gzip -dc makes of it)",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "xz data (give what xz -dc makes of it)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd data (give what zstd -dc makes of it)",
        _ if start.starts_with(&ELFMAG) => "an ELF file",
        _ if start.starts_with(b"BC\xc0\xde") => "LLVM bitcode",
        _ if ARCHIVES.iter().any(|magic| start.starts_with(magic)) => {
            "an archive (vmlinux.a is given with --link-order)"
        }
        _ if is_bzimage || start.starts_with(b"MZ") => {
            "a boot image (give the vmlinux of its build: what extract-vmlinux unpacks has no symbol \
             table)"
        }
        _ => return None,
    })
}

fn start<'d, R: ReadRef<'d>>(data: R) -> &'d [u8] {
    let len = data.len().unwrap_or(0).min(16);
    data.read_bytes_at(0, len).unwrap_or_default()
}
