// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An HTML page that needs no network, with bars that compare kernels, and searchable lists.

/// The page, without its data, which replaces [`DATA`].
const PAGE: &str = include_str!("page.html");
const DATA: &str = "{/* data */}";

/// Returns the page that shows `json`, the output of `--format json`.
#[must_use]
pub fn page(json: &str) -> String {
    // Within <script>, only `</script>` and `<!--` have a meaning.
    PAGE.replacen(DATA, &json.replace('<', "\\u003c"), 1)
}
