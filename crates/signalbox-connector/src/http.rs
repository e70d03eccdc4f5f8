//! The HTTP client of connectors. Filled by the webhook connector's needs.
