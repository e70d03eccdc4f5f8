//! Words that a column holds.

/// An enum of words: those that a code may be mapped to, then those that the hub has beside them.
macro_rules! words {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$word_doc:meta])* $word:ident = $text:literal,)*
        }
        $(beside { $($(#[$beside_doc:meta])* $beside:ident = $beside_text:literal,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] $word,)*
            $($($(#[$beside_doc])* #[serde(rename = $beside_text)] $beside,)*)?
        }

        impl $name {
            /// Those that a code may be mapped to.
            pub const MAPPABLE: &'static [Self] = &[$(Self::$word,)*];

            /// The words of [`MAPPABLE`](Self::MAPPABLE), in their order.
            pub const WORDS: &'static [&'static str] = &[$($text,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                    $($(Self::$beside => $beside_text,)*)?
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
