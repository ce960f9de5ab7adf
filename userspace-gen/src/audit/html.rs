// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One page that needs no network: bars that compare, and lists that can be searched.

/// The page; what it shows comes in the place of [`DATA`].
const PAGE: &str = include_str!("page.html");
const DATA: &str = "{/* data */}";

/// The page that shows `json`, what `--format json` prints.
#[must_use]
pub fn page(json: &str) -> String {
    // Within <script> only `</script>` and `<!--` mean something.
    PAGE.replacen(DATA, &json.replace('<', "\\u003c"), 1)
}
