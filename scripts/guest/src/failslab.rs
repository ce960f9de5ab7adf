// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Fails each allocation in turn while the module loads and while it answers.

use std::{
    ffi::CStr,
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::PathBuf, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};
use rustix::system::{
    delete_module,
    finit_module, //
};

use crate::query::QueryFile;

/// More allocations than anything here makes; a guard against running for ever.
const MOST: u32 = 10_000;

/// Fail the first allocation, then the second, and so on, until none is left to fail.
#[derive(clap::Args)]
pub struct Args {
    /// The file of the module `klp_sympos`.
    module: PathBuf,
    /// A question whose answer takes memory; it is asked with the module loaded.
    #[arg(long)]
    question: String,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<bool> {
    let mut fault = Fault::new()?;
    let module = File::open(&args.module)
        .with_context(|| format!("cannot open {}", args.module.display()))?;

    let mut refused = 0;
    let loads = fault.each(|armed| {
        let loaded = armed.run(|| finit_module(&module, c"", 0))?;
        if loaded.is_some() {
            delete_module(MODULE, 0).context("the module does not unload")?;
        }
        refused += u32::from(loaded.is_none());
        Ok(())
    })?;
    println!("loading: {loads} allocations failed in turn, {refused} of them refused the module");

    finit_module(&module, c"", 0).context("the module does not load without faults")?;
    let expected = QueryFile::open()?.ask(&args.question)?;
    let mut failed = 0;
    let asks = fault.each(|armed| {
        match armed.run(|| QueryFile::open()?.ask(&args.question))? {
            Some(answer) => ensure!(answer == expected, "a wrong answer: {answer:?}"),
            None => failed += 1,
        }
        Ok(())
    })?;
    println!("asking: {asks} allocations failed in turn, {failed} of them the question");
    ensure!(refused > 0 && failed > 0, "no fault had an effect");
    ensure!(QueryFile::open()?.ask(&args.question)? == expected);
    delete_module(MODULE, 0).context("the module does not unload")?;
    Ok(true)
}

const MODULE: &CStr = c"klp_sympos";

/// `fail-nth` of this thread: see `Documentation/fault-injection/fault-injection.rst`.
struct Fault(File);

impl Fault {
    fn new() -> Result<Self> {
        let path = "/proc/thread-self/fail-nth";
        let file = OpenOptions::new().read(true).write(true).open(path);
        Ok(Self(file.with_context(|| format!("cannot open {path}"))?))
    }

    /// Calls `attempt` with the first, the second, … allocation to fail, until none was there to fail;
    /// returns how many failed.
    fn each(&mut self, mut attempt: impl FnMut(&mut Armed<'_>) -> Result<()>) -> Result<u32> {
        for nth in 1..=MOST {
            let mut armed = Armed {
                file: &self.0,
                nth,
                injected: false,
            };
            attempt(&mut armed).with_context(|| format!("with allocation {nth} failing"))?;
            if !armed.injected {
                return Ok(nth - 1);
            }
        }
        anyhow::bail!("still allocating after {MOST} allocations")
    }
}

struct Armed<'f> {
    file: &'f File,
    nth: u32,
    injected: bool,
}

impl Armed<'_> {
    /// Runs `attempt` with the fault armed for it alone, and returns its result; none if the fault made it fail.
    ///
    /// # Errors
    ///
    /// Fails if `attempt` fails without a fault.
    fn run<T, E: Into<anyhow::Error>>(
        &mut self,
        attempt: impl FnOnce() -> std::result::Result<T, E>,
    ) -> Result<Option<T>> {
        self.file.write_at(self.nth.to_string().as_bytes(), 0)?;
        let result = attempt().map_err(Into::into);
        let mut left = [0; 16];
        let length = self.file.read_at(&mut left, 0)?;
        self.file.write_at(b"0", 0)?;
        self.injected = left[..length].trim_ascii() == b"0";
        match result {
            Err(error) if !self.injected => Err(error.context("failed without a fault")),
            result => Ok(result.ok()),
        }
    }
}
