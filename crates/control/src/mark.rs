//! The high-water mark of commands: what has been executed is never executed again.

/// The last command that was executed, as `(seq, i)`; it only rises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub seq: u64,
    pub i: u32,
}

impl Mark {
    /// True for a command that was not seen before; it then is the mark. False for a duplicate.
    pub fn rise(&mut self, seq: u64, i: u32) -> bool {
        let next = Self { seq, i };
        let new = next > *self;
        if new {
            *self = next;
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn a_command_at_or_below_the_mark_is_a_duplicate() {
        let mut mark = Mark::default();
        assert!(mark.rise(7, 0));
        assert!(mark.rise(7, 1));
        assert!(!mark.rise(7, 1));
        assert!(!mark.rise(7, 0));
        assert!(!mark.rise(6, 9));
        assert!(mark.rise(9, 0));
        assert_eq!(mark, Mark { seq: 9, i: 0 });
    }
}
