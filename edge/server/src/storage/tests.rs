//! Storage: what is written comes back.
