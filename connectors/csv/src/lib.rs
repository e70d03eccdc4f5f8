//! CSV files with mapped columns
