//! A network between a store and its server, which can lose a connection at COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const COMMIT: &[u8] = b"COMMIT\0";

const WHOLE: u8 = 0;
const LOSE_COMMIT: u8 = 1;
const LOSE_ANSWER: u8 = 2;

/// What happens to the next COMMIT, once.
#[derive(Clone, Default)]
pub(crate) struct Network(Arc<AtomicU8>);

impl Network {
    /// It never arrives.
    pub(crate) fn lose_next_commit(&self) {
        self.0.store(LOSE_COMMIT, Ordering::SeqCst);
    }

    /// It arrives and is done, but the answer is lost.
    pub(crate) fn lose_next_answer(&self) {
        self.0.store(LOSE_ANSWER, Ordering::SeqCst);
    }

    /// Whether the loss that was asked for has happened.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.load(Ordering::SeqCst) == WHOLE
    }

    /// Begins to listen on a port of this computer, for `server` (host:port).
    pub(crate) async fn to(&self, server: String) -> u16 {
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
                    let loss = if question.ends_with(COMMIT) { self.0.swap(WHOLE, Ordering::SeqCst) } else { WHOLE };
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
