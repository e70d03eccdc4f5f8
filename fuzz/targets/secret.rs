//! `SECRET[env.NAME]` and `SECRET[file./path]`.

use std::path::Path;

use secrecy::ExposeSecret;
use serde_json::Value;
use signalbox_connector::Secret;

use signalbox_fuzz::Edited;

const SAMPLES: &[&str] = &[
    "SECRET[env.HOOK]",
    "SECRET[file./run/secrets/hook]",
    "SECRET[vault.hook]",
    "whsec_MDEyMzQ1Njc4OWFi",
    "",
];

#[test]
fn secret_reference() {
    bolero::check!().with_iterations(2_000).with_type::<Edited>().for_each(|input| {
        let bytes = input.bytes(SAMPLES);
        let Ok(text) = String::from_utf8(bytes) else { return };
        let is_reference = text.starts_with("SECRET[");
        match serde_json::from_value::<Secret>(Value::from(text.clone())) {
            Ok(secret) => {
                assert_eq!(secret.is_literal(), !is_reference);
                assert_eq!(format!("{secret:?}"), "Secret(…)");
                if secret.is_literal() {
                    let resolved = secret.resolve(Path::new(".")).expect("it stands there");
                    assert_eq!(resolved.expose_secret(), text);
                }
            }
            Err(error) => {
                assert!(is_reference, "a secret that stands in the file is taken as it is: {error}");
                // A secret that was pasted into the brackets is not shown either.
                assert!(
                    ["a secret reference ends with ]", "a secret is SECRET[env.NAME] or SECRET[file./path]"]
                        .contains(&error.to_string().as_str())
                );
            }
        }
    });
}
