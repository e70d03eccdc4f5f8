//! How to reach the brokers.

use std::path::PathBuf;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use secrecy::{ExposeSecret, SecretString};

/// How to reach the brokers and how long to wait for them.
#[derive(Debug, Clone)]
pub struct Config {
    /// Some of the cluster's brokers, `host:port`.
    pub brokers: Vec<String>,
    /// Encrypt, and believe only brokers with a certificate for their host name.
    pub tls: Option<Tls>,
    /// Who we are. Without TLS the password is not sent in clear either, but the records are.
    pub scram: Option<Scram>,
    /// The name in the brokers' logs, metrics and quotas.
    pub client_id: String,
    /// After this long without an answer a call fails with [`Unavailable`](signalbox_log::LogError::Unavailable).
    pub timeout: Duration,
    /// The shards of a member that died without a goodbye are shared out after this long. Brokers accept 6 s to
    /// 30 min (`group.min.session.timeout.ms`, `group.max.session.timeout.ms`).
    pub session_timeout: Duration,
    /// The name of this process as a member of groups (`group.instance.id`; letters, digits, `.`, `_`, `-`), no other's at
    /// the same time. A member of that name that comes back within the session timeout has its shards again at once,
    /// however the one before it ended; one that does not come back keeps them from the others for that long. `None`: a
    /// goodbye gives the shards to the others at once, and who died without one is waited for.
    pub instance: Option<String>,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// A file of authorities (PEM); `None`: the operating system's.
    pub ca: Option<PathBuf>,
}

/// A user known by SCRAM-SHA-512.
#[derive(Debug, Clone)]
pub struct Scram {
    pub user: String,
    pub password: SecretString,
}

impl Config {
    /// Unencrypted and without a user: 30 s for an answer, 10 s until a silent member is out.
    pub fn new(brokers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            brokers: brokers.into_iter().map(Into::into).collect(),
            tls: None,
            scram: None,
            client_id: "signalbox".to_owned(),
            timeout: Duration::from_secs(30),
            session_timeout: Duration::from_secs(10),
            instance: None,
        }
    }

    /// The brokers, as librdkafka takes them.
    pub(crate) fn bootstrap(&self) -> String {
        self.brokers.join(",")
    }

    /// The settings that every client has.
    pub(crate) fn client(&self) -> ClientConfig {
        // Before librdkafka begins OpenSSL: as this begins it, the process does not take it down when it exits.
        // Threads of clients that nobody waits for still encrypt then, and would crash.
        openssl_sys::init();
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", self.bootstrap())
            .set("client.id", &self.client_id)
            .set("security.protocol", self.protocol())
            .set("socket.keepalive.enable", "true")
            // The default of 10 s is a long time for people who wait for a broker to come back.
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(RDKafkaLogLevel::Warning);
        if let Some(ca) = self.tls.as_ref().and_then(|tls| tls.ca.as_ref()) {
            client.set("ssl.ca.location", ca.to_string_lossy());
        }
        if let Some(scram) = &self.scram {
            client
                .set("sasl.mechanism", "SCRAM-SHA-512")
                .set("sasl.username", &scram.user)
                .set("sasl.password", scram.password.expose_secret());
        }
        client
    }

    /// The settings of a client that reads. Where to begin is always said: there is nothing to fall back to.
    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut consumer = self.client();
        consumer
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false");
        consumer
    }

    fn protocol(&self) -> &'static str {
        match (&self.tls, &self.scram) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let scram = Scram { user: "hub".to_owned(), password: "s3cret".to_owned().into() };
        let config = Config { scram: Some(scram), ..Config::new(["127.0.0.1:9092"]) };
        let shown = format!("{config:?} {:?}", config.client());
        assert!(shown.contains("hub") && !shown.contains("s3cret"), "{shown}");
        assert_eq!(config.client().get("sasl.password"), Some("s3cret"));
    }

    #[test]
    fn the_protocol_follows_from_what_is_given() {
        let scram = || Some(Scram { user: "hub".to_owned(), password: "s3cret".to_owned().into() });
        let protocol = |tls, scram| Config { tls, scram, ..Config::new(["b:9092"]) }.protocol();
        assert_eq!(protocol(None, None), "plaintext");
        assert_eq!(protocol(Some(Tls::default()), None), "ssl");
        assert_eq!(protocol(None, scram()), "sasl_plaintext");
        assert_eq!(protocol(Some(Tls::default()), scram()), "sasl_ssl");
    }
}
