// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The command among pipes, devices, links and files of the wrong sort: an answer, and one of the
//! exit statuses that the help promises.

use crate::elf::Elf;
use crate::kernel::Files;
use crate::livepatch::Livepatch;
use crate::names::header;
use crate::shell::{self, klp_gen};
use object::elf;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{symlink, FileTypeExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

/// A kernel, a module, and livepatches: one that can be converted, one that cannot.
fn files() -> Files {
    let files = Files::new();
    let good = Livepatch::of("promoted").call("promoted").build();
    files.write("good.ko", &good);
    let bad = Livepatch::of("nosuch").call("nosuch").build();
    files.write("bad.ko", &bad);
    // ftrace cannot trace it.
    let refused = Livepatch::of("noinstr_function").build();
    files.write("refused.ko", &refused);
    // `sh_type` of the symbol table: the loader wants one.
    let mut stripped = good;
    let symtab = header(&stripped, b".symtab") + 4;
    stripped[symtab] = 1;
    files.write("stripped.ko", &stripped);
    files
}

fn command(files: &Files, arguments: &str) -> Command {
    let mut command = klp_gen();
    command.current_dir(files.directory.path());
    command.args(arguments.split(' '));
    command
}

/// The exit status, stdout and stderr.
fn run(files: &Files, arguments: &str) -> (Option<i32>, String, String) {
    let output = command(files, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = UnixStream::pair().unwrap();
    drop(reader);
    OwnedFd::from(writer).into()
}

#[test]
fn a_reader_that_has_gone_changes_no_exit_status() {
    let files = files();
    for (arguments, expected) in [
        ("symbols --vmlinux vmlinux", 0),
        ("symbols --vmlinux vmlinux --format json", 0),
        ("resolve --vmlinux vmlinux table", 0),
        ("resolve --vmlinux vmlinux nosuch", 1),
        ("resolve --vmlinux vmlinux nosuch --format json", 1),
        ("resolve --vmlinux vmlinux table --format name", 0),
        (
            "resolve --vmlinux vmlinux table init_once,2 --format name",
            1,
        ),
        ("check bad.ko --vmlinux vmlinux", 1),
        ("check bad.ko --vmlinux vmlinux --format json", 1),
        ("convert good.ko -o out.ko --vmlinux vmlinux", 0),
        ("convert bad.ko -o out.ko --vmlinux vmlinux", 1),
        ("convert absent.ko -o out.ko --vmlinux vmlinux", 2),
    ] {
        for both in [false, true] {
            let mut command = command(&files, arguments);
            command.stdout(closed_pipe());
            command.stderr(if both { closed_pipe() } else { Stdio::null() });
            let status = command.status().unwrap();
            assert_eq!(status.code(), Some(expected), "{arguments}");
        }
    }
}

#[test]
fn exit_statuses() {
    let files = files();
    for (arguments, expected) in [
        ("symbols --vmlinux vmlinux", 0),
        ("symbols --vmlinux absent", 2),
        ("symbols", 2),
        ("resolve promoted --vmlinux vmlinux", 0),
        ("resolve promoted nosuch --vmlinux vmlinux", 1),
        ("resolve init_once --vmlinux vmlinux", 1),
        ("resolve init_once,9 --vmlinux vmlinux", 1),
        ("resolve net_mod:handle --vmlinux vmlinux", 1),
        ("resolve init_once,x --vmlinux vmlinux", 2),
        ("resolve promoted --vmlinux absent", 2),
        ("explain nosuch", 0),
        ("explain nosuch --vmlinux vmlinux", 0),
        ("explain init_once,x", 2),
        ("explain nosuch --vmlinux absent", 2),
        ("convert good.ko -o out.ko --vmlinux vmlinux", 0),
        ("convert bad.ko -o never.ko --vmlinux vmlinux", 1),
        ("convert refused.ko -o never.ko --vmlinux vmlinux", 1),
        (
            "convert refused.ko -o never.ko --vmlinux vmlinux --format json",
            1,
        ),
        ("convert stripped.ko -o never.ko --vmlinux vmlinux", 1),
        ("convert absent.ko -o never.ko --vmlinux vmlinux", 2),
        ("check out.ko --vmlinux vmlinux", 0),
        ("check bad.ko --vmlinux vmlinux", 1),
        ("check absent.ko --vmlinux vmlinux", 2),
        ("check out.ko --kallsyms few.kallsyms", 2),
        // Of what kernel the vmlinux is was asked, too.
        ("check out.ko --vmlinux vmlinux --notes few.kallsyms -q", 2),
        (
            "check out.ko --vmlinux vmlinux --kallsyms few.kallsyms -q",
            2,
        ),
        ("man -o pages", 0),
        ("man -o vmlinux", 2),
        ("completion bash", 0),
        ("completion nosuch", 2),
        ("--help", 0),
        ("--version", 0),
        ("nosuch", 2),
    ] {
        // What the running kernel can patch is not in the text.
        let few = b"ffffffff81000600 T promoted.llvm.9a\n";
        files.write("few.kallsyms", few);
        let (status, stdout, stderr) = run(&files, arguments);
        assert_eq!(status, Some(expected), "{arguments}: {stdout}{stderr}");
    }
    assert!(!files.path("never.ko").exists());
}

#[test]
fn a_full_stdout_is_an_error() {
    let files = files();
    for arguments in [
        "symbols --vmlinux vmlinux",
        "convert good.ko -o out.ko --vmlinux vmlinux",
    ] {
        let mut command = command(&files, arguments);
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("cannot write to stdout"), "{message}");
    }
}

#[test]
fn an_output_that_is_no_file_stays_what_it_is() {
    let files = files();
    let _socket = UnixListener::bind(files.path("socket")).unwrap();
    symlink("socket", files.path("to-socket")).unwrap();
    symlink("nowhere", files.path("to-nowhere")).unwrap();
    for (output, found) in [
        ("socket", "found a socket"),
        ("to-socket", "found a socket"),
        ("to-nowhere", "found a symbolic link that leads to no file"),
        (".", "found a directory"),
        ("absent/out.ko", "cannot write absent/out.ko"),
    ] {
        let arguments = format!("convert good.ko -o {output} --vmlinux vmlinux");
        let (status, _, stderr) = run(&files, &arguments);
        assert_eq!(status, Some(2), "{stderr}");
        assert!(stderr.contains(found), "{stderr}");
        assert!(!stderr.contains(".klp-gen-"), "{stderr}");
    }
    let kind = fs::metadata(files.path("socket")).unwrap().file_type();
    assert!(kind.is_socket());
}

#[test]
fn a_link_to_the_output_stays_a_link() {
    let files = files();
    fs::create_dir(files.path("elsewhere")).unwrap();
    files.write("elsewhere/out.ko", b"old");
    symlink("elsewhere/out.ko", files.path("link.ko")).unwrap();
    let (status, _, stderr) = run(&files, "convert good.ko -o link.ko --vmlinux vmlinux");
    assert_eq!(status, Some(0), "{stderr}");
    assert!(files.path("link.ko").is_symlink());
    let written = fs::read(files.path("elsewhere/out.ko")).unwrap();
    assert!(written.starts_with(b"\x7fELF"));
}

#[test]
fn a_converted_livepatch_is_converted_to_itself() {
    let files = files();
    run(&files, "convert good.ko -o good.ko --vmlinux vmlinux");
    let (status, stdout, stderr) = run(&files, "convert good.ko -o again.ko --vmlinux vmlinux");
    let function = "promoted,0 -> promoted,0 = ffffffff81000600 promoted.llvm.9a\n";
    assert_eq!((status, stdout.as_str()), (Some(0), function), "{stderr}");
    assert!(
        stderr.contains("no reference needs to be converted"),
        "{stderr}"
    );
    let read = |name| fs::read(files.path(name)).unwrap();
    assert_eq!(read("good.ko"), read("again.ko"));
}

#[test]
fn files_of_the_wrong_sort_are_named() {
    let files = files();
    files.write("empty", b"");
    files.write("vmlinux.a", b"!<thin>\n");
    files.write("copy.xz", b"\xfd7zXZ\0\0\x04");
    files.write(
        "begun.kallsyms",
        b"ffffffff81000000 T _text\nffffffff81000010 t ini",
    );
    files.write("binary.kallsyms", b"\x7fLEF\x1b[2J\n");
    // `e_machine`: an arm64 livepatch.
    let mut foreign = fs::read(files.path("good.ko")).unwrap();
    foreign[18..20].copy_from_slice(&183_u16.to_le_bytes());
    files.write("arm64.ko", &foreign);
    let mut stripped = Elf::new(elf::ET_EXEC);
    stripped.section(".text", elf::SHF_ALLOC, &[0; 16]);
    files.write("stripped", &stripped.build());
    let made = Command::new("mkfifo").arg(files.path("pipe")).status();
    assert!(made.unwrap().success());
    for (arguments, expected) in [
        ("symbols --vmlinux net-mod.ko", "net-mod.ko: expected a linked kernel image, vmlinux, found a relocatable file"),
        ("symbols --vmlinux stripped", "stripped: expected a symbol table"),
        ("symbols --vmlinux empty", "empty: expected an ELF file, found nothing (give /proc/kallsyms with --kallsyms)"),
        ("symbols --vmlinux .", ".: expected a regular file, found a directory"),
        ("symbols --vmlinux /dev/null", "/dev/null: expected a regular file, found a character device"),
        ("symbols --vmlinux pipe", "pipe: expected a regular file, found a pipe"),
        ("symbols --vmlinux vmlinux --module vmlinux", "vmlinux: expected a relocatable file (.ko or .o), found a program or a kernel image"),
        ("symbols --vmlinux vmlinux --module arm64.ko", "arm64.ko: expected a file for x86-64 (Little endian) as vmlinux is, found one for arm64"),
        ("check arm64.ko --vmlinux vmlinux", "arm64.ko: expected a file for x86-64 (Little endian) as vmlinux is, found one for arm64"),
        ("convert arm64.ko -o out.ko --vmlinux vmlinux", "arm64.ko: expected a file for x86-64 (Little endian) as vmlinux is, found one for arm64"),
        ("symbols --vmlinux vmlinux.a", "vmlinux.a: expected an ELF file, found an archive (give vmlinux.a with --link-order)"),
        ("symbols --vmlinux -", "-: expected a regular file, found stdin"),
        ("symbols --vmlinux vmlinux --link-order net-mod.ko", "net-mod.ko: expected the thin archive vmlinux.a of a kernel build, found an ELF file"),
        ("symbols --kallsyms copy.xz", "copy.xz: expected the text of /proc/kallsyms, found xz data (unpack it with xz -dc, and give the result)"),
        ("symbols --kallsyms begun.kallsyms", "begun.kallsyms: expected the text of /proc/kallsyms, found only its beginning: the last line is not complete"),
        ("symbols --kallsyms empty", "empty: expected the text of /proc/kallsyms, found nothing"),
        ("symbols --kallsyms binary.kallsyms", "found '\\u{7f}LEF\\u{1b}[2J'"),
        ("symbols --module net-mod.ko", "<--vmlinux <FILE>|--kallsyms <FILE>>"),
    ] {
        let (status, stdout, stderr) = run(&files, arguments);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{arguments}: {stderr}");
        assert!(stderr.contains(expected), "{arguments}: {stderr}");
    }
    assert!(!files.path("out.ko").exists());
}

#[test]
fn names_need_not_be_utf8() {
    let files = files();
    let name = b"odd\xff\n\x1bname";
    let mut text = b"ffffffff81000000 T ".to_vec();
    text.extend_from_slice(b"odd\xff\x1bname\n");
    files.write("odd.kallsyms", &text);
    let query = OsStr::from_bytes(b"odd\xff\x1bname");
    let output = command(&files, "resolve --kallsyms odd.kallsyms")
        .arg(query)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        stdout.ends_with("T odd\u{fffd}\\u{1b}name (1 of 1)\n"),
        "{stdout}"
    );
    let output = command(&files, "resolve --format json --kallsyms odd.kallsyms")
        .arg(query)
        .arg(OsStr::from_bytes(name))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows[0]["name"], "odd\u{fffd}\u{1b}name");
    assert_eq!(rows[1]["status"], "not-found");
    let odd = files.path("").join(OsStr::from_bytes(b"\xff.ko"));
    fs::copy(files.path("good.ko"), &odd).unwrap();
    let output = command(&files, "check --vmlinux vmlinux --format json")
        .arg(&odd)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
}

#[test]
fn queries_come_from_arguments_files_and_stdin() {
    let files = files();
    files.write("names", b"table\n\npromoted,1\n");
    files.write("empty", b"\n");
    let (_, expected, _) = run(&files, "resolve --vmlinux vmlinux nosuch table promoted,1");
    assert_eq!(expected.lines().count(), 3);

    let (status, answers, _) = run(&files, "resolve --vmlinux vmlinux nosuch --queries names");
    assert_eq!((status, &answers), (Some(1), &expected));
    let mut piped = command(&files, "resolve --vmlinux vmlinux nosuch --queries -");
    piped.stdin(File::open(files.directory.path().join("names")).unwrap());
    assert_eq!(piped.output().unwrap().stdout, expected.as_bytes());

    let (status, _, said) = run(&files, "resolve --vmlinux vmlinux --queries empty");
    assert_eq!(status, Some(2));
    assert!(
        said.contains("empty: expected queries, found none"),
        "{said}"
    );
}

#[test]
fn an_output_that_is_read_stays_whole() {
    let files = files();
    files.write("a.symvers", b"");
    symlink("vmlinux", files.path("link")).unwrap();
    let read = |name: &str| fs::read(files.path(name)).unwrap();
    let before = ["vmlinux", "net-mod.ko", "a.symvers", "good.ko"].map(read);
    let target = "--vmlinux vmlinux --module net-mod.ko --symvers a.symvers";
    for (command, output) in [
        ("convert good.ko", "vmlinux"),
        ("convert good.ko", "./vmlinux"),
        ("convert good.ko", "link"),
        ("convert good.ko", "net-mod.ko"),
        ("convert good.ko", "a.symvers"),
        ("symvers good.ko", "vmlinux"),
        ("symvers good.ko", "good.ko"),
    ] {
        let (status, _, stderr) = run(&files, &format!("{command} -o {output} {target}"));
        assert_eq!(status, Some(2), "{command} {output}");
        let expected = format!("cannot write {output}: it is the input");
        assert!(stderr.contains(&expected), "{stderr}");
    }
    let reserve = "collisions --reserve good.ko good.ko -- clang";
    assert_eq!(run(&files, reserve).0, Some(2));
    assert_eq!(
        ["vmlinux", "net-mod.ko", "a.symvers", "good.ko"].map(read),
        before
    );
    // A livepatch may be converted in its place.
    let in_place = "convert good.ko -o good.ko --vmlinux vmlinux";
    assert_eq!(run(&files, in_place).0, Some(0));
}

#[test]
fn stdin_is_a_file_and_lines_may_end_as_on_a_serial_line() {
    let files = files();
    let script =
        "printf '%s\\r\\n' 'ffffffff81000000 T _text' 'ffffffff81000600 T promoted.llvm.9a' |
        klp-gen resolve promoted --kallsyms -; klp-gen check - --vmlinux vmlinux < bad.ko;
        printf 'promoted\\r\\n\\r\\n' | klp-gen resolve --queries - --vmlinux vmlinux";
    let (status, text) = shell::run(&files, script);
    assert_eq!(status, Some(0), "{text}");
    let found = "promoted: ffffffff81000600 T promoted.llvm.9a (1 of 1)\n";
    assert!(text.starts_with(found) && text.ends_with(found), "{text}");
    assert!(text.contains("symbol 'nosuch' not found"), "{text}");
}
