// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs that answer questions.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

#![cfg(CONFIG_DEBUG_FS)]

use crate::{
    bindings,
    error::from_err_ptr,
    ffi::{
        c_char,
        c_int,
        c_void, //
    },
    new_mutex,
    prelude::*,
    sync::Mutex,
    types::ForeignOwnable, //
};
use core::{
    ffi::CStr,
    marker::PhantomData,
    mem::MaybeUninit,
    ptr, //
};

/// A directory at the top of debugfs, removed with all that is in it when it is dropped.
///
/// As is usual for debugfs, nothing fails if it cannot be made: then there are no files either. A
/// directory that is forgotten stays, which harms nobody as long as nothing is in it.
///
/// # Invariants
///
/// The pointer is a directory that debugfs made, or `None`.
pub struct Dir(Option<ptr::NonNull<bindings::dentry>>);

// SAFETY: debugfs may be changed from any thread.
unsafe impl Send for Dir {}

// SAFETY: debugfs may be changed from several threads at once.
unsafe impl Sync for Dir {}

impl Dir {
    /// Makes the directory `name`.
    pub fn new(name: &CStr) -> Self {
        // SAFETY: `name` is a C string; a null parent is the top of debugfs.
        let dir = unsafe { bindings::debugfs_create_dir(name.as_ptr().cast(), ptr::null_mut()) };
        // INVARIANT: It was just made, unless that failed.
        Self(from_err_ptr(dir).ok().and_then(ptr::NonNull::new))
    }

    /// Makes the file `name`, with permissions `mode`.
    ///
    /// # Safety
    ///
    /// The directory must be dropped before the memory of the module that has `operations` is
    /// freed; it must not be forgotten.
    pub unsafe fn file<T: Answer>(
        &self,
        name: &CStr,
        mode: u16,
        operations: &'static FileOperations<T>,
    ) {
        let Some(dir) = self.0 else {
            return;
        };
        // SAFETY: `name` is a C string, and `dir` a directory of debugfs by the type invariant. By
        // the safety requirements the file is removed, by `drop()`, while `operations` is there;
        // and by those of `FileOperations::new()` an open file keeps the module that has them. The
        // file needs no data.
        unsafe {
            bindings::debugfs_create_file(
                name.as_ptr().cast(),
                mode,
                dir.as_ptr(),
                ptr::null_mut(),
                &operations.0,
            )
        };
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if let Some(dir) = self.0 {
            // SAFETY: `dir` is a directory of debugfs by the type invariant. Removing waits for
            // reads and writes that are under way; a file that is still open keeps its module.
            unsafe { bindings::debugfs_remove(dir.as_ptr()) };
        }
    }
}

/// What the reader of a file may see.
#[derive(Clone, Copy)]
pub struct Reader {
    /// Whether `/proc/kallsyms` would show addresses to whoever opened the file.
    pub sees_addresses: bool,
}

/// A file that is asked by writing to it, and read for the answer through the same open file.
pub trait Answer: 'static {
    /// Bytes that a question may have; 0 for a file that takes none.
    const MAX_QUESTION: usize;

    /// Answers `question`, or says what the file is for if nothing was written to it.
    ///
    /// # Errors
    ///
    /// The write, or the read of a file that was not written to, fails with what this returns.
    fn answer(question: Option<&[u8]>, reader: Reader) -> Result<KVVec<u8>>;
}

/// One open file: the answer to the last question.
#[pin_data]
struct Session {
    #[pin]
    answer: Mutex<Option<KVVec<u8>>>,
}

/// The operations of a file that answers as `T` does.
pub struct FileOperations<T>(bindings::file_operations, PhantomData<T>);

// SAFETY: The operations are never changed.
unsafe impl<T> Sync for FileOperations<T> {}

impl<T: Answer> FileOperations<T> {
    /// Returns the operations of files that keep `module` loaded while they are open.
    ///
    /// # Safety
    ///
    /// `module` must be the module that has the code of `T`, and the operations.
    pub const unsafe fn new(module: &ThisModule) -> Self {
        // SAFETY: All operations are optional: a null pointer, like every other field's zero, means
        // that there is none.
        let mut operations: bindings::file_operations =
            unsafe { MaybeUninit::zeroed().assume_init() };
        operations.owner = module.as_ptr();
        operations.open = Some(Self::open);
        operations.read = Some(Self::read);
        operations.write = Some(Self::write);
        operations.release = Some(Self::release);
        Self(operations, PhantomData)
    }

    /// # Safety
    ///
    /// `file` must be a file that is being opened, and used by nobody else before it is open.
    unsafe extern "C" fn open(_: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        let session = KBox::pin_init(
            pin_init!(Session {
                answer <- new_mutex!(None),
            }),
            GFP_KERNEL,
        );
        match session {
            Ok(session) => {
                // SAFETY: By the safety requirements.
                unsafe { (*file).private_data = session.into_foreign() as *mut c_void };
                0
            }
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// `file` must have been opened by [`Self::open()`], and not be used after this.
    unsafe extern "C" fn release(_: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the safety requirements `open()` stored a session here, which nobody borrows.
        drop(unsafe { Pin::<KBox<Session>>::from_foreign((*file).private_data) });
        0
    }

    /// # Safety
    ///
    /// `file` was opened by [`Self::open()`] and stays open for `'a`.
    unsafe fn opened<'a>(file: *mut bindings::file) -> (Pin<&'a Session>, Reader) {
        // SAFETY: By the requirement `open()` stored a session, and `release()` did not run yet.
        let session = unsafe { Pin::<KBox<Session>>::borrow((*file).private_data) };
        // SAFETY: The credentials of an open file stay as long as the file.
        let sees_addresses = unsafe { bindings::kallsyms_show_value((*file).f_cred) };
        (session, Reader { sees_addresses })
    }

    /// # Safety
    ///
    /// `file` must have been opened by [`Self::open()`] and stay open during the call, `pos` must
    /// be valid for reads and writes.
    unsafe extern "C" fn read(
        file: *mut bindings::file,
        to: *mut c_char,
        count: usize,
        pos: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: By the safety requirements.
        let (session, reader) = unsafe { Self::opened(file) };
        let mut answer = session.answer.lock();
        let answer = match &*answer {
            Some(answer) => answer,
            None => match T::answer(None, reader) {
                Ok(text) => answer.insert(text),
                Err(error) => return error.to_errno() as isize,
            },
        };
        // SAFETY: `simple_read_from_buffer()` checks the buffer of userspace itself; `pos` is valid
        // by the safety requirements, and `answer` has `len()` bytes.
        unsafe {
            bindings::simple_read_from_buffer(
                to.cast(),
                count,
                pos,
                answer.as_ptr().cast::<c_void>(),
                answer.len(),
            )
        }
    }

    /// # Safety
    ///
    /// As for [`Self::read()`].
    unsafe extern "C" fn write(
        file: *mut bindings::file,
        from: *const c_char,
        count: usize,
        pos: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: By the safety requirements.
        let (session, reader) = unsafe { Self::opened(file) };
        match Self::ask(&session, reader, from, count) {
            Ok(()) => {
                // The answer is read from its start.
                // SAFETY: By the safety requirements.
                unsafe { *pos = 0 };
                count as isize
            }
            Err(error) => error.to_errno() as isize,
        }
    }

    fn ask(session: &Session, reader: Reader, from: *const c_char, count: usize) -> Result {
        if count > T::MAX_QUESTION {
            return Err(EINVAL);
        }
        let mut question = KVec::from_elem(0u8, count, GFP_KERNEL)?;
        let mut at = 0;
        // SAFETY: `simple_write_to_buffer()` checks the buffer of userspace itself; `at` is valid,
        // and `question` has `count` bytes.
        let copied = unsafe {
            bindings::simple_write_to_buffer(
                question.as_mut_ptr().cast(),
                count,
                &mut at,
                from.cast(),
                count,
            )
        };
        if copied != count as isize {
            return Err(EFAULT);
        }
        let question = question.strip_suffix(b"\n").unwrap_or(&question);
        let answer = T::answer(Some(question), reader)?;
        *session.answer.lock() = Some(answer);
        Ok(())
    }
}
