//! The HTTP client of connectors: what may be reached, how long it may take, and what an answer means.
//!
//! A configured URL is not trusted to stay outside: names that resolve to private addresses and private addresses
//! written into a URL are refused unless the configuration says `allow_private`. Redirects are never followed, as
//! they could lead back inside, and proxies of the environment are not used, as they would resolve names unguarded.
//!
//! Errors name the host, never the URL: a path or query may carry a token.
//!
//! # Layout
//! - this file: [`client`], [`Client`], [`HttpError`]
//! - `guard`: which addresses are public; `answer`: which [`ErrorKind`] a status means
//!
//! Sources: Standard Webhooks 1.0.0 (answers, Retry-After, server-side request forgery), RFC 9110 section 10.2.3.

use std::error::Error as StdError;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Body, Method, Request, Response, StatusCode, Url};

use crate::{DeliverError, ErrorKind};

mod answer;
mod guard;
#[cfg(test)]
mod tests;

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// For the whole exchange, connecting included.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    /// Whether addresses inside the district's own network may be used, and plain `http` to those.
    pub allow_private: bool,
}

impl Default for Options {
    /// 15 s, the lower end of what Standard Webhooks asks for, 5 s of them to connect; nothing private.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            allow_private: false,
        }
    }
}

/// Whether a request to `url` would be refused whatever its host resolves to: in clear, or to an address that stands in it.
///
/// # Errors
/// Why, and what to do, in words that name the host only.
pub fn check_url(url: &Url, allow_private: bool) -> Result<(), String> {
    guard::check_url(url, allow_private).map_err(|refused| refused.to_string())
}

/// A client that keeps to `options`. Opens nothing until the first request.
pub fn client(options: Options) -> Client {
    Client { options, plain: OnceLock::new(), tls: OnceLock::new() }
}

/// Makes ring the process's TLS provider. Called once in main; calling it again changes nothing.
pub fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An Err is another thread that was faster; a provider is installed either way.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
}

/// An HTTP client that reaches only what its [`Options`] allow. Keep one per destination: it pools connections.
#[derive(Debug)]
pub struct Client {
    options: Options,
    /// Apart, so that a machine without root certificates can still use `http` inside its own network.
    plain: OnceLock<reqwest::Client>,
    tls: OnceLock<reqwest::Client>,
}

impl Client {
    /// Sends `request` and judges the answer: `Ok` is a 2xx. `now` turns the date of a Retry-After into seconds.
    pub async fn send(&self, request: Request, now: Timestamp) -> Result<Response, HttpError> {
        let host = request.url().host_str().unwrap_or("the receiver").to_owned();
        guard::check_url(request.url(), self.options.allow_private)
            .map_err(|refused| HttpError::new(ErrorKind::NotSent, refused.to_string(), None))?;
        let client = self.for_scheme(request.url().scheme()).map_err(|error| self.failed(&host, error))?;
        let response = client.execute(request).await.map_err(|error| self.failed(&host, error))?;
        answer::judge(&host, response.status(), response.headers(), now)?;
        Ok(response)
    }

    fn for_scheme(&self, scheme: &str) -> reqwest::Result<&reqwest::Client> {
        let (cell, builder) = match scheme {
            "https" => (&self.tls, self.builder(scheme)),
            _ => (&self.plain, self.builder(scheme).tls_certs_only([])),
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let built = builder.build()?;
        Ok(cell.get_or_init(|| built))
    }

    fn builder(&self, scheme: &str) -> reqwest::ClientBuilder {
        install_tls();
        reqwest::Client::builder()
            .user_agent(concat!("signalbox/", env!("CARGO_PKG_VERSION")))
            .timeout(self.options.timeout)
            .connect_timeout(self.options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(guard::Resolver { allowed: guard::allowed(scheme, self.options.allow_private) })
    }

    /// No answer came. A person's mistake is retried as well: what waits is sent once it is mended.
    fn failed(&self, host: &str, error: reqwest::Error) -> HttpError {
        let message = if let Some(refused) = refusal(&error) {
            refused.to_string()
        } else if error.is_timeout() {
            format!("{host} did not answer within {:?}", self.options.timeout)
        } else if error.is_connect() {
            format!("{host} cannot be reached")
        } else if error.is_builder() {
            format!("the HTTP client for {host} cannot be set up: are root certificates installed here?")
        } else {
            format!("{host} broke the exchange off")
        };
        let kind = match refusal(&error) {
            Some(_) => ErrorKind::NotSent,
            None if error.is_connect() => ErrorKind::Unreached,
            None => ErrorKind::Transient,
        };
        HttpError::new(kind, message, Some(Box::new(error.without_url())))
    }
}

fn refusal(error: &reqwest::Error) -> Option<&guard::Refused> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    pub kind: ErrorKind,
    /// One sentence that names the host only.
    pub message: String,
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl HttpError {
    fn new(kind: ErrorKind, message: String, source: Option<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, message, source }
    }
}

impl From<HttpError> for DeliverError {
    fn from(error: HttpError) -> Self {
        Self { kind: error.kind, message: error.message, source: error.source }
    }
}
