//! A scheduler with Marathon's rules: which app has how many instances where, decided.
#![forbid(unsafe_code)]
