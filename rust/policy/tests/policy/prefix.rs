// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A prefix as bytes and as it is written into a buffer, for every walk that a query makes.

use crate::random;
use crate::table::Table;
use klp_policy::table::Visit;
use klp_policy::{
    resolve_in_index,
    NameIndex,
    Policy,
    Prefix,
    Query,
    Sympos, //
};
use proptest::prelude::*;

/// Looks at the prefixes that it is asked for, before it passes them on.
struct Checked(Table);

impl NameIndex for Checked {
    fn walk(&self, prefix: &Prefix<'_>, visit: &mut Visit<'_>) {
        let bytes: Vec<u8> = prefix.bytes().collect();
        let mut buf = vec![b'~'; bytes.len() + 1];
        assert_eq!(prefix.write_to(&mut buf), Some(bytes.len()));
        assert_eq!(buf[..bytes.len()], bytes);
        assert_eq!(buf[bytes.len()], b'~', "wrote too much");
        assert_eq!(
            prefix.write_to(&mut buf[..bytes.len()]),
            Some(bytes.len()),
            "a buffer that just fits"
        );
        if let Some(short) = bytes.len().checked_sub(1) {
            assert_eq!(prefix.write_to(&mut buf[..short]), None);
        }
        self.0.walk(prefix, visit);
    }
}

proptest! {
    #[test]
    fn is_written_as_its_bytes(table in random::table(), text in random::query()) {
        let table = Checked(table);
        for policy in Policy::ALL {
            let _ = resolve_in_index(&table, policy, &Query::new(&text), Sympos(1));
        }
    }
}
