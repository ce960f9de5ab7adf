// SPDX-License-Identifier: GPL-2.0 OR MIT

//! How files begin that people have of a kernel.

use object::elf::ELFMAG;

/// The beginning of an archive: of a regular one, and of one that only names its members.
pub(crate) const ARCHIVES: [&[u8]; 2] = [b"!<arch>\n", b"!<thin>\n"];

/// The sort of a file, by what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// It may contain what was asked for.
    Compressed,
    /// It contains a kernel, and no symbol table.
    BootImage,
    /// It is something else.
    Other,
}

/// The offset and the bytes that tell a file, its sort, and in words what it is and what to do.
pub(super) type Magic = (u64, &'static [u8], Sort, &'static str);

/// Compressed data. What comes out of it goes to another file: unxz and gunzip would remove the one that
/// is installed.
macro_rules! compressed {
    ($magic:literal, $what:literal, $tool:literal) => {
        (
            0,
            $magic,
            Sort::Compressed,
            concat!($what, " data (give what ", $tool, " makes of it)"),
        )
    };
}

/// A file from which a machine boots.
macro_rules! boot {
    ($offset:literal, $magic:literal, $what:literal) => {
        (
            $offset,
            $magic,
            Sort::BootImage,
            concat!(
                $what,
                " (give the vmlinux of its build: what extract-vmlinux unpacks has no symbol table)"
            ),
        )
    };
}

const fn other(offset: u64, magic: &'static [u8], what: &'static str) -> Magic {
    (offset, magic, Sort::Other, what)
}

const ARCHIVE: &str = "an archive (vmlinux.a is given with --link-order)";
const BITCODE: &str = "LLVM bitcode";
const BTF: &str = "BTF, which has no addresses (give vmlinux)";
const UTF_16: &str = "UTF-16 text (give what iconv -f UTF-16 -t UTF-8 makes of it)";

/// The first that fits is it: what is more particular comes before what is less.
pub(super) const MAGICS: &[Magic] = &[
    other(0, &ELFMAG, "an ELF file"),
    compressed!(b"\x1f\x8b", "gzip", "gzip -dc"),
    compressed!(b"\xfd7zXZ", "xz", "xz -dc"),
    compressed!(b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
    // As the kernel's build has it made, and as lz4 makes it by itself.
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
        "text with a byte order mark (give it without its first three bytes)",
    ),
];
