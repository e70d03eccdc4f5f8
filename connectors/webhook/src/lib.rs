//! Alerts as Standard Webhooks
