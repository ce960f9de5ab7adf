// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One run of the test kernel in QEMU.
//!
//! The first serial port is the kernel's console, the second carries what the guest's programs
//! print, so that kernel messages never fall into the middle of a result.

mod console;
mod guest_output;

use crate::host::run;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The exit statuses of `timeout` where the limit was reached: by itself, or killed with the process it killed.
const TIMED_OUT: [Option<i32>; 2] = [Some(124), Some(137)];

/// The size in bytes from which on an image needs more memory than others.
const LARGE_IMAGE: u64 = 256 << 20;

/// The treatment of the guest's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// It is only logged.
    Quiet,
    /// It is logged, and copied to stdout as it comes.
    Stream,
    /// The terminal belongs to the guest.
    Terminal,
}

/// A kernel to boot, and how.
pub struct Vm {
    /// The kernel's build directory.
    pub build: PathBuf,
    /// The initramfs.
    pub image: PathBuf,
    /// True if the kernel may choose its own addresses.
    pub kaslr: bool,
    /// True if the guest's processors run at the same time; false if they take turns.
    ///
    /// At the same time they run stale code now and then: QEMU 7.2 executed an `int3` that the kernel's
    /// `text_poke_bp()` had already replaced, in 3 of 55 runs of livepatch's test-syscall.sh on a loaded
    /// host and in none of 72 with turns; the kernel calls it `Oops: int3`. So a test that patches code
    /// which the other processor runs needs turns, one that looks for races of our own does not want
    /// them.
    pub parallel: bool,
    /// True if the guest's clock counts its instructions, one a nanosecond: measured times then do not depend on
    /// what else this machine does. Only for processors that take turns.
    pub count_instructions: bool,
    /// More of the kernel's command line.
    pub append: String,
    /// The wall-clock limit; none for an interactive shell.
    pub timeout: Option<Duration>,
    /// The treatment of the guest's output.
    pub output: Output,
    /// The directory of the logs.
    pub logs: PathBuf,
}

/// The result of a run.
pub struct VmRun {
    /// The output of the guest's programs.
    pub output: String,
    /// The reason for which the run failed, if it did.
    pub failure: Option<String>,
    /// The kernel's log.
    pub console_log: PathBuf,
    /// The wall-clock time it took.
    pub elapsed: Duration,
}

impl VmRun {
    /// The one line that says how the run ended.
    pub fn verdict(&self) -> String {
        match &self.failure {
            None => "klp-sympos: verdict: pass".to_owned(),
            Some(reason) => format!("klp-sympos: verdict: fail: {reason}"),
        }
    }
}

impl Vm {
    /// A kernel that boots as most do: quietly, at any address, with processors that take turns, without a limit.
    pub fn new(build: &Path, logs: &Path) -> Self {
        Self {
            build: build.to_path_buf(),
            image: logs.join("initramfs.cpio"),
            kaslr: true,
            parallel: false,
            count_instructions: false,
            append: String::new(),
            timeout: None,
            output: Output::Quiet,
            logs: logs.to_path_buf(),
        }
    }

    /// Boots the kernel and waits for its end.
    ///
    /// # Errors
    ///
    /// Fails if QEMU cannot be run; a failure inside the guest is told by the report.
    pub fn run(&self) -> Result<VmRun> {
        let console_log = self.logs.join("console.log");
        let output_log = self.logs.join("output.log");
        fs::create_dir_all(&self.logs)?;
        let mut command = self.command(&console_log);
        // QEMU makes it too, but perhaps not if it fails.
        File::create(&console_log)?;
        let qemu_log = self.logs.join("qemu.log");
        if self.output == Output::Terminal {
            command.stdin(Stdio::inherit()).stdout(Stdio::inherit());
        } else {
            command.stdin(Stdio::null()).stdout(Stdio::piped());
        }
        run::announce(&command);
        let start = Instant::now();
        let mut child = command
            .stderr(File::create(&qemu_log)?)
            .spawn()
            .context("cannot run qemu-system-x86_64 (package qemu-system-x86)")?;
        let copier = child.stdout.take().map(|pipe| {
            let stream = self.output == Output::Stream;
            let log = output_log.clone();
            thread::spawn(move || copy_output(pipe, &log, stream))
        });
        let ended = child.wait()?;
        let joined = copier.map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("panic")))
        });
        joined
            .transpose()
            .context("cannot copy the guest's output")?;

        let elapsed = start.elapsed();
        let console = read_lossy(&console_log)?;
        let (output, status) = if self.output == Output::Terminal {
            (String::new(), Ok(()))
        } else {
            guest_output::split(&read_lossy(&output_log)?)
        };
        let failure = if let Some(marker) = console::first_failure(&console) {
            Some(marker)
        } else if self.timeout.is_some() && TIMED_OUT.contains(&ended.code()) {
            Some(format!("no end within {} s", elapsed.as_secs()))
        } else if !ended.success() {
            Some(format!(
                "QEMU ended with {ended}; it logs to {}",
                qemu_log.display()
            ))
        } else {
            status.err()
        };
        Ok(VmRun {
            output,
            failure,
            console_log,
            elapsed,
        })
    }

    /// Returns how much memory the guest has.
    ///
    /// The image is there twice while it is unpacked, and what is unpacked may take half of the memory.
    fn memory(&self) -> &'static str {
        match fs::metadata(&self.image) {
            Ok(image) if image.len() > LARGE_IMAGE => "2G",
            _ => "1G",
        }
    }

    fn command(&self, console_log: &Path) -> Command {
        // printk.time: KUnit and the selftests cut the time stamps off; for a reader they are useful.
        // On a busy host the timer is late, and the kernel would take it for broken.
        let mut cmdline =
            String::from("console=ttyS0 oops=panic panic=-1 printk.time=1 no_timer_check");
        if !self.kaslr {
            cmdline.push_str(" nokaslr");
        }
        if !self.append.is_empty() {
            cmdline.push(' ');
            cmdline.push_str(&self.append);
        }
        // stdio,signal=off hands Ctrl-C to the guest; for a shell Ctrl-A X ends QEMU.
        let guest_output = match self.output {
            Output::Terminal => "stdio,id=guest,signal=off,mux=on",
            Output::Quiet | Output::Stream => "stdio,id=guest",
        };
        let accelerator = if self.parallel {
            "tcg,thread=multi"
        } else {
            "tcg,thread=single"
        };
        let mut machine = vec!["-M", "q35", "-cpu", "max", "-smp", "2", "-m", self.memory()];
        if self.count_instructions {
            machine.extend(["-icount", "shift=0,sleep=off"]);
        }
        // A process of its own keeps the limit, also if this one is killed.
        let mut command = match self.timeout {
            Some(limit) => {
                let mut command = Command::new("timeout");
                command
                    .args(["--foreground", "--kill-after=5"])
                    .arg(limit.as_secs().to_string())
                    .arg("qemu-system-x86_64");
                command
            }
            None => Command::new("qemu-system-x86_64"),
        };
        command
            .args(machine)
            .args(["-accel", accelerator, "-display", "none", "-no-reboot"])
            .args(["-nodefaults", "-monitor", "none"])
            .arg("-serial")
            .arg(format!("file:{}", console_log.display()))
            .arg("-chardev")
            .arg(guest_output)
            .args(["-serial", "chardev:guest"])
            .arg("-kernel")
            .arg(self.build.join("arch/x86/boot/bzImage"))
            .arg("-initrd")
            .arg(&self.image)
            .arg("-append")
            .arg(cmdline);
        command
    }
}

fn copy_output(mut pipe: impl Read, log: &Path, stream: bool) -> io::Result<()> {
    let mut log = File::create(log)?;
    let mut buffer = [0; 4096];
    let mut filter = guest_output::Filter::default();
    loop {
        let length = pipe.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        log.write_all(&buffer[..length])?;
        if stream {
            let mut stdout = io::stdout().lock();
            stdout.write_all(filter.visible(&buffer[..length]))?;
            stdout.flush()?;
        }
    }
}

fn read_lossy(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
