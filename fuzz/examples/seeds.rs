// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Writes the first files of the corpora: `cargo run --package klp-fuzz --example seeds`.

use klp_fuzz::fixtures;
use std::fs;
use std::io;
use std::path::Path;

const NAMES: &[(&str, &[u8])] = &[
    ("plain", b"cmdline_proc_show"),
    ("promoted", b"init_once.llvm.14172910296636650566"),
    ("twice", b"foo.llvm.1.llvm.2.cold"),
    ("local", b"bpf_verifier_vlog._entry_ptr.32"),
    ("symbol", b".klp.sym.vmlinux.init_once.llvm.*,3"),
    ("section", b".klp.rela.net_mod.text.unlikely"),
    ("request", b"ext4:ext4_init_fs,1"),
];

const KALLSYMS: &[u8] = b"\
0000000000000000 A fixed_percpu
ffffffff81000000 T _stext
ffffffff81000000 t init_once
ffffffff81000100 t init_once.llvm.22
ffffffff81000200 t init_once
ffffffff81000300 t promoted.llvm.9a.cold
ffffffffc0000000 t handle\t[net_mod]
ffffffffc0000100 t setup\t[net_mod]
ffffffffc0010000 t other\t[other_mod]
ffffffffc0020000 T setup\t[other_mod]
ffffffffc0030000 T setup\t[net_mod]
ffffffffc0000200 t bpf_prog_6deef7357e7b4530\t[bpf]
";

const SYMVERS: &[u8] = b"\
0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t
0x12345678\tnet_export\tdrivers/net/net-mod\tEXPORT_SYMBOL_GPL\tNET
";

/// The edits change a byte, an entry or a string.
const EDITED: &[(&str, &[u8])] = &[
    ("livepatch", &[0]),
    ("converted", &[0, 0, 0, 0x40]),
    ("module", &[0, 0, 0, 0x80]),
    ("vmlinux", &[0, 0, 0, 0xc0]),
];

fn main() -> io::Result<()> {
    for (name, bytes) in NAMES {
        write("names", name, bytes)?;
    }
    for (name, bytes) in EDITED {
        write("edited", name, bytes)?;
    }
    write("kallsyms", "kernel", KALLSYMS)?;
    write("symvers", "build", SYMVERS)?;
    write("vmlinux", "vmlinux", &fixtures::vmlinux())?;
    write("module", "net-mod.ko", &fixtures::module())?;
    write("livepatch", "livepatch.ko", &fixtures::livepatch())?;
    write("livepatch", "converted.ko", &fixtures::converted())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let directory = corpora.join(target);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), bytes)
}
