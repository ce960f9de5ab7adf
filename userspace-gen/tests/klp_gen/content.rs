// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files of the wrong sort, with every option that reads a file.

use crate::elf::{Elf, Place};
use crate::kernel::{module, vmlinux, Files};
use crate::livepatch::Livepatch;
use crate::shell;
use object::elf;

/// A file that has these bytes at an offset.
fn at(offset: usize, magic: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(magic);
    bytes.resize(bytes.len().max(0x1_0100), 0);
    bytes
}

/// The offset and the bytes that tell a file, and what the file is called.
const SAMPLES: &[(usize, &[u8], &str)] = &[
    (
        0,
        b"\x1f\x8b\x08",
        "gzip data (unpack it with gzip -dc, and give the result",
    ),
    (
        0,
        b"\xfd7zXZ\0",
        "xz data (unpack it with xz -dc, and give the result",
    ),
    (
        0,
        b"\x28\xb5\x2f\xfd",
        "zstd data (unpack it with zstd -dc, and give the result",
    ),
    (
        0,
        b"\x02\x21\x4c\x18",
        "lz4 data (unpack it with lz4 -dc, and give the result",
    ),
    (
        0,
        b"\x04\x22\x4d\x18",
        "lz4 data (unpack it with lz4 -dc, and give the result",
    ),
    (
        0,
        b"BZh91AY&SY",
        "bzip2 data (unpack it with bzip2 -dc, and give the result",
    ),
    (
        0,
        b"\x5d\0\0\x80\0",
        "lzma data (unpack it with xz --format=lzma -dc, and give the result",
    ),
    (
        0,
        b"\x89LZO\0\r\n\x1a\n",
        "lzo data (unpack it with lzop -dc, and give the result",
    ),
    (
        0,
        b"PK\x03\x04",
        "zip data (unpack it with unzip -p, and give the result",
    ),
    (0x202, b"HdrS", "a boot image"),
    (0, b"MZ", "a boot image"),
    (0, b"MZ\0\0zimg", "an EFI boot image (zboot)"),
    (0x38, b"ARM\x64", "an arm64 boot image"),
    (0x38, b"RSC\x05", "a riscv boot image"),
    (0x38, b"\xcd\x23\x82\x81", "an EFI boot image"),
    (0x10008, b"S390EP", "an s390 boot image"),
    (0x24, b"\x18\x28\x6f\x01", "an arm boot image"),
    (0, b"ANDROID!", "an Android boot image"),
    (0, b"VNDRBOOT", "an Android boot image"),
    (0, b"CHROMEOS", "a ChromeOS boot image"),
    (0, b"\x27\x05\x19\x56", "a U-Boot image"),
    (0, b"\xd0\x0d\xfe\xed", "a device tree or FIT image"),
    (
        0,
        b"\x9f\xeb\x01\0",
        "BTF, which has no addresses (give vmlinux)",
    ),
    (
        0,
        b"\xeb\x9f\x01\0",
        "BTF, which has no addresses (give vmlinux)",
    ),
    (0, b"\xed\xab\xee\xdb", "an rpm package (unpack it)"),
    (257, b"ustar", "a tar archive (unpack it)"),
    (0, b"KDUMP   ", "a dump (give the vmlinux of that kernel)"),
    (
        0,
        b"\xff\xfef\0",
        "UTF-16 text (convert it with iconv -f UTF-16 -t UTF-8)",
    ),
    (
        0,
        b"\xfe\xff\0f",
        "UTF-16 text (convert it with iconv -f UTF-16 -t UTF-8)",
    ),
    (
        0,
        b"\xef\xbb\xbff",
        "text with a byte order mark (remove its first three bytes)",
    ),
];

/// The same of files that some of the options take, or open to look for what they take.
const TAKEN: &[(&[u8], &str, &[&str])] = &[
    (b"BC\xc0\xde", "LLVM bitcode", &["collisions wrong"]),
    (b"\xde\xc0\x17\x0b", "LLVM bitcode", &["collisions wrong"]),
    (
        b"!<arch>\n",
        "an archive (give vmlinux.a with --link-order)",
        &["collisions wrong", "--link-order wrong"],
    ),
    (
        b"!<thin>\n",
        "an archive (give vmlinux.a with --link-order)",
        &["collisions wrong", "--link-order wrong"],
    ),
    (
        b"!<arch>\ndebian-binary",
        "a Debian package (unpack it)",
        &["collisions wrong", "--link-order wrong"],
    ),
];

fn samples() -> impl Iterator<Item = (Vec<u8>, &'static str)> {
    let mut with_efi = at(0x38, b"ARM\x64");
    with_efi[..2].copy_from_slice(b"MZ");
    let samples = SAMPLES
        .iter()
        .map(|&(offset, magic, what)| (at(offset, magic), what));
    samples.chain([(with_efi, "an arm64 boot image")])
}

/// Every option that reads a file, which is called `wrong`.
const COMMANDS: &[&str] = &[
    "symbols --vmlinux wrong",
    "audit --vmlinux wrong",
    "symbols --kallsyms wrong",
    "symbols --vmlinux vmlinux --module wrong",
    "symbols --vmlinux vmlinux --link-order wrong",
    "resolve promoted --vmlinux vmlinux --queries wrong",
    "check wrong --vmlinux vmlinux",
    "check good.ko --vmlinux vmlinux --installed wrong",
    "check good.ko --vmlinux vmlinux --notes wrong",
    "check good.ko --vmlinux vmlinux --symvers wrong",
    "convert wrong -o out --vmlinux vmlinux",
    "convert good.ko -o out --vmlinux vmlinux --symvers wrong",
    "symvers wrong -o out --vmlinux vmlinux",
    "symvers good.ko -o out --vmlinux vmlinux --symvers wrong",
    "collisions wrong",
    "collisions good.ko --linker-script wrong",
];

fn files() -> Files {
    let files = Files::new();
    files.write("good.ko", &Livepatch::of("promoted").build());
    files
}

#[test]
fn every_option_names_what_it_was_given() {
    let files = files();
    let script: String = COMMANDS
        .iter()
        .flat_map(|command| ["klp-gen ", command, " 2>&1; echo status $?\n"])
        .collect();
    for (bytes, expected) in samples() {
        files.write("wrong", &bytes);
        let (_, text) = shell::run(&files, &script);
        let answers: Vec<_> = text.split_inclusive("status 2\n").collect();
        assert_eq!(answers.len(), COMMANDS.len(), "{expected}: {text}");
        for (command, answer) in COMMANDS.iter().zip(answers) {
            let found = format!("found {expected}");
            assert!(answer.contains(&found), "{command}: {found}: {answer}");
        }
    }
    assert!(!files.path("out").exists());
}

#[test]
fn every_option_names_files_that_belong_to_another_option() {
    let files = files();
    for &(magic, expected, taken_by) in TAKEN {
        files.write("wrong", &at(0, magic));
        let is_taken = |command: &str| taken_by.iter().any(|end| command.ends_with(end));
        for command in COMMANDS.iter().filter(|command| !is_taken(command)) {
            let (status, text) = shell::run(&files, &format!("klp-gen {command}"));
            assert_eq!(status, Some(2), "{command}: {text}");
            let found = format!("found {expected}");
            assert!(text.contains(&found), "{command}: {found}: {text}");
        }
    }
}

#[test]
fn a_compressed_vmlinux_may_be_a_boot_image() {
    let files = files();
    files.write("vmlinuz", b"\x1f\x8b\x08\0");
    let (_, text) = shell::run(&files, "klp-gen symbols --vmlinux vmlinuz");
    let expected =
        "vmlinuz: expected an ELF file, found gzip data (unpack it with gzip -dc, and give the result; for a boot image, give the vmlinux of its build)\n";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn text_is_none_of_these() {
    let files = files();
    files.write("queries", b"MZ_driver_probe\nBZh_init\n");
    let mut long = b"KDUMP_it\n".to_vec();
    long.resize(257, b'\n');
    long.extend_from_slice(b"ustar\n");
    files.write("more", &long);
    for queries in ["queries", "more"] {
        let command = format!("klp-gen resolve --queries {queries} --vmlinux vmlinux");
        let (status, text) = shell::run(&files, &command);
        assert_eq!(status, Some(1), "{text}");
        assert_eq!(text.matches("not-found").count(), 2, "{text}");
    }
    // No name has a NUL.
    files.write("queries", b"promoted\0\n");
    let (status, text) = shell::run(
        &files,
        "klp-gen resolve --queries queries --vmlinux vmlinux",
    );
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("found binary data"), "{text}");
}

#[test]
fn the_kernel_before_its_last_link_is_no_kernel_and_no_module() {
    let files = files();
    let mut unlinked = vmlinux();
    unlinked.kind = elf::ET_REL;
    files.write("vmlinux.o", &unlinked.build());
    let mut decompressor = Elf::new(elf::ET_EXEC);
    let text = decompressor.section(".text", elf::SHF_ALLOC | elf::SHF_EXECINSTR, &[0; 64]);
    let place = Place::Section(text);
    for name in ["startup_32", "input_data"] {
        decompressor.symbol(name, elf::STB_GLOBAL, elf::STT_NOTYPE, place, 0, 0);
    }
    files.write("compressed", &decompressor.build());
    for (command, expected) in [
        (
            "symbols --vmlinux vmlinux.o",
            "vmlinux.o: expected a linked kernel image, vmlinux, found vmlinux.o, the kernel before its last \
             link (give the vmlinux beside it)",
        ),
        (
            "audit --vmlinux vmlinux.o",
            "found vmlinux.o, the kernel before its last link (give the vmlinux beside it)",
        ),
        (
            "symbols --vmlinux vmlinux --module vmlinux.o",
            "found vmlinux.o, the kernel before its last link (give vmlinux with --vmlinux)",
        ),
        (
            "symvers vmlinux.o -o out --vmlinux vmlinux",
            "klp-gen: vmlinux.o: expected a relocatable file (.ko or .o), found vmlinux.o, the kernel",
        ),
        (
            "symbols --vmlinux compressed",
            "found the program that unpacks a boot image (give the vmlinux at the top of the build)",
        ),
    ] {
        let (status, text) = shell::run(&files, &format!("klp-gen {command}"));
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains(expected), "{command}: {text}");
    }
}

#[test]
fn a_module_may_have_a_function_called_start_kernel() {
    let files = files();
    for section in [".gnu.linkonce.this_module", "__versions"] {
        let mut module = module();
        module.section(section, elf::SHF_ALLOC, &[0; 0x40]);
        let text = Place::Section(2);
        module.symbol(
            "start_kernel",
            elf::STB_LOCAL,
            elf::STT_FUNC,
            text,
            0x1c0,
            8,
        );
        files.write("net-mod.ko", &module.build());
        let command = "klp-gen resolve net_mod:start_kernel --vmlinux vmlinux --module net-mod.ko";
        let (status, text) = shell::run(&files, command);
        assert_eq!(status, Some(0), "{section}: {text}");
    }
}

#[test]
fn an_elf_file_is_no_text_and_no_archive() {
    let files = files();
    for command in [
        "resolve promoted --vmlinux vmlinux --queries vmlinux",
        "check good.ko --vmlinux vmlinux --symvers good.ko",
        "check good.ko --vmlinux vmlinux --notes good.ko",
        "symbols --vmlinux vmlinux --link-order good.ko",
        "collisions good.ko --linker-script good.ko",
    ] {
        let (status, text) = shell::run(&files, &format!("klp-gen {command}"));
        assert_eq!(status, Some(2), "{command}: {text}");
        assert!(text.contains("found an ELF file"), "{command}: {text}");
    }
}

#[test]
fn refuses_32_bit_files() {
    let files = files();
    // `e_ident[EI_CLASS]`
    let mut bytes = vmlinux().build();
    bytes[4] = 1;
    files.write("vmlinux", &bytes);
    let (status, text) = shell::run(&files, "klp-gen symbols --vmlinux vmlinux");
    assert_eq!(status, Some(2), "{text}");
    // Not since no 32-bit kernel had livepatches: those of powerpc have.
    let expected = "found a 32-bit one (klp-gen only supports 64-bit files)";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn an_empty_old_name_gets_no_hints() {
    let files = files();
    files.write("lp.ko", &Livepatch::of("").build());
    let command = "klp-gen convert lp.ko -o out.ko --vmlinux vmlinux --module net-mod.ko";
    let (status, text) = shell::run(&files, command);
    let expected =
        "klp-gen: lp.ko: klp_func of vmlinux: its old_name is empty: write the name of the \
                    function to replace\n";
    assert_eq!((status, text.as_str()), (Some(1), expected));
}

#[test]
fn a_hint_says_something_new() {
    let files = files();
    let convert = |livepatch: &Livepatch| {
        files.write("lp.ko", &livepatch.build());
        let command = "klp-gen convert lp.ko -o out.ko --vmlinux vmlinux --module net-mod.ko";
        shell::run(&files, command).1
    };
    let text = convert(&Livepatch::of("promoted").call(".klp.sym.net_mod.promoted,0"));
    assert!(!text.contains("did you mean promoted?"), "{text}");
    assert!(text.contains("vmlinux has a symbol of that name"), "{text}");
    let text = convert(&Livepatch::of("handle"));
    assert!(!text.contains("did you mean handle?"), "{text}");
    assert!(text.contains("net_mod has a symbol of that name"), "{text}");
    files.write("kallsyms", b"ffffffffc0000000 t handle\t[net_mod]\n");
    let (_, text) = shell::run(&files, "klp-gen resolve promoted --kallsyms kallsyms");
    assert!(
        text.contains("vmlinux is not among the targets: give it with --vmlinux"),
        "{text}"
    );
}
