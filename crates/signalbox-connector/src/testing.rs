//! The suite every connector passes.
