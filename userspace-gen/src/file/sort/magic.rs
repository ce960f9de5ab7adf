// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The beginnings of kernel images and of other files that may be given instead.

use object::elf::ELFMAG;

/// The beginnings of a regular archive, and of a thin archive, which only names its members.
pub(crate) const ARCHIVES: [&[u8]; 2] = [b"!<arch>\n", b"!<thin>\n"];

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Compressed data, which may contain the expected file.
    Compressed,
    /// A boot image: it contains a kernel, but no symbol table.
    BootImage,
    /// Any other file.
    Other,
}

/// The offset and the bytes that identify a file, its kind, and a description with what to do.
pub(super) type Magic = (u64, &'static [u8], Sort, &'static str);

/// Compressed data. The advice uses commands that write to stdout: unxz and gunzip would remove the
/// installed file.
macro_rules! compressed {
    ($magic:literal, $what:literal, $tool:literal) => {
        (
            0,
            $magic,
            Sort::Compressed,
            concat!(
                $what,
                " data (unpack it with ",
                $tool,
                ", and give the result)"
            ),
        )
    };
}

/// A boot image.
macro_rules! boot {
    ($offset:literal, $magic:literal, $what:literal) => {
        (
            $offset,
            $magic,
            Sort::BootImage,
            concat!(
                $what,
                " (give the vmlinux of its build; the output of extract-vmlinux has no symbol table)"
            ),
        )
    };
}

const fn other(offset: u64, magic: &'static [u8], what: &'static str) -> Magic {
    (offset, magic, Sort::Other, what)
}

const ARCHIVE: &str = "an archive (give vmlinux.a with --link-order)";
const BITCODE: &str = "LLVM bitcode";
const BTF: &str = "BTF, which has no addresses (give vmlinux)";
const UTF_16: &str = "UTF-16 text (convert it with iconv -f UTF-16 -t UTF-8)";

/// The known beginnings. The first one that matches counts, so special ones come before general ones.
pub(super) const MAGICS: &[Magic] = &[
    other(0, &ELFMAG, "an ELF file"),
    compressed!(b"\x1f\x8b", "gzip", "gzip -dc"),
    compressed!(b"\xfd7zXZ", "xz", "xz -dc"),
    compressed!(b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
    // The format of the kernel's build, and the default format of lz4.
    compressed!(b"\x02\x21\x4c\x18", "lz4", "lz4 -dc"),
    compressed!(b"\x04\x22\x4d\x18", "lz4", "lz4 -dc"),
    compressed!(b"BZh", "bzip2", "bzip2 -dc"),
    compressed!(b"\x5d\0\0", "lzma", "xz --format=lzma -dc"),
    compressed!(b"\x89LZO", "lzo", "lzop -dc"),
    compressed!(b"PK\x03\x04", "zip", "unzip -p"),
    // Documentation/arch/x86/boot.rst
    boot!(0x202, b"HdrS", "a boot image"),
    // drivers/firmware/efi/libstub/zboot-header.S
    boot!(4, b"zimg", "an EFI boot image (zboot)"),
    // Documentation/arch/arm64/booting.rst; with an EFI stub it begins with "MZ" as well.
    boot!(0x38, b"ARM\x64", "an arm64 boot image"),
    // arch/riscv/include/asm/image.h
    boot!(0x38, b"RSC\x05", "a riscv boot image"),
    // LINUX_PE_MAGIC in include/linux/pe.h
    boot!(0x38, b"\xcd\x23\x82\x81", "an EFI boot image"),
    // arch/s390/boot/head.S
    boot!(0x10008, b"S390EP", "an s390 boot image"),
    // arch/arm/boot/compressed/head.S
    boot!(0x24, b"\x18\x28\x6f\x01", "an arm boot image"),
    boot!(0, b"MZ", "a boot image"),
    boot!(0, b"ANDROID!", "an Android boot image"),
    boot!(0, b"VNDRBOOT", "an Android boot image"),
    boot!(0, b"CHROMEOS", "a ChromeOS boot image"),
    // U-Boot: what mkimage makes, and a FIT image.
    boot!(0, b"\x27\x05\x19\x56", "a U-Boot image"),
    boot!(0, b"\xd0\x0d\xfe\xed", "a device tree or FIT image"),
    // Documentation/bpf/btf.rst, in either byte order
    other(0, b"\x9f\xeb\x01\0", BTF),
    other(0, b"\xeb\x9f\x01\0", BTF),
    other(0, b"BC\xc0\xde", BITCODE),
    other(0, b"\xde\xc0\x17\x0b", BITCODE),
    other(0, b"\xed\xab\xee\xdb", "an rpm package (unpack it)"),
    other(0, b"!<arch>\ndebian-binary", "a Debian package (unpack it)"),
    other(0, ARCHIVES[0], ARCHIVE),
    other(0, ARCHIVES[1], ARCHIVE),
    other(257, b"ustar", "a tar archive (unpack it)"),
    other(0, b"KDUMP", "a dump (give the vmlinux of that kernel)"),
    other(0, b"\xff\xfe", UTF_16),
    other(0, b"\xfe\xff", UTF_16),
    other(
        0,
        b"\xef\xbb\xbf",
        "text with a byte order mark (remove its first three bytes)",
    ),
];
