//! One test binary, one module per feature.
