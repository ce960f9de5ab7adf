// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Runs all targets with the committed corpora, without a fuzzer.

use klp_fuzz::targets::ALL;
use std::fs;
use std::path::Path;

#[test]
fn every_file_of_the_corpora_is_taken() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, run) in ALL {
        let files = fs::read_dir(corpora.join(target)).expect(target);
        let mut count = 0;
        for file in files {
            let path = file.unwrap().path();
            eprintln!("{}", path.display());
            run(&fs::read(path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{target}: an empty corpus");
    }
    assert_eq!(fs::read_dir(&corpora).unwrap().count(), ALL.len());
}
