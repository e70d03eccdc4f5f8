//! Samples with edits.

use bolero::{TypeGenerator, produce};

/// One of a target's samples, edited at a few places.
#[derive(Debug, Clone, TypeGenerator)]
pub struct Edited {
    pub sample: u8,
    #[generator(produce::<Vec<Edit>>().with().len(0_usize..5))]
    edits: Vec<Edit>,
}

/// Cuts some bytes out and puts others in.
#[derive(Debug, Clone, TypeGenerator)]
struct Edit {
    at: u16,
    #[generator(0_u8..24)]
    cut: u8,
    put: Put,
}

#[derive(Debug, Clone, TypeGenerator)]
enum Put {
    Nothing,
    /// In the place of one byte, whatever is to be cut: damage that moves nothing.
    Instead(u8),
    Word(u8),
    Bytes(#[generator(produce::<Vec<u8>>().with().len(0_usize..12))] Vec<u8>),
    /// Bytes of the sample again.
    Copy {
        from: u16,
        len: u8,
    },
    /// A word again and again.
    Many {
        word: u8,
        #[generator(0_u16..600)]
        times: u16,
    },
}

/// What parsers trip over.
const WORDS: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b",",
    b"\t",
    b";",
    b"\r",
    b"\n",
    b"\r\n",
    b"\n\0",
    b"\0",
    b" ",
    b"'",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\xFE\xFF",
    b"\xEF\xBF\xBD",
    b"\xE9",
    b"\x1B$B",
    b"\xF0\x9F\x98\x80",
    b"PK\x03\x04",
    b"NULL",
    b"null",
    b"8/31/2021",
    b"2021-08-31",
    b"9999-12-31",
    b"-0001-01-01",
    b"-1",
    b"1e999",
    b"18446744073709551615",
    b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
    b"{",
    b"}",
    b"[",
    b"]",
    b": ",
    b"- ",
    b"\n  ",
    b"#",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!binary ",
    b"|\n",
    b"---\n",
    b"%YAML 1.2\n",
    b"\\u0000",
    b"\\ud800",
    b"SECRET[",
    b"tobedeleted",
    b"delta",
];

impl Edited {
    /// The bytes; `samples` is not empty.
    pub fn bytes(&self, samples: &[impl AsRef<[u8]>]) -> Vec<u8> {
        let mut bytes = samples[usize::from(self.sample) % samples.len()].as_ref().to_vec();
        for edit in &self.edits {
            let at = usize::from(edit.at) % (bytes.len() + 1);
            let cut = if matches!(edit.put, Put::Instead(_)) { 1 } else { usize::from(edit.cut) };
            let end = (at + cut).min(bytes.len());
            let put = edit.put.bytes(&bytes);
            bytes.splice(at..end, put);
        }
        bytes
    }
}

impl Put {
    fn bytes(&self, sample: &[u8]) -> Vec<u8> {
        let word = |at: u8| WORDS[usize::from(at) % WORDS.len()];
        match self {
            Self::Nothing => Vec::new(),
            Self::Instead(byte) => vec![*byte],
            Self::Word(at) => word(*at).to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Copy { from, len } => {
                let rest = &sample[usize::from(*from) % (sample.len() + 1)..];
                rest[..usize::from(*len).min(rest.len())].to_vec()
            }
            Self::Many { word: at, times } => word(*at).repeat(usize::from(*times)),
        }
    }
}
