// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The commands of bpf(2); see `union bpf_attr` in `include/uapi/linux/bpf.h`.

use std::{
    ffi::CStr,
    fmt,
    fs,
    io,
    mem::size_of,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd}, //
};

use anyhow::{
    Context,
    Result, //
};

/// Commands.
const PROG_LOAD: libc::c_long = 5;
const PROG_TEST_RUN: libc::c_long = 10;
const OBJ_GET_INFO_BY_FD: libc::c_long = 15;
const BTF_GET_FD_BY_ID: libc::c_long = 19;
const BTF_GET_NEXT_ID: libc::c_long = 23;
const LINK_CREATE: libc::c_long = 28;
const ENABLE_STATS: libc::c_long = 32;

/// Types of programs.
const TRACING: u32 = 26;
const SYSCALL: u32 = 31;

/// `BPF_TRACE_FENTRY`.
const TRACE_FENTRY: u32 = 24;
/// `BPF_F_SLEEPABLE`, which programs of the type [`SYSCALL`] have to have.
const SLEEPABLE: u32 = 1 << 4;

/// Bytes of the verifier's log.
const LOG: usize = 1 << 16;

/// A command that the kernel refused.
pub struct RefusedCommand {
    error: io::Error,
    log: String,
}

impl fmt::Display for RefusedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match self.log.trim_end() {
            "" => Ok(()),
            log => write!(f, "\n{log}"),
        }
    }
}

impl From<io::Error> for RefusedCommand {
    fn from(error: io::Error) -> Self {
        let log = String::new();
        Self { error, log }
    }
}

/// One instruction, `struct bpf_insn`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: u32,
}

impl Instruction {
    const fn new(code: u8, registers: u8, immediate: u32) -> Self {
        Self {
            code,
            registers,
            offset: 0,
            immediate,
        }
    }

    /// `r0 = 0`
    const CLEAR: Self = Self::new(0xb7, 0, 0);
    const EXIT: Self = Self::new(0x95, 0, 0);
}

/// The attributes that `BPF_PROG_LOAD` reads.
#[repr(C)]
#[derive(Default)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
    attach_btf_obj_fd: u32,
    reserved: u32,
}

/// The attributes that `BPF_PROG_TEST_RUN` reads and writes.
#[repr(C)]
#[derive(Default)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    rest: [u64; 8],
}

/// The attributes that `BPF_LINK_CREATE` reads.
#[repr(C)]
struct Link {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
}

/// The attributes that `BPF_BTF_GET_NEXT_ID` and `BPF_BTF_GET_FD_BY_ID` read and write.
#[repr(C)]
#[derive(Default)]
struct Id {
    start: u32,
    next: u32,
    flags: u32,
}

/// The attributes that `BPF_OBJ_GET_INFO_BY_FD` reads and writes.
#[repr(C)]
struct Info {
    fd: u32,
    len: u32,
    to: u64,
}

/// `struct bpf_btf_info`.
#[repr(C)]
#[derive(Default)]
struct BtfInfo {
    btf: u64,
    btf_size: u32,
    id: u32,
    name: u64,
    name_len: u32,
    kernel_btf: u32,
}

/// Calls bpf(2).
///
/// # Safety
///
/// `attributes` must be what the command reads and writes, and all addresses in it those of memory that the
/// command may read or write.
unsafe fn bpf<T>(command: libc::c_long, attributes: &mut T) -> io::Result<RawFd> {
    let attributes: *mut T = attributes;
    // SAFETY: By the safety requirements.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size_of::<T>()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    RawFd::try_from(result).map_err(io::Error::other)
}

/// Takes a file that a command has opened.
fn opened(fd: RawFd) -> OwnedFd {
    // SAFETY: The command has just opened it, and nobody else knows of it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// A file descriptor as bpf(2) has it; 0 is none.
fn number(fd: Option<&OwnedFd>) -> u32 {
    fd.map_or(0, |fd| fd.as_raw_fd().unsigned_abs())
}

/// The address of something that a command reads or writes.
fn address<T>(of: *const T) -> u64 {
    of as u64
}

/// Opens the BTF of a module.
pub fn btf_of(module: &str) -> Result<OwnedFd> {
    let mut id = Id::default();
    loop {
        // SAFETY: That is what this command reads and writes, without addresses.
        unsafe { bpf(BTF_GET_NEXT_ID, &mut id) }
            .with_context(|| format!("the kernel has no BTF of {module}"))?;
        id = Id {
            start: id.next,
            ..Id::default()
        };
        // SAFETY: Likewise.
        let Ok(fd) = (unsafe { bpf(BTF_GET_FD_BY_ID, &mut id) }) else {
            // It is gone since.
            continue;
        };
        let fd = opened(fd);
        let mut name = [0_u8; 64];
        let mut info = BtfInfo {
            name: address(name.as_mut_ptr()),
            name_len: 64,
            ..BtfInfo::default()
        };
        let mut about = Info {
            fd: number(Some(&fd)),
            len: u32::try_from(size_of::<BtfInfo>())?,
            to: address(&raw mut info),
        };
        // SAFETY: The addresses are those of `info` and `name`, with their sizes.
        unsafe { bpf(OBJ_GET_INFO_BY_FD, &mut about) }
            .context("cannot ask for the name of a BTF")?;
        let name = CStr::from_bytes_until_nul(&name)?;
        if info.kernel_btf != 0 && name.to_bytes() == module.as_bytes() {
            return Ok(fd);
        }
    }
}

/// Has the kernel count how often programs run, until the file is closed.
pub fn count_runs() -> Result<OwnedFd> {
    // BPF_STATS_RUN_TIME
    let mut kind = 0_u32;
    // SAFETY: That is what this command reads, without addresses.
    let fd = unsafe { bpf(ENABLE_STATS, &mut kind) }.context("cannot count runs of programs")?;
    Ok(opened(fd))
}

/// A program that was loaded.
pub struct LoadedProgram(OwnedFd);

impl LoadedProgram {
    /// Loads a program that does nothing at the entry of the function `id` of a BTF; none is that of vmlinux.
    pub fn fentry(btf: Option<&OwnedFd>, id: u32) -> Result<Self, RefusedCommand> {
        let load = Load {
            prog_type: TRACING,
            expected_attach_type: TRACE_FENTRY,
            attach_btf_id: id,
            attach_btf_obj_fd: number(btf),
            ..Load::default()
        };
        Self::load(load, &[Instruction::CLEAR, Instruction::EXIT])
    }

    /// Loads a program that returns the address of the function `id` of a BTF; none is that of vmlinux.
    pub fn ksym(btf: Option<&OwnedFd>, id: u32) -> Result<Self, RefusedCommand> {
        let load = Load {
            prog_type: SYSCALL,
            prog_flags: SLEEPABLE,
            ..Load::default()
        };
        // `r0 = id ll`, with BPF_PSEUDO_BTF_ID in the place of the source register.
        let instructions = [
            Instruction::new(0x18, 3 << 4, id),
            Instruction::new(0, 0, number(btf)),
            Instruction::EXIT,
        ];
        Self::load(load, &instructions)
    }

    fn load(mut load: Load, instructions: &[Instruction]) -> Result<Self, RefusedCommand> {
        let mut log = vec![0_u8; LOG];
        load.insn_cnt = u32::try_from(instructions.len()).map_err(io::Error::other)?;
        load.insns = address(instructions.as_ptr());
        load.license = address(c"GPL".as_ptr());
        load.log_level = 1;
        load.log_size = u32::try_from(LOG).map_err(io::Error::other)?;
        load.log_buf = address(log.as_mut_ptr());
        // SAFETY: The addresses are those of the instructions, of a C string, and of the log, with their sizes.
        match unsafe { bpf(PROG_LOAD, &mut load) } {
            Ok(fd) => Ok(Self(opened(fd))),
            Err(error) => {
                let log = log.split(|&b| b == 0).next().unwrap_or_default();
                let log = String::from_utf8_lossy(log).into_owned();
                Err(RefusedCommand { error, log })
            }
        }
    }

    /// Attaches it to what it was loaded for, until the link is closed.
    pub fn attach(&self) -> Result<OwnedFd, RefusedCommand> {
        let mut link = Link {
            prog_fd: number(Some(&self.0)),
            target_fd: 0,
            attach_type: TRACE_FENTRY,
            flags: 0,
        };
        // SAFETY: That is what this command reads, without addresses.
        Ok(opened(unsafe { bpf(LINK_CREATE, &mut link) }?))
    }

    /// Runs it and returns what it returns.
    pub fn run_once(&self) -> Result<u32, RefusedCommand> {
        let mut run = TestRun {
            prog_fd: number(Some(&self.0)),
            ..TestRun::default()
        };
        // SAFETY: That is what this command reads and writes; the addresses are null.
        unsafe { bpf(PROG_TEST_RUN, &mut run) }?;
        Ok(run.retval)
    }

    /// Returns how often it has run while runs were counted.
    pub fn runs(&self) -> Result<u64> {
        let path = format!("/proc/self/fdinfo/{}", self.0.as_raw_fd());
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let count = text.lines().find_map(|line| line.strip_prefix("run_cnt:"));
        let count = count.with_context(|| format!("{path} has no line run_cnt"))?;
        Ok(count.trim().parse()?)
    }
}
