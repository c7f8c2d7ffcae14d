//! Tags, branches and nonces: unguessable text from the system's generator.

use rsipstack::transaction::random_text;

/// Letters and digits, `count` of them.
pub(crate) fn text(count: usize) -> String {
    random_text(count)
}
