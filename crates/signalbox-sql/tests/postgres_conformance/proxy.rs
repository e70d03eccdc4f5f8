//! A network between a store and its server, which can lose a connection at COMMIT, or keep a COMMIT back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use signalbox_sql::postgres::{Database, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::server::{Schema, server, with_parameter};

const COMMIT: &[u8] = b"COMMIT\0";

const WHOLE: u8 = 0;
const LOSE_COMMIT: u8 = 1;
const LOSE_ANSWER: u8 = 2;
const KEEP_BACK: u8 = 3;

/// What happens to the next COMMIT, once.
#[derive(Clone, Default)]
pub(crate) struct Network {
    next_commit: Arc<AtomicU8>,
    kept_back: Arc<Notify>,
    let_go: Arc<Notify>,
}

impl Network {
    /// A fresh schema, and a store that reaches it through a network.
    pub(crate) async fn before_a_schema() -> Option<(Schema, Self, Database)> {
        let schema = Schema::fresh().await?;
        let server = url::Url::parse(&server()?).expect("is a URL");
        let host = server.host_str().expect("names a host");
        let network = Network::default();
        let port = network.to(format!("{host}:{}", server.port().unwrap_or(5432))).await;
        let mut url = url::Url::parse(&schema.url()).expect("is a URL");
        url.set_host(Some("127.0.0.1")).expect("takes a host");
        url.set_port(Some(port)).expect("takes a port");
        // In clear text, so that the network sees a COMMIT.
        let url = with_parameter(url.as_str(), "sslmode", "disable");
        let options = schema.options();
        Some((schema, network, connect(&url, &options).await.expect("connects")))
    }

    /// It never arrives.
    pub(crate) fn lose_next_commit(&self) {
        self.next_commit.store(LOSE_COMMIT, Ordering::SeqCst);
    }

    /// It arrives and is done, but the answer is lost.
    pub(crate) fn lose_next_answer(&self) {
        self.next_commit.store(LOSE_ANSWER, Ordering::SeqCst);
    }

    /// Whether the loss that was asked for has happened.
    pub(crate) fn is_whole(&self) -> bool {
        self.next_commit.load(Ordering::SeqCst) == WHOLE
    }

    /// It waits until it is [`let_go`](Self::let_go).
    pub(crate) fn keep_next_commit_back(&self) {
        self.next_commit.store(KEEP_BACK, Ordering::SeqCst);
    }

    /// Waits until a COMMIT is kept back.
    pub(crate) async fn keeps_a_commit_back(&self) {
        self.kept_back.notified().await;
    }

    pub(crate) fn let_go(&self) {
        self.let_go.notify_one();
    }

    /// Begins to listen on a port of this computer, for `server` (host:port).
    async fn to(&self, server: String) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("is bound").port();
        let network = self.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("accepts");
                let server = TcpStream::connect(&server).await.expect("reaches the server");
                tokio::spawn(network.clone().carry(client, server));
            }
        });
        port
    }

    /// Carries bytes both ways until one side ends or a loss is due.
    async fn carry(self, mut client: TcpStream, mut server: TcpStream) {
        let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                read = client.read(&mut asked) => {
                    let Ok(length @ 1..) = read else { return };
                    let question = &asked[..length];
                    let loss = if question.ends_with(COMMIT) { self.next_commit.swap(WHOLE, Ordering::SeqCst) } else { WHOLE };
                    if loss == KEEP_BACK {
                        self.kept_back.notify_one();
                        self.let_go.notified().await;
                    }
                    if loss == LOSE_COMMIT || server.write_all(question).await.is_err() {
                        return;
                    }
                    if loss == LOSE_ANSWER {
                        // The answer shows that it is done; nobody gets to see it.
                        assert!(matches!(server.read(&mut answered).await, Ok(1..)), "the server answers");
                        return;
                    }
                }
                read = server.read(&mut answered) => {
                    let Ok(length @ 1..) = read else { return };
                    if client.write_all(&answered[..length]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
