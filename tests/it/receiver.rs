//! A webhook receiver: records every request, verifies its signature, answers as scripted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// 32 bytes in base64, as Standard Webhooks writes a symmetric secret.
pub(crate) const HOOK_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// The status it was answered with; `None`: the connection was closed instead.
    pub(crate) answered: Option<u16>,
}

impl Delivery {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers))
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// E.g. `risk.flag.raised`.
    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// Whether one of the signatures is right for [`HOOK_SECRET`].
    pub(crate) fn is_signed(&self) -> bool {
        let key = STANDARD.decode(HOOK_SECRET.trim_start_matches("whsec_")).expect("our own secret");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(format!("{}.{}.", self.id(), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// How to answer one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Status(u16),
    /// Close the connection without a word.
    HangUp,
    /// Say nothing for longer than anybody waits in a test.
    Silence,
}

#[derive(Debug, Default)]
struct Script {
    deliveries: Vec<Delivery>,
    /// Answers to come; 204 when empty.
    answers: VecDeque<Answer>,
}

#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    port: u16,
    script: Arc<Mutex<Script>>,
}

impl Receiver {
    /// Listens on a free port of the loopback until the test process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let script = Arc::new(Mutex::new(Script::default()));
        let receiver = Self { port, script: Arc::clone(&script) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&script);
                std::thread::spawn(move || serve(&stream, &script));
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Answers the next requests so, in this order; later ones with 204.
    pub(crate) fn answer_next(&self, answers: &[Answer]) {
        self.script.lock().expect("no thread panics with it").answers.extend(answers);
    }

    /// Every request so far.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.script.lock().expect("no thread panics with it").deliveries.clone()
    }

    /// The types of the requests so far, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.deliveries().iter().map(Delivery::kind).collect()
    }

    /// The distinct `webhook-id`s so far.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.deliveries().iter().map(|delivery| delivery.id().to_owned()).collect()
    }
}

/// One connection: requests until the peer closes or a hang-up is due.
fn serve(stream: &TcpStream, script: &Mutex<Script>) {
    let mut reader = BufReader::new(stream);
    while let Some((headers, body)) = read_request(&mut reader) {
        let mut script = script.lock().expect("no thread panics with it");
        let answer = script.answers.pop_front().unwrap_or(Answer::Status(204));
        let answered = match answer {
            Answer::Status(status) => Some(status),
            Answer::HangUp | Answer::Silence => None,
        };
        script.deliveries.push(Delivery { headers, body, answered });
        drop(script);
        if matches!(answer, Answer::Silence) {
            std::thread::sleep(Duration::from_secs(5));
        }
        let Some(status) = answered else { return };
        if write!(&mut &*stream, "HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(BTreeMap<String, String>, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut headers = BTreeMap::from([(":method".to_owned(), line.split(' ').next()?.to_owned())]);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").map_or(0, |n| n.parse().expect("a number"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((headers, body))
}
