//! Whether what goes to the server can be read on the way.

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::connect::Place;
use super::migrate::OpenError;

/// How a URL reaches its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// A socket of this machine.
    Socket,
    /// Encrypted, to a server that proves to be the one that was meant.
    Verified,
    /// Neither the URL nor the environment (`PGSSLMODE`) says how: in clear where the server has no encryption.
    Unsaid { host: String },
    /// In clear, or to whoever answers.
    Open { host: String },
}

/// How `url` reaches its server.
///
/// # Errors
/// [`OpenError::Url`]
pub fn reach(url: &str) -> Result<Reach, OpenError> {
    let options = Place::parse(url)?.options;
    if options.get_socket().is_some() {
        return Ok(Reach::Socket);
    }
    let host = options.get_host().to_owned();
    Ok(match options.get_ssl_mode() {
        PgSslMode::VerifyFull => Reach::Verified,
        // With an authority that signs for everybody, any name would do.
        PgSslMode::VerifyCa if names(url, &["sslrootcert", "ssl-root-cert", "ssl-ca"]) => Reach::Verified,
        _ if is_unsaid(url) => Reach::Unsaid { host },
        _ => Reach::Open { host },
    })
}

/// The URL with `sslmode=verify-full`.
///
/// # Errors
/// [`OpenError::Url`]
pub fn verifying(url: &str) -> Result<String, OpenError> {
    let mut url = Url::parse(url).map_err(|error| OpenError::Url(error.to_string()))?;
    url.query_pairs_mut().append_pair("sslmode", "verify-full");
    Ok(url.into())
}

/// Neither in the URL nor where else the client library looks.
fn is_unsaid(url: &str) -> bool {
    let unsaid = PgConnectOptions::new_without_pgpass().get_ssl_mode() as u8 == PgSslMode::default() as u8;
    unsaid && !names(url, &["sslmode", "ssl-mode"])
}

fn names(url: &str, parameters: &[&str]) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    url.query_pairs().any(|(name, _)| parameters.contains(&&*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_reached_verified_or_said_not_to_be() {
        let host = || "db.example.org".to_owned();
        for (query, expected) in [
            ("", Reach::Unsaid { host: host() }),
            ("?sslmode=verify-full", Reach::Verified),
            ("?sslmode=verify-ca&sslrootcert=/etc/ca.pem", Reach::Verified),
            ("?sslmode=verify-ca", Reach::Open { host: host() }),
            ("?sslmode=require", Reach::Open { host: host() }),
            ("?sslmode=disable", Reach::Open { host: host() }),
            ("?host=/run/postgresql", Reach::Socket),
            ("?host=other.example.org", Reach::Unsaid { host: "other.example.org".to_owned() }),
        ] {
            let url = format!("postgres://hub:pw@db.example.org/hub{query}");
            assert_eq!(reach(&url).expect("is a URL"), expected, "{query}");
        }
    }

    #[test]
    fn what_is_unsaid_is_verified() {
        let url = verifying("postgres://hub:pw@db.example.org/hub?schema=oak").expect("is a URL");
        assert_eq!(reach(&url).expect("is a URL"), Reach::Verified);
        assert_eq!(Place::parse(&url).expect("is a URL").schema, "oak");
    }
}
