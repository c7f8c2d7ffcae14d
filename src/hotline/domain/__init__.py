"""The pure hotline: decisions without I/O, clock, dice or logging.

Law: an input comes in, facts and commands come out; state changes only in `apply(fact)`.
Time is an input: `at` is in microseconds on the journal's non-decreasing axis, `utc` in microseconds since 1970.
"""
