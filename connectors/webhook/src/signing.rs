//! Signatures of Standard Webhooks 1.0.0, section "Signature scheme" (symmetric, `v1`).

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use signalbox_connector::Secret;
use signalbox_connector::secret::SecretError;
use signalbox_connector::words::plural;

/// "Between 24 bytes (192 bits) and 64 bytes (512 bits)".
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A signing key; `Debug` hides it.
#[derive(Debug)]
pub(crate) struct Key(SecretSlice<u8>);

/// Why there is no key. Never carries a part of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("{0}; set it where signalbox runs")]
    Missing(#[from] SecretError),
    #[error("the secret must be whsec_ and base64; one is made by: echo whsec_$(openssl rand -base64 32)")]
    Malformed,
    #[error(
        "the secret has {} instead of 24 to 64; one is made by: echo whsec_$(openssl rand -base64 32)",
        plural(*.0 as u64, "byte")
    )]
    Length(usize),
}

impl Key {
    /// Looks the secret up and decodes it.
    pub(crate) fn resolve(secret: &Secret, base: &Path) -> Result<Self, KeyError> {
        let text = secret.resolve(base)?;
        let encoded = text.expose_secret().strip_prefix("whsec_").ok_or(KeyError::Malformed)?;
        let key = SecretSlice::from(STANDARD.decode(encoded).map_err(|_| KeyError::Malformed)?);
        match key.expose_secret().len() {
            length if KEY_BYTES.contains(&length) => Ok(Self(key)),
            length => Err(KeyError::Length(length)),
        }
    }

    /// `v1,` and the HMAC-SHA256 of `{id}.{timestamp}.{body}` in base64.
    pub(crate) fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use signalbox_connector::serde::Deserialize;
    use signalbox_connector::serde::de::IntoDeserializer;
    use signalbox_connector::serde::de::value::{Error, StrDeserializer};

    use super::*;

    fn key(text: &str) -> Result<Key, KeyError> {
        let text: StrDeserializer<'_, Error> = text.into_deserializer();
        Key::resolve(&Secret::deserialize(text).unwrap(), Path::new(""))
    }

    /// The vector of the reference libraries (standard-webhooks, `test_sign`).
    #[test]
    fn signs_the_published_vector() {
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap().sign(
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            body,
        );
        assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn keys_are_24_to_64_bytes() {
        let of = |bytes: usize| key(&format!("whsec_{}", STANDARD.encode(vec![7; bytes])));
        assert!(of(24).is_ok() && of(64).is_ok());
        assert!(matches!(of(23), Err(KeyError::Length(23))));
        assert!(matches!(of(65), Err(KeyError::Length(65))));
        for text in
            ["C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_not base64", "whsk_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]
        {
            assert!(matches!(key(text), Err(KeyError::Malformed)), "{text}");
        }
    }
}
